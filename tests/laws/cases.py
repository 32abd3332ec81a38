"""The declared table of models, data and priors over which the laws are tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayescompare.data import Dataset
from bayescompare.likelihood import dense
from bayescompare.likelihood.coordinates import correlations
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model

Array = npt.NDArray[np.float64]

_EVEN = (4,) * 9
_UNEVEN = (7, 1, 3, 12, 2, 5, 1, 6)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model on simulated rows.

    Parameters
    ----------
    sizes
        Rows of each group; rows of the groups are interleaved in the data.
    offset
        Added to the response.
    place, unit
        Of the predictor ``x``: ``place + unit * N(0, 1)``.
    """

    formula: str
    sizes: tuple[int, ...] = _EVEN
    offset: float = 0.0
    place: float = 0.0
    unit: float = 1.0
    other_unit: float = 1.0
    seed: int = 7

    def frame(self) -> pd.DataFrame:
        """Return the data: the response has group effects and slopes."""
        rng = np.random.default_rng(self.seed)
        groups = rng.permutation(np.repeat(np.arange(len(self.sizes)), self.sizes))
        n = len(groups)
        standard = rng.normal(size=(n, 3))
        effects = rng.normal(size=(len(self.sizes), 2))
        slopes = 0.5 + 0.6 * effects[groups, 1]
        y = slopes * standard[:, 0] + effects[groups, 0] + 0.8 * rng.normal(size=n)
        return pd.DataFrame(
            {
                "y": y + self.offset,
                "x": self.place + self.unit * standard[:, 0],
                "z": self.other_unit * standard[:, 1],
                "w": standard[:, 2],
                "g": [f"s{k:02d}" for k in groups],
            }
        )

    def problem(self, priors: Mapping[str, str] | None = None, frame: pd.DataFrame | None = None) -> Problem:
        """Return the problem, on the case's own rows unless others are given."""
        model = Model(self.formula, priors=dict(priors or {}))
        return build_problem(model, Dataset(frame=self.frame() if frame is None else frame, name="case"))


CASES: Mapping[str, Case] = {
    "intercept": Case(formula="y ~ 1 + (1 | g)"),
    "intercept, predictor": Case(formula="y ~ x + (1 | g)"),
    "slopes": Case(formula="y ~ x + (1 + x | g)"),
    "slopes, not in the mean": Case(formula="y ~ 1 + (1 + x | g)"),
    "uncorrelated": Case(formula="y ~ x + (1 + x || g)"),
    "slope alone": Case(formula="y ~ x + (0 + x | g)"),
    "no fixed effects": Case(formula="y ~ 0 + (1 + x | g)"),
    "three effects and one": Case(formula="y ~ x + z + (1 + x + z | g) + (0 + w | g)", sizes=(6,) * 10),
    "one effect and three": Case(formula="y ~ x + (0 + w | g) + (1 + x + z | g)", sizes=(6,) * 10),
    "four effects": Case(formula="y ~ x + (1 + x + z + w | g)", sizes=(8,) * 9),
    "unbalanced": Case(formula="y ~ x + (1 | g)", sizes=_UNEVEN),
    "fewer rows than effects": Case(formula="y ~ x + (1 + x + z | g)", sizes=_UNEVEN),
    "no grouping factor": Case(formula="y ~ x + z"),
    "offset 1e6": Case(formula="y ~ x + (1 + x | g)", offset=1e6),
    "offset 1e6, no fixed effects": Case(formula="y ~ 0 + x + (1 + x | g)", offset=1e6),
    "year": Case(formula="y ~ x + (1 | g)", place=2000.0, unit=5.0),
    "year with slopes": Case(formula="y ~ x + (1 + x | g)", place=2000.0, unit=5.0),
    "small units": Case(formula="y ~ x + (1 + x | g)", unit=1e-6),
    "large units": Case(formula="y ~ x + (1 + x | g)", unit=1e6),
    "far scales": Case(formula="y ~ x + z + (1 + x + z | g)", unit=1e-6, other_unit=1e6, sizes=(6,) * 9),
}

