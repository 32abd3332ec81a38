"""The same data and the same estimates to the bit, whatever the order, the blocks and what else is run."""

from __future__ import annotations

import math
import random
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayescompare.comparison.rows import ROWS
from bayescompare.comparison.schema import TIMES
from bayescompare.errors import StoreError
from bayescompare.fits import GATE, Flag
from bayescompare.study import collect as collecting
from bayescompare.study import parts, work
from bayescompare.study.cases import cases
from bayescompare.study.collect import collect
from bayescompare.study.executor import Serial
from bayescompare.study.files import digest
from bayescompare.study.manifest import Manifest
from bayescompare.study.pilot import replicates_for
from bayescompare.study.rerun import rerun
from bayescompare.study.run import missing_in, results_in, run_study
from bayescompare.study.session import carry_out
from bayescompare.study.sinks import Folder, Memory
from bayescompare.study.store import write_results
from bayescompare.study.tasks import SURFACE, Task, cells, plan
from bayescompare.study.trees import KeptTrees, netcdf
from bayescompare.study.verify import verify
from tests.study import mocks  # noqa: F401
from tests.study.runs import assert_same, fast, parts_in

NUTS = "nuts:draws=60,tune=100,chains=2"
ADAM = "adam-marginal:limit=150"
_UNSTABLE = {Flag.OSCILLATING, Flag.DIVERGED}


@pytest.fixture(scope="module")
def whole():
    """Return the results of the study, uninterrupted and in memory."""
    return run_study(fast())


def in_order(study, tasks):
    """Return the results of tasks that are done in their order."""
    sink = Memory()
    assert carry_out(study, Serial(), sink, tasks, None)
    return collect(study, sink, Manifest(study=study.as_dict()))


def test_the_order_of_tasks_is_of_no_account(whole):
    tasks = plan(fast())
    random.Random(1).shuffle(tasks)
    assert_same(in_order(fast(), tasks), whole)


@pytest.mark.parametrize("block", [1, 4, 50])
def test_the_blocks_are_of_no_account(whole, block):
    assert_same(run_study(fast(block=block)), whole)


def test_what_is_there_twice_counts_once(tmp_path, whole):
    run_study(fast(), tmp_path / "one")
    run_study(fast(block=4), tmp_path / "two")
    shutil.copytree(tmp_path / "two" / "parts", tmp_path / "one" / "parts", dirs_exist_ok=True)
    tasks = []
    assert_same(run_study(fast(), tmp_path / "one", announce=tasks.append), whole)
    assert tasks == []
    assert len(parts_in(tmp_path / "one")) > 24


def test_a_replicate_alone_has_the_same_bits(whole):
    study = fast()
    for scenario, label in cells(study):
        if label == SURFACE:
            continue
        part = in_order(study, [Task(scenario=scenario, estimator=label, first=3, count=1)])
        for name in ("estimates", "intervals", "traces", "recovery"):
            alone = part.tables[name]
            rows = whole.tables[name].query("scenario == @scenario and estimator == @label and replicate == 3")
            pd.testing.assert_frame_equal(alone, rows.reset_index(drop=True), check_exact=True)


def test_the_data_do_not_depend_on_what_is_asked_of_them():
    other = fast(block=1, estimators=["mock-noise"], replicates=9)
    for scenario, same in zip(fast().scenarios(), other.scenarios(), strict=True):
        for one, two in zip(cases(fast(), scenario, range(6)), cases(other, same, range(6)), strict=True):
            np.testing.assert_array_equal(one.problem.y, two.problem.y)
            np.testing.assert_array_equal(one.problem.x, two.problem.x)


def test_verify_and_rerun_give_the_bits_that_the_folder_holds(tmp_path, whole):
    results = run_study(fast(), tmp_path)
    assert_same(results, whole)
    found = verify(tmp_path, refit=100)
    assert (found.parts, len(found.refitted), found.faults) == (24, 24, ())
    check_rerun(tmp_path, results, "lbfgs-reml")


def check_rerun(folder, results, label):
    fit = rerun(folder, scenario="large", replicate=3, estimator=label).fit
    rows = results.tables["estimates"].query("scenario == 'large' and replicate == 3 and estimator == @label")
    np.testing.assert_array_equal(rows["estimate"], fit.estimate)
    np.testing.assert_array_equal(rows["se"], fit.se)


def three(**changes):
    """Return a study with an estimator of each engine."""
    return fast(**{"estimators": [ADAM, "lbfgs-ml", NUTS], "replicates": 4, "dispersed_starts": 0} | changes)


@pytest.mark.slow
def test_three_engines_blocks_and_rerun(tmp_path):
    first = run_study(three(), tmp_path)
    other = run_study(three(block=3))
    check_three(first, other)
    assert verify(tmp_path, refit=100).faults == ()
    for label in three().estimators:
        check_rerun(tmp_path, first, label)


def check_three(first, other) -> None:
    """Assert equal bits of L-BFGS-B and NUTS, and 1e-9 of Adam where it neither oscillates nor diverges."""
    for name in ("estimates", "intervals"):
        one, two = first.tables[name], other.tables[name]
        adam = one["estimator"].str.startswith("adam")
        pd.testing.assert_frame_equal(one[~adam], two[~adam], check_exact=True)
        fits = first.tables["fits"]
        steady = fits[fits["flags"].map(lambda flags: not _UNSTABLE & set(flags))]
        keys = pd.MultiIndex.from_frame(steady[["scenario", "replicate", "estimator"]])
        kept = pd.MultiIndex.from_frame(one[["scenario", "replicate", "estimator"]]).isin(keys) & adam
        assert kept.any()
        for column in one.select_dtypes("number"):
            np.testing.assert_allclose(one.loc[kept, column], two.loc[kept, column], rtol=1e-9, atol=1e-12)


