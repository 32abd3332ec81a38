"""Priors that are misspelt, impossible or improper."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from bayescompare.data import Dataset
from bayescompare.errors import PriorError
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model
from bayescompare.priors import LKJ, HalfNormal, InverseGamma, Normal, Prior, parse_assignment, parse_prior
from tests.laws.cases import CASES, Case


def problem(case: str = "slopes", **priors: str):
    return CASES[case].problem(priors)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("sd_q", "no parameter 'sd_q' to set a prior on. Did you mean 'sd_g'?"),
        ("sd_g[z]", "no parameter 'sd_g[z]' to set a prior on. Did you mean 'sd_g[x]'?"),
        ("beta[X]", "no parameter 'beta[X]' to set a prior on. Did you mean 'beta[x]'?"),
        ("Sigma", "Did you mean 'sigma'?"),
        ("tau", "no parameter 'tau' to set a prior on. Known: beta, beta[Intercept], beta[x], sd_g[Intercept],"),
    ],
)
def test_fault_29_unknown_prior_key(key, message):
    with pytest.raises(PriorError) as caught:
        problem(**{key: "HalfNormal(1)"})
    assert message in str(caught.value)


def test_fault_29_correlations_that_the_model_does_not_have():
    with pytest.raises(PriorError, match="no parameter 'cor_g' to set a prior on"):
        problem("uncorrelated", cor_g="LKJ(2)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HalfNrmal(2)", "There is no prior named 'HalfNrmal'. Did you mean 'HalfNormal'?"),
        ("Normal(0, sd=10)", "Normal has no argument 'sd'."),
        ("Normal(0, sd=10)", ": mu, sigma."),
        ("HalfNormal(sigm=2)", "HalfNormal has no argument 'sigm'. Did you mean 'sigma'? Arguments: sigma."),
        ("Flat(1)", "Flat takes 0 arguments (none)"),
        ("HalfNormal(1, 2)", "HalfNormal takes 1 arguments (sigma)"),
        ("HalfNormal(1, sigma=2)", "sigma is given twice"),
        ("InverseGamma(1)", "InverseGamma needs alpha, beta."),
        ("HalfNormal('a')", "\"'a'\" is not a number"),
        ("HalfNormal(True)", "'True' is not a number"),
        ("HalfNormal(__import__('os').getpid())", "is not a number"),
        ("HalfNormal(2*3)", "is not a number"),
        ("os.system(1)", "Cannot read the prior"),
        ("", "Cannot read the prior ''"),
        ("HalfNormal(2", "Cannot read the prior"),
        ("Normal(*[1])", "is not a number"),
        ("Normal(" + "(" * 300, "cannot be right"),
    ],
)
def test_fault_30_misspelt_arguments_list_the_valid_names(text, message):
    with pytest.raises(PriorError) as caught:
        parse_prior(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["HalfNormal(50)", "=HalfNormal(50)", "sd_g", "HalfNormal(sigma=2)"])
def test_fault_30_an_assignment_needs_a_parameter(text):
    with pytest.raises(PriorError, match="write parameter=prior"):
        parse_assignment(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HalfNormal(-1), "HalfNormal(-1): sigma must be greater than 0, not -1"),
        (lambda: HalfNormal(0), "sigma must be greater than 0"),
        (lambda: Normal(0, -2.0), "sigma must be greater than 0"),
        (lambda: Normal(math.nan, 1.0), "mu must be finite, not nan"),
        (lambda: HalfNormal(math.inf), "sigma must be finite, not inf"),
        (lambda: HalfNormal("2"), "sigma must be a number, not '2'"),
        (lambda: LKJ(0), "eta must be greater than 0"),
        (lambda: InverseGamma(0.1, 0), "beta must be greater than 0"),
        (lambda: parse_prior("HalfNormal(-1)"), "sigma must be greater than 0"),
        (lambda: parse_prior("HalfNormal(1e999)"), "sigma must be finite"),
    ],
)
def test_fault_31_impossible_values(make, message):
    with pytest.raises(PriorError) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "text", "advice"),
    [
        ("sd_g", "Normal(0, 1)", "a standard deviation needs a positive one, such as HalfNormal(1)"),
        ("sd_g[x]", "LKJ(2)", "a standard deviation needs a positive one"),
        ("sigma", "Normal(0, 1)", "a standard deviation needs a positive one"),
        ("beta", "HalfNormal(1)", "a fixed effect needs one on the whole line"),
        ("beta[x]", "LKJ(2)", "a fixed effect needs one on the whole line"),
        ("cor_g", "Normal(0, 1)", "correlations need one such as LKJ(2)"),
    ],
)
def test_fault_31_a_support_that_is_not_the_parameters(key, text, advice):
    with pytest.raises(PriorError) as caught:
        problem(**{key: text})
    assert advice in str(caught.value)
    assert repr(key) in str(caught.value)


def test_fault_31_something_that_is_no_prior():
    with pytest.raises(PriorError, match="The prior of 'sd_g' is 50; give an object"):
        Model("y ~ (1 | g)", priors={"sd_g": 50})


@pytest.mark.parametrize("groups", [2])
def test_fault_64_a_flat_prior_on_an_sd_with_two_groups(groups):
    case = Case(formula="y ~ x + (1 | g)", sizes=(9,) * groups)
    with pytest.raises(PriorError, match=r"A flat prior on sd_g\[Intercept\] with 2 groups has an improper posterior"):
        case.problem({"sd_g": "Flat"})
    assert case.problem({"sd_g": "HalfNormal(1)"}).layout.q == 1


def test_fault_64_three_groups_are_enough_for_a_flat_sd():
    assert Case(formula="y ~ x + (1 | g)", sizes=(9, 9, 9)).problem({"sd_g": "Flat"}).layout.q == 1


def test_fault_64_flat_on_the_log_of_an_sd():
    @dataclass(frozen=True, repr=False)
    class FlatOnLogSd(Prior):
        """Density 1 / sd."""

        support = "positive"

        def logp(self, x, xp):
            return -xp.log(x)

        def draw(self, rng, shape):
            raise PriorError("improper")

    model = Model("y ~ x + (1 | g)", priors={"sd_g": FlatOnLogSd()})
    with pytest.raises(PriorError, match=r"grows like 1/sd at zero \(flat on log sd\): its posterior is improper"):
        build_problem(model, Dataset(frame=CASES["intercept"].frame(), name="case"))
    # on sigma it is the usual reference prior, and proper
    model = Model("y ~ x + (1 | g)", priors={"sigma": FlatOnLogSd()})
    assert build_problem(model, Dataset(frame=CASES["intercept"].frame(), name="case")).layout.q == 1
