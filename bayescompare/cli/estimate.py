"""What a study would cost, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from bayescompare.cli.tables import add_row, new_console, new_table, number
from bayescompare.provenance import cores
from bayescompare.study.definition import Study
from bayescompare.study.pilot import Pilot
from bayescompare.study.tasks import SURFACE, Task

__all__ = ["print_estimate"]


def duration(seconds: float) -> str:
    """Return seconds as a person says them."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= 60):
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def size(count: float) -> str:
    """Return bytes as a person says them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError


def print_estimate(study: Study, pilot: Pilot, tasks: Sequence[Task], workers: int | None) -> None:
    """Print what would run, and about how long it takes, how large it is, and how sure its numbers will be."""
    out = new_console()
    count = workers or cores()
    out.print(Text(f"{study.title or study.name}: {len(study.scenario):,} scenarios, {study.replicates:,} replicates"))
    shown = new_table(
        "What would run",
        ["estimator", "fits", "seconds a fit", "time", "disk"],
        {"fits", "seconds a fit", "time", "disk"},
    )
    for label, cost in pilot.costs.items():
        own = [task for task in tasks if task.estimator == label]
        fits = sum(task.count for task in own)
        name = "(dispersed starts)" if label == SURFACE else label
        cells = [name, f"{fits:,}", number(cost.fit, 2), duration(pilot.time(own, 1)), size(pilot.bytes(own))]
        add_row(shown, cells)
    out.print(shown)
    left = f"in all about {duration(pilot.time(tasks, count))} on {count} processes, {size(pilot.bytes(tasks))}"
    out.print(Text(f"{left}; by a pilot of {duration(pilot.seconds)}", style="bold"))
    _print_frozen_priors(study)
    _print_errors(study, pilot)


def _print_frozen_priors(study: Study) -> None:
    """Print the priors that truths are drawn from, which are those that data are fitted with."""
    out = new_console()
    for scenario in study.scenarios():
        if scenario.truth != "prior":
            continue
        of = "for a response of mean {:g} and sd {:g}".format(*scenario.nominal)
        out.print()
        out.print(Text(f"Priors of {scenario.name}: set {scenario.priors['set']}, {of}", style="bold"))
        shown = new_table("", ["parameter", "prior"], set())
        for key, prior in scenario.priors.items():
            if key != "set":
                add_row(shown, [key, str(prior)])
        out.print(shown)


def _print_errors(study: Study, pilot: Pilot) -> None:
    """Print the Monte Carlo standard errors to expect."""
    coverage = pilot.mcse("coverage", study.replicates)["mcse"]
    out = new_console()
    out.print()
    if len(coverage):
        out.print(Text(f"Monte Carlo standard error to expect: coverage {coverage.iloc[0]:.2g}, at the nominal level"))
    worst = pilot.mcse("bias", study.replicates).sort_values("mcse", ascending=False).drop_duplicates("parameter")
    shown = new_table("", ["parameter", "bias", "largest for", "in"], {"bias"})
    for row in worst.itertuples():
        add_row(shown, [str(row.parameter), number(row.mcse, 2), str(row.estimator), str(row.scenario)])
    out.print(shown)
