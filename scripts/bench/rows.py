"""One measured comparison a row, and the table of them: for people, for other programs, for the README."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["Row", "about", "machine", "markdown", "render", "write_json"]

_HEADINGS = ("what", "ours", "theirs", "ratio", "wanted", "met")
_PACKAGES = ("bayescompare", "numpy", "scipy", "numba", "tensorflow", "keras", "pymc", "nutpie")
_RIVALS = ("statsmodels", "gpboost", "bambi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A comparison.

    Parameters
    ----------
    section, name
        Where it belongs, and what is compared with what.
    ours, theirs
        Measured, in the row's unit; None where there is nothing to compare with.
    unit
        ``s``, of which fewer are better, or a rate such as ``ESS/s``, of which more are.
    wanted
        Times better that was wanted; None where the row is for information.
    limit
        In place of it, the most that ours may be.
    note
        What one must know to read the row.
    """

    section: str
    name: str
    ours: float | None = None
    theirs: float | None = None
    unit: str = "s"
    wanted: float | None = None
    limit: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better ours is."""
        if not self.ours or not self.theirs:
            return None
        return self.theirs / self.ours if self.unit == "s" else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether what was wanted is there; None where nothing was wanted, or measured."""
        if self.limit is not None:
            return None if self.ours is None else self.ours <= self.limit
        if self.wanted is None or self.ratio is None:
            return None
        return self.ratio >= self.wanted

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the row, in the order of the headings."""
        wanted = f"{self.wanted:g}x" if self.wanted else f"at most {self.limit:g} {self.unit}" if self.limit else ""
        return (
            self.name,
            _amount(self.ours, self.unit),
            _amount(self.theirs, self.unit),
            f"{self.ratio:.3g}x" if self.ratio is not None else "",
            wanted,
            {True: "yes", False: "no", None: ""}[self.met],
        )


def _amount(value: float | None, unit: str) -> str:
    """Return a number with a unit that suits its size."""
    if value is None:
        return ""
    if unit != "s":
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, system and versions."""
    versions = {}
    for package in (*_PACKAGES, *_RIVALS):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": _processor(),
        "cores": cores,
        "load": load,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    """Return the name of the processor, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def about(facts: Mapping[str, Any]) -> str:
    """Return a line on the machine and the versions."""
    load = f", load {facts['load']:.1f} at the start" if facts["load"] is not None else ""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    place = f"{facts['processor']}, {facts['cores']} cores{load}, {facts['system']}"
    return f"{place}; Python {facts['python']}, {versions}"


def _sections(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows by section, in their order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.section, []).append(row)
    return found


def render(rows: Sequence[Row], console: Console) -> None:
    """Print the tables and the notes."""
    for section, members in _sections(rows).items():
        table = Table(*_HEADINGS, title=section, title_justify="left", title_style="bold")
        for column in table.columns[1:]:
            column.justify = "right"
            column.no_wrap = True
        for row in members:
            table.add_row(*row.cells())
        console.print(table)
        for row in members:
            if row.note:
                console.print(f"  {row.name}: {row.note}", highlight=False, markup=False)


def markdown(rows: Sequence[Row], facts: Mapping[str, Any]) -> str:
    """Return the table as Markdown."""
    lines = [f"| {' | '.join(_HEADINGS)} |", f"| --- {'| ---: ' * (len(_HEADINGS) - 1)}|"]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, "", *notes, "", f"{about(facts)}.", ""])


def write_json(rows: Sequence[Row], facts: Mapping[str, Any], path: Path) -> None:
    """Write rows and machine as JSON."""
    listed = [
        {
            "section": row.section,
            "name": row.name,
            "unit": row.unit,
            "ours": row.ours,
            "theirs": row.theirs,
            "ratio": row.ratio,
            "wanted": row.wanted,
            "limit": row.limit,
            "met": row.met,
            "note": row.note,
        }
        for row in rows
    ]
    path.write_text(json.dumps({"machine": dict(facts), "rows": listed}, indent=2) + "\n", encoding="utf-8")
