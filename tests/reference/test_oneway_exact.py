"""Simulated ML and REML in the balanced one-way model against their exact sampling laws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bayescompare.engines.catalog import estimator
from bayescompare.fits import Fit
from bayescompare.intervals import intervals
from bayescompare.likelihood.problem import Problem, problem_from_frame
from bayescompare.model import Model
from bayescompare.model_frame import ModelFrame

CELLS = json.loads(Path(__file__).with_name("data").joinpath("oneway_exact.json").read_text("utf-8"))
MODEL = Model("y ~ 1 + (1 | g)")
MEAN = 3.0


@dataclass(frozen=True)
class MeanSquares:
    """Sums of squares between and within ``groups`` groups of ``rows`` rows, one a replicate."""

    between: np.ndarray
    within: np.ndarray
    groups: int
    rows: int

    def variances(self, method: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the estimates of the group and the residual variance (Searle, Casella and McCulloch 1992, 4.8)."""
        n, lost = self.groups * self.rows, method == "REML"
        inside = self.within / (n - self.groups)
        group = (self.between / (self.groups - lost) - inside) / self.rows
        together = (self.between + self.within) / (n - lost)
        return np.maximum(group, 0), np.where(group > 0, inside, together)


def make_problem(y: np.ndarray) -> Problem:
    """Return the one-way problem of responses ``(groups, rows)``."""
    groups, rows = y.shape
    ones = np.ones((y.size, 1))
    frame = ModelFrame(
        response="y",
        y=y.ravel(),
        X=ones,
        coefs=("Intercept",),
        Z=ones,
        blocks=(("Intercept",),),
        factor="g",
        levels=tuple(map(str, range(groups))),
        groups=np.repeat(np.arange(groups), rows),
    )
    return problem_from_frame(frame, MODEL)


def simulated(cell: Mapping[str, float], replicates: int, seed: int = 20) -> np.ndarray:
    """Return responses ``(replicates, groups, rows)``."""
    rng = np.random.default_rng([seed, cell["groups"], round(100 * cell["var_group"])])
    shape = (replicates, cell["groups"], cell["per_group"])
    effects = rng.normal(0, np.sqrt(cell["var_group"]), (*shape[:2], 1))
    return MEAN + effects + rng.normal(0, np.sqrt(cell["var_residual"]), shape)


@cache
def fits_of(index: int, method: str, replicates: int) -> list[Fit]:
    problems = [make_problem(y) for y in simulated(CELLS[index], replicates)]
    seeds = [np.random.SeedSequence(k) for k in range(replicates)]
    return estimator(f"lbfgs-{method.lower()}").fit(problems, seeds)


def spreads(cell: Mapping[str, float], method: str) -> tuple[float, float]:
    """Return the exact sds of the two estimated variances, by a million draws of the mean squares."""
    rng, groups, rows = np.random.default_rng(0), cell["groups"], cell["per_group"]
    squares = MeanSquares(
        between=(cell["var_residual"] + rows * cell["var_group"]) * rng.chisquare(groups - 1, 1_000_000),
        within=cell["var_residual"] * rng.chisquare(groups * (rows - 1), 1_000_000),
        groups=groups,
        rows=rows,
    )
    group, residual = squares.variances(method)
    return float(group.std()), float(residual.std())


def covers(fit: Fit) -> bool:
    row = next(row for row in intervals(fit, [0.95]) if row.parameter == "beta[Intercept]")
    return row.kind == "wald" and row.lower <= MEAN <= row.upper


def check_cell(index: int, method: str, replicates: int) -> None:
    cell, law = CELLS[index], CELLS[index][method]
    fits = fits_of(index, method, replicates)
    sd, sigma = (np.array([fit.estimate[k] for fit in fits]) for k in (1, 2))
    of_variance, of_residual = spreads(cell, method)

    def share_error(p: float) -> float:
        return np.sqrt(p * (1 - p))

    found = {
        "p_sd_zero": (np.mean(sd == 0), share_error(law["p_sd_zero"])),
        "mean_sd": (sd.mean(), law["sd_of_sd"]),
        "mean_var": (np.mean(sd**2), of_variance),
        "mean_sigma2": (np.mean(sigma**2), of_residual),
        "coverage_wald_z_mean": (np.mean([covers(fit) for fit in fits]), share_error(law["coverage_wald_z_mean"])),
    }
    for quantity, (value, spread) in found.items():
        # one that hardly ever happens is not normal in so few replicates: allow a single one
        allowed = max(3.5 * spread / np.sqrt(replicates), 1.01 / replicates if quantity == "p_sd_zero" else 0.0)
        assert abs(value - law[quantity]) <= allowed, (quantity, value, law[quantity], allowed)


every_cell = pytest.mark.parametrize("index", range(len(CELLS)))
every_method = pytest.mark.parametrize("method", ["ML", "REML"])


@every_cell
@every_method
def test_estimates_follow_their_exact_law(index, method):
    check_cell(index, method, 150)


@pytest.mark.slow
@every_cell
@every_method
def test_estimates_follow_their_exact_law_in_500_replicates(index, method):
    check_cell(index, method, 500)


@every_cell
@every_method
def test_every_estimate_is_that_of_the_mean_squares(index, method):
    cell = CELLS[index]
    y = simulated(cell, 150)
    means = y.mean(axis=2)
    squares = MeanSquares(
        between=cell["per_group"] * np.sum((means - means.mean(axis=1, keepdims=True)) ** 2, axis=1),
        within=np.sum((y - means[:, :, None]) ** 2, axis=(1, 2)),
        groups=cell["groups"],
        rows=cell["per_group"],
    )
    group, residual = squares.variances(method)
    fits = fits_of(index, method, 150)
    np.testing.assert_allclose([fit.estimate[1] for fit in fits], np.sqrt(group), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal([fit.estimate[1] == 0 for fit in fits], group == 0)
    np.testing.assert_allclose([fit.estimate[2] ** 2 for fit in fits], residual, rtol=1e-5)
    se = np.sqrt((residual / cell["per_group"] + group) / cell["groups"])
    np.testing.assert_allclose([fit.estimate[0] for fit in fits], means.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose([fit.se[0] for fit in fits], se, rtol=1e-5)
