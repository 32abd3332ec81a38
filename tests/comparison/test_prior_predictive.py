"""What priors say before the data: exact moments, direct simulation, and what is improper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayescompare as bc
from bayescompare.cli import main
from bayescompare.comparison.predictive_statistics import fan_of, group_means
from bayescompare.comparison.schema import PRIOR_PREDICTIVE_COLUMNS
from bayescompare.errors import InputError
from bayescompare.likelihood.variances import effect_variance, total_sd

DRAWS = 4000
PRIORS = {
    "beta[Intercept]": "Normal(3, 2)",
    "beta[x]": "Normal(-1, 0.5)",
    "sd_g": "HalfNormal(2)",
    "sigma": "HalfNormal(1)",
}


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(6), [2, 3, 4, 5, 6, 7])
    x = rng.normal(size=len(g))
    return pd.DataFrame(
        {"y": 3 - x + rng.normal(size=6)[g] + rng.normal(size=len(g)), "x": x, "g": [f"g{j}" for j in g]}
    )


@pytest.fixture(scope="module")
def found() -> bc.PriorPredictive:
    return bc.prior_predictive(bc.Model("y ~ x + (1 | g)", priors=PRIORS), frame(), draws=DRAWS, seed=2)


def row(found: bc.PriorPredictive, name: str) -> pd.Series:
    return found.table.set_index("quantity").loc[name]


def test_mean_and_variance_of_every_response_are_the_exact_ones(found):
    x = frame()["x"].to_numpy()
    mean = 3 - x
    # normal coefficients, and E s^2 = scale^2 of half-normal sds
    variance = 4 + 0.25 * x**2 + 4 + 1
    drawn = found.responses
    assert drawn.shape == (DRAWS, len(x))
    centred = drawn - mean
    assert np.all(np.abs(centred.mean(axis=0)) < 4 * np.sqrt(variance / DRAWS))
    error = np.std(centred**2, axis=0) / np.sqrt(DRAWS)
    assert np.all(np.abs((centred**2).mean(axis=0) - variance) < 4 * error)
    # rows of a group share its effect, of variance 4, and the coefficients
    product = centred[:, 0] * centred[:, 1]
    expected = 4 + 0.25 * x[0] * x[1] + 4
    assert abs(product.mean() - expected) < 4 * product.std() / np.sqrt(DRAWS)


def test_the_intraclass_correlation_is_that_of_a_direct_simulation(found):
    rng = np.random.default_rng(5)
    sd, sigma = np.abs(rng.normal(0, 2, 400_000)), np.abs(rng.normal(0, 1, 400_000))
    direct = {"icc_g": sd**2 / (sd**2 + sigma**2), "total sd": np.hypot(sd, sigma)}
    for name, values in direct.items():
        for share in (0.025, 0.25, 0.5, 0.75, 0.975):
            below = np.mean(found.quantities[name] <= np.quantile(values, share))
            assert abs(below - share) < 4 * np.sqrt(share * (1 - share) * (1 / DRAWS + 1 / 400_000))
        said = row(found, name)
        assert list(np.quantile(found.quantities[name], [0.025, 0.5, 0.975])) == pytest.approx(
            [said["lower"], said["median"], said["upper"]], rel=0.01
        )


def test_statistics_are_those_of_the_data(found):
    data = frame()
    means = data.groupby("g")["y"].mean()
    expected = {
        "mean": data["y"].mean(),
        "sd": data["y"].std(),
        "range": np.ptp(data["y"]),
        "sd of group means": means.std(),
    }
    for name, value in expected.items():
        said = row(found, name)
        assert (said["value"], said["against"]) == (pytest.approx(value), "observed")
        assert said["p"] == np.mean(found.quantities[name] < value)
        assert said["p_mcse"] == pytest.approx(np.sqrt(said["p"] * (1 - said["p"]) / DRAWS), rel=0.05)
    assert np.allclose(group_means(data["y"].to_numpy()[None], found.problem)[0], means)
    assert list(found.table.columns) == list(PRIOR_PREDICTIVE_COLUMNS)


def test_where_an_ml_estimate_lies_in_its_prior(found):
    said = row(found, "sd_g[Intercept]")
    assert said["against"] == "ML estimate"
    exact = stats.halfnorm(0, 2).cdf(said["value"])
    assert abs(said["p"] - exact) < 4 * said["p_mcse"]


def test_a_share_of_zero_has_an_error_above_zero():
    model = bc.Model("y ~ x + (1 | g)", priors={**PRIORS, "sigma": "Uniform(50, 60)"})
    said = row(bc.prior_predictive(model, frame(), draws=100), "sigma")
    assert (said["p"], said["n_used"], said["n_total"]) == (0.0, 100, 100)
    assert 0.005 < said["p_mcse"] < 0.02


def test_what_an_improper_prior_leaves_out_is_said_and_the_rest_is_shown():
    flat = {**PRIORS, "beta[x]": "Flat"}
    found = bc.prior_predictive(bc.Model("y ~ x + (1 | g)", priors=flat), frame(), draws=300)
    assert set(found.missing) == {"beta[x]"}
    assert "improper" in found.missing["beta[x]"]
    assert len(found.responses) == 0
    assert not found.fans
    assert row(found, "sd")["reason"] == "needs draws of beta[x]"
    assert row(found, "beta[x]")["reason"] == "cannot be drawn from"
    assert row(found, "icc_g")["n_used"] == 300
    assert row(found, "beta[Intercept]")["n_used"] == 300
    assert set(found.tree["prior"].data_vars) == {"sd_g", "sigma"}
    assert "prior_predictive" not in found.tree
    nothing = bc.prior_predictive(bc.Model("y ~ x + (1 | g)", priors="flat"), frame(), draws=50)
    assert list(nothing.missing) == ["beta[Intercept]", "beta[x]", "sd_g[Intercept]", "sigma"]
    assert row(nothing, "icc_g")["n_used"] == 0


def test_what_does_not_depend_on_a_flat_intercept_is_shown_as_if_it_were_zero(found):
    model = bc.Model("y ~ x + (1 | g)", priors={**PRIORS, "beta[Intercept]": "Flat"})
    other = bc.prior_predictive(model, frame(), draws=DRAWS, seed=3)
    assert row(other, "mean")["n_used"] == 0
    for name in ("sd", "range", "sd of group means"):
        assert stats.ks_2samp(other.quantities[name], found.quantities[name]).pvalue > 0.001


def test_draws_that_overflow_are_counted():
    model = bc.Model("y ~ x + (1 | g)", priors={**PRIORS, "sigma": "InverseGamma(0.001, 0.001)"})
    found = bc.prior_predictive(model, frame(), draws=400)
    said = row(found, "sd")
    assert 0 < said["n_used"] < said["n_total"] == 400
    assert said["reason"] == f"{400 - said['n_used']} of 400 draws are no number: they overflow"


def test_the_variance_of_slopes_is_averaged_over_the_rows():
    problem = bc.prior_predictive("y ~ x + (1 + x | g)", frame(), draws=2).problem
    theta = np.array([[0.0, 0.0, 2.0, 3.0, 0.5, 1.0]])
    covariance = np.array([[4.0, 3.0], [3.0, 9.0]])
    mean = np.mean([z @ covariance @ z for z in problem.z])
    assert effect_variance(problem, theta)[0] == pytest.approx(mean)
    assert total_sd(problem, theta)[0] == pytest.approx(np.sqrt(mean + 1))


def test_a_fan_is_the_quantiles_of_quantiles():
    rng = np.random.default_rng(1)
    simulated = rng.normal(size=(2000, 400))
    fan = fan_of(np.vstack([simulated, np.full((1, 400), np.inf)]), np.arange(400.0))
    middle = int(np.argmin(np.abs(fan.shares - 0.5)))
    # the median of 400 normals has the standard error sqrt(pi / 2) / 20
    half = 1.96 * np.sqrt(np.pi / 2) / 20
    assert fan.bands[[0, 2, 4], middle] == pytest.approx([-half, 0.0, half], abs=0.012)
    assert fan.observed[middle] == pytest.approx(199.5)


def test_the_tree_is_one_that_arviz_draws(found):
    az = pytest.importorskip("arviz")
    assert set(found.tree.children) == {"prior", "prior_predictive", "observed_data"}
    assert found.tree["prior_predictive"]["y"].dims == ("chain", "draw", "obs")
    plotted = az.plot_ppc_dist(found.tree, group="prior_predictive", num_samples=20)
    assert "y" in str(plotted.viz)
    assert len(az.summary(found.tree, group="prior", kind="stats")) == 4


def test_the_same_seed_gives_the_same_draws(found):
    model = bc.Model("y ~ x + (1 | g)", priors=PRIORS)
    again = bc.prior_predictive(model, frame(), draws=DRAWS, seed=2)
    assert np.array_equal(again.responses, found.responses)
    assert not np.array_equal(bc.prior_predictive(model, frame(), draws=DRAWS, seed=4).values, found.values)


def test_one_draw_is_refused():
    with pytest.raises(InputError, match="at least 2 draws, not 1"):
        bc.prior_predictive("y ~ x + (1 | g)", frame(), draws=1)


@pytest.mark.parametrize("swapped", [False, True])
def test_the_command_takes_formula_and_data_in_any_order(swapped, capsys, tmp_path):
    given = ["yield ~ 1 + (1 | batch)", "dyestuff"]
    folder = tmp_path / "out"
    assert main(["priors", *(given[::-1] if swapped else given), "--draws", "200", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "2.5 sd(y) = 2.5 × 61.96" in said
    assert "icc_batch" in said
    page = (folder / "priors.html").read_text("utf-8")
    assert page.count("<figure") >= 11
    assert "2.5 sd(y) = 2.5 × 61.96" in page


def test_the_command_says_which_priors_are_improper(capsys):
    assert main(["priors", "yield ~ 1 + (1 | batch)", "dyestuff", "--priors", "flat", "--draws", "50"]) == 0
    assert "beta[Intercept]: Flat() is improper and cannot be drawn from" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--priors", "bambbi"], "Did you mean 'bambi'?"),
        (["--prior", "sd_bach=HalfNormal(1)"], "Did you mean 'sd_batch'?"),
    ],
)
def test_the_command_refuses_in_a_sentence(arguments, message, capsys):
    assert main(["priors", "yield ~ 1 + (1 | batch)", "dyestuff", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
