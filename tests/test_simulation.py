"""Simulated data: the moments of the model, the truth apart, and seeds that depend on coordinates alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayescompare.dataset import Dataset
from bayescompare.design import Design, Scenario, parse_covariate
from bayescompare.errors import StudyError, UndrawableError
from bayescompare.layout import Layout
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model
from bayescompare.model_frame import model_frame
from bayescompare.priors import parse_prior
from bayescompare.seeds import sequence
from bayescompare.simulation import blank, frozen, simulate, truth_of, truth_vector
from bayescompare.simulation.frozen import nominal_response

SLOPES = Scenario(
    name="slopes",
    formula="y ~ x + (1 + x | g)",
    design=Design(groups=40, rows=4, covariates={"x": parse_covariate("normal(1, 2)")}),
    truth={
        "beta[Intercept]": 3,
        "beta[x]": 2,
        "sd_g[Intercept]": 1.5,
        "sd_g[x]": 0.7,
        "cor_g[Intercept, x]": -0.6,
        "sigma": 0.5,
    },
)
FOUR = Scenario(
    name="four",
    formula="y ~ 1 + (1 + u + v | g) + (0 + w | g)",
    design=Design(groups=50, rows=6, covariates={name: parse_covariate("normal") for name in "uvw"}),
    truth={
        **{f"sd_g[{effect}]": sd for effect, sd in zip(("Intercept", "u", "v", "w"), (1, 2, 0.5, 3), strict=True)},
        "cor_g[Intercept, u]": 0.5,
        "cor_g[Intercept, v]": -0.3,
        "cor_g[u, v]": 0.2,
        "sigma": 1,
    },
)


def test_estimators_see_covariates_response_and_factor_only():
    dataset = simulate(SLOPES, 0, 1)
    assert sorted(dataset.frame.columns) == ["g", "x", "y"]
    assert len(dataset.frame) == 160
    assert dataset.frame["g"].nunique() == 40
    problem = build_problem(Model(SLOPES.formula), dataset)
    truth = dataset.truth.theta
    for name in type(problem).__dataclass_fields__:
        value = getattr(problem, name)
        assert value is not dataset.truth
        if isinstance(value, np.ndarray):
            assert not np.shares_memory(value, truth)
            assert not np.shares_memory(value, dataset.truth.effects)


def test_truth_is_in_the_layout_s_order_with_zeros_for_what_is_not_given():
    dataset = simulate(replace(SLOPES, truth={k: v for k, v in SLOPES.truth.items() if "beta" not in k}), 0, 1)
    np.testing.assert_array_equal(dataset.truth.theta, [0, 0, 1.5, 0.7, -0.6, 0.5])
    assert dataset.truth.effects.shape == (40, 2)


def test_response_is_made_of_the_true_effects():
    dataset = simulate(SLOPES, 3, 1)
    problem = build_problem(Model(SLOPES.formula), dataset)
    effects = dataset.truth.effects[problem.groups]
    residual = problem.y - problem.x @ [3, 2] - np.sum(problem.z * effects, axis=1)
    # sigma = 0.5 and nothing else is left
    assert abs(residual.std() - 0.5) < 4 * 0.5 / np.sqrt(2 * len(residual))
    assert abs(np.corrcoef(residual, problem.y)[0, 1]) < 0.4


def check_moments(draws: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> None:
    """Compare draws ``(S, k)`` with their moments, in Monte Carlo standard errors."""
    size = len(draws)
    assert np.max(np.abs(draws.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / size)) < 4.5
    spread = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / size)
    assert np.max(np.abs(np.cov(draws.T).reshape(covariance.shape) - covariance) / spread) < 4.5


@pytest.mark.parametrize("scenario", [SLOPES, FOUR], ids=lambda one: one.name)
def test_random_effects_have_the_true_covariance(scenario):
    found = [simulate(scenario, replicate, 5) for replicate in range(60)]
    layout = build_problem(Model(scenario.formula), found[0]).layout
    theta = found[0].truth.theta
    correlation = np.eye(layout.q)
    for value, (i, j) in zip(theta[layout.cor], layout.pairs, strict=True):
        correlation[i, j] = correlation[j, i] = value
    covariance = np.outer(theta[layout.sd], theta[layout.sd]) * correlation
    check_moments(np.concatenate([one.truth.effects for one in found]), np.zeros(layout.q), covariance)


def test_responses_of_a_fixed_design_have_the_moments_of_the_model():
    scenario = replace(SLOPES, design=replace(SLOPES.design, groups=3, fixed=True))
    found = [simulate(scenario, replicate, 5) for replicate in range(500)]
    x = found[0].frame["x"].to_numpy()
    assert all(np.array_equal(one.frame["x"], x) for one in found)
    y = np.array([one.frame["y"] for one in found])
    design = np.column_stack([np.ones(12), x])
    s = np.array([[1.5**2, -0.6 * 1.5 * 0.7], [-0.6 * 1.5 * 0.7, 0.7**2]])
    together = np.kron(np.eye(3), np.ones((4, 4)))
    check_moments(y, design @ [3, 2], design @ s @ design.T * together + 0.25 * np.eye(12))


def test_a_zero_sd_and_a_correlation_of_one_can_be_simulated():
    none = simulate(replace(SLOPES, truth={**SLOPES.truth, "sd_g[x]": 0}), 0, 1)
    assert np.all(none.truth.effects[:, 1] == 0)
    one = simulate(replace(SLOPES, truth={**SLOPES.truth, "cor_g[Intercept, x]": 1}), 0, 1)
    np.testing.assert_allclose(one.truth.effects[:, 0] / 1.5, one.truth.effects[:, 1] / 0.7)


# Seeds


def same(one, other) -> bool:
    return one.frame.equals(other.frame) and np.array_equal(one.truth.effects, other.truth.effects)


def test_a_replicate_does_not_depend_on_the_order_of_the_others():
    forward = [simulate(SLOPES, replicate, 9) for replicate in range(4)]
    backward = [simulate(SLOPES, replicate, 9) for replicate in reversed(range(4))][::-1]
    assert all(same(one, other) for one, other in zip(forward, backward, strict=True))


def test_replicates_seeds_and_scenarios_differ():
    base = simulate(SLOPES, 0, 9)
    for other in (simulate(SLOPES, 1, 9), simulate(SLOPES, 0, 10), simulate(replace(SLOPES, name="other"), 0, 9)):
        assert not np.isin(base.frame["x"], other.frame["x"]).any()
        assert not np.isin(base.frame["y"], other.frame["y"]).any()
        assert not np.isin(base.truth.effects, other.truth.effects).any()


def test_the_numbers_of_the_design_are_not_those_of_the_effects():
    plain = replace(SLOPES, truth={"sd_g[Intercept]": 1, "sd_g[x]": 1, "sigma": 1})
    found = simulate(plain, 0, 9)
    x = (found.frame["x"].to_numpy()[:80] - 1) / 2
    for effects in (found.truth.effects.ravel(), found.truth.effects.T.ravel()):
        assert abs(np.corrcoef(x, effects)[0, 1]) < 4.5 / np.sqrt(80)


def test_the_truth_does_not_change_the_covariates():
    louder = replace(SLOPES, truth={**SLOPES.truth, "sigma": 5})
    assert simulate(SLOPES, 2, 9).frame["x"].equals(simulate(louder, 2, 9).frame["x"])


def test_a_fixed_design_keeps_covariates_and_sizes_and_nothing_else():
    drawn = Design(groups=30, rows=("poisson", 4), covariates=SLOPES.design.covariates)
    fixed = [simulate(replace(SLOPES, design=replace(drawn, fixed=True)), k, 9).frame for k in range(3)]
    fresh = [simulate(replace(SLOPES, design=drawn), k, 9).frame for k in range(3)]
    assert all(one[["x", "g"]].equals(fixed[0][["x", "g"]]) for one in fixed)
    assert not fixed[1]["y"].equals(fixed[0]["y"])
    assert fixed[0].equals(fresh[0])
    assert not np.array_equal(fresh[1]["g"].value_counts(), fresh[0]["g"].value_counts())


# A truth that is none


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beta[z]": 1}, "scenario 'slopes': the model has no parameter 'beta[z]'. Did you mean 'beta[x]'?"),
        ({"sd_g[Intercept]": -1}, "true sds must be at least 0"),
        ({"sigma": 0}, "the true sigma must be greater than 0, not 0"),
        ({"beta[x]": float("nan")}, "the truth of beta[x] must be a finite number, not nan"),
        ({"cor_g[Intercept, x]": 1.2}, "a correlation lies between -1 and 1, not at 1.2"),
        ({"sigma": None}, "the truth of sigma is missing"),
        ({"sd_g[x]": None, "sd_g[Intercept]": None}, "the truth of sd_g[Intercept], sd_g[x] is missing"),
    ],
)
def test_an_impossible_truth_is_refused(change, message):
    truth = {k: v for k, v in {**SLOPES.truth, **change}.items() if v is not None}
    with pytest.raises(StudyError) as caught:
        simulate(replace(SLOPES, truth=truth), 0, 1)
    assert message in str(caught.value)


def test_correlations_that_cannot_be_together_are_refused():
    layout = Layout(coefs=("Intercept",), factor="g", blocks=(("a", "b", "c"),), levels=("1", "2"))
    truth = {f"sd_g[{name}]": 1 for name in "abc"} | {"sigma": 1, "cor_g[a, b]": 0.9, "cor_g[a, c]": 0.9}
    with pytest.raises(StudyError, match="their matrix is not positive"):
        truth_vector(truth | {"cor_g[b, c]": -0.9}, layout, "here")
    assert truth_vector(truth | {"cor_g[b, c]": 0.9}, layout, "here")[layout.cor].tolist() == [0.9, 0.9, 0.9]


def test_no_groups_and_no_covariates():
    plain = Scenario(name="plain", formula="y ~ 1", design=Design(groups=5, rows=4), truth={"sigma": 1})
    found = simulate(plain, 0, 1)
    assert list(found.frame.columns) == ["y"]
    assert len(found.frame) == 20


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ z + (1 | g)", r"scenario 'slopes': there is no column 'z' for 'y ~ z \+ \(1 \| g\)'"),
        ("log(y) ~ x + (1 | g)", "the response that is simulated is one column, such as y, not 'log"),
        ("y ~ x + (1 | g:x)", "the groups that are simulated are one column, such as g, not g:x"),
        ("x ~ 1 + (1 | g)", "'x' would be two columns"),
    ],
)
def test_formulas_that_cannot_be_simulated(formula, message):
    with pytest.raises(StudyError, match=message):
        simulate(replace(SLOPES, formula=formula), 0, 1)


@pytest.mark.parametrize(
    "formula",
    ["y ~ x + (1 + x | g)", "y ~ C(b) * x + (1 | g) + (0 + x | g)", "y ~ bs(x, df=4)", "y ~ x + {2 * x} + b + (1 | g)"],
)
def test_the_columns_are_those_that_the_engines_see(formula):
    covariates = {"x": parse_covariate("normal"), "b": parse_covariate("bernoulli")}
    scenario = replace(SLOPES, formula=formula, design=Design(groups=20, rows=5, covariates=covariates), truth={})
    sheet = blank(scenario, 0, 1)
    columns = {name: sheet.columns[name] for name in ("x", "b", "g") if name in sheet.columns}
    frame = pd.DataFrame({**columns, "y": np.arange(100.0)})
    seen = model_frame(formula, Dataset(frame=frame, name="d"))
    assert sheet.layout == seen.layout
    np.testing.assert_array_equal(sheet.x, seen.X)
    np.testing.assert_array_equal(sheet.z, seen.Z)


# Truths that are drawn

LAWS = {
    "beta[Intercept]": 3,
    "beta[x]": "Normal(1, 2)",
    "sd_g": "HalfNormal(1.5)",
    "cor_g": "LKJ(2)",
    "sigma": "HalfStudentT(4, 0.5)",
}
DRAWN = replace(SLOPES, design=replace(SLOPES.design, groups=3, rows=3), truth=LAWS)


def truths(scenario: Scenario, replicates: int, seed: int = 1) -> np.ndarray:
    layout = blank(scenario, 0, seed).layout
    streams = [sequence(seed, scenario.name, replicate, "truth") for replicate in range(replicates)]
    truth = truth_of(frozen(scenario, seed, layout), layout)
    return np.array([truth_vector(truth, layout, "here", stream) for stream in streams])


def test_drawn_truths_follow_their_laws():
    theta = truths(DRAWN, 2000)
    # the correlation of two effects under LKJ(2) is 2 Beta(2, 2) - 1
    laws = [None, stats.norm(1, 2), stats.halfnorm(0, 1.5), stats.halfnorm(0, 1.5), stats.beta(2, 2, -1, 2)]
    assert np.all(theta[:, 0] == 3)
    for column, law in enumerate(laws[1:], 1):
        assert stats.kstest(theta[:, column], law.cdf).pvalue > 1e-3
    assert stats.kstest(theta[:, 5], lambda x: 2 * stats.t(4, 0, 0.5).cdf(x) - 1).pvalue > 1e-3
    correlations = np.corrcoef(theta[:, 1:].T)[np.triu_indices(5, 1)]
    assert np.max(np.abs(correlations)) < 4.5 / np.sqrt(2000)


def test_simulate_keeps_the_truth_that_it_drew():
    found = [simulate(DRAWN, replicate, 1) for replicate in range(3)]
    np.testing.assert_array_equal([one.truth.theta for one in found], truths(DRAWN, 3))


def test_a_drawn_parameter_does_not_depend_on_the_others():
    fewer = replace(DRAWN, truth={**LAWS, "beta[Intercept]": "Normal(0, 1)", "sd_g[Intercept]": 2, "cor_g": 0.3})
    one, other = truths(DRAWN, 5), truths(fewer, 5)
    for column in (1, 3, 5):
        np.testing.assert_array_equal(one[:, column], other[:, column])
    assert np.all(other[:, 2] == 2)
    assert np.all(other[:, 4] == 0.3)
    assert simulate(DRAWN, 2, 1).frame["x"].equals(simulate(fewer, 2, 1).frame["x"])


def test_the_prior_as_truth_is_the_same_as_its_laws_one_by_one():
    own = {
        "beta": "Normal(0, 1)",
        "beta[x]": "Normal(1, 2)",
        "sd_g": "HalfNormal(1.5)",
        "sigma": "HalfStudentT(4, 0.5)",
    }
    prior = replace(DRAWN, truth="prior", priors=own)
    np.testing.assert_array_equal(truths(prior, 5)[:, 1:], truths(DRAWN, 5)[:, 1:])


def test_priors_that_scale_with_data_are_frozen_for_the_reference_design():
    drawn = replace(DRAWN, truth="prior", priors={"sd_g[x]": "HalfNormal(7)"})
    known = frozen(drawn, 1)
    sheet = blank(drawn, 0, 1)
    spread = sheet.x[:, 1].std()
    assert known.priors["beta[x]"].sigma == pytest.approx(2.5 / spread, rel=1e-5)
    assert known.priors["sd_g[Intercept]"].sigma == pytest.approx(2.5, rel=1e-5)
    assert repr(known.priors["sd_g[x]"]) == "HalfNormal(7)"
    assert known.priors["beta[Intercept]"].mu == 0.0
    assert repr(known.priors["cor_g"]) == "LKJ(2)"
    # what is printed is what is used, and freezing twice changes nothing
    assert {key: parse_prior(repr(one)) for key, one in known.priors.items() if key != "set"} == {
        key: one for key, one in known.priors.items() if key != "set"
    }
    assert frozen(known, 1, sheet.layout) is known
    np.testing.assert_array_equal(truths(drawn, 4), truths(known, 4))
    # another response scale moves the priors, not the design
    wide = frozen(replace(drawn, nominal=(100.0, 20.0)), 1)
    assert wide.priors["sd_g[Intercept]"].sigma == pytest.approx(50.0, rel=1e-5)
    assert wide.priors["beta[Intercept]"].mu == pytest.approx(100.0, rel=1e-5)


def test_the_nominal_response_is_near_to_normal_and_says_nothing_of_the_predictors():
    sheet = blank(DRAWN, 0, 1)
    response = nominal_response(sheet, 3.0, 2.0)
    assert (response.mean(), response.std()) == pytest.approx((3.0, 2.0), rel=1e-12)
    assert 1.4826 * np.median(np.abs(response - np.median(response))) == pytest.approx(2.0, rel=0.1)
    left = response - sheet.x @ np.linalg.lstsq(sheet.x, response)[0]
    assert left.std() == pytest.approx(2.0, rel=1e-9)


def test_every_replicate_has_the_priors_that_its_truth_was_drawn_from():
    known = frozen(replace(DRAWN, truth="prior"), 1)
    for replicate in (0, 3):
        problem = build_problem(Model(known.formula, priors=dict(known.priors)), simulate(known, replicate, 1))
        assert problem.priors.labels() == {key: one for key, one in known.priors.items() if key != "set"}


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("flat", r"set 'flat'\): beta\[Intercept\]: Flat\(\) is improper and cannot be drawn from"),
        ("brms", r"beta\[Intercept\]: Flat\(\) is improper"),
        ("inla", r"beta\[Intercept\]: Flat\(\) is improper"),
        ("chung-2013", "cannot be drawn from"),
        ("gelman-2006-uniform", "cannot be drawn from"),
        ("gelman-2006-half-cauchy", "cannot be drawn from"),
        ("penalised-complexity", "cannot be drawn from"),
        ("bugs", r"sd_g\[Intercept\]: 5\d% of the draws of InverseGamma\(.*\) are zero or infinite in float64"),
    ],
)
def test_sets_that_no_truth_can_be_drawn_from(named, message):
    with pytest.raises(UndrawableError, match=message):
        simulate(replace(SLOPES, truth="prior", priors={"set": named}), 0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beta": "HalfNormal(1)"}, r"HalfNormal\(1\) has positive values and cannot be the law of beta"),
        ({"sd_g[x]": "Normal(0, 1)"}, r"has real values and cannot be the law of sd_g\[x\]"),
        ({"sigma": "LKJ(2)"}, "has correlation values and cannot be the law of sigma"),
        ({"cor_g": "Normal(0, 1)"}, "cannot be the law of cor_g; one such as LKJ"),
        ({"cor_g[Intercept, x]": "LKJ(2)"}, "correlations are drawn together: write cor_g"),
        ({"cor_g[Intercept, x]": 0.2}, "cor_g is drawn as a whole; leave out cor_g"),
        ({"beta[x]": "Flat()"}, r"Flat\(\) is improper and cannot be drawn from"),
    ],
)
def test_laws_that_a_parameter_cannot_have(change, message):
    with pytest.raises(StudyError, match=message):
        simulate(replace(DRAWN, truth={**LAWS, **change}), 0, 1)
