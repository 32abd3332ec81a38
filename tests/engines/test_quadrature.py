"""The posterior by quadrature against brute force, closed forms, the law of its truths, and hard data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.interpolate import make_interp_spline

import bayescompare as bc
from bayescompare.data import Dataset
from bayescompare.engines.catalog import estimator
from bayescompare.engines.quadrature.density import Density
from bayescompare.engines.quadrature.integral import integrate
from bayescompare.fits import Fit, Status
from bayescompare.intervals import intervals
from bayescompare.intervals.inversion import located
from bayescompare.intervals.rows import bases
from bayescompare.likelihood import dense
from bayescompare.likelihood.integrated import Integrated
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.likelihood.responses import with_responses
from bayescompare.model import Model

LEVELS = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


def rows(
    sizes: Sequence[int], *, sd: float = 1.0, sigma: float = 0.7, mean: float = 2.0, seed: int = 3
) -> pd.DataFrame:
    """Return responses ``y`` with a predictor ``x``, of groups ``g`` of these sizes."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=len(groups))
    y = mean + 0.5 * x + sd * rng.normal(size=len(sizes))[groups] + sigma * rng.normal(size=len(groups))
    return pd.DataFrame({"y": y, "x": x, "w": rng.normal(size=len(sizes))[groups], "g": groups.astype(str)})


def problem(formula: str, frame: pd.DataFrame, **priors: str) -> Problem:
    named = {"sd_g" if key == "sd" else key: text for key, text in priors.items()}
    return build_problem(Model(formula, priors=named), Dataset(frame=frame, name="rows"))


def fit(one: Problem) -> Fit:
    return estimator("quadrature").fit([one], [np.random.SeedSequence(1)])[0]


