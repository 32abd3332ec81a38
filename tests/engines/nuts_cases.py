"""Problems that the tests of NUTS share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayescompare import datasets
from bayescompare.data import read_data
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from bayescompare.priors import Flat, HalfNormal, Prior


def simulated(seed: int, *, groups: int = 20, rows: int = 6, formula: str = "y ~ 1 + x + (1 + x | g)") -> Problem:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    x = rng.normal(size=groups * rows)
    b = rng.normal(size=(groups, 2)) @ np.linalg.cholesky([[1.0, 0.42], [0.42, 0.49]]).T
    y = 2 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=len(g))
    return build_problem(Model(formula), read_data(pd.DataFrame({"y": y, "x": x, "g": [f"g{j}" for j in g]})))


def dyestuff(**priors: Prior) -> Problem:
    chosen = {"beta": Flat(), "sd_batch": HalfNormal(50), "sigma": HalfNormal(50)} | priors
    return build_problem(Model("yield ~ 1 + (1 | batch)", priors=chosen), datasets.load("dyestuff"))


def sleepstudy(formula: str = "reaction ~ 1 + days + (1 + days | subject)") -> Problem:
    return build_problem(Model(formula), datasets.load("sleepstudy"))


def seed(*path: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(20240607, spawn_key=path)