def test_draws_are_kept_of_replicate_0_and_of_a_few_flagged_fits(tmp_path, monkeypatch):
    for module in (work, collecting):
        monkeypatch.setattr(module, "KEPT_DRAWS", 4)
    tables = fast().as_dict()["scenario"]
    study = fast(estimators=["mock-drawn"], replicates=10, dispersed_starts=0, block=10, scenario=tables[:1])
    results = run_study(study, tmp_path)
    kept = list(results.trees)
    fits = results.tables["fits"]
    flagged = fits[[not GATE.isdisjoint(flags) for flags in fits["flags"]]]
    later = [("small", replicate) for replicate in flagged["replicate"] if replicate > 0]
    assert len(later) > 4
    assert kept == [("small", 0), *later[:4]]
    assert results.trees["small", 0]["posterior"]["beta"].sizes["draw"] == 30
    blocks = run_study(study.changed(block=3))
    assert list(blocks.trees) == kept
    # draws that are damaged or missing are made again, with the part that they belong to
    (tmp_path / "draws").joinpath(*results.trees.index["small", 0][0].split("/")).write_bytes(b"x")
    tasks = []
    run_study(study, tmp_path, announce=tasks.append)
    assert [task.count for task in tasks] == [10]
    assert verify(tmp_path, refit=0).faults == ()
    assert len(list(tmp_path.rglob("*.corrupt"))) == 2


def test_fault_57_draws_that_are_not_those_that_were_written_are_not_opened(tmp_path, monkeypatch):
    content = netcdf(xr.DataTree.from_dict({"/posterior": xr.Dataset({"a": (("chain", "draw"), np.ones((2, 9)))})}))
    trees = KeptTrees(folder=tmp_path, index={("a", 0): ("0.nc", digest(content)), ("a", 1): ("../1.nc", "")})
    (tmp_path / "0.nc").write_bytes(content)
    assert float(trees["a", 0]["posterior"]["a"].sum()) == 18
    monkeypatch.setattr(xr, "open_datatree", lambda *_, **__: pytest.fail("it was opened"))
    for place in range(0, len(content), 211):
        flipped = bytearray(content)
        flipped[place] ^= 4
        (tmp_path / "0.nc").write_bytes(flipped)
        with pytest.raises(StoreError, match="its SHA-256 is not the one that was noted"):
            trees["a", 0]
    with pytest.raises(StoreError, match="lies outside of the results"):
        trees["a", 1]


def test_a_report_can_be_had_of_a_study_that_is_not_finished(tmp_path, whole):
    study = fast()
    sink = Folder(path=tmp_path)
    Manifest(study=study.as_dict()).write(tmp_path)
    results, left = results_in(tmp_path)
    assert (len(results.tables["fits"]), left) == (0, "0 of 36 fits are done")
    assert carry_out(study, Serial(), sink, plan(study)[:10], None)
    results, left = results_in(tmp_path)
    done = len(results.tables["fits"])
    assert 0 < done < 36
    assert left == f"{done} of 36 fits are done"
    assert_same(run_study(study, tmp_path), whole)


def test_tables_of_fewer_replicates_are_not_taken_for_those_of_more(tmp_path):
    write_results(run_study(fast(replicates=2), tmp_path), tmp_path)
    run_study(fast(replicates=4), tmp_path)
    results, _ = results_in(tmp_path)
    assert results.tables["fits"]["replicate"].max() == 3


def test_what_would_run_is_said_and_nothing_is_written(tmp_path):
    folder = tmp_path / "out"
    assert sum(task.count for task in missing_in(fast(), folder)) == 2 * 4 * 6
    assert not folder.exists()
    run_study(fast(), folder)
    parts_in(folder)[0].write_bytes(b"damaged")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert sum(task.count for task in missing_in(fast(), folder)) == 2
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_parts_that_are_damaged_again_and_again_are_an_error(tmp_path, monkeypatch):
    written = parts.write

    def damaged(*arguments):
        path = written(*arguments)
        path.write_bytes(path.read_bytes()[:-9] + b"xxxxxPAR1")
        return path

    monkeypatch.setattr(parts, "write", damaged)
    with pytest.raises(StoreError, match="damaged as soon as they are written; 0 of 4 fits"):
        run_study(fast(estimators=["mock-noise"], replicates=2, dispersed_starts=0), tmp_path)


def test_the_replicates_for_an_error_of_coverage():
    assert replicates_for({"coverage": 0.01}, 0.95) == 475 == math.ceil(0.95 * 0.05 / 0.01**2)
    assert replicates_for({"coverage": 0.005}, 0.95) == 1900


def test_verify_leaves_the_times_of_adam_aside(tmp_path):
    study = fast(estimators=["adam-pooled:epochs=400,scale=standardised"], replicates=2, dispersed_starts=0)
    results = run_study(study, tmp_path)
    assert results.tables["fits"]["seconds_near"].notna().any()
    assert verify(tmp_path, refit=100).faults == ()


def test_every_column_of_times_is_named():
    assert {name for name in ROWS.names if "seconds" in name} == set(TIMES)
