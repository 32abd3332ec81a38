"""What this machine can run is found out by trying; what is wrong says what to do."""

from __future__ import annotations

import errno
import os
from collections import namedtuple

import pytest

from bayescompare.cli import main
from bayescompare.study import doctor
from bayescompare.study.doctor import examine


def finding(what, folder, **asked):
    return next(one for one in examine(folder, **{"engines": False} | asked) if one.what == what)


def test_all_is_well_here(tmp_path, capsys):
    assert main(["doctor", "--quick", "--out", str(tmp_path / "later" / "out")]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path) in said.replace("\n", "")
    assert said.strip().endswith("All is well.")
    assert "lbfgs-ml" not in said
    assert list(tmp_path.iterdir()) == []


def test_an_engine_is_tried_on_data_whose_optimum_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "ENGINES", ("lbfgs-ml", "lbfgs-reml"))
    found = {one.what: one for one in examine(tmp_path)}
    assert (found["lbfgs-ml"].fault, found["lbfgs-ml"].found[:13]) == ("", "fits dyestuff")
    assert found["lbfgs-reml"].fault == "its deviance is 319.6543, and should be 327.3271: please report this."


def test_an_engine_that_breaks_down_is_named(tmp_path, monkeypatch):
    def broken(*given):
        raise RuntimeError("no such symbol")

    monkeypatch.setattr(doctor, "fit", broken)
    found = list(examine(tmp_path))
    assert [one.what for one in found if one.fault == "RuntimeError: no such symbol"] == list(doctor.ENGINES)


def test_a_library_that_is_too_old_or_missing_is_named(tmp_path, monkeypatch):
    asked = ["numpy>=2.1", "scipy>=99", "no-such-library>=1", "gpboost>=99; extra == 'bench'"]
    monkeypatch.setattr(doctor, "requires", lambda name: asked)
    found = finding("requirements", tmp_path)
    assert found.found == "1 of 3 as asked for"
    assert found.fault.startswith("scipy is ")
    assert found.fault.endswith(
        ", wanted >=99; no-such-library is not installed. Run 'pip install --upgrade bayescompare'."
    )


def test_a_disk_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(doctor.os, "fsync", full)
    assert main(["doctor", "--quick", "--out", str(tmp_path)]) == 3
    said = capsys.readouterr().out
    assert "No space left on device. Choose another folder with --out." in " ".join(said.split())
    assert said.strip().endswith("2 faults.")


def test_a_disk_that_is_nearly_full_is_named(tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda there: usage(5e8))
    assert finding("results", tmp_path).fault == "only 0.5 GB are free there"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere"])
def test_a_cluster_that_does_not_answer_is_named(tmp_path, address):
    found = finding("cluster", tmp_path, scheduler=address)
    assert found.fault.startswith(f"Timed out trying to connect to the scheduler {address}")