#: Every named prior occurs, on every kind of parameter that it can be set on.
PRIORS: Mapping[str, Mapping[str, str]] = {
    "defaults": {},
    "flat": {"beta": "Flat", "sd_g": "Flat", "cor_g": "Flat", "sigma": "Flat"},
    "heavy tails": {"beta": "Normal(1, 3)", "sd_g": "HalfStudentT(3, 2)", "cor_g": "LKJ(1)", "sigma": "HalfCauchy(2)"},
    "variances": {"beta": "Flat", "sd_g": "InverseGamma(2, 0.5)", "cor_g": "LKJ(3.5)", "sigma": "InverseGamma(0.5, 1)"},
    "positive": {"beta": "StudentT(3, 0, 5)", "sd_g": "Gamma(2, 0.1)", "cor_g": "LKJ(2)", "sigma": "LogNormal(0, 2)"},
    "rates": {"beta": "Cauchy(1, 3)", "sd_g": "PCPrior(9, 0.05)", "cor_g": "LKJ(1)", "sigma": "Exponential(0.5)"},
    "bounded": {
        "beta": "Uniform(-1e12, 1e12)",
        "sd_g": "Uniform(0, 1e12)",
        "cor_g": "LKJ(1.5)",
        "sigma": "UniformVariance(1e20)",
    },
    "boundary": {"beta": "Flat", "sd_g": "BoundaryAvoiding", "cor_g": "LKJ(1.5)", "sigma": "BoundaryAvoiding"},
    "pulling": {"beta": "Normal(0, 0.1)", "sd_g": "HalfCauchy(0.5)", "cor_g": "LKJ(20)", "sigma": "HalfNormal(0.3)"},
}


def priors_for(case: Case, priors: str) -> dict[str, str]:
    """Return those of a set that the case has parameters for."""
    layout = case.problem().layout
    known = {"beta": layout.p > 0, "sd_g": layout.q > 0, "cor_g": layout.m > 0, "sigma": True}
    return {key: text for key, text in PRIORS[priors].items() if known[key]}


def points(problem: Problem, count: int = 3, seed: int = 11) -> list[Array]:
    """Return natural parameters around where the data are, and one far from there."""
    rng = np.random.default_rng(seed)
    layout, data = problem.layout, problem.products
    found = []
    for k in range(count):
        far = 3.0 if k == count - 1 else 0.5
        size = np.sqrt(np.mean(problem.z**2, axis=0)) if layout.q else np.ones(0)
        sd = np.std(problem.y) / size * np.exp(far * rng.normal(size=layout.q) - 0.5)
        partials = np.tanh(0.6 * far * rng.normal(size=layout.m))
        cor = correlations(partials, layout, data.starts) if layout.m else np.zeros(0)
        beta = data.beta(far * data.scale * rng.normal(size=layout.p))
        found.append(np.concatenate([beta, sd, cor, [np.std(problem.y) * np.exp(0.3 * rng.normal())]]))
    return found


def dense_covariance(problem: Problem, theta: Array) -> Array:
    """Return ``V`` by its definition."""
    layout = problem.layout
    s = dense.covariance(theta[layout.sd], theta[layout.cor], layout)
    count = max(len(layout.levels), 1)
    return dense.marginal_covariance(problem.z, problem.groups, count, s, float(theta[layout.sigma]))


def numerical_gradient(function, x: Array, step: Array | float) -> Array:
    """Return a gradient by central differences with one step of Richardson extrapolation."""
    steps = np.broadcast_to(step, x.shape)

    def slope(k: int, h: float) -> float:
        moved = np.zeros(len(x))
        moved[k] = h
        return (function(x + moved) - function(x - moved)) / (2 * h)

    return np.array([(4 * slope(k, steps[k] / 2) - slope(k, steps[k])) / 3 for k in range(len(x))])
