"""How the data of a scenario, or of a grid of them, are made: in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bayescompare.reporting.factorial import Family, joined, level_text
from bayescompare.reporting.formats import whole

__all__ = ["mechanism", "sizes", "truth_text"]

_ANEW = "anew in each data set"


def mechanism(family: Family) -> str:
    """Return how the data of a family are made; a factor of its grid is named with all its levels."""
    about = family.places[0].scenario.about
    sentences = [
        str(about.get("description") or "").strip().rstrip("."),
        f"Model {about['formula']}" if about.get("formula") else "",
        _grid(family),
        _groups(family, about),
        _covariates(about),
        _truth(family, about),
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _grid(family: Family) -> str:
    if not family.factors:
        return ""
    factors = " by ".join(f"{name} ({joined(levels)})" for name, levels in family.factors.items())
    n = 1
    for levels in family.factors.values():
        n *= len(levels)
    shape = "Full factorial grid" if n == len(family.places) else "Grid"
    return f"{shape} of {factors}: {whole(len(family.places))} scenarios"


def _fixed(family: Family, about: Mapping[str, Any], name: str) -> object:
    """Return a field that is the same in all scenarios; None where it is a factor."""
    return None if name in family.factors or "sizes" in family.factors else about.get(name)


def _groups(family: Family, about: Mapping[str, Any]) -> str:
    groups, rows = _fixed(family, about, "groups"), _fixed(family, about, "rows")
    parts = [
        f"{groups} groups" if groups is not None else "",
        f"{sizes(rows, fixed=about.get('fixed_design'))} rows a group" if rows is not None else "",
    ]
    imbalance = _fixed(family, about, "imbalance")
    parts += [f"imbalance {level_text(imbalance)}"] if imbalance else []
    return ", ".join(filter(None, parts))


def sizes(rows: object, *, fixed: object = False) -> str:
    """Return rows a group in words; drawn ones with their distribution, and whether they are drawn once."""
    if isinstance(rows, Sequence) and not isinstance(rows, str):
        drawn = len(rows) == 2 and rows[0] == "poisson"
        return _poisson(float(rows[1]), fixed) if drawn else ", ".join(map(str, rows))
    match = re.fullmatch(r"poisson\(([\d.eE+-]+)\)", str(rows))
    return _poisson(float(match.group(1)), fixed) if match else str(rows)


def _poisson(mean: float, fixed: object) -> str:
    return f"1 + Poisson({mean - 1:g}), drawn {'once' if fixed else _ANEW},"


def _covariates(about: Mapping[str, Any]) -> str:
    if about.get("data"):
        return f"Rows, groups and predictors are those of {about['data']} in every data set"
    drawn = ", ".join(f"{name} ~ {text}" for name, text in (about.get("covariates") or {}).items())
    if about.get("fixed_design") is None:
        return f"Covariates {drawn}" if drawn else ""
    kept = "kept from the first data set in all" if about["fixed_design"] else f"drawn {_ANEW}"
    return f"Covariates {drawn}: {kept}" if drawn else f"The design is {kept}"


def truth_text(truth: object, label: str) -> str:
    """Return how a parameter that is not fixed is drawn; empty where it is fixed or not said.

    Parameters
    ----------
    truth
        As `bayescompare.design.Scenario.as_dict` has it: ``"prior"``, or parameter or variable to a
        number or a distribution.
    """
    if truth == "prior":
        return "drawn from its prior"
    if not isinstance(truth, Mapping):
        return ""
    found = truth.get(label, truth.get(label.partition("[")[0]))
    return f"drawn from {found}" if isinstance(found, str) else ""


def _truth(family: Family, about: Mapping[str, Any]) -> str:
    """Return the true values, those that are factors left to the grid."""
    truth = about.get("truth")
    if truth == "prior":
        return f"All parameters were drawn {_ANEW} from their priors"
    if not isinstance(truth, Mapping) or not truth:
        return ""
    values = {label: value for label, value in truth.items() if label not in family.factors}
    fixed = ", ".join(f"{label} = {level_text(value)}" for label, value in values.items() if not isinstance(value, str))
    drawn = ", ".join(f"{label} ~ {value}" for label, value in values.items() if isinstance(value, str))
    parts = [f"true values {fixed}" if fixed else "", f"drawn {_ANEW} {drawn}" if drawn else ""]
    words = "; ".join(filter(None, [*parts, "effects and correlations that are not named are zero"]))
    return words[0].upper() + words[1:]
