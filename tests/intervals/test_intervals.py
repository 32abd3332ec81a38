"""Interval rows of point estimates and of draws."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from bayescompare.comparison.records import Record
from bayescompare.comparison.results import results_of
from bayescompare.comparison.summary import summary_table
from bayescompare.errors import InputError
from bayescompare.fits import Basis, Draws, Fit, Status
from bayescompare.intervals import KINDS, IntervalRow, intervals
from bayescompare.layout import Layout

LAYOUT = Layout(coefs=("Intercept",), factor="g", blocks=(("Intercept", "x"),), levels=("a", "b", "c"))


def make_fit(estimate: list[float], se: list[float], reason: tuple[str, ...] = ("",) * 5) -> Fit:
    return Fit(
        estimator="some",
        layout=LAYOUT,
        status=Status.OK,
        estimate=np.array(estimate),
        se=np.array(se),
        estimand=("ML mode",) * 5,
        reason=reason,
    )


POINT = make_fit([3.0, 2.0, 0.5, -0.6, 1.5], [0.7, 0.4, 0.3, 0.2, 0.1])


def bounds(rows: list[IntervalRow]) -> np.ndarray:
    return np.array([(row.lower, row.upper) for row in rows])


def test_there_is_a_row_a_parameter_and_a_level():
    rows = intervals(POINT, [0.95, 0.5])
    assert [(row.parameter, row.level) for row in rows] == [(p, level) for level in (0.95, 0.5) for p in LAYOUT.labels]
    assert {row.kind for row in rows} == {"wald"}
    assert {row.kind for row in rows} <= set(KINDS)


@pytest.mark.parametrize(
    ("level", "z"), [(0.95, 1.959963984540054), (0.5, 0.6744897501960817), (0.99, 2.5758293035489004)]
)
def test_wald_intervals_are_symmetric_on_their_scale(level, z):
    beta, sd0, sd1, cor, sigma = bounds(intervals(POINT, [level]))
    np.testing.assert_allclose(beta, [3 - z * 0.7, 3 + z * 0.7])
    np.testing.assert_allclose(np.log(sd0), np.log(2) + np.array([-1, 1]) * z * 0.4 / 2)
    np.testing.assert_allclose(np.log(sd1), np.log(0.5) + np.array([-1, 1]) * z * 0.3 / 0.5)
    np.testing.assert_allclose(np.arctanh(cor), np.arctanh(-0.6) + np.array([-1, 1]) * z * 0.2 / (1 - 0.36))
    np.testing.assert_allclose(np.log(sigma), np.log(1.5) + np.array([-1, 1]) * z * 0.1 / 1.5)


def test_wald_intervals_stay_in_the_parameter_s_range():
    wide = bounds(intervals(replace(POINT, se=POINT.se * 50)))
    assert np.all(wide[[1, 2, 4]] > 0)
    assert np.all(np.abs(wide[3]) <= 1)


def test_what_has_no_standard_error_has_no_interval_and_says_why():
    reason = ("", "at its boundary", "", "not defined", "")
    fit = make_fit([3.0, 0.0, 0.5, np.nan, 1.5], [0.7, np.nan, 0.3, np.nan, 0.1], reason)
    rows = intervals(fit)
    assert [row.reason for row in rows] == list(reason)
    assert np.isnan(bounds(rows)).tolist() == [[bool(text)] * 2 for text in reason]


def posterior(chains: int = 4, draws: int = 2000) -> Fit:
    values = np.random.default_rng(0).normal(size=(chains, draws, 5)) * [1, 2, 0.5, 0.1, 3] + [0, 5, 1, 0, -2]
    values[..., 1] = np.exp(values[..., 1] / 4)
    return replace(POINT, draws=Draws(values=values))


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_equal_tailed_intervals_are_quantiles(level):
    fit = posterior()
    rows = [row for row in intervals(fit, [level]) if row.kind == "eti"]
    flat = fit.draws.values.reshape(-1, 5)
    expected = np.quantile(flat, [(1 - level) / 2, (1 + level) / 2], axis=0).T
    np.testing.assert_allclose(bounds(rows), expected, atol=0.02)
    assert [row.parameter for row in rows] == list(LAYOUT.labels)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_highest_density_intervals_hold_the_level_and_are_the_shortest(level):
    fit = posterior()
    flat = fit.draws.values.reshape(-1, 5)
    rows = [row for row in intervals(fit, [level]) if row.kind == "hdi"]
    for k, row in enumerate(rows):
        inside = np.mean((row.lower <= flat[:, k]) & (flat[:, k] <= row.upper))
        assert inside == pytest.approx(level, abs=2e-3)
        ordered = np.sort(flat[:, k])
        size = int(np.floor(level * len(ordered)))
        assert row.upper - row.lower == pytest.approx(np.min(ordered[size:] - ordered[:-size]), rel=1e-2)
    skewed = next(row for row in rows if row.parameter == "sd_g[Intercept]")
    tails = next(row for row in intervals(fit, [level]) if row.kind == "eti" and row.parameter == "sd_g[Intercept]")
    assert skewed.upper < tails.upper


def test_a_fit_with_draws_has_no_wald_interval():
    assert [row.kind for row in intervals(posterior())] == ["eti"] * 5 + ["hdi"] * 5


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95, float("nan")])
def test_a_level_lies_between_zero_and_one(level):
    with pytest.raises(InputError, match="level must lie between 0 and 1"):
        intervals(POINT, [level])


def test_coverage_of_wald_intervals_of_a_normal_estimate():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(2000):
        fit = replace(POINT, estimate=POINT.estimate + np.array([0.7 * rng.normal(), 0, 0, 0, 0]))
        row = intervals(fit, [0.8])[0]
        covered.append(row.lower <= 3 <= row.upper)
    assert abs(np.mean(covered) - 0.8) < 4 * np.sqrt(0.16 / 2000)
    assert norm.cdf(1.2815515655446004) == pytest.approx(0.9)


class Bounds(Basis):
    """The same interval at every level, but of the second parameter, of which it says nothing."""

    reason = ("known at both ends", "", "", "", "no such interval")

    def bounds(self, level: float) -> np.ndarray:
        return np.array([[1.0, 2.0], [np.nan, np.nan], [0.0, 1.0], [-1.0, 1.0], [np.nan, np.nan]])


def test_a_basis_gives_rows_of_what_it_says_something_about():
    rows = [row for row in intervals(replace(POINT, bases={"wald-t": Bounds()})) if row.kind == "wald-t"]
    assert [row.parameter for row in rows] == [LAYOUT.labels[k] for k in (0, 2, 3, 4)]
    assert [row.reason for row in rows] == ["known at both ends", "", "", "no such interval"]


def test_kinds_of_points_leave_those_of_posteriors_and_the_other_way_round():
    fit = replace(POINT, bases={"wald-t": Bounds()})
    assert {row.kind for row in intervals(fit, kinds=["wald"])} == {"wald"}
    assert {row.kind for row in intervals(fit, kinds=["hdi"])} == {"wald", "wald-t"}
    assert {row.kind for row in intervals(posterior(), kinds=["wald"])} == {"eti", "hdi"}
    assert {row.kind for row in intervals(posterior(), kinds=["hdi"])} == {"hdi"}


@pytest.mark.parametrize(
    ("kinds", "message"),
    [(["wlad"], "There is no kind of interval 'wlad'. Did you mean 'wald'?"), (["wald", "wald"], "named twice")],
)
def test_kinds_that_are_not_there_are_refused(kinds, message):
    with pytest.raises(InputError, match=re.escape(message)):
        intervals(POINT, kinds=kinds)


def test_of_several_kinds_the_first_with_bounds_is_shown_or_all():
    at_zero = make_fit([3.0, 0.0, 0.5, 0.1, 1.5], [0.7, np.nan, 0.3, 0.2, 0.1], ("", "at its boundary", "", "", ""))
    stands_in = Bounds()
    stands_in.bounds = lambda level: np.array([[np.nan] * 2, [0.0, 2.0], *[[np.nan] * 2] * 3])
    stands_in.reason = ("", "the lower end is at its bound", "", "", "")
    fit = replace(at_zero, bases={"lr": stands_in})
    tables = results_of([Record(study="fit", scenario="s", replicate=0, fit=fit)]).tables
    shown = summary_table(tables)
    assert shown["kind"].tolist() == ["wald", "lr", "wald", "wald", "wald"]
    assert shown.loc[1, ["lower", "upper", "because"]].tolist() == [0.0, 2.0, "the lower end is at its bound"]
    every = summary_table(tables, every=True)
    assert every["kind"].tolist() == ["wald", "wald", "lr", "wald", "wald", "wald"]
