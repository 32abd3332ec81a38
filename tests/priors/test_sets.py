"""Named sets of priors: their numbers, their three doors, and which posteriors are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import bayescompare as bc
from bayescompare.cli.read import priors_of
from bayescompare.data import Dataset
from bayescompare.errors import PriorError, StudyError
from bayescompare.fitting import fit
from bayescompare.intervals.refits import _with_own_priors
from bayescompare.likelihood.evaluate import deviance, profiled_deviance
from bayescompare.likelihood.problem import Problem, build_problem
from bayescompare.model import Model
from bayescompare.priors import DEFAULT, LKJ, SETS, Flat, HalfNormal, HalfStudentT, StudentT, parse_prior
from tests.laws.cases import CASES, Case

SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
every_set = pytest.mark.parametrize("name", SETS)


def sleepstudy(name: str, formula: str = SLEEP, **own: str) -> Problem:
    return build_problem(Model(formula, priors={"set": name, **own}), bc.load_dataset("sleepstudy"))


def case_of(name: str, groups: int) -> Problem:
    case = Case(formula="y ~ x + (1 | g)", sizes=(9,) * groups)
    return build_problem(Model(case.formula, priors=name), Dataset(frame=case.frame(), name="case"))


@every_set
@pytest.mark.parametrize("case", CASES)
def test_every_set_has_a_possible_prior_for_every_parameter(name, case):
    problem = build_problem(Model(CASES[case].formula, priors=name), Dataset(frame=CASES[case].frame(), name="case"))
    layout, priors = problem.layout, problem.priors
    assert (len(priors.beta), len(priors.sd)) == (layout.p, layout.q)
    assert len(priors.cor) == sum(len(block) > 1 for block in layout.blocks)
    assert all(prior.suits("real") for prior in priors.beta)
    assert all(prior.suits("positive") for prior in (*priors.sd, priors.sigma))
    assert all(isinstance(prior, LKJ) for prior in priors.cor)
    assert np.isfinite(priors.constants()).all()


def test_bambi_has_bambis_numbers():
    # printed by Bambi 0.21.0 after building Model("reaction ~ 1 + days + (1 + days | subject)", sleepstudy)
    priors = sleepstudy("bambi").priors
    assert [priors.beta[0].mu, priors.beta[0].sigma] == pytest.approx([298.50789166666664, 261.00924843334496])
    assert [priors.beta[1].mu, priors.beta[1].sigma] == pytest.approx([0.0, 48.89151175485448])
    assert [prior.sigma for prior in priors.sd] == pytest.approx([261.00924843334496, 48.89151175485448])
    assert all(isinstance(prior, HalfNormal) for prior in priors.sd)
    assert [priors.sigma.nu, round(priors.sigma.sigma, 4)] == [4.0, 56.1721]


def test_brms_has_the_numbers_of_brms():
    # the well-known printout of brms for sleepstudy: student_t(3, 288.7, 59.3), student_t(3, 0, 59.3), flat, lkj(1)
    priors = sleepstudy("brms", "reaction ~ 1 + (1 + days | subject)").priors
    assert priors.beta == (StudentT(3.0, 288.7, 59.3),)
    assert priors.sd == (HalfStudentT(3.0, 59.3), HalfStudentT(3.0, 59.3))
    assert (priors.sigma, priors.cor) == (HalfStudentT(3.0, 59.3), (LKJ(1.0),))
    assert sleepstudy("brms").priors.beta == (Flat(), Flat())
    # whatever the units, the scale is at least 2.5
    assert case_of("brms", 5).priors.sigma == HalfStudentT(3.0, 2.5)


@every_set
def test_a_set_scales_with_the_response_or_not_at_all(name):
    case = CASES["slopes"]
    frame = case.frame()
    model = Model(case.formula, priors=name)
    here, there = (
        build_problem(model, Dataset(frame=frame.assign(y=frame["y"] * factor), name="case")).priors
        for factor in (1000.0, 7000.0)
    )
    ratio = {"flat": 1, "chung-2013": 1, "inla": 1, "bugs": 1}.get(name, 7)
    scales = [
        (getattr(one, field), getattr(other, field))
        for one, other in zip((*here.sd, here.sigma), (*there.sd, there.sigma), strict=True)
        for field in ("sigma", "upper", "u", "beta")
        if hasattr(one, field)
    ]
    assert [other / one for one, other in scales] == pytest.approx([ratio] * len(scales), rel=1e-3)


# Three doors


def test_a_set_is_the_same_in_python_on_the_command_line_and_in_a_study():
    own = {"sd_subject": "HalfNormal(50)"}
    typed = Model(SLEEP, priors={"set": "brms", **own})
    told = Model(SLEEP, priors=priors_of(["sd_subject=HalfNormal(50)"], "brms"))
    study = bc.Study(
        name="s",
        replicates=1,
        estimators=["lbfgs-ml"],
        priors={"set": "brms", "sd_g": "HalfNormal(50)"},
        scenario=[
            {"name": "a", "formula": "y ~ 1 + (1 | g)", "groups": 5, "rows": 4, "truth": {"sd_g": 1, "sigma": 1}}
        ],
    )
    assert typed == told
    assert typed.own_priors == {"sd_subject": HalfNormal(50)}
    problem = build_problem(typed, bc.load_dataset("sleepstudy"))
    assert problem.priors.sd == (HalfNormal(50), HalfNormal(50))
    assert problem.priors.sigma == HalfStudentT(3.0, 59.3)
    model = study.model(study.scenario[0])
    assert (model.prior_set, model.own_priors) == ("brms", {"sd_g": HalfNormal(50)})
    assert study.changed(priors="bambi").priors == {"set": "bambi"}
    assert "priors.set: brms -> bambi" in "".join(study.difference(study.changed(priors="bambi")))
    assert Model(SLEEP, priors="bambi").priors == {"set": "bambi"}
    assert Model(SLEEP).prior_set == DEFAULT


def test_a_misspelt_set_is_refused_at_every_door():
    with pytest.raises(PriorError, match=r"no set of priors named 'bamby'\. Did you mean 'bambi'\?"):
        Model(SLEEP, priors="bamby")
    with pytest.raises(PriorError, match=r"Did you mean 'brms'\?"):
        priors_of([], "brm")
    with pytest.raises(PriorError, match="A single prior is set on a parameter, as in"):
        Model(SLEEP, priors="HalfNormal(50)")
    scenario = {"name": "a", "formula": "y ~ 1 + (1 | g)", "groups": 5, "rows": 4, "truth": {"sd_g": 1, "sigma": 1}}
    for priors, path in (("bamby", "priors: "), ({"set": "bamby"}, "priors.set: ")):
        with pytest.raises(StudyError, match=path + "There is no set of priors named 'bamby'"):
            bc.Study(name="s", replicates=1, estimators=["lbfgs-ml"], priors=priors, scenario=[scenario])


def test_the_truth_is_drawn_from_a_set_whose_numbers_are_frozen():
    scenario = {"name": "a", "formula": "y ~ 1 + (1 | g)", "groups": 5, "rows": 4, "truth": "prior"}
    given = {"name": "s", "replicates": 1, "estimators": ["lbfgs-ml"], "scenario": [scenario]}
    own = {"beta": "Normal(0, 1)", "sd_g": "PCPrior(1, 0.05)"}
    frozen = bc.Study(**given, priors={"set": "bambi", **own})
    assert bc.simulate(frozen.scenario[0], 0, seed=1).truth.theta[1:].min() > 0
    with pytest.raises(StudyError, match=r"BoundaryAvoiding\(\) is improper and cannot be drawn from"):
        bc.Study(**given, priors={"set": "bambi", **own, "sigma": "BoundaryAvoiding"})
    drawn = bc.Study(**given, priors={"set": "bambi", **own, "sigma": "Exponential(1)"})
    truth = bc.simulate(drawn.scenario[0], 0, seed=1).truth.theta
    assert truth[1:].min() > 0


def test_refits_take_the_set_for_their_own_response():
    problem = sleepstudy("brms")
    other = _with_own_priors(replace(problem, y=10 * problem.y))
    assert other.priors.sigma == HalfStudentT(3.0, 593.4)


# Modes


def test_the_mode_under_the_flat_set_is_maximum_likelihood():
    fits = fit(Model(SLEEP, priors="flat"), bc.load_dataset("sleepstudy"), estimators=["lbfgs-ml", "lbfgs-map"], seed=1)
    np.testing.assert_allclose(fits["lbfgs-map"].estimate, fits["lbfgs-ml"].estimate, rtol=1e-4)


def test_boundary_avoiding_keeps_the_mode_off_a_zero_of_maximum_likelihood():
    rng = np.random.default_rng(2)
    case = Case(formula="y ~ 1 + (1 | g)", sizes=(6,) * 8)
    frame = case.frame()
    # groups whose means are closer together than their rows would have them
    frame["y"] = rng.normal(size=len(frame))
    frame["y"] -= 0.9 * frame.groupby("g")["y"].transform("mean")
    data = Dataset(frame=frame, name="case")
    fits = fit(Model(case.formula, priors="chung-2013"), data, estimators=["lbfgs-ml", "lbfgs-map"], seed=1)
    assert fits["lbfgs-ml"].estimate[1] == 0
    at = fits["lbfgs-map"].estimate
    assert at[1] > 0.05
    problem = build_problem(Model(case.formula, priors="chung-2013"), data)
    for factor in (0.97, 1.03):
        moved = at * [1, factor, 1]
        assert deviance(problem, moved) - 2 * np.log(moved[1]) > deviance(problem, at) - 2 * np.log(at[1])


# Which posteriors are improper


@pytest.mark.parametrize("groups", [3, 5, 9])
def test_the_likelihood_falls_off_as_the_rule_on_groups_has_it(groups):
    problem = case_of("default", groups)
    theta = np.array([0.0, 0.0, 1.0, 1.0])
    found = [-profiled_deviance(problem, theta * [0, 0, sd, 1], reml=True) / 2 for sd in (1e4, 1e6)]
    assert np.diff(found)[0] / np.log(100) == pytest.approx(-(groups - 1), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "fewest"), [("flat", 3), ("chung-2013", 4), ("gelman-2006-uniform", 2), ("bugs", 2), ("default", 2)]
)
def test_too_few_groups_for_a_proper_posterior(name, fewest):
    assert case_of(name, fewest).layout.q == 1
    if fewest > 2:
        with pytest.raises(PriorError, match=rf"with {fewest - 1} groups .* at least {fewest} groups are needed"):
            case_of(name, fewest - 1)


@pytest.mark.parametrize("text", ["Gamma(0.0001, 1)", "InverseGamma(0.0001, 0.0001)", "HalfStudentT(0.01, 1)"])
def test_a_proper_prior_is_never_improper(text):
    case = Case(formula="y ~ x + (1 | g)", sizes=(9, 9))
    assert case.problem({"sd_g": text}).priors.sd == (parse_prior(text),)
