"""From parts to results, scenario by scenario; the study need not be finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bayescompare.comparison.api import describe_engines, describe_priors
from bayescompare.comparison.results import Results, results_of_rows
from bayescompare.comparison.rows import ROWS
from bayescompare.design import Scenario
from bayescompare.fits import Flag
from bayescompare.study.cases import cases
from bayescompare.study.definition import Study
from bayescompare.study.manifest import Manifest
from bayescompare.study.parts import Stamp
from bayescompare.study.sinks import Sink
from bayescompare.study.tasks import SURFACE, cells, slug
from bayescompare.study.work import KEPT_DRAWS, SURFACES, identity

__all__ = ["collect"]

# Tables that are read before they are copied together.
_BATCH = 500

Index = dict[tuple[str, int], tuple[str, str]]


def collect(study: Study, sink: Sink, manifest: Manifest) -> Results:
    """Return the results of the parts that are there.

    Parameters
    ----------
    manifest
        Whose versions the fits are held against: those of other versions are flagged.
    """
    index: Index = {}
    found: list[Mapping[str, pd.DataFrame]] = []
    for scenario in study.scenarios():
        rows = _rows_of(study, scenario, sink, manifest)
        index |= _draws(rows, KEPT_DRAWS - sum(replicate > 0 for _, replicate in index))
        found.append(results_of_rows(rows, optima=_surfaces(study, scenario, sink)).tables)
    return Results(
        tables={name: _joined([tables[name] for tables in found]) for name in found[0]},
        about=_about(study, manifest),
        contrasts=tuple(study.contrasts()),
        trees=sink.trees(index),
    )


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return frames one below the other; empty ones would take their types away."""
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def _rows_of(study: Study, scenario: Scenario, sink: Sink, manifest: Manifest) -> pa.Table:
    """Return the rows of a scenario by replicate and, within, in the order of the study's estimators."""
    labels = [engine.label for engine in study.engines()]
    found = (
        _marked(rows, stamp, manifest)
        for label in labels
        for rows, stamp in sink.rows((scenario.name, label), identity(study, scenario, label))
    )
    rows = _stacked(found, ROWS)
    rows = rows.filter(pc.less(rows["replicate"], study.replicates))
    rank = {label: k for k, label in enumerate(labels)}
    place = np.array([rank[label] for label in rows["estimator"].to_pylist()], dtype=np.int64)
    replicate = rows["replicate"].to_numpy()
    order = np.lexsort([place, replicate])
    # a replicate that is there twice, because somebody copied files, counts once
    code = (replicate * len(labels) + place)[order]
    return _named(rows.take(order[np.diff(code, prepend=-1) > 0]), study)


def _stacked(tables: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """Return tables one below the other; copied together in batches, since a small table takes 80 kB of memory."""
    batches = (pa.concat_tables(batch).combine_chunks() for batch in batched(tables, _BATCH))
    return pa.concat_tables([schema.empty_table(), *batches])


def _named(rows: pa.Table, study: Study) -> pa.Table:
    """Return rows under the name of a study; those that were taken over have another."""
    where = rows.schema.get_field_index("study")
    return rows.set_column(where, rows.schema.field(where), pa.array([study.name] * len(rows), pa.string()))


def _marked(rows: pa.Table, stamp: Stamp, manifest: Manifest) -> pa.Table:
    """Return rows with a flag where other versions made them than the study began with."""
    if dict(stamp.versions) == dict(manifest.versions):
        return rows
    flags = [[*given, str(Flag.OTHER_VERSIONS)] for given in rows["flags"].to_pylist()]
    where = rows.schema.get_field_index("flags")
    return rows.set_column(where, rows.schema.field(where), pa.array(flags, rows.schema.field(where).type))


def _draws(rows: pa.Table, room: int) -> Index:
    """Return where the draws of replicate 0 and of the first flagged fits are, with their hashes."""
    index: Index = {}
    kept = rows.filter(pc.not_equal(rows["draws_sha256"], ""))
    for row in kept.select(["scenario", "replicate", "estimator", "draws_sha256"]).to_pylist():
        key = row["scenario"], row["replicate"]
        later = sum(replicate > 0 for _, replicate in index)
        if key not in index and (key[1] == 0 or later < room):
            index[key] = f"{key[0]}/{slug(row['estimator'])}/{key[1]}.nc", row["draws_sha256"]
    return index


def _surfaces(study: Study, scenario: Scenario, sink: Sink) -> list[dict[str, Any]]:
    """Return the explorations of a scenario."""
    if not study.dispersed_starts:
        return []
    parts = sink.rows((scenario.name, SURFACE), identity(study, scenario, SURFACE))
    rows = _stacked((rows for rows, _ in parts), SURFACES)
    rows = _named(rows.filter(pc.less(rows["replicate"], study.replicates)).sort_by("replicate"), study)
    # what is there twice counts once, as above
    return list({(row["replicate"], row["objective"]): row for row in reversed(rows.to_pylist())}.values())[::-1]


def _about(study: Study, manifest: Manifest) -> dict[str, Any]:
    """Return what was run, in JSON types."""
    return {
        "title": study.title or study.name,
        "kind": "study",
        "study": study.name,
        "description": study.description,
        "seed": study.seed,
        "seconds": sum(session["seconds"] for session in manifest.sessions),
        "sessions": [dict(session) for session in manifest.sessions],
        "created": manifest.created,
        "versions": dict(manifest.versions),
        "machine": dict(manifest.machine),
        "level": study.levels[0],
        "replicates": study.replicates,
        "fits_asked": sum(label != SURFACE for _, label in cells(study)) * study.replicates,
        "scenarios": [scenario.as_dict() for scenario in study.scenarios()],
        "priors": {scenario.name: _priors(study, scenario) for scenario in study.scenarios()},
        "estimators": describe_engines(study.engines()),
        "notes": [],
    }


def _priors(study: Study, scenario: Scenario) -> dict[str, str]:
    """Return the priors of a scenario; those that scale with the data, of its first data set."""
    if scenario.truth == "prior":
        return {key: str(prior) for key, prior in scenario.priors.items() if key != "set"}
    problem = cases(study, scenario, [0])[0].problem
    return {} if problem is None else describe_priors(problem)
