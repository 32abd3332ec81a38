"""The Gaussian variational posterior: its bound, its optimum in known cases, its verdicts and intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import bayescompare as bc
from bayescompare.engines.adam.elbo import AdamElbo
from bayescompare.engines.adam.elbo_draws import moving_draws, points
from bayescompare.engines.adam.elbo_gaussian import Gaussian
from bayescompare.engines.adam.elbo_objective import data_of
from bayescompare.engines.adam.elbo_optimum import Bound
from bayescompare.engines.adam.engine import Member
from bayescompare.engines.adam.loop import Objective, loop
from bayescompare.engines.adam.run import optimize
from bayescompare.engines.catalog import estimator
from bayescompare.errors import EstimatorError
from bayescompare.fits import Flag, Status
from bayescompare.intervals import KINDS, intervals
from bayescompare.likelihood.coordinates import correlation_matrix, variance_coordinates
from bayescompare.likelihood.dense import covariance, marginal_covariance
from bayescompare.likelihood.posterior import Posterior as LogPosterior
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend
from bayescompare.priors import Flat, Normal, numpy_namespace
from tests.engines.test_adam_marginal import seeds, slopes

MEAN_FIELD, FULL_RANK = AdamElbo(), AdamElbo(family="full-rank")
BOTH = pytest.mark.parametrize("engine", [MEAN_FIELD, FULL_RANK], ids=["mean-field", "full-rank"])


def arrays(engine: AdamElbo, member: Member, normals: np.ndarray) -> list[np.ndarray]:
    """Return the data of the objective with given fixed draws."""
    size = member.problem.layout.size
    moving = points(np.random.default_rng(0), engine.draws, size)
    return [*data_of([member.problem], [member.unit]), moving[None], normals[None]]


def some_point(gaussian: Gaussian, problem: Problem, scale: str, seed: int) -> np.ndarray:
    """Return a Gaussian of sds about 0.15 with all its numbers at work."""
    x = np.random.default_rng(seed).normal(size=gaussian.size) * 0.1
    x[: gaussian.layout.p] += problem.products.beta0 if scale == "raw" else 0.0
    x[gaussian.layout.p : gaussian.layout.size] += 1.0
    x[gaussian.means : 2 * gaussian.means] -= 1.9
    return x


def log_ratio(engine: AdamElbo, member: Member, x: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return ``log p(y, w, v) - log q(w, v)`` at draws ``(S, means)`` of ``(e_v, e_b, e_u)``, by its definition."""
    problem, layout, unit = member.problem, member.problem.layout, member.unit
    gaussian = engine.gaussian(layout)
    f, n, g = gaussian.factor(x[None], np), gaussian.n, layout.size
    of_v, of_b, of_u = normals[:, :n], normals[:, n:g], normals[:, g:].reshape(len(normals), gaussian.groups, layout.q)
    v = f.v[0] + of_v @ f.vv[0].T
    b = f.b[0] + of_v @ f.bv[0].T + of_b @ f.bb[0].T
    u = f.u[0] + np.einsum("jab,sjb->sja", f.uu[0], of_u)
    if gaussian.full:
        u = u + np.einsum("jan,sn->sja", f.uv[0], of_v) + np.einsum("jap,sp->sja", f.ub[0], of_b)
    coordinates = np.concatenate([b, v], axis=1)
    natural = unit.natural(coordinates, layout)
    effects = np.einsum("sab,sjb->sja", unit.roots(coordinates, layout), u)
    mean = natural[:, layout.beta] @ problem.x.T + np.einsum("na,sna->sn", problem.z, effects[:, problem.groups])
    matrices = np.linalg.cholesky(correlation_matrix(natural[:, layout.cor], layout))
    prior = problem.priors.logp(
        natural[:, layout.beta], natural[:, layout.sd], matrices, natural[:, -1], numpy_namespace()
    )
    steps = 1e-5 * np.eye(g)
    bend = [(unit.natural(coordinates + h, layout) - unit.natural(coordinates - h, layout)) / 2e-5 for h in steps]
    jacobian = np.linalg.slogdet(np.stack(bend, axis=2))[1]
    density = norm.logpdf(normals).sum(axis=1) - x[gaussian.means : 2 * gaussian.means].sum()
    likelihood = norm.logpdf(problem.y, mean, natural[:, -1:]).sum(axis=1)
    return np.asarray(likelihood + norm.logpdf(u).sum(axis=(1, 2)) + prior + jacobian - density)


