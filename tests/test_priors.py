"""Named priors: densities, draws, texts, and the set of a model's priors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import digamma, polygamma

from bayescompare.errors import PriorError
from bayescompare.layout import Layout
from bayescompare.likelihood.coordinates import correlation_matrix
from bayescompare.likelihood.predictive import draw_prior, draw_response
from bayescompare.priors import (
    LKJ,
    BoundaryAvoiding,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Normal,
    PCPrior,
    Prior,
    Uniform,
    UniformVariance,
    available,
    default_priors,
    named,
    numpy_namespace,
    parse_assignment,
    parse_prior,
    resolve,
)
from bayescompare.priors.names import describe, get, register_prior
from tests.laws.cases import CASES, dense_covariance
from tests.priors.table import SCALARS, distribution, ends

XP = numpy_namespace()
scalar_priors = pytest.mark.parametrize("prior", SCALARS, ids=repr)
LAYOUT = Layout(coefs=("Intercept", "x"), factor="g", blocks=(("Intercept", "x"), ("w",)), levels=tuple("abcdef"))


@scalar_priors
def test_density_integrates_to_one(prior):
    low, high = ends(prior)
    middle = float(np.median(prior.draw(np.random.default_rng(0), (1001,))))
    far = min(30 * abs(middle), high)
    parts = [(low, middle), (middle, far), (far, high)]
    total = sum(integrate.quad(lambda x: np.exp(prior.logp(x, XP)), *part, limit=200)[0] for part in parts)
    assert total == pytest.approx(1.0, abs=1e-6)


@scalar_priors
def test_density_is_the_slope_of_the_distribution(prior):
    x = np.quantile(prior.draw(np.random.default_rng(0), (2000,)), [0.1, 0.4, 0.8, 0.97])
    h = 1e-5 * np.abs(x)
    slope = (distribution(prior, x + h) - distribution(prior, x - h)) / (2 * h)
    np.testing.assert_allclose(np.exp(prior.logp(x, XP)), slope, rtol=1e-5)


@scalar_priors
def test_draws_follow_the_density(prior):
    draws = prior.draw(np.random.default_rng(1), (50, 100))
    assert draws.shape == (50, 100)
    assert stats.kstest(draws.ravel(), lambda x: distribution(prior, x)).pvalue > 1e-4


@pytest.mark.parametrize("eta", [0.5, 1.0, 2.0, 7.0])
def test_lkj_of_two_integrates_to_one_and_is_a_beta_variable(eta):
    def density(r):
        return np.exp(LKJ(eta).logp(np.array([[1.0, 0.0], [r, np.sqrt((1 - r) * (1 + r))]]), XP))

    marginal = stats.beta(eta, eta, loc=-1, scale=2)
    for r in (-0.9, 0.1, 0.7):
        assert density(r) == pytest.approx(marginal.pdf(r), rel=1e-10)


@pytest.mark.parametrize("eta", [1.0, 2.0, 5.0])
def test_lkj_of_three_integrates_to_one_over_correlation_matrices(eta):
    # quadrature by partial correlations: exact nodes, independent of the vine's constant
    nodes, weights = np.polynomial.legendre.leggauss(40)
    a, b, c = np.meshgrid(nodes, nodes, nodes, indexing="ij")
    mass = np.einsum("i,j,k->ijk", weights, weights, weights)
    r12, r13 = a, b
    r23 = a * b + c * np.sqrt((1 - a**2) * (1 - b**2))
    factor = np.zeros((*a.shape, 3, 3))
    factor[..., 0, 0] = 1
    factor[..., 1, 0], factor[..., 1, 1] = r12, np.sqrt(1 - r12**2)
    factor[..., 2, 0] = r13
    factor[..., 2, 1] = (r23 - r12 * r13) / factor[..., 1, 1]
    factor[..., 2, 2] = np.sqrt(1 - r13**2 - factor[..., 2, 1] ** 2)
    volume = np.sqrt((1 - a**2) * (1 - b**2))
    assert np.sum(mass * volume * np.exp(LKJ(eta).logp(factor, XP))) == pytest.approx(1.0, rel=2e-4)


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize("eta", [1.0, 3.5])
def test_every_correlation_of_a_drawn_matrix_has_the_marginal_law(d, eta):
    factor = LKJ(eta).draw(np.random.default_rng(2), (4000, d, d))
    matrix = factor @ np.swapaxes(factor, 1, 2)
    np.testing.assert_allclose(np.diagonal(matrix, axis1=1, axis2=2), 1.0)
    shape = eta + (d - 2) / 2
    for i in range(d):
        for j in range(i):
            assert stats.kstest(matrix[:, i, j], stats.beta(shape, shape, loc=-1, scale=2).cdf).pvalue > 1e-4
    # and together they have the right generalised variance
    log_det = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    expected, spread = log_det_moments(d, eta)
    assert abs(log_det.mean() - expected) < 4 * spread / np.sqrt(len(log_det))


def log_det_moments(d: int, eta: float) -> tuple[float, float]:
    """Return mean and sd of ``log det R``: a sum of logs of independent beta variables."""
    mean = variance = 0.0
    for level in range(1, d):
        b = eta + (d - 1 - level) / 2
        # 1 - p^2 = 4 u (1 - u) for u ~ beta(b, b): beta(b, 1/2)
        mean += (d - level) * (digamma(b) - digamma(b + 0.5))
        variance += (d - level) * (polygamma(1, b) - polygamma(1, b + 0.5))
    return float(mean), float(np.sqrt(variance))


def test_improper_priors_have_their_density_and_cannot_be_drawn_from():
    x = np.array([1e-9, 1.0, 5.0, 1e9])
    np.testing.assert_array_equal(Flat().logp(x, XP), 0.0)
    np.testing.assert_allclose(np.exp(BoundaryAvoiding().logp(x, XP)), x)
    for prior in (Flat(), BoundaryAvoiding()):
        with pytest.raises(PriorError, match="improper and cannot be drawn from; choose a proper prior"):
            prior.draw(np.random.default_rng(0), (2,))


def test_boundary_avoiding_is_the_limit_of_gamma_priors():
    x = np.array([0.1, 1.0, 7.0])
    limit = Gamma(2.0, 1e-9).logp(x, XP)
    np.testing.assert_allclose(np.diff(limit), np.diff(BoundaryAvoiding().logp(x, XP)), rtol=1e-7)


def test_a_pc_prior_says_how_likely_a_large_sd_is():
    draws = PCPrior(2.0, 0.05).draw(np.random.default_rng(3), (40_000,))
    assert abs(np.mean(draws > 2.0) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 40_000)


@pytest.mark.parametrize("prior", [Uniform(-1.0, 3.0), Uniform(0.5, 3.0), UniformVariance(9.0)], ids=repr)
def test_a_bounded_prior_is_impossible_outside(prior):
    low, high = ends(prior)
    assert np.all(np.isneginf(prior.logp(np.array([low - 1e-9, high + 1e-9, 100.0]), XP)))
    assert np.all(np.isfinite(prior.logp(np.array([low + 1e-9, high - 1e-9]), XP)))


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Uniform(3, 1)", "lower must be less than upper"),
        ("Uniform(2, 2)", "lower must be less than upper"),
        ("UniformVariance(0)", "upper must be greater than 0"),
        ("PCPrior(1, alpha=1)", "alpha must be between 0 and 1, not 1"),
        ("PCPrior(1, alpha=0)", "alpha must be between 0 and 1, not 0"),
        ("PCPrior(-1)", "u must be greater than 0"),
        ("PCPrior", "PCPrior needs u, alpha"),
        ("Gamma(2, 0)", "beta must be greater than 0"),
        ("Gamma(alpha=1e999)", "alpha must be finite"),
        ("Exponential(lm=2)", "has no argument 'lm'. Known: lam."),
        ("StudentT(nu=0)", "nu must be greater than 0"),
        ("LogNormal(sd=1)", "has no argument 'sd'"),
        ("Cauchy(0, -1)", "beta must be greater than 0"),
        ("BoundaryAvoiding(1)", "takes 0 arguments"),
        ("StudenT(3)", "Did you mean 'StudentT'?"),
        ("Exponental(3)", "Did you mean 'Exponential'?"),
    ],
)
def test_impossible_numbers_and_names(text, message):
    with pytest.raises(PriorError) as caught:
        parse_prior(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "text", "allowed"),
    [
        ("beta", "Uniform(0, 9)", True),
        ("beta[x]", "Uniform(-9, 9)", True),
        ("sd_g", "Uniform(0, 9)", True),
        ("sigma", "UniformVariance(9)", True),
        ("sd_g", "Uniform(-9, 9)", False),
        ("cor_g", "Uniform(0, 1)", False),
        ("cor_g", "Uniform(-1, 1)", False),
        ("beta", "Exponential(1)", False),
        ("beta", "UniformVariance(9)", False),
        ("sigma", "StudentT(3, 0, 1)", False),
    ],
)
def test_supports_of_bounded_priors(key, text, allowed):
    if allowed:
        assert parse_prior(text) in resolve({key: parse_prior(text)}, defaults()).labels().values()
    else:
        with pytest.raises(PriorError, match="cannot be set on"):
            resolve({key: parse_prior(text)}, defaults())


# As typed


@pytest.mark.parametrize(
    "prior", [*SCALARS, LKJ(2.0), LKJ(1.5), Flat(), BoundaryAvoiding(), HalfNormal(1e-7), Normal(-1e6, 3)], ids=repr
)
def test_a_prior_prints_as_it_is_typed(prior):
    assert parse_prior(repr(prior)) == prior


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HalfNormal(50)", HalfNormal(50)),
        (" HalfNormal( sigma = 2.5 ) ", HalfNormal(2.5)),
        ("Normal(0, sigma=3)", Normal(0, 3)),
        ("Normal(-1.5, +2)", Normal(-1.5, 2)),
        ("Normal", Normal()),
        ("Flat", Flat()),
        ("Flat()", Flat()),
        ("HalfStudentT(nu=4, sigma=1e2)", HalfStudentT(4, 100.0)),
    ],
)
def test_texts_of_priors(text, expected):
    assert parse_prior(text) == expected


def test_an_assignment_has_a_parameter_and_a_prior():
    assert parse_assignment("sd_subject=HalfNormal(50)") == ("sd_subject", HalfNormal(50))
    assert parse_assignment("beta[x] = Normal(0, sigma=2)") == ("beta[x]", Normal(0, 2))


def test_names_of_the_priors():
    expected = {type(prior).__name__ for prior in SCALARS} | {"BoundaryAvoiding", "Flat", "LKJ"}
    assert set(named.__all__) == expected <= set(available())
    assert describe("HalfStudentT").startswith("(nu, sigma)")


def test_a_prior_of_ones_own_is_usable_by_name():
    @register_prior
    @dataclass(frozen=True, repr=False)
    class ExponentialOfThisTest(Prior):
        """Exponential distribution."""

        rate: float = 1.0
        support = "positive"
        positive = ("rate",)

        def logp(self, x, xp):
            return xp.log(self.rate) - self.rate * x

        def draw(self, rng, shape):
            return rng.exponential(1 / self.rate, shape)

    assert get("ExponentialOfThisTest") is ExponentialOfThisTest
    problem = CASES["slopes"].problem({"sd_g": "ExponentialOfThisTest(2)"})
    assert problem.priors.sd == (ExponentialOfThisTest(2), ExponentialOfThisTest(2))


# The set of a model


def data(n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(n), rng.normal(3, 2, n)])
    return rng.normal(10, 4, n), x, np.column_stack([x, rng.normal(size=n)])


def defaults():
    return default_priors(LAYOUT, *data())


def test_defaults_scale_with_the_data_by_their_formula():
    y, x, z = data()
    priors = defaults()
    sd_y, sd_x = np.std(y), np.std(x[:, 1])
    slope = 2.5 * sd_y / sd_x
    assert priors.beta[1] == Normal(0.0, slope)
    assert priors.beta[0].mu == pytest.approx(y.mean())
    assert priors.beta[0].sigma == pytest.approx(np.hypot(2.5 * sd_y, slope * x[:, 1].mean()))
    # a constant column has its level for its spread
    assert [prior.sigma for prior in priors.sd] == pytest.approx(
        [2.5 * sd_y, 2.5 * sd_y / sd_x, 2.5 * sd_y / np.std(z[:, 2])]
    )
    assert all(isinstance(prior, HalfNormal) for prior in priors.sd)
    assert priors.cor == (LKJ(2.0),)
    assert priors.sigma == HalfStudentT(4.0, sd_y)


def test_defaults_follow_the_units_of_the_data():
    y, x, z = data()
    other = default_priors(LAYOUT, 1000 * y, x * [1, 10], z * [1, 10, 1])
    here = defaults()
    assert other.sigma.sigma == pytest.approx(1000 * here.sigma.sigma)
    assert other.beta[1].sigma == pytest.approx(100 * here.beta[1].sigma)
    assert other.sd[1].sigma == pytest.approx(100 * here.sd[1].sigma)


def test_a_single_parameter_wins_over_its_variable_whatever_the_order():
    given = {"sd_g[x]": HalfCauchy(3), "sd_g": HalfNormal(1), "beta": Normal(0, 9), "beta[Intercept]": Flat()}
    for order in (given, dict(reversed(given.items()))):
        priors = resolve(order, defaults())
        assert priors.sd == (HalfNormal(1), HalfCauchy(3), HalfNormal(1))
        assert priors.beta == (Flat(), Normal(0, 9))
    assert priors.sigma == defaults().sigma


def test_a_flat_prior_on_correlations_is_uniform_over_matrices():
    assert resolve({"cor_g": Flat()}, defaults()).cor == (LKJ(1.0),)


def test_labels_of_the_priors():
    labels = defaults().labels()
    assert list(labels) == ["beta[Intercept]", "beta[x]", "sd_g[Intercept]", "sd_g[x]", "sd_g[w]", "cor_g", "sigma"]


def test_numbers_of_the_priors_come_out_and_go_in_again():
    priors = resolve({"sd_g[x]": InverseGamma(2, 3), "beta[x]": Flat()}, defaults())
    numbers = priors.constants()
    assert len(numbers) == 2 + 0 + 1 + 2 + 1 + 1 + 2
    np.testing.assert_array_equal(priors.with_constants(list(numbers)).constants(), numbers)
    doubled = priors.with_constants(list(2 * numbers))
    assert doubled.sd[1] == InverseGamma(4, 6)
    assert doubled.cor == (LKJ(4.0),)
    assert (
        doubled.signature == priors.signature == (Normal, Flat, HalfNormal, InverseGamma, HalfNormal, LKJ, HalfStudentT)
    )


def test_density_of_a_set_is_the_sum_of_its_priors():
    priors = defaults()
    beta, sd, sigma = np.array([9.0, 0.2]), np.array([1.0, 2.0, 0.5]), 3.0
    factor = np.eye(3)
    factor[1, :2] = 0.6, 0.8
    expected = (
        sum(p.logp(v, XP) for p, v in zip((*priors.beta, *priors.sd), (*beta, *sd), strict=True))
        + LKJ(2.0).logp(factor[:2, :2], XP)
        + priors.sigma.logp(sigma, XP)
    )
    assert priors.logp(beta, sd, factor, sigma, XP) == pytest.approx(expected)


def test_draws_from_the_prior_of_a_model():
    problem = CASES["three effects and one"].problem({"sd_g": "HalfCauchy(2)", "cor_g": "LKJ(3)"})
    layout = problem.layout
    draws = draw_prior(problem, np.random.default_rng(0), 4000)
    assert draws.shape == (4000, layout.size)
    for k in range(layout.sd.start, layout.sd.stop):
        assert stats.kstest(draws[:, k], stats.halfcauchy(scale=2).cdf).pvalue > 1e-4
    marginal = stats.beta(3.5, 3.5, loc=-1, scale=2)
    for k in range(layout.cor.start, layout.cor.stop):
        assert stats.kstest(draws[:, k], marginal.cdf).pvalue > 1e-4
    assert np.linalg.eigvalsh(correlation_matrix(draws[:200, layout.cor], layout)).min() > 0
    assert draw_prior(CASES["slopes"].problem({"beta": "Flat"}), np.random.default_rng(0), 10) is None


def test_new_responses_have_the_moments_of_the_model():
    problem = CASES["slopes"].problem()
    theta = np.array([1.0, 2.0, 0.8, 0.5, -0.4, 0.6])
    size = 6000
    draws = draw_response(problem, np.tile(theta, (size, 1)), np.random.default_rng(0))
    v = dense_covariance(problem, theta)
    z = (draws.mean(axis=0) - problem.x @ theta[:2]) / np.sqrt(np.diag(v) / size)
    assert np.abs(z).max() < 4.5
    found = np.cov(draws[:, :6].T)
    spread = np.sqrt((np.outer(np.diag(v), np.diag(v)) + v**2)[:6, :6] / size)
    assert np.abs((found - v[:6, :6]) / spread).max() < 4.5
