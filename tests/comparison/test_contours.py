"""Profile likelihood on a grid: held against a direct minimisation of the deviance, and against its definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

import bayescompare as bc
from bayescompare.comparison.contours import REGIONS, contour_pair, contour_table, profile_deviance
from bayescompare.data import read_data
from bayescompare.errors import InputError
from bayescompare.fitting import Fits
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import correlation_matrix
from bayescompare.likelihood.evaluate import deviance
from bayescompare.likelihood.problem import Problem

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
PAIRS = [
    ("sd_subject[Intercept]", "sd_subject[days]"),
    ("sd_subject[days]", "sigma"),
    ("beta[days]", "sd_subject[days]"),
    ("cor_subject[Intercept, days]", "sigma"),
]


@pytest.fixture(scope="module")
def sleep() -> Fits:
    return bc.fit(SLEEP, "sleepstudy", "lbfgs-ml")


def direct(problem: Problem, start: np.ndarray, names: tuple[str, str], values: tuple[float, float]) -> float:
    """Minimise the deviance of natural parameters over all but two, without a gradient and without coordinates."""
    held = [problem.layout.index(name) for name in names]
    free = np.setdiff1d(np.arange(problem.layout.size), held)
    size = np.where(np.arange(problem.layout.size) == problem.layout.cor.start, 1.0, np.abs(start))

    def objective(part: np.ndarray) -> float:
        theta = start.copy()
        theta[held], theta[free] = values, part * size[free]
        off = min(theta[problem.layout.sd].min(), theta[problem.layout.sigma]) <= 0
        if off or np.linalg.eigvalsh(correlation_matrix(theta[problem.layout.cor], problem.layout))[0] <= 0:
            return 1e10
        return deviance(problem, theta)

    x, options = start[free] / size[free], {"xatol": 1e-9, "fatol": 1e-9, "maxfev": 8000, "maxiter": 8000}
    for _ in range(4):
        x = minimize(objective, x, method="Nelder-Mead", options=options).x
    return objective(x)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_grid_is_the_least_deviance_over_the_others(sleep: Fits, pair: tuple[str, str]) -> None:
    problem, fit = sleep.problem, sleep["lbfgs-ml"]
    grid = contour_table(problem, pair).query("what == 'grid'")
    some = grid[grid["deviance"] < 12].sample(4, random_state=1)
    for row in some.itertuples():
        found = direct(problem, fit.estimate, pair, (row.x, row.y)) - fit.objective
        assert row.deviance == pytest.approx(found, abs=2e-4), (row.x, row.y)


def test_the_profile_is_below_the_deviance_at_the_estimates_of_the_others(sleep: Fits) -> None:
    problem, fit = sleep.problem, sleep["lbfgs-ml"]
    theta = fit.estimate.copy()
    theta[problem.layout.sd] *= [1.5, 0.7]
    profile = profile_deviance(problem, theta, PAIRS[0])
    assert fit.objective < profile < deviance(problem, theta) - 0.01
    assert profile == pytest.approx(direct(problem, theta, PAIRS[0], tuple(theta[problem.layout.sd])), abs=2e-4)
    assert profile_deviance(problem, fit.estimate, PAIRS[0]) == pytest.approx(fit.objective, abs=1e-6)


def test_the_grid_holds_the_largest_region(sleep: Fits) -> None:
    table = contour_table(sleep.problem, PAIRS[0])
    best, grid = table[table["what"] == "optimum"], table[table["what"] == "grid"]
    assert best[["x", "y"]].to_numpy()[0] == pytest.approx(
        sleep["lbfgs-ml"].estimate[sleep.problem.layout.sd], rel=1e-4
    )
    wide = grid.pivot_table(index="y", columns="x", values="deviance").to_numpy()
    edges = np.concatenate([wide[0], wide[-1], wide[:, 0], wide[:, -1]])
    assert edges.min() > REGIONS[0.99]
    assert 0 <= wide.min() < 0.2
    assert len(grid) < 2000


def test_the_grid_reaches_to_the_ways_unless_they_are_far(sleep: Fits) -> None:
    problem, fit = sleep.problem, sleep["lbfgs-ml"]
    alone = contour_table(problem, PAIRS[0]).query("what == 'grid'")
    path = fit.path
    assert path is not None
    for factor, reached in ((0.5, True), (1e-6, False)):
        values = path.values.copy()
        values[0, problem.layout.sd] = [factor * alone["x"].min(), values[0, problem.layout.sd][1]]
        moved = bc.Fit(**{name: getattr(fit, name) for name in fit.__slots__ if name != "path"},
                       path=type(path)(steps=path.steps, values=values, loss=path.loss))  # fmt: skip
        grid = contour_table(problem, PAIRS[0], [moved]).query("what == 'grid'")
        assert grid["x"].min() < 0.9 * alone["x"].min()
        assert (grid["x"].min() == pytest.approx(values[0, problem.layout.sd][0])) == reached


def test_levels_are_those_of_two_parameters() -> None:
    assert list(REGIONS) == [0.5, 0.8, 0.95, 0.99]
    assert REGIONS[0.95] == pytest.approx(5.991, abs=1e-3)
    assert chi2.cdf(REGIONS[0.5], 2) == pytest.approx(0.5)


def flat(rng: np.random.Generator) -> pd.DataFrame:
    """Return groups that are more alike than chance would have them: the sd of the groups is zero at the maximum."""
    y = np.concatenate([each - 0.9 * each.mean() for each in rng.normal(size=(8, 6))])
    return pd.DataFrame({"y": y, "g": np.repeat([f"g{k}" for k in range(8)], 6)})


def test_an_sd_of_zero_is_the_optimum_and_the_grid_begins_beside_it() -> None:
    fits = bc.fit("y ~ 1 + (1 | g)", flat(np.random.default_rng(1)), "lbfgs-ml")
    assert contour_pair(fits.problem.layout) == ("sd_g[Intercept]", "sigma")
    table = contour_table(fits.problem, ("sd_g[Intercept]", "sigma"), list(fits.values()))
    best, grid = table[table["what"] == "optimum"].iloc[0], table[table["what"] == "grid"]
    assert best["x"] == 0.0 == fits["lbfgs-ml"].estimate[1]
    assert 0 < grid["x"].min() < 0.05 * best["y"]
    wide = grid.pivot_table(index="y", columns="x", values="deviance").to_numpy()
    assert wide[:, -1].min() > REGIONS[0.99]
    assert wide[:, 0].min() == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("sd_subject[day]", "sigma"), "Did you mean 'sd_subject[days]'"),
        (("sigma", "sigma"), "two different parameters"),
        (("sigma",), "two different parameters"),
        ((), "two different parameters"),
    ],
)
def test_wrong_names_are_refused(sleep: Fits, names: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match="Contours") as caught:
        bc.compare(sleep, contours=names)
    assert said in str(caught.value)


def test_a_correlation_that_is_no_coordinate_is_refused() -> None:
    layout = Layout(coefs=("Intercept",), factor="g", blocks=(("Intercept", "x", "z"),), levels=("1",))
    assert contour_pair(layout, ("cor_g[Intercept, z]", "sigma")) == ("cor_g[Intercept, z]", "sigma")
    with pytest.raises(InputError, match=r"cor_g\[x, z\].*can be: cor_g\[Intercept, x\], cor_g\[Intercept, z\]"):
        contour_pair(layout, ("cor_g[x, z]", "sigma"))


def test_without_random_effects_there_are_contours_only_where_asked_for() -> None:
    fits = bc.fit("reaction ~ days", "sleepstudy", "lbfgs-ml")
    assert "contours" not in bc.compare(fits).tables
    table = bc.compare(fits, contours=("beta[days]", "sigma")).tables["contours"]
    one = table[table["what"] == "grid"].iloc[5]
    problem, layout = fits.problem, fits.problem.layout
    # the least sum of squares with one slope held is that of the other column
    rest = problem.y - problem.x[:, 1] * one["x"]
    rss = float(np.sum((rest - rest.mean()) ** 2))
    found = len(rest) * np.log(2 * np.pi * one["y"] ** 2) + rss / one["y"] ** 2
    assert layout.labels == ("beta[Intercept]", "beta[days]", "sigma")
    assert one["deviance"] == pytest.approx(found - fits["lbfgs-ml"].objective, abs=1e-5)


def test_the_command_refuses_a_wrong_name_before_it_fits(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys) -> None:
    from bayescompare.cli import main

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was fitted")

    monkeypatch.setattr("bayescompare.fitting.fit", never)
    status = main(["fit", "sleepstudy", SLEEP, "--out", str(tmp_path / "out"), "--contours", "sd_subject[dys],sigma"])
    assert status == 2
    assert "Did you mean 'sd_subject[days]'" in capsys.readouterr().err
    assert not (tmp_path / "out" / "report.html").exists()


def test_the_comma_within_a_correlations_name_does_not_part_it() -> None:
    from bayescompare.cli.read import pair_of
    from bayescompare.model import Model

    for texts in (["cor_subject[Intercept, days], sigma"], ["cor_subject[Intercept, days]", "sigma"]):
        assert pair_of(texts, Model(SLEEP), read_data("sleepstudy")) == ("cor_subject[Intercept, days]", "sigma")
