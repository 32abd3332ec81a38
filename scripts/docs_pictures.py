"""The pictures of docs/plots.md, in 5 minutes: python scripts/docs_pictures.py [NAME ...] writes docs/pictures/."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from standalone import standalone

import bayescompare as bc
from bayescompare.reporting.calibration import CalibrationScenario
from bayescompare.reporting.context import Context, context
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.prior_page import PriorPage, prior_page
from bayescompare.reporting.subject import Subject

__all__ = ["PICTURES", "draw"]

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
_SLEEP = "reaction ~ 1 + days + (1 + days | subject)"
_PRACTICE = "adam-marginal:batch=3,epochs=20"
_INTERCEPTS = {"formula": "y ~ x + (1 | g)", "rows": 5, "covariates": {"x": "normal(0, 1)"}}
_TRUTH = {"beta[x]": 2, "sigma": 1}


@cache
def sleep() -> Context:
    """Return the report of sleepstudy: practice, convergence, likelihood, posterior."""
    estimators = [_PRACTICE, "adam-marginal", "lbfgs-ml", "lbfgs-reml", "nuts"]
    return context(Subject(bc.compare(bc.fit(_SLEEP, "sleepstudy", estimators))))


@cache
def profiled() -> Context:
    """Return the report of sleepstudy with profiles."""
    return context(Subject(bc.compare(bc.fit(_SLEEP, "sleepstudy", ["lbfgs-ml"], intervals=["profile"]))))


@cache
def restarted() -> Context:
    """Return the report of Adam from several starts."""
    estimators = ["adam-marginal:lr=0.03,steps=600,restarts=4", "lbfgs-ml"]
    return context(Subject(bc.compare(bc.fit(_SLEEP, "sleepstudy", estimators))))


@cache
def dyestuff() -> Context:
    """Return the report of a posterior that quadrature finds too."""
    found = bc.fit("yield ~ 1 + (1 | batch)", "dyestuff", ["quadrature", "nuts", "lbfgs-reml"])
    return context(Subject(bc.compare(found)))


@cache
def if_true() -> Context:
    """Return the report of sleepstudy with data simulated from the likelihood's fit."""
    fits = bc.fit(_SLEEP, "sleepstudy", [_PRACTICE, "adam-marginal", "lbfgs-ml", "lbfgs-reml"])
    return context(Subject(bc.compare(fits, if_true=bc.if_true(fits, replicates=200))))


@cache
def expected() -> PriorPage:
    """Return the page on priors of sleepstudy."""
    return prior_page(bc.prior_predictive(_SLEEP, "sleepstudy", draws=1000))


@cache
def small() -> Context:
    """Return the report of a small study of few, more and many groups."""
    estimators = ["adam-pooled", _PRACTICE, "adam-marginal", "lbfgs-ml", "lbfgs-reml", "nuts:draws=400,effects=false"]
    scenarios = [
        {**_INTERCEPTS, "name": name, "groups": groups, "truth": {**_TRUTH, "sd_g[Intercept]": 1}}
        for name, groups in (("few", 6), ("some", 15), ("many", 40))
    ]
    return _study("small", estimators, scenarios, replicates=60)


@cache
def grid() -> Context:
    """Return the report of a study of a full factorial grid."""
    truth = {**_TRUTH, "sd_g[Intercept]": [0.2, 0.5, 1, 2]}
    scenario = {**_INTERCEPTS, "name": "grid", "groups": [5, 10, 20, 40], "truth": truth}
    return _study("grid", ["lbfgs-ml", "lbfgs-reml"], [scenario], replicates=200)


@cache
def rates() -> Context:
    """Return the report of learning rates."""
    estimators = [f"adam-marginal:lr={rate},epochs=100" for rate in (0.003, 0.01, 0.03, 0.1, 0.3, 1)]
    truth = {**_TRUTH, "sd_g[Intercept]": [1, 10]}
    scenario = {**_INTERCEPTS, "name": "slopes", "groups": 30, "truth": truth}
    return _study("rates", [*estimators, "lbfgs-ml"], [scenario], replicates=20)


