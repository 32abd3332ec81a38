"""Where the errors of a study come from: pictures and tables of their parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from bayescompare.comparison.schema import PARTS
from bayescompare.reporting.factorial import names
from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.stacked import FILLS, Bar, Stack, stacked_panel
from bayescompare.reporting.formats import Value, count, number, plain, text
from bayescompare.reporting.grid import Column, Grid, grid
from bayescompare.reporting.picture import dot_of
from bayescompare.reporting.subject import Subject

__all__ = ["MOST_PARAMETERS", "MOST_ROWS", "MOST_SCENARIOS", "ErrorParts", "error_parts"]

#: Scenarios and parameters that are shown.
MOST_SCENARIOS, MOST_PARAMETERS = 6, 6
#: Rows of each table.
MOST_ROWS = 400

# Scenarios of one drawing.
_STACKS = 3
_CELL = ["scenario", "parameter", "estimator"]
_Cell = tuple[str, str, str]
_UNIT = "typical ML standard error"
_MEASURE = "mean error in standard errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorParts:
    """Pictures and tables of the parts, and which scenarios and parameters they show.

    Parameters
    ----------
    shown
        What is shown where that is not all.
    local
        Whether an own optimum is a local mode anywhere.
    """

    drawings: Sequence[Drawing]
    shown: str
    local: bool
    parts: Mapping[str, str]
    means: Grid
    squares: Grid


def error_parts(subject: Subject) -> ErrorParts | None:
    """Return the parts of the errors of a study; None where no error is known in parts."""
    if not subject.is_study:
        return None
    found = subject.results.decomposition
    if not found.means["value"].notna().any():
        return None
    scenarios = _scenarios(subject, found.means)
    means, squares = (frame[frame["scenario"].isin(scenarios)] for frame in (found.means, found.squares))
    used = [name for name in PARTS if name in set(means["part"])]
    drawn = _drawings(subject, means[means["unit"] == _UNIT], scenarios)
    return ErrorParts(
        drawings=[drawing for one in drawn.values() for drawing in one],
        shown=_shown(subject, scenarios, _parameters(means)),
        local=bool((means["n_local"] > 0).any()),
        parts={name: PARTS[name] for name in used},
        means=_means_grid(subject, means[means["unit"] == "response"], used),
        squares=_squares_grid(subject, squares[squares["unit"] == "response"], used),
    )


def _scenarios(subject: Subject, means: pd.DataFrame) -> list[str]:
    """Return the scenarios to show: of many those with the largest parts that are not sampling error."""
    every = [scenario.name for scenario in subject.scenarios]
    if len(every) <= MOST_SCENARIOS:
        return every
    rows = means[(means["unit"] == _UNIT) & ~means["part"].isin(["sampling", "total"])]
    size = rows["value"].abs().groupby(rows["scenario"]).max()
    largest = set(size.nlargest(MOST_SCENARIOS).index)
    return [name for name in every if name in largest]


def _parameters(means: pd.DataFrame) -> list[str]:
    """Return the parameters, those of most scenarios first."""
    pairs = means[["scenario", "parameter"]].drop_duplicates()
    scenarios = Counter(pairs["parameter"])
    return sorted(scenarios, key=lambda parameter: -scenarios[parameter])


def _shown(subject: Subject, scenarios: Sequence[str], parameters: Sequence[str]) -> str:
    every, where = len(subject.scenarios), names(subject)
    parts = []
    if every > len(scenarios):
        listed = "; ".join(where[name] for name in scenarios)
        parts.append(
            f"Of {every} scenarios these are the {len(scenarios)} with the largest parts other than sampling: {listed}."
        )
    if len(parameters) > MOST_PARAMETERS:
        parts.append(f"{len(parameters) - MOST_PARAMETERS} further parameters are in the tables only.")
    return " ".join(parts)


def _drawings(subject: Subject, means: pd.DataFrame, scenarios: Sequence[str]) -> dict[str, list[Drawing]]:
    """Return drawings by parameter; where a parameter has many scenarios they stand side by side, on one scale."""
    where = names(subject)
    cells = {key: group for key, group in means.groupby(_CELL, sort=False)}
    found = {}
    for k, parameter in enumerate(_parameters(means)[:MOST_PARAMETERS]):
        stacks = [
            Stack(heading=where[scenario], bars=bars)
            for scenario in scenarios
            if (bars := _bars(subject, cells, scenario, parameter))
        ]
        shares = [stacks[i : i + _STACKS] for i in range(0, len(stacks), _STACKS)]
        found[parameter] = [
            stacked_panel(f"parts{k}-{i}", parameter, share, _MEASURE, among=stacks) for i, share in enumerate(shares)
        ]
    return found


def _bars(subject: Subject, cells: Mapping[Any, pd.DataFrame], scenario: str, parameter: str) -> list[Bar]:
    """Return a bar an estimator, those that do not estimate the parameter left out."""
    where = names(subject)[scenario]
    found = []
    for label, look in subject.estimators.items():
        if (scenario, parameter, label) in cells:
            rows = cells[scenario, parameter, label].to_dict("records")
            dots = {str(row["part"]): dot_of(row, where) for row in rows}
            parts = {name: dots[name] for name in FILLS if name in dots}
            found.append(Bar(look=look, parts=parts, total=dots["total"], local=any(row["n_local"] for row in rows)))
    return found


def _cells(
    subject: Subject, frame: pd.DataFrame, key: Sequence[str]
) -> list[tuple[tuple[str, str, str], dict[Any, Any]]]:
    """Return each cell with its terms, in the order of the report."""
    place = {scenario.name: k for k, scenario in enumerate(subject.scenarios)}
    rank = subject.rank
    found: dict[_Cell, dict[Any, Any]] = {}
    for row in frame.to_dict("records"):
        term = tuple(str(row[name]) for name in key)
        found.setdefault((str(row["scenario"]), str(row["parameter"]), str(row["estimator"])), {})[term] = row
    # parameters come in the order of the table
    seen = {cell: k for k, cell in enumerate(dict.fromkeys((cell[0], cell[1]) for cell in found))}
    order = sorted(found, key=lambda cell: (place[cell[0]], seen[cell[0], cell[1]], rank.get(cell[2], 0)))
    return [(cell, found[cell]) for cell in order]


def _grid(
    subject: Subject, key: str, caption: str, frame: pd.DataFrame, labels: Sequence[str], terms: Mapping[Any, Column]
) -> Grid:
    """Return the means of terms, a column a term, with Monte Carlo errors in brackets."""
    where = names(subject)
    cells = _cells(subject, frame, labels)
    columns = [Column(name, numeric=False) for name in _CELL]
    columns += [*terms.values(), Column("n", "fits whose every part is known, of all that were asked for")]
    local = any(row["n_local"] for _, found in cells for row in found.values())
    columns += [Column("own optimum is a local mode", "in so many of the fits used")] if local else []
    rows = [
        [
            text(where[scenario]),
            text(parameter, kind="code"),
            text(label, kind="estimator"),
            *(_term(found.get(term), digits) for term in terms),
            *_counts(next(iter(found.values())), local=local),
        ]
        for (scenario, parameter, label), found in cells
        # a digit more than the sum has: the optima of two fits differ by rounding, and nobody wants to read it
        for digits in [float(found[list(terms)[-1]]["mcse"]) / 10]
    ]
    return grid(key, caption, columns, rows, MOST_ROWS)


def _term(row: Mapping[str, Any] | None, digits: float) -> Value:
    if row is None:
        return Value("", "", "not a part of this error", "empty")
    error = float(row["mcse"])
    return number(row["value"], digits, str(row["reason"]), tail=f"({plain(error, digits)})" if error == error else "")


def _counts(row: Mapping[str, Any], *, local: bool) -> list[Value]:
    used = Value(count(row["n_used"], row["n_total"]), str(row["n_used"]))
    return [used, Value(str(row["n_local"]), str(row["n_local"]))] if local else [used]


def _means_grid(subject: Subject, frame: pd.DataFrame, parts: Sequence[str]) -> Grid:
    terms = {(name,): Column(name, PARTS[name]) for name in parts} | {("total",): Column("total", "the bias")}
    caption = "Mean error in parts, in the units of the response, with Monte Carlo standard errors in brackets"
    return _grid(subject, "error-parts", caption, frame, ["part"], terms)


def _squares_grid(subject: Subject, frame: pd.DataFrame, parts: Sequence[str]) -> Grid:
    terms: dict[Any, Column] = {(name, name): Column(f"({name})²", f"mean square: {PARTS[name]}") for name in parts}
    pairs = set(zip(frame["first"], frame["second"], strict=True))
    for pair in combinations(parts, 2):
        for one in (pair, pair[::-1]):
            if one in pairs:
                terms[one] = Column(f"2 × {one[0]} × {one[1]}", "twice the mean product; below zero they cancel")
    terms["total", "total"] = Column("MSE", "mean squared error: the sum of these")
    caption = "Mean squared error in parts, with Monte Carlo standard errors in brackets"
    return _grid(subject, "squared-parts", caption, frame, ["first", "second"], terms)