@BOTH
@pytest.mark.parametrize("scale", ["raw", "standardised"])
@pytest.mark.parametrize("q", [1, 2])
def test_the_bound_is_the_mean_log_ratio(engine, scale, q):
    engine = replace(engine, scale=scale)
    member = engine.member(slopes(2, groups=4, rows=5, q=q))
    gaussian = engine.gaussian(member.problem.layout)
    x = some_point(gaussian, member.problem, scale, 3)
    half = np.random.default_rng(4).normal(size=(20_000, gaussian.means))
    normals = np.concatenate([half, -half])
    bound = Bound.of(engine.objective(member), arrays(engine, member, normals[:, : member.problem.layout.size]))
    ratios = log_ratio(engine, member, x, normals)
    pairs = (ratios[:20_000] + ratios[20_000:]) / 2
    error = 2 * pairs.std() / np.sqrt(len(pairs))
    assert error < 0.2
    assert abs(bound(x)[0] + 2 * ratios.mean()) < 4 * error


@dataclass(frozen=True, repr=False)
class Logistic(bc.Prior):
    """A prior of fixed effects that is neither normal nor flat."""

    scale: float = 1.0

    def logp(self, x, xp):
        """Log density."""
        return -xp.abs(x) / self.scale - 2 * xp.log1p(xp.exp(-xp.abs(x) / self.scale)) - xp.log(self.scale)

    def draw(self, rng, shape):
        """Draws."""
        return rng.logistic(0, self.scale, shape)


def with_beta_prior(problem: Problem, prior: bc.Prior) -> Problem:
    """Return a problem with one prior for all fixed effects."""
    return replace(problem, priors=replace(problem.priors, beta=(prior,) * problem.layout.p))


@BOTH
@pytest.mark.parametrize("prior", [Normal(0.5, 2.0), Flat(), Logistic(2.0)], ids=["normal", "flat", "logistic"])
@pytest.mark.parametrize("q", [0, 1, 2])
def test_gradient_is_that_of_finite_differences(engine, prior, q):
    member = engine.member(with_beta_prior(slopes(5, groups=4, rows=5, q=q), prior))
    gaussian = engine.gaussian(member.problem.layout)
    normals = np.random.default_rng(1).normal(size=(20, member.problem.layout.size))
    bound = Bound.of(engine.objective(member), arrays(engine, member, normals))
    x = some_point(gaussian, member.problem, "standardised", 6)
    steps = 1e-6 * np.eye(len(x))
    expected = np.array([(bound(x + h)[0] - bound(x - h)[0]) / 2e-6 for h in steps])
    np.testing.assert_allclose(bound(x)[1], expected, rtol=1e-5, atol=1e-4)


@dataclass(frozen=True)
class Known(Objective):
    """An ELBO with variance parameters that are known: a posterior that is Gaussian."""

    inner: Objective
    at: tuple[float, ...]

    def loss(self, x, data, batch, step=None):
        """Return the loss with all draws of the variance parameters at one point, and nothing that depends on them."""
        tf, _ = backend()
        gaussian = self.inner.gaussian
        p, n, means = gaussian.layout.p, gaussian.n, gaussian.means
        keep = np.ones(gaussian.size)
        fixed = np.zeros(gaussian.size)
        keep[p : p + n] = keep[means + p : means + p + n] = 0
        fixed[p : p + n], fixed[means + p : means + p + n] = self.at, -30.0
        return self.inner.loss(x * tf.constant(keep) + tf.constant(fixed), data, batch, step)


def run_known(engine: AdamElbo, problem: Problem, theta: np.ndarray) -> tuple[Gaussian, np.ndarray, float]:
    """Return where Adam ends with the variance parameters known, in raw units, and its loss."""
    member, layout = engine.member(problem), problem.layout
    gaussian = engine.gaussian(layout)
    v = variance_coordinates(theta, layout)
    compiled = loop(Known(engine.objective(member), tuple(v)), 1, gaussian.size, "float64")
    plan = engine._plan([(member, seeds(1)[0], 0)])
    data = arrays(engine, member, np.zeros((1, layout.size)))
    run = optimize(compiled, gaussian.start(v, 0.1)[None], data, plan)[0][0]
    return gaussian, run.x, float(run.loss[-1])


