"""The section on calibration: where truths that were drawn from the priors lie in what fits say of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from bayescompare.comparison.calibration import (
    CALIBRATED,
    ERROR,
    NOT_APPLICABLE,
    NOT_CALIBRATED,
    prior_spread,
    transforms,
)
from bayescompare.intervals import KINDS
from bayescompare.reporting.factorial import names
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.uniform import LEVELS, PLACES, Cloud, Curve, cloud_panel, uniform_panel
from bayescompare.reporting.formats import Value, count, number, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.lead import Sentence
from bayescompare.reporting.subject import Subject

__all__ = ["Calibration", "CalibrationScenario", "calibration_section", "calibration_sentences"]

#: Scenarios of which there are pictures, and those of which there are all.
MOST, IN_FULL = 6, 2
_PLACE = "place of the truth in the distribution"
_CELL = ["scenario", "estimator", "parameter", "kind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationScenario:
    """The pictures and the verdicts of one scenario."""

    name: str
    ranks: Sequence[Drawing]
    coverage: Sequence[Drawing]
    clouds: Sequence[Drawing]
    verdicts: Grid | None
    left_out: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The section: what it says in two sentences, and the scenarios."""

    sentences: Sequence[Sentence]
    tests: int
    scenarios: Sequence[CalibrationScenario]
    more: int


def calibration_section(subject: Subject) -> Calibration | None:
    """Return the section; None where no truth was drawn from a prior."""
    found = subject.results.calibration if subject.is_study else pd.DataFrame()
    if not len(found):
        return None
    where, rows = names(subject), _first_kinds(subject.table("calibration"))
    every = list(dict.fromkeys(found["scenario"]))
    tests = int(found.loc[found["reading"] == "all", "p_value"].notna().sum())
    scenarios = [
        _scenario(subject, f"cal{k}", where.get(name, name), found[found["scenario"] == name],
                  rows[rows["scenario"] == name], tests, in_full=k < IN_FULL, drawn=k < MOST)
        for k, name in enumerate(every)
    ]  # fmt: skip
    return Calibration(
        sentences=calibration_sentences(found), tests=tests, scenarios=scenarios, more=max(len(every) - MOST, 0)
    )


