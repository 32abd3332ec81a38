"""The report of a large study: seconds of one core, and megabytes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayescompare.comparison.results import Results
from bayescompare.reporting.render import page
from bayescompare.study.definition import load
from bayescompare.study.run import run_study
from bench.rows import Row

__all__ = ["many_scenarios", "measure"]

_SECTION = "The report of a study, on one core"
_STUDY = "adam-random-effects"
_SCENARIOS, _REPLICATES = 100, 20
_SECONDS, _MEGABYTES = 60.0, 10.0


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section: the default study, and one of a hundred scenarios made of its rows."""
    made = run_study(load(_STUDY).changed(replicates=2 if quick else 5))
    large = many_scenarios(made, _SCENARIOS, _REPLICATES)
    page(made)
    return [
        *_rows(f"{_STUDY}, 6 scenarios", made, {}),
        *_rows(
            f"{_SCENARIOS} scenarios x 9 estimators x {_REPLICATES} replicates",
            large,
            {"limit": _SECONDS},
            {"limit": _MEGABYTES},
        ),
    ]


def _rows(name: str, results: Results, seconds: Mapping[str, Any], size: Mapping[str, Any] | None = None) -> list[Row]:
    begun = time.process_time()
    html = page(results)
    spent = time.process_time() - begun
    return [
        Row(section=_SECTION, name=name, ours=spent, **seconds),
        Row(section=_SECTION, name=f"{name}, size", ours=len(html.encode()) / 1e6, unit="MB", **(size or {})),
    ]


def many_scenarios(results: Results, scenarios: int, replicates: int) -> Results:
    """Return results of so many scenarios and replicates, made of the rows of a small study again and again.

    The numbers are those of the small study, and repeat; how much there is to draw, print and compute
    is as in a study of that size. Paths and draws are of the data sets that had them.
    """
    described = results.about["scenarios"]
    origin = {f"{k:03d}-{one['name']}": one for k in range(scenarios) for one in [described[k % len(described)]]}
    # measures and verdicts, which a store keeps too, are made of the others
    rows = {name: table for name, table in results.tables.items() if "replicate" in table}
    tables = {name: _repeated(table, origin, replicates, results.about) for name, table in rows.items()}
    about = {
        **results.about,
        "scenarios": [{**one, "name": name} for name, one in origin.items()],
        "priors": {name: results.about["priors"][one["name"]] for name, one in origin.items()},
        "replicates": replicates,
        "fits_asked": len(tables["fits"]),
    }
    trees = {
        (name, 0): tree for name, one in origin.items() if (tree := results.trees.get((one["name"], 0))) is not None
    }
    return Results(tables=tables, about=about, trees=trees)


def _repeated(
    table: pd.DataFrame, origin: Mapping[str, Mapping[str, Any]], replicates: int, about: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the rows of a table for every scenario; all but those of paths for every replicate."""
    if not len(table):
        return table
    groups = dict(list(table.groupby("scenario", sort=False)))
    times = 1 if "step" in table else -(-replicates // about["replicates"])
    pieces = [
        groups[one["name"]].assign(
            scenario=name, replicate=lambda rows, k=k: rows["replicate"] + k * about["replicates"]
        )
        for name, one in origin.items()
        if one["name"] in groups
        for k in range(times)
    ]
    made = pd.concat(pieces, ignore_index=True)
    return made[made["replicate"] < replicates].reset_index(drop=True)
