"""PyMC's distributions as priors: as objects, as text, and the same posterior as ours of the same law."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pymc as pm
import pytest
from scipy import stats

import bayescompare as bc
from bayescompare.engines.nuts.model import build_model, model_data, reads_symbols
from bayescompare.errors import PriorError
from bayescompare.fits import Status
from bayescompare.likelihood.problem import build_problem
from bayescompare.priors import numpy_namespace, parse_prior
from bayescompare.priors.pymc_density import prior_of
from bayescompare.priors.pymc_table import TABLE

XP = numpy_namespace()
DYESTUFF = "yield ~ 1 + (1 | batch)"

#: Text -> the distribution in SciPy.
LAWS = {
    "pm.AsymmetricLaplace(kappa=2, mu=1, b=3)": stats.laplace_asymmetric(2, loc=1, scale=1 / 3),
    "pm.Beta(alpha=2, beta=3)": stats.beta(2, 3),
    "pm.Cauchy(alpha=1, beta=2)": stats.cauchy(1, 2),
    "pm.ChiSquared(nu=3)": stats.chi2(3),
    "pm.ExGaussian(nu=2, mu=1, sigma=3)": stats.exponnorm(2 / 3, loc=1, scale=3),
    "pm.Exponential(lam=0.5)": stats.expon(scale=2),
    "pm.Gamma(alpha=2, beta=3)": stats.gamma(2, scale=1 / 3),
    "pm.Gumbel(mu=1, beta=2)": stats.gumbel_r(1, 2),
    "pm.HalfCauchy(beta=2)": stats.halfcauchy(scale=2),
    "pm.HalfNormal(sigma=50)": stats.halfnorm(scale=50),
    "pm.HalfStudentT(nu=3, sigma=2)": None,
    "pm.InverseGamma(alpha=2, beta=3)": stats.invgamma(2, scale=3),
    "pm.Kumaraswamy(a=2, b=3)": None,
    "pm.Laplace(mu=1, b=2)": stats.laplace(1, 2),
    "pm.LogNormal(mu=1, sigma=0.5)": stats.lognorm(0.5, scale=np.e),
    "pm.Logistic(mu=1, s=2)": stats.logistic(1, 2),
    "pm.Moyal(mu=1, sigma=2)": stats.moyal(1, 2),
    "pm.Normal(mu=1, sigma=2)": stats.norm(1, 2),
    "pm.Pareto(alpha=2, m=3)": stats.pareto(2, scale=3),
    "pm.Rice(nu=2, sigma=3)": stats.rice(2 / 3, scale=3),
    "pm.SkewNormal(alpha=2, mu=1, sigma=3)": stats.skewnorm(2, 1, 3),
    "pm.SkewStudentT(a=2, b=3, mu=1, sigma=2)": stats.jf_skew_t(2, 3, 1, 2),
    "pm.StudentT(nu=3, mu=1, sigma=2)": stats.t(3, 1, 2),
    "pm.Triangular(lower=1, upper=5, c=2)": stats.triang(0.25, 1, 4),
    "pm.TruncatedNormal(mu=1, sigma=2, lower=0)": stats.truncnorm(-0.5, np.inf, 1, 2),
    "pm.Uniform(lower=0, upper=5)": stats.uniform(0, 5),
    "pm.Wald(mu=1, lam=2)": stats.invgauss(0.5, scale=2),
    "pm.Weibull(alpha=2, beta=50)": stats.weibull_min(2, scale=50),
}


def test_the_table_is_whole():
    assert [text.partition("(")[0].removeprefix("pm.") for text in LAWS] == list(TABLE)


@pytest.mark.parametrize("text", LAWS)
def test_text_and_object_are_one(text):
    prior = parse_prior(text)
    assert repr(prior) == text
    assert pickle.loads(pickle.dumps(prior)) == prior
    bare = getattr(pm, prior.distribution).dist(**prior.constants())
    found = prior_of(bare)
    # PyMC makes a gamma distribution of a chi-squared one
    wanted = parse_prior("pm.Gamma(alpha=1.5, beta=0.5)") if prior.distribution == "ChiSquared" else prior
    assert type(found) is type(wanted)
    np.testing.assert_allclose([*found.constants().values()], [*wanted.constants().values()], rtol=1e-12)
    for key, of in (("beta", "real"), ("sd_g", "positive")):
        allowed = {"single": True, of: True}.get(prior.support, False)
        assert prior.suits(of) is allowed, key


@pytest.mark.parametrize("text", [text for text, law in LAWS.items() if law is not None])
def test_the_density_is_scipys(text):
    law = LAWS[text]
    x = law.ppf([0.01, 0.3, 0.5, 0.9]).reshape(2, 2)
    np.testing.assert_allclose(parse_prior(text).logp(x, XP), law.logpdf(x), rtol=1e-6, atol=1e-7)


def test_draws_are_of_the_distribution_and_of_the_generator():
    for text in ("pm.Weibull(alpha=2, beta=50)", "pm.HalfStudentT(nu=3, sigma=2)"):
        prior = parse_prior(text)
        first, second = (prior.draw(np.random.default_rng(3), (2000,)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert prior.draw(np.random.default_rng(1), (2, 3)).shape == (2, 3)
        assert np.shape(prior.draw(np.random.default_rng(1), ())) == ()
        law = LAWS[text]
        below = stats.t(3, scale=2).cdf(first) * 2 - 1 if law is None else law.cdf(first)
        assert stats.kstest(below, "uniform").pvalue > 1e-6


def problem(prior):
    return build_problem(bc.Model(DYESTUFF, priors={"sd_batch": prior}), bc.load_dataset("dyestuff"))


def density(prior, *others) -> np.ndarray:
    """Return the log posterior density that NUTS moves on at some points, also with the data of other priors."""
    model = build_model(problem(prior))
    function = model.compile_logp(mode="FAST_COMPILE")
    found = []
    for one in (prior, *others):
        with model:
            pm.set_data(model_data(problem(one), "marginal"))
        found.append([float(function({"unbounded": x})) for x in POINTS])
    return np.array(found)


POINTS = np.vstack([np.zeros(3), np.random.default_rng(2).normal(0, 1, (4, 3))])


@pytest.mark.parametrize(
    ("text", "ours"), [("pm.HalfNormal(sigma=50)", bc.HalfNormal(50)), ("pm.Gamma(2, 0.1)", bc.Gamma(2, 0.1))]
)
def test_the_posterior_is_that_of_our_prior_of_the_same_law(text, ours):
    np.testing.assert_allclose(density(text), density(ours), rtol=1e-9)
    modes = [
        bc.fit(bc.Model(DYESTUFF, priors={"sd_batch": prior}), "dyestuff", "lbfgs-map")["lbfgs-map"]
        for prior in (text, ours)
    ]
    np.testing.assert_allclose(modes[0].estimate, modes[1].estimate, rtol=1e-6)
    assert modes[0].objective == pytest.approx(modes[1].objective, rel=1e-9)


def test_a_bare_distribution_is_a_prior_and_tensorflow_says_why_not():
    model = bc.Model(DYESTUFF, priors={"sd_batch": pm.Weibull.dist(alpha=2, beta=50)})
    assert repr(model.own_priors["sd_batch"]) == "pm.Weibull(alpha=2, beta=50)"
    fits = bc.fit(model, "dyestuff", ["nuts:draws=200,tune=200", "adam-marginal:map", "adam-elbo", "lbfgs-map"])
    for label in ("adam-marginal:map", "adam-elbo"):
        assert fits[label].status is Status.NOT_APPLICABLE
        assert fits[label].message == (
            "pm.Weibull(alpha=2, beta=50) has no density in TensorFlow; nuts and lbfgs-map can use it"
        )
    mean, mode = (fits[label].estimate[1] for label in ("nuts:draws=200,tune=200", "lbfgs-map"))
    assert 20 < mode < mean < 80


def test_numbers_are_data_and_not_compiled_in():
    texts = [f"pm.Weibull(alpha=2, beta={beta})" for beta in (50, 80)]
    assert reads_symbols(problem(texts[0]).priors)
    one, other = density(*texts)[:, 0]
    # all zeros: the sd of the batches is as large as that of the residuals, their least-squares sd
    sd = float(problem(texts[0]).products.scale)
    law = stats.weibull_min(2, scale=[50, 80]).logpdf(sd)
    assert one - other == pytest.approx(law[0] - law[1], rel=1e-9)


def test_simulation_draws_from_it():
    scenario = bc.Scenario(
        name="s",
        formula="y ~ 1 + (1 | g)",
        design=bc.Design(groups=5, rows=3),
        truth={"sd_g": "pm.Weibull(alpha=2, beta=50)", "sigma": 1},
    )
    first, again, other = (bc.simulate(scenario, k, 1).truth.theta[1] for k in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: "pm.Weibul(2, 3)", r"pm\.Weibul is none of PyMC's .* Did you mean 'Weibull'\?"),
        (lambda: "pm.Weibull(alpha=2, bta=3)", r"pm\.Weibull has no argument 'bta'\. Did you mean 'beta'\?"),
        (lambda: "pm.Normal(0, sd=10)", r"pm\.Normal has no argument 'sd'\. Known: mu, sigma"),
        (lambda: "pm.Weibull(2)", r"pm\.Weibull needs alpha, beta"),
        (lambda: "pm.HalfNormal(-1)", r"pm\.HalfNormal\(sigma=-1\): sigma must be greater than 0"),
        (lambda: "pm.Uniform(3, 2)", r"lower must be less than upper"),
        (lambda: "pm.Flat()", r"Write Flat\(\) for a flat density"),
        (lambda: "pm.distributions.Weibull(2, 3)", "Cannot read the prior"),
        (lambda: "pymc.Weibull(2, 3)", "Cannot read the prior"),
        (lambda: "pm.sample()", r"pm\.sample is none of PyMC's distributions"),
        (lambda: pm.HalfNormal.dist(sigma=-1), r"sigma must be greater than 0, not -1"),
        (lambda: pm.Poisson.dist(3), r"pm\.Poisson is a distribution of whole numbers"),
        (lambda: pm.HalfNormal.dist(1, shape=3), r"pm\.HalfNormal is a distribution of an array"),
        (lambda: pm.HalfNormal.dist(pm.HalfNormal.dist(1)), r"The arguments of pm\.HalfNormal must be single numbers"),
        (lambda: pm.math.exp(pm.Normal.dist()), "is no distribution; give one such as pm"),
        (lambda: pm.Normal.dist(0, 1), "is a prior on real values and cannot be set on 'sd_batch'"),
        (lambda: "pm.Uniform(-1, 5)", "is a prior on real values and cannot be set on 'sd_batch'"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(PriorError, match=message):
        build_problem(bc.Model(DYESTUFF, priors={"sd_batch": make()}), bc.load_dataset("dyestuff"))


def test_a_mixture_is_taken_as_it_is():
    near, far = pm.HalfNormal.dist(sigma=1), pm.HalfNormal.dist(sigma=50)
    one = bc.Model(DYESTUFF, priors={"sd_batch": pm.Mixture.dist(w=[0.5, 0.5], comp_dists=[near, far])})
    prior = one.own_priors["sd_batch"]
    assert prior.support == "positive"
    x = np.array([0.5, 30.0])
    mixed = np.log(0.5 * stats.halfnorm(scale=1).pdf(x) + 0.5 * stats.halfnorm(scale=50).pdf(x))
    np.testing.assert_allclose(prior.logp(x, XP), mixed, rtol=1e-6)
    truncated = pm.Truncated.dist(pm.Normal.dist(0, 50), lower=0, upper=1000)
    # two of them have one number each, and are not taken for one another where models are compiled
    assert problem(prior).priors.signature != problem(truncated).priors.signature
    assert (density(prior) != density(truncated)).all()
    with pytest.raises(PriorError, match="cannot be drawn from here"):
        prior.draw(np.random.default_rng(0), ())


def test_pymc_is_loaded_only_where_it_is_asked_for_a_density():
    script = "import sys, bayescompare as bc; bc.Model('y ~ (1|g)', priors={'sd_g': 'pm.Weibull(2, 50)'}); "
    script += "sys.exit('pymc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