@dataclass(frozen=True)
class Brute:
    """The posterior on a lattice of (beta_0, log sd, log sigma), every density by its textbook form."""

    axes: tuple[np.ndarray, ...]
    mass: np.ndarray
    log_evidence: float
    effect_mean: np.ndarray
    effect_sd: np.ndarray

    def marginal(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return values of beta, log sd or log sigma, and their probabilities."""
        others = tuple(axis for axis in range(3) if axis != k)
        return self.axes[k], self.mass.sum(axis=others)


def brute(one: Problem, ends: Sequence[tuple[float, float]], counts: Sequence[int]) -> Brute:
    """Integrate by the trapezoidal rule: of functions that vanish at both ends it is exact beyond all powers."""
    axes = tuple(np.linspace(*pair, count) for pair, count in zip(ends, counts, strict=True))
    beta, u, v = axes
    groups, count = one.groups, len(one.layout.levels)
    full = np.zeros((len(one.y), count))
    full[np.arange(len(one.y)), groups] = one.z[:, 0]
    residuals = one.y - beta[:, None] * one.x[:, 0]
    logs, given = np.empty((len(beta), len(u), len(v))), np.empty((len(u), len(v), 2, count))
    width = getattr(one.priors.beta[0], "sigma", 1e9)
    centre = getattr(one.priors.beta[0], "mu", 0.0)
    xp = bc.priors.numpy_namespace()
    for i, log_sd in enumerate(u):
        for j, log_sigma in enumerate(v):
            cov = dense.marginal_covariance(one.z, groups, count, np.array([[np.exp(2 * log_sd)]]), np.exp(log_sigma))
            logs[:, i, j] = stats.multivariate_normal.logpdf(residuals, cov=cov)
            # the fixed effect integrated out by its prior, so that the effects are Gaussian
            whole = cov + width**2 * one.x @ one.x.T
            gain = np.exp(2 * log_sd) * np.linalg.solve(whole, full).T
            given[i, j, 0] = gain @ (one.y - one.x[:, 0] * centre)
            given[i, j, 1] = np.exp(2 * log_sd) * (1 - np.sum(gain * full.T, axis=1))
    logs += np.reshape(one.priors.beta[0].logp(beta, xp), (-1, 1, 1))
    logs += np.reshape(one.priors.sd[0].logp(np.exp(u), xp) + u, (1, -1, 1))
    logs += np.reshape(one.priors.sigma.logp(np.exp(v), xp) + v, (1, 1, -1))
    top = logs.max()
    mass = np.exp(logs - top)
    whole = mass.sum()
    step = np.prod([axis[1] - axis[0] for axis in axes])
    mass /= whole
    weight = mass.sum(axis=0)
    mean = np.einsum("uv,uvj->j", weight, given[:, :, 0])
    square = np.einsum("uv,uvj->j", weight, given[:, :, 1] + given[:, :, 0] ** 2)
    return Brute(axes, mass, float(np.log(whole * step) + top), mean, np.sqrt(square - mean**2))


CASES: Mapping[str, tuple[str, Mapping[str, str], tuple[tuple[float, float], ...], tuple[int, ...]]] = {
    "normal priors": (
        "y ~ 1 + (1 | g)",
        {"beta": "Normal(1, 2)", "sd": "HalfNormal(1)", "sigma": "HalfNormal(1)"},
        ((-5, 9), (-16, 2.2), (-2.2, 1.8)),
        (71, 92, 61),
    ),
    "a slope alone": (
        "y ~ 1 + (0 + x | g)",
        {"beta": "Normal(2, 1)", "sd": "Gamma(2, 1)", "sigma": "LogNormal(0, 0.5)"},
        ((-2, 6), (-9, 3.6), (-1.8, 2.2)),
        (71, 92, 61),
    ),
    "bounded": (
        "y ~ 1 + (1 | g)",
        {"beta": "Normal(1, 2)", "sd": "InverseGamma(1, 0.3)", "sigma": "HalfStudentT(4, 1)"},
        ((-9, 13), (-2.5, 4.5), (-2.2, 2.6)),
        (101, 90, 55),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_brute_force_in_three_dimensions_says_the_same(name):
    formula, priors, ends, counts = CASES[name]
    one = problem(formula, rows((5, 1, 3, 4)), **priors)
    found, exact = integrate(one), brute(one, ends, counts)
    assert found.error < 1e-5
    assert found.posterior.log_evidence == pytest.approx(exact.log_evidence, abs=2e-6)
    for k, marginal in enumerate(found.marginals):
        at, p = exact.marginal(k)
        x = at if k == 0 else np.exp(at)
        mean = p @ x
        assert marginal.mean == pytest.approx(mean, rel=1e-5)
        assert marginal.sd == pytest.approx(np.sqrt(p @ (x - mean) ** 2), rel=1e-5)
        step = at[1] - at[0]
        integral = make_interp_spline(at, p / step, k=7).antiderivative()
        below = integral(at) - integral(at[0])
        np.testing.assert_allclose(marginal.cdf(x), below, atol=2e-5)
        chosen = (below > 1e-3) & (below < 1 - 1e-3)
        density = p / step / (1 if k == 0 else x)
        np.testing.assert_allclose(marginal.density(x[chosen]), density[chosen], rtol=1e-5, atol=1e-7)
    effects = found.posterior.random_effects()
    np.testing.assert_allclose(effects.mode[:, 0], exact.effect_mean, atol=1e-5)
    np.testing.assert_allclose(effects.sd[:, 0], exact.effect_sd, rtol=1e-5)


FEW = (7, 1, 3, 12, 2, 5, 1, 6)


@pytest.mark.parametrize(
    ("formula", "sizes", "offset"),
    [
        ("y ~ x + (1 | g)", FEW, 0.0),
        ("y ~ x + w + (1 | g)", FEW, 1e6),
        ("y ~ 0 + x + (0 + x | g)", FEW, 0.0),
        ("y ~ 0 + (1 | g)", FEW, 0.0),
        # so many different sums of squares that polynomials stand for them
        ("y ~ x + (0 + x | g)", (3,) * 100, 0.0),
    ],
)
def test_fixed_effects_are_integrated_out_as_the_textbook_does(formula, sizes, offset):
    frame = rows(sizes)
    frame["y"] += offset
    one = problem(formula, frame)
    p = one.layout.p
    centres, widths = np.linspace(offset - 1, offset + 2, p), np.linspace(0.5, 3.0, p)
    flat, normal = (
        Integrated.of(one.products, centres, widths if proper else np.full(p, np.inf)) for proper in (False, True)
    )
    sd, sigma = np.array([0.0, 1e-4, 0.7, 30.0]), np.array([0.5, 1.3, 0.2, 0.9])
    values = flat.log(sd, sigma), normal.log(sd, sigma)
    for k in range(len(sd)):
        s = np.array([[sd[k] ** 2]])
        v = dense.marginal_covariance(one.z, one.groups, len(one.layout.levels), s, sigma[k])
        near = one.y - offset * (one.x[:, 0] if p else 0.0)
        if p:
            assert values[0][k] == pytest.approx(dense.restricted_loglik(near, one.x, v), rel=1e-9)
        shifted = centres - offset * (np.arange(p) == 0) if p else centres
        by_prior = dense.loglik(near, one.x, shifted, v + one.x @ np.diag(widths**2) @ one.x.T)
        assert values[1][k] == pytest.approx(by_prior, rel=1e-8)


def test_without_group_effects_it_is_the_linear_model_of_the_books():
    frame = rows((6, 6, 6), sd=0.0)
    one = problem("y ~ 1 + (1 | g)", frame, beta="Flat", sd="HalfNormal(1e-8)", sigma="InverseGamma(1.5, 2)")
    y, n = frame["y"].to_numpy(), len(frame)
    shape, scale = 1.5 + (n - 1) / 2, 2 + np.sum((y - y.mean()) ** 2) / 2
    beta, _, sigma = integrate(one).marginals
    variance = stats.invgamma(shape, scale=scale)
    np.testing.assert_allclose(sigma.quantile(LEVELS), np.sqrt(variance.ppf(LEVELS)), rtol=1e-7)
    student = stats.t(2 * shape, loc=y.mean(), scale=np.sqrt(scale / shape / n))
    np.testing.assert_allclose(beta.quantile(LEVELS), student.ppf(LEVELS), rtol=1e-7)
    assert (beta.mean, beta.sd) == (pytest.approx(student.mean()), pytest.approx(student.std()))


def dyestuff(prior: str) -> Fit:
    model = Model("yield ~ 1 + (1 | batch)", priors={"beta": "Flat", "sd_batch": prior, "sigma": prior})
    return bc.fit(model, "dyestuff", ["quadrature"])["quadrature"]


def test_dyestuff_under_inverse_gamma_on_variances_has_a_spike_and_a_hill():
    found = dyestuff("InverseGamma(0.001, 0.001)")
    sd = found.marginals[1]
    assert sd.cdf(1.0) == pytest.approx(0.089, abs=5e-4)
    # the same integral on a lattice of 4,000 x 600 points, summed: 0.098, 36.65 and 101.94
    np.testing.assert_allclose(sd.quantile([0.025, 0.5, 0.975]), [0.0976, 36.647, 101.937], rtol=1e-3)
    (valley,) = sd.valleys()
    assert 2 < valley < 20
    assert sd.density(0.05) > 10 * sd.density(valley)
    assert sd.density(36.0) > 2 * sd.density(valley)


def test_dyestuff_under_half_cauchy():
    sd = dyestuff("HalfCauchy(25)").marginals[1]
    np.testing.assert_allclose(sd.quantile([0.025, 0.5, 0.975]), [8.275, 37.750, 89.920], rtol=1e-4)
    assert len(sd.valleys()) == 0


def simulated(count: int, seed: int) -> np.ndarray:
    """Return the probabilities ``(count, 3)`` below truths that are drawn from the priors, each in its posterior."""
    rng = np.random.default_rng(seed)
    sizes = (1, 2, 3, 5, 6)
    frame, groups = rows(sizes), np.repeat(np.arange(len(sizes)), sizes)
    priors = {"beta": "Normal(1, 2)", "sd": "HalfNormal(1)", "sigma": "LogNormal(0, 0.7)"}
    found = np.empty((count, 3))
    for k in range(count):
        truth = np.array([rng.normal(1, 2), abs(rng.normal()), np.exp(0.7 * rng.normal())])
        effects = truth[1] * rng.normal(size=len(sizes))
        frame["y"] = truth[0] + effects[groups] + truth[2] * rng.normal(size=len(groups))
        marginals = integrate(problem("y ~ 1 + (1 | g)", frame, **priors)).marginals
        found[k] = [one.cdf(true) for one, true in zip(marginals, truth, strict=True)]
    return found


def assert_uniform(pit: np.ndarray) -> None:
    """Fail where probabilities of any parameter are not uniform, at one in a thousand for all together."""
    assert min(stats.kstest(column, "uniform").pvalue for column in pit.T) > 1e-3 / pit.shape[1]
    # as far out as they should be: Kolmogorov and Smirnov do not see that
    assert min(stats.kstest(np.abs(2 * column - 1), "uniform").pvalue for column in pit.T) > 1e-3 / pit.shape[1]


def test_truths_from_the_prior_lie_anywhere_in_their_posteriors():
    assert_uniform(simulated(120, seed=1))


@pytest.mark.slow
def test_two_thousand_truths_from_the_prior_lie_anywhere_in_their_posteriors():
    assert_uniform(simulated(2000, seed=2))


HARD: Mapping[str, tuple[pd.DataFrame, str]] = {
    "two groups": (rows((4, 5)), "HalfCauchy(2)"),
    "three groups": (rows((2, 2, 2)), "Flat"),
    "mostly singletons": (rows((1,) * 30 + (2, 2)), "HalfNormal(2)"),
    "tiny sd": (rows((8,) * 9, sd=1e-7), "HalfNormal(2)"),
    "tiny sigma": (rows((8,) * 9, sigma=1e-7), "HalfNormal(2)"),
    "many rows": (rows((300,) * 8), "HalfNormal(2)"),
    "many groups": (rows(tuple(1 + k % 7 for k in range(2000))), "HalfNormal(2)"),
    "a spike at zero": (rows((3,) * 5), "InverseGamma(0.001, 0.001)"),
    "a hill far from the spike": (rows((5,) * 8, sd=8.0), "InverseGamma(1, 0.00005)"),
    "heavy at zero": (rows((3,) * 5, sd=0.0), "Gamma(0.01, 0.01)"),
    "narrow prior": (rows((3,) * 5), "LogNormal(1, 0.001)"),
    "window": (rows((3,) * 5), "Uniform(3, 3.01)"),
    "prior far from the data": (rows((3,) * 5), "LogNormal(12, 0.1)"),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_data_are_integrated(name):
    frame, prior = HARD[name]
    one = problem("y ~ 1 + (1 | g)", frame, beta="Flat", sd=prior, sigma="HalfNormal(5)")
    found = fit(one)
    assert found.status in (Status.OK, Status.FLAGGED), found.message
    assert found.diagnostics["integration_error"] < 1e-5
    assert np.isfinite(found.estimate).all() or any("does not exist" in reason for reason in found.reason)
    for marginal in found.marginals:
        quantiles = marginal.quantile(LEVELS)
        assert np.all(np.diff(quantiles) > 0)
        np.testing.assert_allclose(marginal.cdf(quantiles), LEVELS, atol=1e-9)
    # the marginal of log sd once more, sigma summed over a fine lattice
    density = Density.of(one)
    at = np.linspace(*np.log(found.marginals[1].quantile([0.02, 0.98])), 41)
    v = np.linspace(*np.log(found.marginals[2].quantile([1e-9, 1 - 1e-9])), 400)
    logs = density(np.repeat(at, len(v)), np.tile(v, len(at))).reshape(len(at), -1)
    by_hand = np.exp(logs - logs.max()).sum(axis=1)
    said = found.marginals[1].density(np.exp(at)) * np.exp(at)
    np.testing.assert_allclose(said / said.sum(), by_hand / by_hand.sum(), rtol=1e-4, atol=1e-6)


def test_offset_and_unit_of_the_response_change_nothing_else():
    frame = rows((4, 2, 5, 3, 6, 4))
    far = frame.assign(y=1000.0 * (frame["y"] + 1e6))
    here, there = (
        integrate(problem("y ~ x + (1 | g)", one, beta="Flat", sd="Flat", sigma="Flat")) for one in (frame, far)
    )
    for k, (one, other) in enumerate(zip(here.marginals, there.marginals, strict=True)):
        shift = 1e6 if k == 0 else 0.0
        np.testing.assert_allclose(other.quantile(LEVELS) / 1000 - shift, one.quantile(LEVELS), rtol=1e-6)
        assert other.sd / 1000 == pytest.approx(one.sd, rel=1e-6)


def test_dyestuff2_whose_ml_variance_is_zero():
    found = bc.fit(Model("yield ~ 1 + (1 | batch)"), "dyestuff2", ["quadrature"])["quadrature"]
    assert found.status == Status.OK
    assert 0 < found.estimate[1] < 2
    assert found.marginals[1].density(0.01) > found.marginals[1].density(1.0)


def test_moments_that_do_not_exist_say_so_and_quantiles_remain():
    """With two groups the likelihood falls as 1 / sd, and the half-Cauchy density as 1 / sd^2: a mean, no variance."""
    found = fit(problem("y ~ 1 + (1 | g)", rows((6, 6)), beta="Flat", sd="HalfCauchy(1)", sigma="HalfCauchy(1)"))
    assert np.isfinite(found.estimate).all()
    assert np.isnan(found.se[:2]).all()
    assert "does not exist" in found.reason[1]
    assert np.isfinite(found.se[2])
    shown = [row for row in intervals(found) if row.parameter == "sd_g[Intercept]"]
    assert {row.kind for row in shown} == {"eti", "hdi"}
    assert all(np.isfinite(row.lower + row.upper) for row in shown)


def test_a_moment_that_barely_exists_has_its_tail():
    """Three group means about a known zero, and a flat prior: the variance is inverse gamma with shape one."""
    frame = rows((50, 50, 50), sigma=0.01)
    frame["y"] -= 0.5 * frame["x"]
    one = problem("y ~ 0 + (1 | g)", frame, sd="Flat", sigma="HalfNormal(1)")
    means = frame.groupby("g")["y"].mean().to_numpy()
    variance = stats.invgamma((len(means) - 1) / 2, scale=np.sum(means**2) / 2)
    sd, _ = integrate(one).marginals
    np.testing.assert_allclose(sd.quantile(LEVELS), np.sqrt(variance.ppf(LEVELS)), rtol=1e-3)
    assert sd.mean == pytest.approx(variance.expect(np.sqrt), rel=1e-3)
    assert np.isnan(sd.sd)


@pytest.mark.parametrize(
    ("formula", "priors", "words"),
    [
        ("y ~ x + (1 + x | g)", {}, "one random effect a group"),
        ("y ~ x", {}, "one random effect a group"),
        ("y ~ x + (1 | g)", {"beta[x]": "Cauchy(0, 1)"}, "Normal or Flat priors"),
        ("y ~ w + (1 | g)", {"beta": "Flat", "sd": "Flat"}, "improper"),
    ],
)
def test_what_it_is_not_for_is_said(formula, priors, words):
    found = fit(problem(formula, rows((4, 4, 4)), **priors))
    assert found.status == Status.NOT_APPLICABLE
    assert words in found.message
    assert np.isnan(found.estimate).all()


def test_rows_that_are_fitted_exactly_have_no_posterior_under_a_flat_prior():
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 4.0, 2.0, 2.0, 5.0, 5.0], "g": list("aabbccdd")})
    ordinary = problem("y ~ 1 + (1 | g)", frame, beta="Flat", sd="HalfNormal(3)", sigma="Flat")
    # a user's response without noise is refused before; one that is simulated is not looked at
    found = fit(next(with_responses(ordinary, np.array([[1.0, 1.0, 4.0, 4.0, 2.0, 2.0, 5.0, 5.0]]))))
    assert found.status == Status.NOT_APPLICABLE
    assert "fitted exactly" in found.message


def test_the_shortest_interval_is_the_shortest_and_holds_its_share():
    found = dyestuff("HalfCauchy(25)")
    for marginal in found.marginals:
        lower, upper = marginal.shortest(0.8)
        assert marginal.cdf(upper) - marginal.cdf(lower) == pytest.approx(0.8, abs=1e-9)
        others = [np.diff(marginal.quantile([p, p + 0.8]))[0] for p in np.linspace(0.001, 0.199, 50)]
        assert upper - lower <= min(others) + 1e-9 * marginal.sd
    rows_ = {(row.kind, row.parameter): row for row in intervals(found, [0.9])}
    for label, marginal in zip(found.layout.labels, found.marginals, strict=True):
        ends = rows_["eti", label].lower, rows_["eti", label].upper
        np.testing.assert_allclose(ends, marginal.quantile([0.05, 0.95]))


def test_the_same_problem_gives_the_same_bits():
    first, second = dyestuff("HalfCauchy(25)"), dyestuff("HalfCauchy(25)")
    assert np.array_equal(first.estimate, second.estimate)
    assert np.array_equal(first.se, second.se)


def test_a_value_is_located_in_the_intervals_of_all_levels():
    found = dyestuff("HalfCauchy(25)")
    values = np.array([one.quantile(p) for one, p in zip(found.marginals, (0.3, 0.02, 0.9), strict=True)])
    by_kind = bases(found)
    tails, shortest = (located(by_kind[kind], values) for kind in ("eti", "hdi"))
    np.testing.assert_allclose([one.pit for one in tails], [0.3, 0.02, 0.9], atol=1e-9)
    np.testing.assert_allclose([one.covered_from for one in tails], [0.4, 0.96, 0.8], atol=1e-9)
    for marginal, value, one in zip(found.marginals, values, shortest, strict=True):
        ends = marginal.shortest(one.covered_from)
        assert min(np.abs(np.array(ends) - value)) < 1e-3 * marginal.sd


@dataclass(frozen=True)
class Breaks(bc.Prior):
    """A half-normal density that raises beyond a value."""

    most: float = 1e40
    support = "positive"

    def logp(self, x, xp):
        if np.any(np.asarray(x) > self.most):
            raise ValueError("too large")
        return -0.5 * xp.square(x)

    def draw(self, rng, shape):
        return np.abs(rng.normal(size=shape))


def test_a_density_that_raises_far_out_is_zero_there_and_one_that_raises_near_by_is_named():
    frame, whole = rows((4, 5, 3)), "HalfNormal(1)"
    model = Model("y ~ 1 + (1 | g)", priors={"sd_g": Breaks()})
    found, other = (
        fit(build_problem(one, Dataset(frame=frame, name="rows")))
        for one in (model, Model("y ~ 1 + (1 | g)", priors={"sd_g": whole}))
    )
    np.testing.assert_allclose(found.estimate, other.estimate, rtol=1e-8)
    near = Model("y ~ 1 + (1 | g)", priors={"sd_g": Breaks(3.0)})
    failed = fit(build_problem(near, Dataset(frame=frame, name="rows")))
    assert failed.status == Status.FAILED
    assert "too large" in failed.message


def test_what_cannot_be_integrated_is_a_failed_fit():
    """The residual sd is pressed against its wall: its posterior is narrower than what floating point tells apart."""
    frame = rows((4, 5, 3))
    frame["y"] += 1e6
    found = fit(problem("y ~ 1 + (0 + x | g)", frame, beta="Normal(3, 2)", sd="Flat", sigma="Uniform(0, 2)"))
    assert found.status in (Status.FAILED, Status.OK)
    if found.status == Status.OK:
        assert found.marginals[2].quantile(0.01) > 1.99
    else:
        assert "rules of integration" in found.message
