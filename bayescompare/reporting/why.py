"""Why the estimates of one's own data differ, parameter by parameter, in words made of the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescompare.comparison.power_scaling import THRESHOLD
from bayescompare.comparison.records import same_estimand
from bayescompare.fits import Flag
from bayescompare.reporting.formats import plain, signed
from bayescompare.reporting.subject import Subject
from bayescompare.reporting.yardstick import Yardstick

__all__ = ["APART", "Why", "strongest", "why"]

#: Differences smaller than this, in standard errors or posterior sds, are not explained.
APART = 0.1
#: How many times farther an interval reaches to one side of the mean before it is called lopsided.
_LOPSIDED = 1.25
_BECAUSE = {
    "REML mode": ", as REML allows for the coefficients being estimated",
    "posterior mode": ", as the priors are part of it",
}
_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What separates the estimates of a parameter, the strongest first; empty where nothing does."""

    parameter: str
    sentences: Sequence[str]
    size: float


@dataclass(frozen=True, slots=True)
class _Reason:
    """A sentence, and how much of a difference it explains."""

    size: float
    words: str


def why(subject: Subject, against: Yardstick | None) -> list[Why]:
    """Return what separates the estimates of each parameter of the user's data."""
    shown = subject.first if against is None else against.places
    return [_of_parameter(subject, against, str(label), rows) for label, rows in shown.groupby("parameter", sort=False)]


def _of_parameter(subject: Subject, against: Yardstick | None, parameter: str, rows: pd.DataFrame) -> Why:
    optima = subject.table("optimum")
    mine = optima[optima["parameter"] == parameter] if len(optima) else optima
    found = [*_bounds(parameter, rows), *_stops(mine, rows), *_objectives(mine, rows), *_others(rows)]
    if against is not None:
        found += _posterior(subject, against, parameter, mine)
    found.sort(key=lambda reason: -reason.size)
    return Why(
        parameter=parameter,
        sentences=[signed(reason.words) for reason in found],
        size=max((reason.size for reason in found), default=0.0),
    )


def _bounds(parameter: str, rows: pd.DataFrame) -> Iterator[_Reason]:
    """Yield the estimators that put a parameter at its bound."""
    bound = 0.0 if parameter.startswith("sd_") else 1.0 if parameter.startswith("cor_") else _NAN
    labels = [
        str(row["estimator"])
        for row in rows.to_dict("records")
        if Flag.BOUNDARY in row["flags"] and abs(abs(row["estimate"]) - bound) < 1e-6
    ]
    if labels:
        where = "zero" if bound == 0 else "plus or minus one"
        yield _Reason(
            np.inf,
            f"{_list(labels)} {_verb(labels, 'puts', 'put')} it at its bound, {where}: "
            "Wald intervals do not hold there, and the mean of a posterior always lies inside.",
        )


def _stops(optima: pd.DataFrame, rows: pd.DataFrame) -> Iterator[_Reason]:
    """Yield the estimators that did not reach the optimum of their own objective."""
    at = dict(zip(rows["estimator"], rows["estimate"], strict=True))
    for row in optima.to_dict("records"):
        away = _in_units(at.get(row["estimator"], _NAN) - row["own_optimum"], row["scale"])
        if np.isfinite(away) and abs(away) > APART:
            yield _Reason(
                abs(away),
                f"{row['estimator']} is not converged: it stopped {_apart(away, 'standard errors')} "
                "the optimum of its own objective.",
            )


def _objectives(optima: pd.DataFrame, rows: pd.DataFrame) -> Iterator[_Reason]:
    """Yield the estimators whose objective has its optimum elsewhere than the likelihood."""
    means = dict(zip(rows["estimator"], rows["estimand"], strict=True))
    for row in optima.to_dict("records"):
        away = _in_units(row["own_optimum"] - row["marginal_ml"], row["scale"])
        if np.isfinite(away) and abs(away) > APART:
            yield _Reason(
                abs(away),
                f"The objective of {row['estimator']} has its optimum {_apart(away, 'standard errors')} the maximum "
                f"of the likelihood{_BECAUSE.get(str(means.get(row['estimator'])), '')}.",
            )


def _others(rows: pd.DataFrame) -> Iterator[_Reason]:
    """Yield the estimators that estimate something else."""
    same = same_estimand(rows)
    for row in rows.drop(same.index).to_dict("records"):
        if np.isfinite(row["estimate"]):
            yield _Reason(0.0, f"{row['estimator']} estimates something else, {row['estimand']}.")