def _first_kinds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are drawn: of each estimator and quantity the first kind with equal tails."""
    tails = rows["kind"].map(lambda kind: kind in KINDS and KINDS[kind].tails).astype(bool)
    kept = rows[tails & rows["covered_from"].notna()]
    first = kept.drop_duplicates(_CELL[:3])[_CELL]
    return kept.merge(first, on=_CELL)


def calibration_sentences(found: pd.DataFrame) -> list[Sentence]:
    """Return what deviates most surely, if anything does, and how the quantities of each estimator came out."""
    judged = found[(found["reading"] == "all") & (found["verdict"] != NOT_APPLICABLE)]
    counts = [
        f"{label}: {', '.join(f'{n} {verdict}' for verdict, n in rows['verdict'].value_counts().items())}"
        for label, rows in judged.groupby("estimator", sort=False)
    ]
    wrong = judged[judged["verdict"] == NOT_CALIBRATED]
    all_said = Sentence(f"{len(judged)} quantities and kinds of intervals were judged.", f"{'; '.join(counts)}.")
    if not len(wrong):
        sure = len(judged) and bool((judged["verdict"] == CALIBRATED).all())
        claim = "All say where the truth lies." if sure else "No deviation was found."
        return [Sentence(claim, _tests(judged)), all_said]
    first = wrong.sort_values("p_adjusted", kind="stable").iloc[0]
    shown = _probability(float(first["p_adjusted"])).text
    numbers = (
        f"Most surely {first['estimator']}, {first['parameter']} ({first['kind']}): {first['what']}; "
        f"p {shown if shown.startswith('<') else f'= {shown}'}, n = {count(first['n_used'], first['n_total'])}."
    )
    return [
        Sentence(f"{len(wrong)} of {len(judged)} {'is' if len(wrong) == 1 else 'are'} not calibrated.", numbers),
        all_said,
    ]


def _tests(judged: pd.DataFrame) -> str:
    """Return the least probability of the tests, which is adjusted for their number."""
    known = judged["p_adjusted"].dropna()
    if not len(known):
        return "There were too few data sets to test."
    return f"The least p of {len(known)} tests, adjusted for their number, is {_probability(float(known.min())).text}."


def _scenario(
    subject: Subject, key: str, name: str, found: pd.DataFrame, rows: pd.DataFrame, tests: int, *, in_full: bool,
    drawn: bool,
) -> CalibrationScenario:  # fmt: skip
    outside = {
        (row.estimator, row.parameter, row.kind)
        for row in found[found["p_adjusted"] < ERROR].itertuples()
        if row.reading == "all"
    }
    groups = [(str(parameter), one) for parameter, one in rows.groupby("parameter", sort=False)] if drawn else []
    curves = partial(_curves, subject, outside)
    return CalibrationScenario(
        name=name,
        ranks=[
            uniform_panel(f"{key}-r{k}", PLACES, label, curves(one, level=False), tests, below=_PLACE)
            for k, (label, one) in enumerate(groups)
        ],
        coverage=[
            uniform_panel(f"{key}-c{k}", LEVELS, label, curves(one, level=True), tests, below="level of the interval")
            for k, (label, one) in enumerate(groups if in_full else [])
        ],
        clouds=[
            cloud_panel(f"{key}-z{k}", label, clouds)
            for k, (label, one) in enumerate(groups if in_full else [])
            if (clouds := list(_clouds(subject, one)))
        ],
        verdicts=_verdicts(f"{key}-verdicts", name, found),
        left_out=list(_left_out(found)),
    )  # fmt: skip


def _curves(subject: Subject, outside: set[tuple[str, str, str]], rows: pd.DataFrame, *, level: bool) -> list[Curve]:
    """Return the transforms, or the smallest levels that hold the truth, of each estimator.

    The levels are made of the transforms, whose steps are continuous: the kinds that are drawn have equal tails.
    """
    return [
        Curve(
            look=subject.look(str(estimator)),
            values=np.abs(2 * transforms(one) - 1) if level else transforms(one),
            inside=(estimator, one["parameter"].iloc[0], one["kind"].iloc[0]) not in outside,
        )
        for estimator, one in _ordered(subject, rows)
    ]


def _ordered(subject: Subject, rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    found = {str(label): one for label, one in rows.groupby("estimator", sort=False)}
    return [(label, found[label]) for label in subject.estimators if label in found]


def _clouds(subject: Subject, rows: pd.DataFrame) -> Iterator[Cloud]:
    """Yield z-scores and contraction of each estimator; nothing of a quantity that has no prior of its own."""
    for label, one in _ordered(subject, rows):
        spread = prior_spread(one)
        z = ((one["estimate"] - one["truth"]) / one["sd"]).to_numpy(float)
        contraction = 1 - (one["sd"].to_numpy(float) / spread) ** 2
        known = np.isfinite(z) & np.isfinite(contraction)
        if known.any():
            yield Cloud(look=subject.look(label), contraction=contraction[known], z=z[known])


def _verdicts(key: str, name: str, found: pd.DataFrame) -> Grid | None:
    """Return the table of the verdicts that have numbers."""
    judged = found[found["verdict"] != NOT_APPLICABLE]
    if not len(judged):
        return None
    gated = bool((judged["reading"] != "all").any())
    columns = [
        Column("estimator", numeric=False),
        Column("quantity", numeric=False),
        Column("kind", numeric=False),
        *([Column("fits", "all, or those that passed the convergence gate", numeric=False)] if gated else []),
        Column("verdict", numeric=False),
        Column("width", "how many times wider the distributions should be, with its 95 % Monte Carlo interval"),
        Column("centre off", "by how many of its sds the centre lies below the truth, with its 95 % interval"),
        Column("50 %", "coverage of the 50 % intervals, with its Monte Carlo standard error"),
        Column("95 %", "coverage of the 95 % intervals"),
        Column("contraction", "share of the prior variance that the data take away, in the median fit"),
        Column("p", "of the farthest order statistic, by Holm's rule over all tests"),
        Column("n", "fits that have such an interval, of all"),
    ]
    rows = [[*_row(row, gated=gated)] for row in judged.itertuples()]
    return grid(key, f"Verdicts on calibration: {name}", columns, rows)


def _row(row: object, *, gated: bool) -> Iterator[Value]:
    one = row._asdict()  # type: ignore[attr-defined]  # a named tuple of the columns
    yield text(one["estimator"], kind="estimator")
    yield text(one["parameter"], kind="code")
    yield text(one["kind"], kind="code")
    if gated:
        yield text(one["reading"])
    yield Value(f"{one['verdict']}: {one['what']}" if one["what"] else one["verdict"], one["verdict"], "", "text")
    for name in ("spread", "shift"):
        ends = one[name], one[f"{name}_lower"], one[f"{name}_upper"]
        error = (ends[2] - ends[1]) / 4
        yield number(ends[0], error, "no number", tail=f"[{plain(ends[1], error)}, {plain(ends[2], error)}]")
    for level in (50, 95):
        share = one[f"coverage_{level}"]
        error = np.sqrt(share * (1 - share) / max(one["n_used"], 1))
        yield number(100 * share, 100 * error, "no number", tail=f"± {plain(100 * error, digits=2)}")
    yield number(one["contraction"], reason="no prior of its own")
    yield _probability(one["p_adjusted"])
    yield text(count(one["n_used"], one["n_total"]), kind="number")


def _probability(p: float) -> Value:
    if np.isfinite(p) and p < 0.001:
        return Value("< 0.001", repr(float(p)))
    return number(p, reason="not tested")


def _left_out(found: pd.DataFrame) -> Iterator[str]:
    """Yield what was not judged and why, each reason once."""
    rows = found[(found["verdict"] == NOT_APPLICABLE) & (found["reading"] == "all")]
    for reason, group in rows.groupby("what", sort=False):
        named = dict.fromkeys(f"{one.estimator} {one.parameter}".strip() for one in group.itertuples())
        yield f"{', '.join(named)}: {reason}"
