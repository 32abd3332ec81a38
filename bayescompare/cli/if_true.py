"""The options of ``fit`` that ask what would happen if the fit were the truth, and the answer for a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from bayescompare.cli.estimate import duration
from bayescompare.cli.progress import StudyProgress
from bayescompare.cli.read import labels_of
from bayescompare.cli.root import write
from bayescompare.cli.tables import add_row, new_console, new_table, number
from bayescompare.comparison.api import with_if_true
from bayescompare.comparison.kept_draws import KeepDraws
from bayescompare.comparison.results import Results
from bayescompare.engines.base import Engine
from bayescompare.errors import InputError
from bayescompare.fitting import Fits
from bayescompare.reporting.if_true_words import sentences
from bayescompare.study.fitted import check_replicates, chosen_engines
from bayescompare.study.if_true import FOLDER, simulated
from bayescompare.study.planned import planned
from bayescompare.study.run import work_in

__all__ = ["Asked", "asked_for", "print_if_true", "run_if_true"]

_TABLES = ("if_true", "if_true_estimates", "if_true_differences")
_MEASURES = {
    "bias": "mean error ± MCSE",
    "standardised_bias": "in ML SE",
    "empirical_se": "SD",
    "rmse": "RMSE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A simulation that was asked for."""

    replicates: int
    truth: str
    estimators: Sequence[str] | None
    workers: int | None


def asked_for(
    replicates: int | None,
    truth: str | None,
    estimators: Sequence[str] | None,
    workers: int | None,
    engines: Sequence[Engine],
) -> Asked | None:
    """Return what the options ask for, before anything is fitted; None where it is nothing.

    Raises
    ------
    InputError
        If a value cannot be used, or an option would be ignored.
    """
    if replicates is None:
        others = {"--if-true-truth": truth, "--if-true-estimators": estimators, "--workers": workers}
        if given := [name for name, value in others.items() if value is not None]:
            raise InputError(f"{' and '.join(given)} would be ignored: give --if-true as well, such as --if-true 200.")
        return None
    try:
        check_replicates(replicates)
        labels = labels_of(estimators)
        chosen_engines(engines, truth or "lbfgs-ml", labels)
    except InputError as error:
        raise InputError(f"--if-true: {error}") from error
    return Asked(replicates=replicates, truth=truth or "lbfgs-ml", estimators=labels, workers=workers)


def run_if_true(
    asked: Asked | None, fits: Fits, results: Results, folder: Path, levels: Sequence[float], draws: KeepDraws
) -> Results:
    """Run the simulation that was asked for below the folder of a fit, and write both; return the results of the fit.

    Raises
    ------
    InputError
        If nothing can be simulated from the fit; what was fitted is written.
    """
    if asked is None:
        return results
    where = folder / FOLDER
    chosen = planned(
        fits,
        where,
        replicates=asked.replicates,
        truth=asked.truth,
        estimators=asked.estimators,
        levels=levels,
        seed=None,
        workers=asked.workers,
    )
    _announce(chosen.seconds, chosen.study.replicates, [engine.label for engine in chosen.study.engines()])
    # what is interrupted is found again by what was asked for
    write(replace(results, about={**results.about, "if_true": chosen.about}), folder, draws)
    with StudyProgress(*work_in(chosen.study, where)) as progress:
        found = simulated(chosen, fits, where, observe=progress.observe)
        progress.note("tables and reports")
        write(found.results, where)
        whole = with_if_true(results, found)
        write(whole, folder, draws)
    return whole


def _announce(seconds: float, replicates: int, labels: Sequence[str]) -> None:
    """Say what runs, and about how long it takes."""
    last = "goes on" if math.isnan(seconds) else f"about {duration(seconds)}"
    print(f"If the fit were the truth: {replicates:,} data sets by {', '.join(labels)}; {last}.", file=sys.stderr)


def print_if_true(results: Results) -> None:
    """Print what would happen if the fit were the truth: two sentences, and an estimator a row of each parameter."""
    about = results.about.get("if_true")
    if not about or _TABLES[0] not in results.tables:
        return
    console, tables = new_console(), {name: results.tables[name] for name in _TABLES}
    for sentence in sentences(tables, about):
        console.print(Text(sentence))
    for line in (*about["left_out"], *about["notes"]):
        console.print(Text(line, style="yellow"))
    console.print()
    console.print(_table(tables, about))
    console.print()


def _table(tables: Mapping[str, Any], about: Mapping[str, Any]) -> Any:
    rows = tables["if_true"].to_dict("records")
    measured = {(row["parameter"], row["estimator"], row["measure"]): row for row in rows}
    names = [*_MEASURES.values(), "coverage", "n"]
    title = f"If the {about['truth']} fit were the truth: {about['done']:,} data sets"
    table = new_table(title, ["parameter", "estimator", "truth", "yours", *names], {"truth", "yours", *names})
    last = ""
    for row in tables["if_true_estimates"].to_dict("records"):
        key = row["parameter"], row["estimator"]
        cells = [row["parameter"] if row["parameter"] != last else "", row["estimator"]]
        cells += [number(row["truth"]), number(row["own"])]
        cells += [_measure(measured.get((*key, name)), name) for name in _MEASURES]
        add_row(table, [*cells, _coverage(measured.get((*key, "first_coverage"))), f"{row['n_used']}/{row['n_total']}"])
        last = row["parameter"]
    return table


def _measure(row: Mapping[Any, Any] | None, name: str) -> str:
    if row is None:
        return "-"
    error = f" ± {number(row['mcse'], 2)}" if name.endswith("bias") else ""
    return f"{number(row['value'], 3)}{error}"


def _coverage(row: Mapping[Any, Any] | None) -> str:
    if row is None or math.isnan(row["value"]):
        return "-"
    some = f" of {row['n_used']}" if row["n_used"] < row["n_total"] else ""
    return f"{100 * row['value']:.0f} % [{100 * row['lower']:.0f}, {100 * row['upper']:.0f}]{some}"
