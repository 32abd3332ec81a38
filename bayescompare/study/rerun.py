"""One fit of a study again, exactly, to look into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayescompare.engines.base import Engine, OneByOne
from bayescompare.errors import InputError, StudyError, did_you_mean
from bayescompare.fits import Fit
from bayescompare.simulation import Truth, simulate
from bayescompare.study import parts
from bayescompare.study.cases import cases
from bayescompare.study.definition import Study
from bayescompare.study.files import written_whole
from bayescompare.study.own import refuse_absent
from bayescompare.study.sinks import Folder
from bayescompare.study.tasks import Task, plan
from bayescompare.study.verify import opened
from bayescompare.study.work import fits_of

__all__ = ["Rerun", "rerun", "save"]


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """A fit, the data that it was given, and their truth."""

    fit: Fit
    data: pd.DataFrame
    truth: Truth


def rerun(study: Study | Path | str, *, scenario: str, replicate: int, estimator: str) -> Rerun:
    """Return one fit of a study, made again from its coordinates.

    An estimator that fits a stack of data sets at once is given the same stack, so that the last bit is the same.

    Parameters
    ----------
    study
        Or the folder that it was run in.
    scenario, replicate, estimator
        As in the tables.

    Raises
    ------
    StudyError
        If the study has no such scenario, or no model can be fitted to the data set.
    """
    chosen, folder = (study, None) if isinstance(study, Study) else (opened(Path(study))[0], Path(study))
    refuse_absent(chosen.kinds.values())
    known = {one.name: one for one in chosen.scenarios()}
    if scenario not in known:
        raise StudyError(f"The study has no scenario {scenario!r}.{did_you_mean(scenario, known)}")
    if not 0 <= replicate < chosen.replicates:
        raise StudyError(f"The study has the replicates 0 to {chosen.replicates - 1}; there is no {replicate}.")
    engine = chosen.engine(estimator)
    stack = [replicate] if isinstance(engine, OneByOne) else list(_stack(chosen, folder, engine, scenario, replicate))
    found = cases(chosen, known[scenario], stack)
    place = stack.index(replicate)
    if found[place].problem is None:
        raise StudyError(f"Replicate {replicate} of {scenario}: {found[place].fault}.")
    dataset = simulate(known[scenario], replicate, chosen.seed)
    fit = fits_of(chosen, known[scenario], engine, found)[place]
    return Rerun(fit=fit, data=dataset.frame, truth=dataset.truth)


def save(found: Rerun, path: Path) -> Path:
    """Write the data set of a fit as CSV or Parquet, by the ending of the name.

    Raises
    ------
    InputError
        If the ending is another.
    StoreError
        If the disk refuses.
    """
    writers = {".csv": lambda to: found.data.to_csv(to, index=False), ".parquet": found.data.to_parquet}
    if path.suffix not in writers:
        raise InputError(f"{path}: a data set is written as .csv or .parquet.")
    with written_whole(path) as temporary:
        writers[path.suffix](temporary)
    return path


def _stack(study: Study, folder: Path | None, engine: Engine, scenario: str, replicate: int) -> range:
    """Return the replicates of the task that a replicate was or would be fitted in."""
    cell = scenario, engine.label
    there = [] if folder is None else [found.task for found in parts.scan(Folder(path=folder).parts, [cell])]
    planned = [task for task in plan(study) if task.cell == cell]
    alone = Task(scenario=scenario, estimator=engine.label, first=replicate, count=1)
    return next(task.replicates for task in (*there, *planned, alone) if replicate in task.replicates)
