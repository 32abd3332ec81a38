"""Tables for a terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bayescompare.comparison.results import Results
from bayescompare.comparison.summary import summary_table
from bayescompare.fits import FLAG_SENTENCES, Flag

if TYPE_CHECKING:
    from bayescompare.study.rerun import Rerun

__all__ = [
    "add_row",
    "new_console",
    "new_table",
    "number",
    "print_failures",
    "print_fit",
    "print_names",
    "print_rerun",
    "print_study",
]

_FAILED = ("failed", "timeout", "worker_died", "not_applicable")


def number(value: Any, digits: int = 4) -> str:
    """Return a number with some significant digits, or a dash."""
    if value is None or not np.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    size = int(np.floor(np.log10(abs(value))))
    return f"{value:.{digits - 1}e}" if not -5 < size < 7 else f"{value:.{max(digits - 1 - size, 0)}f}"


def new_table(title: str, columns: list[str], numeric: set[str]) -> Table:
    """Return a table without lines; columns of numbers are set to the right."""
    table = Table(title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in numeric else "left", no_wrap=name in numeric, overflow="fold")
    return table


def add_row(table: Table, cells: list[str], style: str = "") -> None:
    """Add a row of plain text."""
    table.add_row(*(Text(cell) for cell in cells), style=style)


def new_console() -> Console:
    """Return a console that is wide enough where it is no terminal."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=140)


def _flag_lines(results: Results, console: Console) -> None:
    """Print what is known of the data, each flag with its sentence and by whom, and why a fit failed."""
    fits = results.tables["fits"]
    notes = {note["flag"]: note["message"] for note in results.about.get("notes", ())}
    for flag, message in notes.items():
        console.print(Text(f"{flag}: {message}"))
    raised: dict[str, list[str]] = {}
    for row in fits.itertuples():
        for flag in row.flags:
            raised.setdefault(flag, []).append(str(row.estimator))
    for flag, who in raised.items():
        if flag not in notes:
            console.print(Text(f"{flag} ({', '.join(dict.fromkeys(who))}): {FLAG_SENTENCES.get(Flag(flag), '')}"))
    for row in fits[fits["status"].isin(_FAILED)].itertuples():
        console.print(Text(f"{row.estimator}: {_words(row.status)}: {row.message}", style="bold red"))


def _words(status: Any) -> str:
    return str(status).replace("_", " ")


def _note(row: Mapping[Any, Any], *, asked: bool) -> str:
    """Return the reason of a missing number, what is to be known of an interval, or what a posterior's number is."""
    if row["status"] in _FAILED:
        return _words(row["status"])
    because = row["because"] if isinstance(row["because"], str) else ""
    if asked:
        return because or str(row["reason"])
    if row["reason"] and row["kind"] == "lr":
        return f"{row['reason']}; the interval is by likelihood ratio"
    return str(row["reason"] or because or ("" if row["kind"] != "eti" else row["estimand"]))


def _at_levels(results: Results, levels: Sequence[float], *, every: bool) -> pd.DataFrame:
    """Return the summary with the bounds of all levels, columns such as ``lower 0.95``."""
    frames = [summary_table(results.tables, level=level, every=every) for level in levels]
    shown, keys = frames[0], ["scenario", "parameter", "estimator", "kind"]
    for level, frame in zip(levels, frames, strict=True):
        ends = {f"{end} {level}": frame[end] for end in ("lower", "upper")}
        shown = shown.merge(frame[keys].assign(**ends), on=keys, how="left")
    return shown


def print_fit(results: Results, report: Path, note: str = "") -> None:
    """Print parameter by estimator: estimate, intervals, position in the posterior, flags in words; then a note."""
    console = new_console()
    kept = results.tables["intervals"]["level"]
    levels = [float(level) for level in kept.unique()] if len(kept) else [0.95]
    asked = bool(results.about.get("intervals"))
    shown = _at_levels(results, levels, every=asked)
    bounds = [f"{100 * tail:.4g} %" for level in levels for tail in ((1 - level) / 2, (1 + level) / 2)]
    located = ["quantile", "z"] if shown["quantile"].notna().any() else []
    numeric = ["estimate", *bounds, *located]
    title = f"{results.about.get('title', '')}: estimates and the ends of their intervals"
    kind = ["interval"] if asked else []
    table = new_table(title, ["parameter", "estimator", *kind, *numeric, "note"], set(numeric))
    last = ("", "")
    for row in shown.to_dict("records"):
        new, again = row["parameter"] != last[0], (row["parameter"], row["estimator"]) == last
        cells = [row["parameter"] if new else "", "" if again else row["estimator"]]
        cells += [row["kind"] if isinstance(row["kind"], str) else ""] if asked else []
        cells += ["" if again else number(row["estimate"], 5)]
        cells += [number(row[f"{end} {level}"], 5) for level in levels for end in ("lower", "upper")]
        add_row(table, [*cells, *(_position(row, again) if located else ()), _note(row, asked=asked)])
        last = row["parameter"], row["estimator"]
    console.print(table)
    if located:
        console.print(Text("quantile, z: where the estimate lies in the posterior", style="dim"))
    console.print()
    _flag_lines(results, console)
    _unused_priors(results, console)
    if note:
        console.print(Text(note), soft_wrap=True)
    console.print(Text(f"Report: {report}", style="bold"), soft_wrap=True)


