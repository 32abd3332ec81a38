"""Verdicts on calibration, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.text import Text

from bayescompare.cli.tables import add_row, new_console, new_table, print_failures
from bayescompare.comparison.calibration import CALIBRATED, NOT_APPLICABLE, NOT_CALIBRATED, UNDECIDED
from bayescompare.comparison.results import Results

__all__ = ["print_calibrated", "print_calibration"]

_STYLE = {NOT_CALIBRATED: "bold red", CALIBRATED: "green", UNDECIDED: "yellow"}
_NUMERIC = ["width [95 %]", "centre off, sds [95 %]", "cover 50 %", "cover 95 %", "p", "n"]
_READING = {"all": "all fits", "passed": "fits that passed the convergence gate"}


def print_calibration(found: pd.DataFrame, console: Console) -> None:
    """Print a verdict a quantity and kind of interval, and what was not judged."""
    for (reading, scenario), rows in found.groupby(["reading", "scenario"], sort=False):
        judged = rows[rows["verdict"] != NOT_APPLICABLE]
        if len(judged):
            console.print(_table(judged, f"Calibration, {scenario}: {_READING[str(reading)]}"))
        if reading == "all":
            _left_out(rows[rows["verdict"] == NOT_APPLICABLE], console)
    console.print(
        Text(
            "width: how many times wider the intervals should be; centre: how far it lies below the truth; "
            "p: Holm's, over all tests",
            style="dim",
        )
    )


def print_calibrated(results: Results, report: Path) -> None:
    """Print the verdicts on calibration, and what became of the fits."""
    console = new_console()
    print_calibration(results.calibration, console)
    console.print()
    print_failures(results, console)
    console.print()
    console.print(Text(f"Report: {report}", style="bold"), soft_wrap=True)


def _table(rows: pd.DataFrame, title: str) -> Any:
    table = new_table(title, ["estimator", "quantity", "kind", "verdict", *_NUMERIC], set(_NUMERIC))
    last = ""
    for row in rows.to_dict("records"):
        name = "" if row["estimator"] == last else str(row["estimator"])
        last = str(row["estimator"])
        said = f"{row['verdict']}: {row['what']}" if row["what"] else str(row["verdict"])
        cells = [name, str(row["parameter"]), str(row["kind"]), said, *_numbers(row)]
        add_row(table, cells, _STYLE.get(str(row["verdict"]), ""))
    return table


def _numbers(row: Mapping[Any, Any]) -> list[str]:
    return [
        _spread(row, "spread"),
        _spread(row, "shift", sign="+"),
        _percent(row["coverage_50"]),
        _percent(row["coverage_95"]),
        _probability(row["p_adjusted"]),
        f"{int(row['n_used']):,}/{int(row['n_total']):,}",
    ]


def _spread(row: Mapping[Any, Any], name: str, sign: str = "") -> str:
    """Return a number with its interval."""
    ends = [row[name], row[f"{name}_lower"], row[f"{name}_upper"]]
    if not np.isfinite(ends[0]):
        return "-"
    value, lower, upper = (f"{end + 0.0:{sign}.2f}" for end in ends)
    return f"{value} [{lower}, {upper}]"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if np.isfinite(share) else "-"


def _probability(p: float) -> str:
    return "-" if not np.isfinite(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def _left_out(rows: pd.DataFrame, console: Console) -> None:
    """Print what was not judged and why, each reason once."""
    for reason, group in rows.groupby("what", sort=False):
        named = dict.fromkeys(f"{one.estimator} {one.parameter}".strip() for one in group.itertuples())
        console.print(Text(f"not applicable: {', '.join(named)}: {reason}"))
