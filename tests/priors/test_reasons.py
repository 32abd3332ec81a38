"""Sets say why a prior has its scale, and what they say is the number that the prior has."""

from __future__ import annotations

import math
import re

import pytest

import bayescompare as bc
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.priors import SETS
from bayescompare.priors.prior_set import GIVEN
from bayescompare.priors.scale import Scale

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"


def sleepstudy(name: str, **own: str) -> Problem:
    return build_problem(bc.Model(SLEEP, priors={"set": name, **own}), bc.load_dataset("sleepstudy"))


def numbers(reason: str) -> list[float]:
    """Work out the right side of each ``words = 2.5 × 56.17 / 2.872`` in a reason."""
    found = []
    for part in reason.split("; "):
        _, equals, digits = part.rpartition(" = ")
        if equals:
            sum_of_roots = re.sub(r"√\((.*)\)$", r"math.sqrt(\1)", digits)
            typed = sum_of_roots.replace("×", "*").replace("²", "**2")
            found.append(eval(typed, {"__builtins__": {}, "math": math, "max": max}))
    return found


@pytest.mark.parametrize("name", SETS)
def test_every_prior_of_every_set_has_a_reason_that_gives_its_numbers(name):
    priors = sleepstudy(name).priors
    assert list(priors.why) == list(priors.labels())
    for label, prior in priors.labels().items():
        values = list(prior.constants().values())
        for said in numbers(priors.why[label]):
            assert any(said == pytest.approx(value, rel=2e-3) for value in values), (label, prior, priors.why[label])


def test_a_slope_is_scaled_by_its_column_and_an_intercept_by_none():
    why = sleepstudy("gelman-2006-half-cauchy").priors.why
    assert why["sd_subject[days]"] == "2.5 sd(y) / sd(days) = 2.5 × 56.17 / 2.872"
    assert why["sd_subject[Intercept]"] == "2.5 sd(y) = 2.5 × 56.17"
    assert why["beta[days]"] == "no information"


def test_a_prior_that_the_user_set_says_so():
    why = sleepstudy("brms", **{"sd_subject": "HalfNormal(50)", "cor_subject": "LKJ(4)", "sigma": "Exponential(1)"})
    assert [why.priors.why[key] for key in ("sd_subject[days]", "cor_subject", "sigma")] == [GIVEN] * 3
    assert why.priors.why["beta[days]"] == "no information"


def test_a_scale_is_its_number_in_words_and_digits():
    scale = 2.5 * Scale.of(56.17213, "sd(y)") / Scale.of(2.872281, "sd(x)")
    assert scale.value == 2.5 * 56.17213 / 2.872281
    assert scale.reason == "2.5 sd(y) / sd(x) = 2.5 × 56.17 / 2.872"