@cache
def calibrated() -> Context:
    """Return the report of a calibration: the exact posterior, a Gaussian one, and confidence intervals."""
    scenario = {**_INTERCEPTS, "name": "intercept", "groups": 20, "truth": "prior"}
    return _study("calibration", ["quadrature", "adam-elbo", "lbfgs-reml"], [scenario], replicates=200)


def _study(name: str, estimators: Sequence[str], scenarios: Sequence[Mapping[str, object]], replicates: int) -> Context:
    described = {"name": name, "replicates": replicates, "seed": 1, "estimators": list(estimators)}
    study = bc.Study.from_dict({**described, "dispersed_starts": 0, "scenario": list(scenarios)})
    return context(Subject(bc.run_study(study)))


def _named(drawings: Sequence[Drawing], *names: str) -> list[Drawing]:
    """Return the drawings of which a line of text is a name, in the order of the names."""
    return [next(one for one in drawings if f">{name}<" in one.svg) for name in names]


def _measure(found: Context, key: str, name: str) -> list[Drawing]:
    (drawings,) = (one.drawings for one in found.pictures if one.key == key)
    return _named(drawings, name)


def _there[Part](part: Part | None) -> Part:
    """Return a part of a report that these results have."""
    assert part is not None
    return part


def _premature() -> Sequence[Drawing]:
    claims = _there(small().study_answer).claims
    return next(claim.pictures for claim in claims if claim.number == 1)[:2]


def _calibration() -> CalibrationScenario:
    return _there(calibrated().calibration).scenarios[0]


#: Name of a picture, that of the function which draws it -> its drawings.
PICTURES: Mapping[str, Callable[[], Sequence[Drawing]]] = {
    "position": lambda: [_there(_there(sleep().fit_answer).picture)],
    "forest": lambda: _named(sleep().scenarios[0].forests, "sd_subject[Intercept]", "sd_subject[days]"),
    "profile": lambda: _named(profiled().profiles, "beta[days]", "sd_subject[Intercept]"),
    "power": lambda: _named(_there(sleep().priors).paths, "beta[days]", "sd_subject[Intercept]"),
    "fan": lambda: expected().fans[:2],
    "against": lambda: expected().statistics[:3],
    "contour": lambda: [_there(sleep().laboratory.contours).drawing],
    "descent": lambda: restarted().laboratory.descents[0].panels[:1],
    "path": lambda: _named(_there(sleep().scenarios[0].paths).parameters, "beta[days]", "sigma"),
    "rank": lambda: _there(sleep().scenarios[0].sampler).ranks[:2],
    "energy": lambda: [_there(_there(sleep().scenarios[0].sampler).energy)],
    "exact": lambda: _there(dyestuff().exact).densities[:3],
    "spread": lambda: _named(_there(if_true().if_true).pictures, "sd_subject[Intercept]", "sd_subject[days]"),
    "strip": lambda: _there(small().headline).pictures[:2],
    "stacked": lambda: _named(_there(small().error_parts).drawings, "sd_g[Intercept]"),
    "verdict": _premature,
    "lolly": lambda: _measure(small(), "bias", "sd_g[Intercept]") + _measure(small(), "coverage", "beta[Intercept]"),
    "nested_loop": lambda: _measure(grid(), "bias", "sd_g[Intercept]"),
    "performance": lambda: _named(small().scenarios[0].performance, "beta[Intercept]", "sd_g[Intercept]"),
    "zipper": lambda: small().zippers[:2],
    "sensitivity": lambda: rates().laboratory.sensitivity[:1],
    "uniform": lambda: _named(_calibration().ranks, "beta[Intercept]", "sd_g[Intercept]"),
    "cloud": lambda: _named(_calibration().clouds, "beta[Intercept]", "sd_g[Intercept]"),
}


def draw(name: str) -> None:
    """Write one picture."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(standalone(PICTURES[name]()), encoding="utf-8")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or PICTURES:
        draw(chosen)