def _posterior(subject: Subject, against: Yardstick, parameter: str, optima: pd.DataFrame) -> Iterator[_Reason]:
    """Yield how far the posterior mean is from the maximum of the likelihood, and by whose doing."""
    top = optima["marginal_ml"].dropna() if len(optima) else pd.Series(dtype=float)
    mean, sd, lower, upper = _moments(subject, against, parameter)
    away = _in_units(mean - float(top.iloc[0]), sd) if len(top) else _NAN
    if not np.isfinite(away) or abs(away) <= APART:
        return
    if not against.trusted:
        yield _Reason(abs(away), f"Its posterior mean is {_apart(away, 'posterior sds')} the maximum of the "
                                 "likelihood by draws that cannot be trusted.")  # fmt: skip
        return
    reach = (upper - mean) / (mean - lower)
    for words in (
        f"The posterior mean lies {_apart(away, 'posterior sds')} the maximum of the likelihood.",
        _pull(subject, against, parameter),
        _lopsided(reach),
    ):
        if words:
            yield _Reason(abs(away), words)


def _moments(subject: Subject, against: Yardstick, parameter: str) -> tuple[float, float, float, float]:
    """Return mean, sd, and the ends of the central interval of a posterior."""
    if against.exact:
        rows = subject.table("exact")
        known = dict(rows.loc[rows["parameter"] == parameter, ["quantity", "exact"]].itertuples(index=False))
        return tuple(float(known.get(name, _NAN)) for name in ("mean", "sd", "2.5 %", "97.5 %"))  # type: ignore[return-value]  # four
    rows = against.places
    row = rows[(rows["parameter"] == parameter) & (rows["estimator"] == against.label)].iloc[0]
    return float(row["estimate"]), float(row["se"]), float(row["lower"]), float(row["upper"])


def _pull(subject: Subject, against: Yardstick, parameter: str) -> str:
    """Return what power-scaling says of the priors, and where they would have to be for the two to meet."""
    table = subject.table("power_scaling")
    rows = table[table["parameter"] == parameter] if len(table) else table
    if not len(rows) or not np.isfinite(float(rows["prior"].iloc[0])):
        return ""
    size, rough = float(rows["prior"].iloc[0]), ", by draws that cannot be trusted" if against.doubts else ""
    measured = f"(power-scaling sensitivity {plain(size, digits=2)}{rough})"
    if size < THRESHOLD:
        return f"The priors hardly move it {measured}."
    return f"The priors pull {measured}{_meeting(subject, parameter)}."


def _meeting(subject: Subject, parameter: str) -> str:
    table = subject.table("power_crossing")
    if not len(table):
        return ""
    mine = table[(table["parameter"] == parameter) & (table["target"] == "lbfgs-ml") & np.isfinite(table["alpha"])]
    return f"; raised to the power {plain(float(mine['alpha'].iloc[0]), digits=2)} they would meet" if len(mine) else ""


def _lopsided(reach: float) -> str:
    """Return how much farther an interval reaches to one side of the mean: a mean is not a peak."""
    if not np.isfinite(reach) or 1 / _LOPSIDED <= reach <= _LOPSIDED or reach <= 0:
        return ""
    side, other, times = ("up", "down", reach) if reach > 1 else ("down", "up", 1 / reach)
    return f"Its posterior is lopsided: the interval reaches {times:.1f} times as far {side} from the mean as {other}."


def _in_units(difference: float, scale: float) -> float:
    """Return a difference in units of a scale; NaN where that is not positive."""
    return difference / scale if scale > 0 else _NAN


def _apart(size: float, unit: str) -> str:
    return f"{plain(abs(size), digits=2)} {unit} {'above' if size > 0 else 'below'}"


def _list(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _verb(labels: Sequence[str], one: str, several: str) -> str:
    return one if len(labels) == 1 else several


def strongest(reasons: Sequence[Why]) -> str:
    """Return what separates the estimates most, in a sentence."""
    known: Mapping[str, Why] = {reason.parameter: reason for reason in reasons if reason.size > 0}
    if not known:
        return f"Nothing that was looked at moves an estimate by more than {APART} standard errors."
    most = max(known.values(), key=lambda reason: reason.size)
    return f"They differ most in {most.parameter}: {_inner(most.sentences[0])}"


def _inner(sentence: str) -> str:
    """Return a sentence as the second part of another."""
    return sentence[0].lower() + sentence[1:] if sentence.startswith(("The ", "Its ")) else sentence
