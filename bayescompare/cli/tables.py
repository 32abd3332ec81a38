"""Tables for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bayescompare.comparison.results import Results
from bayescompare.errors import InputError
from bayescompare.fits import FLAG_SENTENCES, Flag

__all__ = ["levels_of", "print_fit", "print_names", "print_study"]


def levels_of(text: str) -> tuple[float, ...]:
    """Read ``"0.95,0.89"``."""
    try:
        levels = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"--level {text!r} cannot be read; write numbers with commas between, such as 0.95,0.89."
        ) from None
    from bayescompare.intervals.rows import check_level

    return tuple(check_level(level) for level in levels)


def number(value: Any, digits: int = 4) -> str:
    """Return a number with some significant digits, or a dash."""
    if value is None or not np.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    size = int(np.floor(np.log10(abs(value))))
    return f"{value:.{digits - 1}e}" if not -5 < size < 7 else f"{value:.{max(digits - 1 - size, 0)}f}"


def _table(title: str, columns: list[str], numeric: set[str]) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in numeric else "left", no_wrap=name in numeric)
    return table


def _add(table: Table, cells: list[str], style: str = "") -> None:
    table.add_row(*(Text(cell) for cell in cells), style=style)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _flag_lines(results: Results, console: Console) -> None:
    """Print each flag that was raised, with its sentence and by whom."""
    raised: dict[str, list[str]] = {}
    for row in results.tables["fits"].itertuples():
        for flag in row.flags:
            raised.setdefault(flag, []).append(str(row.estimator))
    for flag, who in raised.items():
        sentence = FLAG_SENTENCES.get(Flag(flag), "")
        console.print(Text(f"{flag} ({', '.join(dict.fromkeys(who))}): {sentence}"))
    for row in results.tables["fits"].itertuples():
        if row.status in ("failed", "timeout", "worker_died", "not_applicable"):
            console.print(Text(f"{row.estimator}: {row.status}: {row.message}", style="bold red"))


def print_fit(results: Results, report: Path) -> None:
    """Print parameter by estimator: estimate, interval, position in the posterior, flags in words."""
    console = _console()
    columns = ["parameter", "estimator", "estimate", "lower", "upper", "in the posterior", "note"]
    level = f"{100 * results.about.get('level', 0.95):g} %"
    title = f"{results.about.get('title', '')}: estimates with {level} intervals"
    table = _table(title, columns, {"estimate", "lower", "upper"})
    shown = results.table
    for parameter, group in shown.groupby("parameter", sort=False):
        for k, row in enumerate(group.itertuples()):
            position = "" if not np.isfinite(row.quantile) else f"quantile {row.quantile:.3f}, z {row.z:+.2f}"
            note = row.reason or ("" if row.kind != "eti" else row.estimand)
            cells = [str(parameter) if k == 0 else "", str(row.estimator)]
            cells += [number(value, 5) for value in (row.estimate, row.lower, row.upper)]
            _add(table, [*cells, position, str(note)])
    console.print(table)
    console.print()
    _flag_lines(results, console)
    console.print(Text(f"Report: {report}", style="bold"), soft_wrap=True)


_VERDICT_STYLE = {
    "supported": "bold red",
    "refuted": "bold green",
    "undecided": "yellow",
    "not tested": "dim",
    "differs by scenario": "bold",
}


def _spread(value: float, lower: float, upper: float) -> str:
    return "-" if not np.isfinite(value) else f"{number(value, 2)} [{number(lower, 2)}, {number(upper, 2)}]"


def print_study(results: Results, report: Path) -> None:
    """Print a verdict per claim and objective, with the number and its interval."""
    console = _console()
    columns = ["claim", "objective", "verdict", "S/R/U", "worst: value [95 %]", "where", "n"]
    table = _table("Verdicts (S supported, R refuted, U undecided scenarios)", columns, {"n"})
    last = ""
    for row in results.verdict_summary.itertuples():
        statement = f"{row.claim} {row.statement}" if row.statement != last else ""
        last = row.statement
        aspect = f"{row.objective}{': ' if row.objective and row.aspect else ''}{row.aspect}"
        frame = pd.Series(row._asdict())
        counts = f"{frame['supported']}/{frame['refuted']}/{frame['undecided']}"
        where = f"{row.worst_scenario}{' ' + row.where if row.where else ''}"
        spread = _spread(row.value, row.lower, row.upper)
        cells = [statement, aspect, str(row.verdict), counts, spread, where, f"{row.n_used}/{row.n_total}"]
        _add(table, cells, _VERDICT_STYLE.get(str(row.verdict), ""))
    console.print(table)
    console.print()
    _failures(results, console)
    console.print(Text(f"Report: {report}", style="bold"), soft_wrap=True)


def _failures(results: Results, console: Console) -> None:
    """Print how many fits ended how, by estimator."""
    fits = results.tables["fits"]
    table = _table(
        "Fits by status", ["estimator", *sorted(fits["status"].unique()), "seconds a fit"], {"seconds a fit"}
    )
    for estimator, group in fits.groupby("estimator", sort=False):
        counts = group["status"].value_counts()
        cells = [str(counts.get(status, 0)) for status in sorted(fits["status"].unique())]
        _add(table, [str(estimator), *cells, number(group["seconds"].median(), 2)])
    console.print(table)


def print_names(what: str) -> None:
    """Print the known names of a kind, each with a line on what it is."""
    console = _console()
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, line in _names(what).items():
        table.add_row(Text(name, style="bold"), Text(line))
    console.print(table)


def _names(what: str) -> dict[str, str]:
    if what == "estimators":
        from bayescompare.engines.catalog import ESTIMATORS

        return {name: line for name, (_, line) in ESTIMATORS.items()}
    if what == "families":
        from bayescompare.model import FAMILIES

        return dict(FAMILIES)
    if what == "studies":
        from bayescompare.study.definition import available

        return available()
    if what == "datasets":
        from bayescompare.datasets import available as datasets

        return {name: f"{info.title}. {info.source}" for name, info in datasets().items()}
    from bayescompare.priors import available as priors
    from bayescompare.priors.parse import describe

    return {name: describe(name) for name in priors()}
