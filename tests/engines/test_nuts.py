"""NUTS: the right posterior, the same bits whatever the neighbours, and a gate that speaks up."""

from __future__ import annotations

import numpy as np
import pytensor
import pytest
from arviz_stats.base import array_stats

from bayescompare.engines.catalog import estimator
from bayescompare.engines.nuts import c_model as nuts_c_model
from bayescompare.engines.nuts import compile as nuts_compile
from bayescompare.engines.nuts.coordinates import Partials, correlations, factor_entries, log_jacobian
from bayescompare.engines.nuts.draws import draw_effects, natural_draws
from bayescompare.engines.nuts.engine import Nuts
from bayescompare.engines.nuts.model import build_model, whitening
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit, Flag, Status
from bayescompare.layout import Layout
from bayescompare.likelihood.dense import covariance, random_effects
from bayescompare.likelihood.evaluate import deviance
from bayescompare.priors import numpy_namespace
from tests.engines.nuts_cases import dyestuff, seed, simulated, sleepstudy

# Dyestuff under a flat mean and HalfNormal(50) on both sds, by two-dimensional quadrature
# (issue 2, "It must show"): quantiles 2.5, 50, 97.5 %, and the sd of the mean.
QUANTILES = {"sd_batch[Intercept]": (13.46, 41.92, 86.57), "sigma": (39.02, 50.78, 69.53)}
SD_OF_MEAN = 21.77


@pytest.fixture(scope="module")
def dyestuff_fit() -> Fit:
    return Nuts(draws=4000, target=0.95, tune=1000).fit([dyestuff()], [seed(1)])[0]


@pytest.fixture(scope="module")
def sleepstudy_fit() -> Fit:
    return Nuts().fit([sleepstudy()], [seed(2)])[0]


@pytest.mark.parametrize("label", QUANTILES)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_dyestuff_quantiles(dyestuff_fit: Fit, label: str, which: int) -> None:
    draws = dyestuff_fit.draws.values[..., dyestuff_fit.layout.index(label)]
    probability = (0.025, 0.5, 0.975)[which]
    error = array_stats.mcse(draws, method="quantile", prob=probability)
    assert abs(np.quantile(draws, probability) - QUANTILES[label][which]) < 4 * error


def test_dyestuff_sd_of_the_mean(dyestuff_fit: Fit) -> None:
    draws = dyestuff_fit.draws.values[..., 0]
    assert abs(dyestuff_fit.se[0] - SD_OF_MEAN) < 4 * array_stats.mcse(draws, method="sd")
    assert Flag.RHAT not in dyestuff_fit.flags


def test_a_fit_says_what_it_is(sleepstudy_fit: Fit) -> None:
    fit = sleepstudy_fit
    assert (fit.estimator, fit.status) == ("nuts", Status.OK)
    assert set(fit.estimand) == {"posterior mean"}
    values = fit.draws.values
    assert values.shape == (4, 1000, 6)
    np.testing.assert_allclose(fit.estimate, values.mean(axis=(0, 1)))
    assert fit.evaluations == fit.draws.stats["n_steps"].sum() > 4000
    assert fit.seconds > 0
    assert fit.seed_key == "2"
    stats = "diverging energy tree_depth n_steps step_size acceptance_rate reached_max_treedepth lp"
    assert fit.draws.stats.keys() == set(stats.split())
    assert all(stat.shape == (4, 1000) for stat in fit.draws.stats.values())


def test_diagnostics_are_arvizs(sleepstudy_fit: Fit) -> None:
    import arviz as az

    tree = az.from_dict({"posterior": {"x": sleepstudy_fit.draws.values}})
    found = sleepstudy_fit.diagnostics
    assert found["rhat_max"] == pytest.approx(float(az.rhat(tree)["x"].max()))
    assert found["ess_bulk_min"] == pytest.approx(float(az.ess(tree, method="bulk")["x"].min()))
    assert found["ess_tail_min"] == pytest.approx(float(az.ess(tree, method="tail", prob=(0.05, 0.95))["x"].min()))