KNOWN = np.array([0.0, 0.0, 1.1, 0.6, 0.4, 0.9])


def gaussian_target(problem: Problem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and precision of ``(beta, u)`` given the variances, priors Normal(0, 3), by dense algebra."""
    layout, groups = problem.layout, len(problem.layout.levels)
    root = np.linalg.cholesky(covariance(theta[layout.sd], theta[layout.cor], layout))
    effects = np.zeros((len(problem.y), groups, layout.q))
    effects[np.arange(len(problem.y)), problem.groups] = problem.z @ root
    columns = np.hstack([problem.x, effects.reshape(len(problem.y), -1)])
    prior = np.diag(np.concatenate([np.full(layout.p, 1 / 9), np.ones(groups * layout.q)]))
    precision = columns.T @ columns / theta[layout.sigma] ** 2 + prior
    return np.linalg.solve(precision, columns.T @ problem.y / theta[layout.sigma] ** 2), precision


def moments_of_known(gaussian: Gaussian, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of ``(b, u)``, with the variance parameters known."""
    f, p = gaussian.factor(x[None], np), gaussian.layout.p
    whole = np.zeros((p + gaussian.effects,) * 2)
    whole[:p, :p] = f.bb[0]
    if gaussian.full:
        whole[p:, :p] = f.ub[0].reshape(gaussian.effects, p)
    for j, block in enumerate(f.uu[0]):
        at = p + j * gaussian.layout.q
        whole[at : at + gaussian.layout.q, at : at + gaussian.layout.q] = block
    return np.concatenate([f.b[0], f.u[0].ravel()]), whole @ whole.T


def test_full_rank_with_known_variances_is_the_exact_posterior():
    engine = replace(FULL_RANK, scale="raw")
    problem = with_beta_prior(slopes(3, groups=8, rows=6), Normal(0.0, 3.0))
    mean, precision = gaussian_target(problem, KNOWN)
    gaussian, x, loss = run_known(engine, problem, KNOWN)
    found, spread = moments_of_known(gaussian, x)
    exact = np.linalg.inv(precision)
    sds = np.sqrt(np.diag(exact))
    np.testing.assert_allclose(found / sds, mean / sds, atol=1e-3)
    np.testing.assert_allclose(spread / np.outer(sds, sds), exact / np.outer(sds, sds), atol=2e-3)
    assert abs(exact[2, 4]) / sds[2] / sds[4] > 0.05  # the effects of two groups, which the factor has no number for
    assert loss == pytest.approx(_known_evidence(problem), abs=1e-3)


def _known_evidence(problem: Problem) -> float:
    """Return -2 log marginal likelihood at known variances, less what the ELBO has of these."""
    layout = problem.layout
    v = marginal_covariance(
        problem.z, problem.groups, len(layout.levels), covariance(KNOWN[layout.sd], KNOWN[layout.cor], layout), 0.9
    )
    likelihood = multivariate_normal.logpdf(problem.y, np.zeros(len(problem.y)), v + 9 * problem.x @ problem.x.T)
    flat = replace(problem, priors=replace(problem.priors, beta=(Flat(),) * layout.p))
    working = np.concatenate([np.zeros(layout.p), variance_coordinates(KNOWN, layout)])
    prior = LogPosterior(flat, jacobian=True).log_prior(working[None])[0]
    entropy = (layout.size - layout.p) * ((1 + np.log(2 * np.pi)) / 2 - 30)
    return float(-2 * (likelihood + prior + entropy))


def test_mean_field_with_known_variances_has_the_diagonal_of_the_precision():
    engine = replace(MEAN_FIELD, scale="raw")
    problem = with_beta_prior(slopes(3, groups=8, rows=6), Normal(0.0, 3.0))
    mean, precision = gaussian_target(problem, KNOWN)
    gaussian, x, loss = run_known(engine, problem, KNOWN)
    found, spread = moments_of_known(gaussian, x)
    sds = 1 / np.sqrt(np.diag(precision))
    np.testing.assert_allclose(np.sqrt(np.diag(spread)), sds, rtol=1e-3)
    np.testing.assert_allclose(found / sds, mean / sds, atol=2e-3)
    exact = np.linalg.inv(precision)
    lost = -np.linalg.slogdet(np.diag(sds**2))[1] + np.linalg.slogdet(exact)[1]
    assert lost > 1
    assert loss - _known_evidence(problem) == pytest.approx(lost, abs=1e-3)


def evidence(problem: Problem) -> float:
    """Return the log marginal likelihood of random intercepts by quadrature over the two log sds."""
    layout, priors = problem.layout, problem.priors
    grid = np.linspace(-5, 3, 81)
    values = np.empty((len(grid), len(grid)))
    away = problem.y - problem.x @ [prior.mu for prior in priors.beta]
    of_beta = problem.x @ np.diag([prior.sigma**2 for prior in priors.beta]) @ problem.x.T
    for i, log_sd in enumerate(grid):
        s = np.array([[np.exp(2 * log_sd)]])
        for k, log_sigma in enumerate(grid):
            v = marginal_covariance(problem.z, problem.groups, len(layout.levels), s, np.exp(log_sigma)) + of_beta
            root = np.linalg.cholesky(v)
            solved = np.linalg.solve(root, away)
            values[i, k] = -solved @ solved / 2 - np.log(np.diag(root)).sum() - len(away) * np.log(2 * np.pi) / 2
    xp = numpy_namespace()
    values += (priors.sd[0].logp(np.exp(grid), xp) + grid)[:, None] + priors.sigma.logp(np.exp(grid), xp) + grid
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum() * (grid[1] - grid[0]) ** 2))


