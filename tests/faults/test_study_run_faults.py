"""What disks, clocks, other processes and other studies do to a study that runs."""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import bayescompare
from bayescompare.cli import main
from bayescompare.errors import StoreError, StudyError
from bayescompare.fits import Flag
from bayescompare.study import files, parts, work
from bayescompare.study.fork import take_over
from bayescompare.study.manifest import Manifest, locked
from bayescompare.study.parts import DamagedPartError
from bayescompare.study.rerun import rerun
from bayescompare.study.run import results_in, run_study
from bayescompare.study.sinks import Folder
from bayescompare.study.store import write_results
from bayescompare.study.tasks import cells
from bayescompare.study.verify import verify
from bayescompare.study.work import identity
from tests.study import mocks  # noqa: F401
from tests.study.runs import TASKS, TEXT, assert_same, fast, left_over, parts_in, processes, until, written


def quick(**changes):
    """Return the study with the mock estimator alone."""
    return fast(**{"estimators": ["mock-noise"], "dispersed_starts": 0} | changes)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of the finished study."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    write_results(run_study(fast(), folder), folder)
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    """Return a copy of it."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


def heard(study, folder, **settings):
    """Run a study and return the tasks that were run, and the results."""
    tasks = []
    return tasks, run_study(study, folder, announce=tasks.append, **settings)


# 36: another study, --fork


def test_fault_36_fork_takes_over_what_is_the_same_and_only_that(finished, tmp_path):
    labels = ["lbfgs-ml", "lbfgs-reml", "mock-noise"]
    scenario = fast().as_dict()["scenario"]
    other = fast(name="other", replicates=4, estimators=[*labels[:2], "mock-noise:seconds=0.001"],
                 scenario=[scenario[0], scenario[1] | {"groups": 10}])  # fmt: skip
    tasks, results = heard(other, tmp_path / "new", fork=finished)
    taken = {("small", "lbfgs-ml"), ("small", "lbfgs-reml"), ("small", "surface")}
    assert {task.cell for task in tasks} == set(cells(other)) - taken
    assert set(results.tables["estimates"]["study"]) == set(results.tables["optima"]["study"]) == {"other"}
    assert_same(results, run_study(other))
    assert verify(tmp_path / "new", refit=30).faults == ()


def test_fault_36_fork_takes_nothing_over_twice(finished, tmp_path):
    study = fast(name="other")
    first, results = heard(study, tmp_path, fork=finished)
    again, same = heard(study, tmp_path, fork=finished)
    assert (first, again) == ([], [])
    assert_same(results, same)
    assert len(parts_in(tmp_path)) == TASKS


def test_fault_36_fork_leaves_what_is_done_as_it_is(finished, tmp_path):
    study = fast(name="other", block=4)
    run_study(study, tmp_path)
    before = parts_in(tmp_path)
    take_over(study, Folder(path=tmp_path), finished)
    assert parts_in(tmp_path) == before


def test_fault_36_fork_wants_a_study(tmp_path):
    with pytest.raises(StudyError, match=r"There is no study in .* to take anything over from"):
        run_study(quick(), tmp_path / "out", fork=tmp_path / "nothing")


# 37: other versions


def test_fault_37_rows_of_other_versions_are_flagged_and_strict_refuses(tmp_path, monkeypatch):
    run_study(quick(replicates=2), tmp_path)
    now = work.versions() | {"numpy": "99.0"}
    for module in ("bayescompare.study.manifest", "bayescompare.study.work"):
        monkeypatch.setattr(f"{module}.versions", lambda: now)
    work._versions.cache_clear()
    try:
        with pytest.raises(StudyError, match=r"begun with other versions: numpy .* -> 99\.0\. Leave --strict away"):
            run_study(quick(), tmp_path, strict=True)
        fits = run_study(quick(), tmp_path).tables["fits"]
    finally:
        work._versions.cache_clear()
    flagged = fits["flags"].map(lambda flags: Flag.OTHER_VERSIONS in list(flags))
    assert (flagged == (fits["replicate"] >= 2)).all()
    assert set(fits["status"]) == {"ok"}


# 46: what raises


def test_fault_46_an_engine_that_raises_is_a_row_with_message_traceback_and_seed(tmp_path):
    study = fast(estimators=["mock-poison:raises=-2.0", "mock-noise"], dispersed_starts=0)
    results = run_study(study, tmp_path)
    fits = results.tables["fits"]
    failed = fits[fits["status"] == "failed"]
    assert [(row.scenario, row.replicate) for row in failed.itertuples()] == [("small", 3)]
    assert failed["message"].item() == "RuntimeError: this data set is too sad <b>to fit</b>"
    assert re.fullmatch(r"\d+/3/\d+", failed["seed_key"].item())
    rows = [parts.decode(path.read_bytes())[0].to_pylist() for path in parts_in(tmp_path) if "poison" in str(path)]
    told = {row["replicate"]: row["traceback"] for block in rows for row in block if row["status"] == "failed"}
    assert "in fit\n    raise RuntimeError" in told[3]
    assert results.failed == 1


def test_fault_46_a_task_that_breaks_down_is_split_and_the_rest_is_kept(monkeypatch):
    made = work.row_of

    def broken(record, **settings):
        if record.replicate == 3 and record.fit.status == "ok":
            raise ArithmeticError("no row for this")
        return made(record, **settings)

    monkeypatch.setattr(work, "row_of", broken)
    tasks, results = heard(quick(block=3), None)
    fits = results.tables["fits"]
    assert set(fits.loc[fits["status"] == "failed", "replicate"]) == {3}
    assert set(fits.loc[fits["status"] == "failed", "message"]) == {"ArithmeticError: no row for this"}
    assert len(fits) == 12
    assert sorted(task.count for task in tasks) == [1] * 6 + [3] * 2


def test_fault_13_a_data_set_in_which_a_column_is_constant_is_a_row_and_the_others_are_as_ever(tmp_path):
    table = fast().as_dict()["scenario"][1] | {"covariates": {"x": "bernoulli(0.1)"}, "groups": 4, "rows": 3}
    study = fast(seed=1, scenario=[table], replicates=12, estimators=["lbfgs-ml", "mock-noise"])
    results = run_study(study, tmp_path)
    fits = results.tables["fits"]
    failed = fits[fits["status"] == "failed"]
    assert len(fits) == 24
    assert len(failed) == 2 * failed["replicate"].nunique() == 10
    assert failed["message"].str.startswith("no model can be fitted to this data set: ").all()
    assert (failed["seed_key"] != "").all()
    slope = results.measures.query("parameter == 'beta[x]' and measure == 'bias' and reading == 'all'")
    assert set(zip(slope["n_used"], slope["n_total"], strict=True)) == {(7, 12)}
    good = sorted(set(range(12)) - set(failed["replicate"]))[-1]
    found = rerun(tmp_path, scenario="large", replicate=good, estimator="lbfgs-ml").fit.estimate
    rows = results.tables["estimates"].query("estimator == 'lbfgs-ml' and replicate == @good")
    np.testing.assert_array_equal(rows["estimate"], found)


def test_fault_62_most_fits_failed_no_number_and_not_status_0(tmp_path, capsys):
    text = TEXT.replace('"lbfgs-ml", "lbfgs-reml", "mock-noise"', '"mock-poison:raises=0.6", "mock-noise"')
    assert main(["run", str(written(tmp_path, text)), "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    results, _ = results_in(tmp_path / "out")
    small = results.measures.query("scenario == 'small' and measure == 'bias' and estimator.str.contains('poison')")
    small = small[small["reading"] == small["reading"].iloc[0]]
    assert small["value"].isna().all()
    assert ((small["n_used"] == 1) & (small["n_total"] == 6)).all()
    everything = text.replace("raises=0.6", "raises=1e9").replace(', "mock-noise"', "")
    assert main(["run", str(written(tmp_path, everything)), "--out", str(tmp_path / "all"), "--workers", "1"]) == 1


# 49: interrupts


@pytest.mark.parametrize("workers", [1, 2])
def test_fault_49_one_interrupt_drains(tmp_path, workers):
    text = TEXT.replace('"lbfgs-ml", "lbfgs-reml", "mock-noise"', '"mock-noise:seconds=0.5"').replace("= 6", "= 60", 1)
    text = text.replace("dispersed_starts = 2", "dispersed_starts = 0")
    with processes(tmp_path) as started:
        given = ("run", written(tmp_path, text), "--out", tmp_path / "out", "--workers", workers)
        driver = started.command(*given)
        until(lambda: parts_in(tmp_path / "out"))
        time.sleep(0.3)
        before = len(parts_in(tmp_path / "out"))
        # as a terminal does: to the workers too
        os.killpg(driver.pid, signal.SIGINT)
        said = driver.communicate(timeout=60)[1]
        assert driver.returncode == 130, said
        until(lambda: not started.alive(), 10)
    done = re.search(r"Interrupted: (\d+) of 120 fits are done\. Give the same command again to go on\.\n$", said)
    assert "press Ctrl-C again to stop at once" in said
    rows = [len(parts.decode(path.read_bytes())[0]) for path in parts_in(tmp_path / "out")]
    assert int(done[1]) == sum(rows)
    assert len(rows) == before + workers
    assert left_over(tmp_path / "out") == []
    assert Manifest.read(tmp_path / "out") is not None


def test_fault_49_two_interrupts_stop_at_once(tmp_path):
    text = TEXT.replace('"lbfgs-ml", "lbfgs-reml", "mock-noise"', '"mock-noise:seconds=30"')
    with processes(tmp_path) as started:
        driver = started.command("run", written(tmp_path, text), "--out", tmp_path / "out", "--workers", "1")
        until(lambda: len(parts_in(tmp_path / "out")) == 6 or driver.poll() is not None)
        driver.send_signal(signal.SIGINT)
        time.sleep(0.3)
        driver.send_signal(signal.SIGINT)
        said = driver.communicate(timeout=10)[1]
    assert driver.returncode == 130
    assert said.endswith("Interrupted: 0 of 12 fits are done. Give the same command again to go on.\n")


# 50: disks that refuse


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES])
def test_fault_50_a_disk_that_refuses_in_the_middle(tmp_path, monkeypatch, capsys, number):
    write = Path.write_bytes

    def refused(path, content):
        if len(parts_in(tmp_path / "out")) >= 3:
            write(path, content[: len(content) // 2])
            raise OSError(number, os.strerror(number))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", refused)
    given = ["run", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(given) == 3
    assert f"{os.strerror(number)}. There are" in capsys.readouterr().err
    assert len(parts_in(tmp_path / "out")) == 3
    assert left_over(tmp_path / "out") == []
    monkeypatch.undo()
    tasks, _ = heard(fast(), tmp_path / "out")
    assert len(tasks) == TASKS - 3


def test_fault_50_a_disk_that_was_made_read_only(tmp_path, monkeypatch):
    def refused(path, *arguments, **settings):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "write_bytes", refused)
    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(StoreError, match=r"Cannot write .*Read-only file system"):
        files.write_bytes(tmp_path / "a", b"a")
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(StoreError, match=r"Cannot write to .*Read-only file system"), locked(tmp_path):
        pass


def test_fault_50_a_part_reaches_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle):
        calls.append(("fsync", os.readlink(f"/proc/self/fd/{handle}")))
        fsync(handle)

    def named(path, target):
        calls.append(("replace", str(path)))
        assert not Path(target).exists()
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    files.write_bytes(tmp_path / "part", b"whole")
    (first, synced_name), (second, renamed) = calls
    assert (first, second) == ("fsync", "replace")
    assert synced_name == renamed != str(tmp_path / "part")


# 51: damage


DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "without its end": lambda content: content[:-1],
    "empty": lambda content: b"",
    "garbage": lambda content: bytes(np.random.default_rng(1).bytes(len(content))),
    "zeros": lambda content: bytes(len(content)),
    "garbage inside": lambda content: content[:4] + bytes(len(content) - 8) + content[-4:],
    "longer": lambda content: content + b"PAR1",
    "one bit": lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_fault_51_a_damaged_part_is_put_aside_and_made_again(folder, finished, damage):
    path = parts_in(folder)[5]
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    tasks, results = heard(fast(), folder)
    assert len(tasks) == 1
    assert left_over(folder) == [f"{path.name}.corrupt"]
    assert_same(results, finished)
    assert heard(fast(), folder)[0] == []


def test_fault_51_a_bit_flipped_anywhere_is_found(folder):
    study = fast()
    for found in (next(parts.scan(folder / "parts", [cell])) for cell in cells(study)[:1] + cells(study)[3:4]):
        expected = identity(study, study.named(found.task.scenario), found.task.estimator)
        content = found.path.read_bytes()
        for place in range(0, len(content), 97 if len(content) > 4000 else 7):
            flipped = bytearray(content)
            flipped[place] ^= 1 << (place % 8)
            found.path.write_bytes(flipped)
            with pytest.raises(DamagedPartError, match="is damaged: its content does not match the hash"):
                parts.read(found, expected)
        found.path.write_bytes(content)
        parts.read(found, expected)


def test_fault_51_a_part_under_a_wrong_name_is_found(folder, finished):
    first, second = (next(parts.scan(folder / "parts", [cell])).path for cell in cells(fast())[:2])
    for wrong in (first.with_name(first.name.replace("000000", "000002")), second.parent / first.name):
        shutil.copy(first, wrong)
    tasks, results = heard(fast(), folder)
    assert tasks == []
    assert len(left_over(folder)) == 2
    assert_same(results, finished)


def test_fault_51_verify_names_what_is_damaged(folder, capsys):
    assert main(["verify", str(folder), "--refit", "2"]) == 0
    assert "All as it was written" in capsys.readouterr().out
    path = parts_in(folder)[0]
    path.write_bytes(DAMAGE["one bit"](path.read_bytes()))
    table = folder / "tables" / "fits.parquet"
    table.write_bytes(DAMAGE["truncated"](table.read_bytes()))
    assert main(["verify", str(folder), "--refit", "0"]) == 1
    said = capsys.readouterr().out
    assert f"FAULT {path} is damaged" in said
    assert f"FAULT {table} is damaged" in said


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"study": 1}', "garbage"])
def test_fault_51_a_damaged_manifest_says_what_to_do_and_loses_nothing(folder, finished, text):
    path = folder / "manifest.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json is damaged: .* Move it away and run the study again"):
        run_study(fast(), folder)
    path.unlink()
    tasks, results = heard(fast(), folder)
    assert tasks == []
    assert_same(results, finished)


def test_fault_51_a_bit_of_a_manifest_is_found(folder):
    path = folder / "manifest.json"
    content = path.read_text()
    path.write_text(content.replace('"numpy": "', '"numpy": "1'))
    with pytest.raises(StoreError, match="its content does not match its hash"):
        run_study(fast(), folder)


# 52: what others left, and others


def test_fault_52_what_an_interrupted_write_left_is_swept_and_other_files_are_not(folder):
    stale = [folder / ".about.json.71.tmp", parts_in(folder)[0].with_name(".000000-2.aa.parquet.71.tmp")]
    mine = [folder / ".mine.tmp", folder / "notes" / ".a.71.tmp", folder / "my.tmp"]
    (folder / "notes").mkdir()
    for path in (*stale, *mine):
        path.write_text("x")
    run_study(fast(), folder)
    assert not any(path.exists() for path in stale)
    assert all(path.exists() for path in mine)


def test_fault_52_the_lock_of_a_dead_process_is_no_obstacle(folder):
    (folder / ".lock").write_text("pid 999999 on elsewhere")
    run_study(fast(), folder)
    assert not (folder / ".lock").exists()


def test_fault_52_two_drivers_on_one_study(folder, tmp_path, capsys):
    code = "import sys, pathlib\nfrom bayescompare.study.manifest import locked\n"
    code += "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    with processes(tmp_path) as started:
        other = started.start(sys.executable, "-c", code, str(folder), stdin=subprocess.PIPE)
        assert other.stdout.readline() == "held\n"
        assert main(["run", str(written(tmp_path)), "--out", str(folder)]) == 3
        assert f"{folder} is locked by pid {other.pid} on {os.uname().nodename}." in capsys.readouterr().err
        other.communicate("")
    assert main(["run", str(written(tmp_path)), "--out", str(folder)]) == 0


def test_fault_52_a_lock_is_never_held_twice(tmp_path):
    inside, most, refusals = [], [], []

    def hold(number: int) -> None:
        for _ in range(150):
            try:
                with locked(tmp_path):
                    inside.append(number)
                    most.append(len(inside))
                    time.sleep(0.0002)
                    inside.remove(number)
            except StoreError:
                refusals.append(number)

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert len(most) + len(refusals) == 600


# 53: places


@pytest.mark.parametrize("name", ["with spaces", "Größe Ω 数", "x" * 250, "a/" + "b" * 120 + "/" + "c" * 120])
def test_fault_53_a_folder_of_any_name(tmp_path, finished, name):
    write_results(run_study(fast(), tmp_path / name), tmp_path / name)
    assert_same(tmp_path / name, finished)


def test_fault_53_a_study_that_was_moved_goes_on(folder, finished, tmp_path):
    moved = folder.rename(tmp_path / "elsewhere")
    parts_in(moved)[0].unlink()
    tasks, results = heard(fast(), moved)
    assert len(tasks) == 1
    assert_same(results, finished)
    assert verify(moved).faults == ()


# 57, 58: nothing foreign is opened


def test_fault_58_nothing_is_unpickled():
    refused = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    package = Path(bayescompare.__file__).parent
    # an author's check reads back what it has just written of the author's own object
    checks = package / "testing" / "checks.py"
    for path in set(package.rglob("*.py")) - {checks}:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            assert not refused & {name.split(".")[0] for name in (*names, module)}, path
            if isinstance(node, ast.keyword) and node.arg in {"allow_pickle", "allow_unsafe_pickle_decode"}:
                assert getattr(node.value, "value", None) is False, path
            if isinstance(node, ast.keyword) and node.arg == "safe_mode":
                assert getattr(node.value, "value", None) is True, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in {"read_pickle", "to_pickle", "load_model"}, path


# 59: clocks and places


def test_fault_59_another_language_time_zone_and_a_clock_that_jumps(folder, finished, tmp_path, monkeypatch):
    for name in ("LC_ALL", "LANG", "LC_NUMERIC"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        now = iter(range(10**9, 0, -3600))
        monkeypatch.setattr(time, "time", lambda: next(now))
        results = run_study(fast(), tmp_path / "new")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert_same(results, finished)
    assert (results.tables["fits"]["seconds"].dropna() >= 0).all()
    manifest = json.loads((tmp_path / "new" / "manifest.json").read_text())
    assert manifest["created"].endswith("+00:00")
    assert manifest["sessions"][0]["seconds"] >= 0


# 34: too much


def test_fault_34_a_thousand_million_replicates_ask_for_yes(tmp_path, capsys):
    given = ["run", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--replicates", "1000000000"]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert "asks for 6,000,000,000 fits" in said
    assert "--yes" in said
    begun = time.monotonic()
    assert main([*given, "--dry-run"]) == 0
    assert time.monotonic() - begun < 60
    assert not (tmp_path / "out").exists()