def test_random_effects_have_the_moments_of_their_draws(sleepstudy_fit: Fit) -> None:
    effects, moments = sleepstudy_fit.draws.random_effects, sleepstudy_fit.random_effects
    assert effects.shape == (4, 1000, 18, 2)
    columns = np.moveaxis(effects, (2, 3), (0, 1)).reshape(36, 4, 1000)
    errors = np.array([array_stats.mcse(column) for column in columns]).reshape(18, 2)
    assert np.all(np.abs(effects.mean(axis=(0, 1)) - moments.mode) < 5 * errors)
    np.testing.assert_allclose(effects.std(axis=(0, 1)), moments.sd, rtol=0.08)


def test_random_effects_given_parameters_are_the_textbooks() -> None:
    problem = simulated(3, groups=4, rows=5)
    unbounded = np.random.default_rng(0).normal(size=problem.layout.size) * 0.3
    theta, layout = natural_draws(unbounded, problem), problem.layout
    repeated = np.broadcast_to(unbounded, (1, 40_000, layout.size))
    draws, moments = draw_effects(repeated, problem, np.random.default_rng(1))
    s = covariance(theta[layout.sd], theta[layout.cor], layout)
    mean, cov = random_effects(
        problem.y, problem.x, problem.z, problem.groups, 4, theta[layout.beta], s, theta[layout.sigma]
    )
    np.testing.assert_allclose(moments.mode, mean, atol=1e-12)
    np.testing.assert_allclose(moments.sd, np.sqrt(np.diag(cov)).reshape(4, 2), rtol=1e-10)
    empirical = np.cov(draws.reshape(-1, 8).T)
    # sd of an empirical covariance: sqrt((c_ii c_jj + c_ij^2) / S)
    error = np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / 40_000)
    assert np.all(np.abs(empirical - cov) < 5 * error)


def test_a_problem_does_not_depend_on_its_neighbours() -> None:
    problems = [simulated(k, groups=10 + 5 * k) for k in range(3)]
    engine = Nuts(draws=100, tune=100, effects=False)
    together = engine.fit(problems, [seed(k) for k in range(3)])
    alone = engine.fit([problems[2]], [seed(2)])[0]
    np.testing.assert_array_equal(together[2].draws.values, alone.draws.values)


def test_the_bits_do_not_depend_on_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, problem = Nuts(draws=100, tune=100), simulated(1)
    many = engine.fit([problem], [seed(1)])[0]
    monkeypatch.setenv("BAYESCOMPARE_CORES", "1")
    one = engine.fit([problem], [seed(1)])[0]
    np.testing.assert_array_equal(many.draws.values, one.draws.values)
    np.testing.assert_array_equal(many.draws.random_effects, one.draws.random_effects)


def test_swapped_data_equal_a_fresh_compilation() -> None:
    engine, problem = Nuts(draws=50, tune=100, effects=False), simulated(2, groups=12)
    engine.fit([simulated(1)], [seed(1)])
    swapped = engine.fit([problem], [seed(2)])[0]
    nuts_compile.clear()
    fresh = engine.fit([problem], [seed(2)])[0]
    np.testing.assert_array_equal(swapped.draws.values, fresh.draws.values)


def test_one_structure_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Nuts(draws=20, tune=50, effects=False)
    engine.fit([simulated(1)], [seed(1)])
    monkeypatch.setattr(nuts_compile, "_compile", lambda *_: pytest.fail("compiled again"))
    engine.fit([simulated(2, groups=7), simulated(3, rows=4)], [seed(2), seed(3)])


def test_the_c_functions_are_for_the_nutpie_installed() -> None:
    assert nuts_c_model.is_tried(), "try nuts_c_model on this version of nutpie, and add it to TRIED"