@pytest.mark.slow
def test_the_bound_is_below_the_log_marginal_likelihood_and_full_rank_is_nearer():
    problem = slopes(3, groups=5, rows=5, q=1)
    exact = evidence(problem)
    narrow, full = (engine.fit([problem], seeds(1))[0] for engine in (MEAN_FIELD, FULL_RANK))
    below = [exact + fit.objective / 2 for fit in (full, narrow)]
    assert 0 < below[0] < 1
    assert below[0] + 0.1 < below[1] < 5


@pytest.mark.slow
@BOTH
def test_a_replicate_does_not_depend_on_its_neighbours(engine):
    problems = [slopes(seed, groups=6, rows=5, sd=sd) for seed, sd in enumerate([(1.0, 0.7), (0.4, 0.3), (3.0, 0.5)])]
    for settings in ({"epochs": 400}, {"epochs": 40, "batch": 2}):
        own = replace(engine, **settings)
        together = own.fit(problems, seeds(3))
        for r in (2,):
            alone = own.fit([problems[r]], [seeds(3)[r]])[0]
            for name in ("estimate", "se", "variational", "objective", "own_optimum"):
                np.testing.assert_allclose(getattr(together[r], name), getattr(alone, name), rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(together[r].path.loss, alone.path.loss, rtol=1e-9)
            assert alone.flags == together[r].flags


def test_the_draws_of_an_update_are_a_replicate_s_own_and_standard_normal():
    tf, _ = backend()
    start = np.array([points(np.random.default_rng(seed), 10, 5) for seed in range(3)])
    found = np.array([moving_draws(tf.constant(start), tf.constant(step)).numpy() for step in range(2000)])
    alone = moving_draws(tf.constant(start[1:2]), tf.constant(7)).numpy()
    np.testing.assert_array_equal(found[7, 1:2], alone)
    each = found.transpose(1, 0, 2, 3).reshape(3, -1, 5)
    assert len(np.unique(each[0, :, 0])) == 20_000
    for normals in each:
        np.testing.assert_allclose(normals.mean(axis=0), 0, atol=0.01)
        np.testing.assert_allclose(np.cov(normals.T), np.eye(5), atol=0.06)
    assert np.abs(each[0] - each[1]).min() > 0


@BOTH
def test_minibatches_of_groups_are_unbiased(engine):
    member = engine.member(slopes(5, groups=6, rows=5))
    gaussian, tf = engine.gaussian(member.problem.layout), backend()[0]
    normals = np.random.default_rng(1).normal(size=(20, member.problem.layout.size))
    data = tuple(tf.constant(each) for each in arrays(engine, member, normals))
    x = tf.constant(some_point(gaussian, member.problem, "standardised", 6)[None])
    objective = engine.objective(member)
    whole = objective.loss(x, data, None).numpy()[0]
    pairs = [[0, 4, -1], [1, 3, -1], [2, 5, -1]]
    parts = [objective.loss(x, data, tf.constant([pair])).numpy()[0] for pair in pairs]
    assert np.ptp(parts) > 1
    assert np.mean(parts) == pytest.approx(whole, rel=1e-10)


@pytest.mark.slow
@BOTH
def test_the_default_run_ends_at_its_own_optimum(engine):
    problems = [slopes(3 * seed, groups=20, rows=6, sd=sd) for seed, sd in enumerate([(1, 0.7), (0.3, 0.3), (4, 1)])]
    for fit in engine.fit(problems, seeds(3)):
        assert fit.status is Status.OK
        assert fit.gap_sd < 0.1
        assert 0 <= fit.gap_deviance < 0.1
        assert set(fit.estimand) == {"variational mean"}
        assert fit.path.values[-1] == pytest.approx(fit.estimate, abs=0.02)
        assert fit.draws is None
        assert fit.own_optimum is not None


def test_a_short_run_is_premature():
    for settings in ("epochs=50", "epochs=300,lr=0.001"):
        fit = estimator(f"adam-elbo:{settings}").fit([slopes(1)], seeds(1))[0]
        assert Flag.PREMATURE in fit.flags
        assert fit.gap_deviance > 1


def test_a_gaussian_that_is_too_narrow_is_premature_whatever_its_means():
    fit = MEAN_FIELD.fit([slopes(1)], seeds(1))[0]
    from bayescompare.engines.adam.elbo import _with_sds
    from bayescompare.engines.adam.judge import Margins, Verdict

    arrived = Verdict(gap_deviance=0.0, gap_sd=0.01, flags=(), margins=Margins())
    for factor, flags in ((1.0, ()), (0.8, (Flag.PREMATURE,))):
        verdict = _with_sds(arrived, factor * fit.se, fit)
        assert verdict.flags == flags
        assert verdict.gap_sd == pytest.approx(max(0.01, 1 - factor))


def test_variational_intervals_of_any_level():
    fit = MEAN_FIELD.fit([slopes(1)], seeds(1))[0]
    assert fit.variational.shape == (4096, fit.layout.size)
    assert (fit.random_effects.sd > 0).all()
    for level in (0.5, 0.95, 0.99):
        rows = intervals(fit, [level])
        assert {row.kind for row in rows} == {"variational"}
        assert "variational" in KINDS
        bounds = np.array([(row.lower, row.upper) for row in rows])
        z = norm.ppf((1 + level) / 2)
        beta = fit.layout.beta
        widths = 2 * z * fit.se[beta]
        np.testing.assert_allclose(np.diff(bounds[beta], axis=1)[:, 0], widths, rtol=0.02)
        log_sigma = np.log(bounds[-1])
        assert np.diff(log_sigma)[0] == pytest.approx(2 * z * fit.working_se[-1], rel=0.02)


def test_with_a_prior_on_its_sds_it_moves():
    problem = slopes(1, groups=6, rows=4)
    tight = replace(problem, priors=replace(problem.priors, sd=(bc.HalfNormal(0.1),) * 2))
    wide, narrow = MEAN_FIELD.fit([problem, tight], seeds(2))
    assert MEAN_FIELD.uses_priors
    assert (narrow.estimate[narrow.layout.sd] < 0.5 * wide.estimate[wide.layout.sd]).all()


def test_from_the_front_door():
    model = bc.Model("reaction ~ 1 + days + (1 + days | subject)")
    fits = bc.fit(model, "sleepstudy", estimators=["adam-elbo", "lbfgs-ml"], seed=1)
    tables = bc.compare(fits, levels=(0.95, 0.5)).tables
    own = tables["intervals"][tables["intervals"]["estimator"] == "adam-elbo"]
    assert set(own["kind"]) == {"variational"}
    assert len(own) == 12
    assert np.isfinite(own[["lower", "upper"]].to_numpy()).all()
    effects = tables["random_effects"]
    assert set(effects.loc[effects["estimator"] == "adam-elbo", "estimand"]) == {"variational mean"}


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ("draws=0", "draws"),
        ("validation_split=0.2,patience=3", "held out"),
        ("schedule=CosineDecay(decay_steps=9),decay=false", "decay"),
        ("epochs=10,steps=10", "not both"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(settings, match):
    with pytest.raises(EstimatorError, match=match):
        estimator(f"adam-elbo:{settings}")