def _unused_priors(results: Results, console: Console) -> None:
    """Print which estimators do not use the priors that the user set."""
    idle = [one["label"] for one in results.about.get("estimators", []) if not one["uses_priors"]]
    if results.about.get("own_priors") and idle:
        console.print(Text(f"prior not used: {', '.join(idle)}"))


def _position(row: Mapping[Any, Any], again: bool) -> list[str]:
    """Return a point estimate's quantile and z in the posterior, empty for the posterior itself."""
    if again or not np.isfinite(row["quantile"]):
        return ["", ""]
    return [f"{row['quantile']:.3f}", f"{round(row['z'], 2) + 0.0:+.2f}"]


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
    console = new_console()
    columns = ["claim", "objective", "verdict", "S/R/U", "worst: value [95 %]", "where", "n"]
    title = f"{results.about.get('title', '')}\nVerdicts (S/R/U: scenarios that support, refute, leave undecided)"
    table = new_table(title, columns, {"n"})
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
        add_row(table, cells, _VERDICT_STYLE.get(str(row.verdict), ""))
    console.print(table)
    console.print()
    _headline(results, console)
    print_failures(results, console)
    console.print()
    console.print(Text(f"Report: {report}", style="bold"), soft_wrap=True)


#: Aspect of the headline -> its column.
_ASPECTS = {
    "arrival": "not arrived",
    "optimizer and stopping": "sd: optimizer, stopping",
    "objective": "sd: objective or prior",
    "total": "sd: bias",
    "effects": "effects' error",
}


def _headline(results: Results, console: Console) -> None:
    """Print what became of the random effects, each estimator at its worst."""
    found = results.headline
    if not len(found):
        return
    title = "What became of the random effects: worst scenario and sd, in ML standard errors, with 95 % intervals"
    table = new_table(title, ["estimator", *_ASPECTS.values()], set(_ASPECTS.values()))
    for label, group in found.groupby("estimator", sort=False):
        rows = group.set_index("aspect")
        add_row(table, [str(label), *(_aspect(rows.loc[name]) if name in rows.index else "-" for name in _ASPECTS)])
    console.print(table)
    console.print()


def _aspect(row: pd.Series) -> str:
    """Return a number of the headline: a share in percent, a ratio, or a mean."""
    ends = (row["value"], row["lower"], row["upper"])
    if row.name == "arrival":
        value, lower, upper = (f"{100 * end:.0f}" for end in ends)
        return f"{value} % [{lower}, {upper}]"
    # minus zero is zero
    value, lower, upper = (f"{round(end, 2) + 0.0:.{0 if abs(end) >= 100 else 2}f}" for end in ends)
    return f"{'x' if row.name == 'effects' else ''}{value} [{lower}, {upper}]"


def print_failures(results: Results, console: Console) -> None:
    """Print how many fits ended how, by estimator."""
    fits = results.tables["fits"]
    statuses = sorted(fits["status"].unique())
    names = [_words(status) for status in statuses]
    table = new_table("Fits by status", ["estimator", *names, "seconds a fit"], {*names, "seconds a fit"})
    for estimator, group in fits.groupby("estimator", sort=False):
        counts = [str((group["status"] == status).sum()) for status in statuses]
        add_row(table, [str(estimator), *counts, number(group["seconds"].median(), 2)])
    console.print(table)
    failed = fits[fits["status"].isin(_FAILED)].drop_duplicates(["estimator", "message"])
    for row in failed.itertuples():
        console.print(Text(f"{row.estimator} in {row.scenario}: {_words(row.status)}: {row.message}", style="bold red"))


def print_rerun(found: Rerun) -> None:
    """Print one fit: parameter, estimate, standard error, truth."""
    out, fit = new_console(), found.fit
    numeric = ["estimate", "se", "truth"]
    shown = new_table(f"{fit.estimator}: {_words(fit.status)}", ["parameter", *numeric, "note"], set(numeric))
    for row in zip(fit.layout.labels, fit.estimate, fit.se, found.truth.theta, fit.reason, strict=True):
        add_row(shown, [row[0], *(repr(float(value)) for value in row[1:4]), row[4]])
    out.print(shown)
    for line in (fit.message, str(fit.info.get("traceback", ""))):
        if line:
            out.print(Text(line))
    for flag in fit.flags:
        out.print(Text(f"{flag}: {FLAG_SENTENCES.get(flag, '')}"))


def print_names(what: str) -> None:
    """Print the known names of a kind, each with a line on what it is."""
    console = new_console()
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, line in _names(what).items():
        table.add_row(Text(name, style="bold"), Text(line))
    console.print(table)


def _names(what: str) -> dict[str, str]:
    if what == "estimators":
        from bayescompare.engines.catalog import ESTIMATORS, names

        return {name: ESTIMATORS[name][1] if name in ESTIMATORS else "of an installed package" for name in names()}
    if what == "families":
        from bayescompare.model import FAMILIES

        return dict(FAMILIES)
    if what == "intervals":
        from bayescompare.intervals import KINDS

        return {name: kind.what + ("" if kind.usual else "; made where asked for") for name, kind in KINDS.items()}
    if what == "studies":
        from bayescompare.study.definition import available

        return available()
    if what == "datasets":
        from bayescompare.datasets import available as datasets

        return {name: f"{info.title}. {info.source}" for name, info in datasets().items()}
    if what == "prior-sets":
        from bayescompare.priors import SETS

        return {name: f"{one.what}. {one.source}" for name, one in SETS.items()}
    from bayescompare.priors import available as priors
    from bayescompare.priors.names import describe

    return {name: describe(name) for name in priors()}