@pytest.mark.parametrize("formula", ["y ~ 1 + x + (1 + x | g)", "y ~ 1 + x"])
def test_nutpies_own_way_gives_the_same_bits(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, problem = Nuts(draws=50, tune=100, effects=False), simulated(1, formula=formula)
    fast = engine.fit([problem], [seed(1)])[0]
    monkeypatch.setattr(nuts_c_model, "TRIED", ())
    nuts_compile.clear()
    theirs = engine.fit([problem], [seed(1)])[0]
    assert not isinstance(nuts_compile.compiled_for(problem, "marginal"), nuts_c_model.Compiled)
    nuts_compile.clear()
    np.testing.assert_array_equal(fast.draws.values, theirs.draws.values)
    np.testing.assert_array_equal(fast.draws.stats["energy"], theirs.draws.stats["energy"])


def test_a_second_process_compiles_nothing() -> None:
    nuts_compile.compiled_for(simulated(1), "marginal")
    nuts_compile.clear()
    again = nuts_compile.compiled_for(simulated(1), "marginal")
    assert again.compiled_logp_func.cache_hits == again.compiled_expand_func.cache_hits == 1


def test_without_pytensors_cache_the_bits_are_the_same() -> None:
    engine, problem = Nuts(draws=200, tune=200, effects=False), simulated(1)
    kept = engine.fit([problem], [seed(1)])[0]
    nuts_compile.clear()
    with pytensor.config.change_flags(numba__cache=False):
        fresh = engine.fit([problem], [seed(1)])[0]
    nuts_compile.clear()
    np.testing.assert_array_equal(kept.draws.values, fresh.draws.values)


def test_effects_change_neither_bits_nor_label() -> None:
    problem = simulated(1)
    with_effects = Nuts(draws=50, tune=100).fit([problem], [seed(1)])[0]
    without = Nuts(draws=50, tune=100, effects=False).fit([problem], [seed(1)])[0]
    np.testing.assert_array_equal(with_effects.draws.values, without.draws.values)
    assert without.random_effects is None
    assert without.estimator == with_effects.estimator == "nuts:draws=50,tune=100"
    assert Nuts(effects=False).label == Nuts().label == "nuts"


def test_settings_by_label() -> None:
    engine = estimator("nuts:sampler=pymc,parameterization=centered,target=0.9")
    assert (engine.sampler, engine.parameterization, engine.target) == ("pymc", "centered", 0.9)
    with pytest.raises(EstimatorError, match="target is a probability"):
        Nuts(target=1.5)
    with pytest.raises(EstimatorError, match="chains must be at least 1"):
        Nuts(chains=0)


def test_progress_is_told() -> None:
    told = []
    engine = Nuts(draws=20, tune=50, effects=False)
    engine.fit([simulated(1), simulated(2)], [seed(1), seed(2)], lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_a_large_offset_changes_nothing() -> None:
    problem, moved = sleepstudy(), sleepstudy("I(reaction + 1000000) ~ 1 + days + (1 + days | subject)")
    points = np.random.default_rng(0).normal(size=(5, 6))
    np.testing.assert_allclose(natural_draws(points, moved)[:, 1:], natural_draws(points, problem)[:, 1:], rtol=1e-7)


def _log_density(problem, unbounded: np.ndarray) -> float:
    """The posterior density of the sampler's coordinates by NumPy, with a numerical Jacobian."""
    layout, theta = problem.layout, natural_draws(unbounded, problem)
    factor = np.linalg.cholesky(_correlation(theta, layout)) if layout.q else np.zeros((0, 0))
    prior = problem.priors.logp(theta[layout.beta], theta[layout.sd], factor, theta[layout.sigma], numpy_namespace())
    h = 1e-5
    steps = h * np.eye(layout.size)
    jacobian = (natural_draws(unbounded + steps, problem) - natural_draws(unbounded - steps, problem)) / (2 * h)
    return float(prior - deviance(problem, theta) / 2 + np.linalg.slogdet(jacobian)[1])


def _correlation(theta: np.ndarray, layout: Layout) -> np.ndarray:
    matrix = np.eye(layout.q)
    for value, (i, j) in zip(theta[layout.cor], layout.pairs, strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ 1 + x + (1 + x | g)",
        "y ~ 1 + x + (1 + x || g)",
        "y ~ 0 + x + (1 + x + I(x**2) | g)",
        "y ~ 1 + x",
    ],
)
def test_the_pymc_model_has_the_density_it_should(formula: str) -> None:
    problem = simulated(4, formula=formula)
    log_density = build_model(problem).compile_logp(mode="FAST_COMPILE")
    points = np.random.default_rng(5).normal(size=(4, problem.layout.size)) * 0.5
    found = np.array([log_density({"unbounded": point}) for point in points])
    wanted = np.array([_log_density(problem, point) for point in points])
    # the coordinates of the fixed effects are whitened: a constant
    np.testing.assert_allclose(found - found[0], wanted - wanted[0], atol=1e-6)


@pytest.mark.parametrize("blocks", [(("a", "b"),), (("a", "b", "c"),), (("a", "b", "c", "d"), ("e", "f"))])
def test_jacobian_of_correlations(blocks: tuple[tuple[str, ...], ...]) -> None:
    layout, xp = Layout(coefs=(), factor="g", blocks=blocks), numpy_namespace()

    def at(z: np.ndarray) -> np.ndarray:
        return np.array(correlations(factor_entries(Partials.of(list(z), np.tanh, xp), layout, xp), layout))

    z = np.random.default_rng(1).normal(size=layout.m) * 0.6
    h = 1e-6
    numerical = np.array([(at(z + step) - at(z - step)) / (2 * h) for step in h * np.eye(layout.m)])
    assert log_jacobian(Partials.of(list(z), np.tanh, xp), layout) == pytest.approx(
        np.linalg.slogdet(numerical)[1], abs=1e-6
    )


def test_coordinates_are_those_of_the_model() -> None:
    problem = sleepstudy()
    point = np.random.default_rng(2).normal(size=6) * 0.5
    model = build_model(problem)
    named = [model[name] for name in ("beta", "sd_subject", "cor_subject", "sigma")]
    function = pytensor.function(model.value_vars, model.replace_rvs_by_values(named), mode="FAST_COMPILE")
    values = function(point)
    np.testing.assert_allclose(np.concatenate([np.ravel(value) for value in values]), natural_draws(point, problem))
    assert whitening(problem)[0].shape == (2, 2)


def _agree(one: Fit, other: Fit) -> None:
    def errors(fit: Fit, method: str) -> np.ndarray:
        return np.array([array_stats.mcse(column, method=method) for column in np.moveaxis(fit.draws.values, -1, 0)])

    mean = np.hypot(errors(one, "mean"), errors(other, "mean"))
    sd = np.hypot(errors(one, "sd"), errors(other, "sd"))
    assert np.all(np.abs(one.estimate - other.estimate) < 4 * mean)
    assert np.all(np.abs(one.se - other.se) < 4 * sd)


@pytest.mark.slow
@pytest.mark.parametrize("parameterization", ["centered", "noncentered"])
def test_parameterizations_agree(sleepstudy_fit: Fit, parameterization: str) -> None:
    other = Nuts(parameterization=parameterization, target=0.9).fit([sleepstudy()], [seed(3)])[0]
    _agree(sleepstudy_fit, other)
    effects = other.draws.random_effects
    columns = np.moveaxis(effects, (2, 3), (0, 1)).reshape(36, 4, 1000)
    errors = np.array([array_stats.mcse(column) for column in columns]).reshape(18, 2)
    assert np.all(np.abs(sleepstudy_fit.random_effects.mode - other.random_effects.mode) < 5 * errors)


@pytest.mark.slow
def test_pymcs_own_sampler_agrees(sleepstudy_fit: Fit) -> None:
    other = Nuts(sampler="pymc").fit([sleepstudy()], [seed(4)])[0]
    assert other.estimator == "nuts:sampler=pymc"
    _agree(sleepstudy_fit, other)
    assert other.draws.stats.keys() == sleepstudy_fit.draws.stats.keys()
