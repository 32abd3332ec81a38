"""Alternative priors of a model, as they are typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bayescompare.errors import PriorError, did_you_mean
from bayescompare.likelihood.problem import Problem
from bayescompare.model import Model
from bayescompare.priors import SETS, Prior, is_assignment, parse_assignment, resolve, set_priors

__all__ = ["Alternative", "alternatives", "under"]

#: A set, an assignment, several with semicolons between, or a mapping as `Model` takes it.
Alternative = str | Mapping[str, Prior | str]


def alternatives(given: Sequence[Alternative] | Alternative, model: Model) -> dict[str, Model]:
    """Return models with other priors, by what was given in words.

    One that names a set has that set in place of all of the model's priors; one that only assigns priors has the
    model's own beside them.

    Raises
    ------
    PriorError
        If one cannot be read, or two are the same.
    """
    listed = [given] if isinstance(given, str | Mapping) else list(given)
    found: dict[str, Model] = {}
    for one in listed:
        priors = _read(one) if isinstance(one, str) else dict(one)
        own = {} if "set" in priors else dict(model.own_priors)
        other = replace(model, priors={"set": model.prior_set, **own, **priors})
        words = _words(priors)
        if words in found:
            raise PriorError(f"The priors {words!r} are asked for twice; name each once.")
        found[words] = other
    return found


def _read(text: str) -> dict[str, Prior | str]:
    """Read ``brms``, ``sd_subject=HalfNormal(5)``, or several with semicolons between."""
    priors: dict[str, Prior | str] = {}
    for part in (piece.strip() for piece in text.split(";")):
        key, prior = ("set", part) if part in SETS else _assignment(part)
        if key in priors:
            raise PriorError(f"{text!r} gives {key!r} twice; give it once.")
        priors[key] = prior
    return priors


def _assignment(part: str) -> tuple[str, Prior]:
    if not is_assignment(part):
        raise PriorError(
            f"There is no set of priors named {part!r}.{did_you_mean(part, SETS)} "
            "Alternatives are sets, or priors as in 'sd_subject=HalfNormal(5)'; several have semicolons between."
        )
    return parse_assignment(part)


def _words(priors: Mapping[str, Prior | str]) -> str:
    """Return an alternative as it could be typed."""
    return "; ".join(str(prior) if key == "set" else f"{key}={prior}" for key, prior in priors.items())


def under(problem: Problem, model: Model) -> Problem:
    """Return the same data with the priors of another model.

    Raises
    ------
    PriorError
        If it sets a prior on a parameter that there is not, or that cannot have it.
    """
    own = set_priors(model.prior_set, problem.layout, problem.y, problem.x, problem.z)
    return replace(problem, model=model, priors=resolve(model.own_priors, own))
