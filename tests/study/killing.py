"""Run a study again and again, and kill the process that runs it at random moments, until it is done.

``python killing.py STUDY.toml FOLDER KILLS SEED`` prints, as JSON, where each kill hit. The processes are
forked from this one, which has everything loaded and compiled, so that a run takes a moment.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from bayescompare.cli import main

STAGES = ("start", "parts", "parts", "parts", "tables")


def parts(folder: Path) -> int:
    return len(list(folder.glob("parts/*/*/*.parquet")))


def forked(study: str, folder: Path) -> int:
    """Run the study in a child, which leaves without any tidying up of ours, and return its number."""
    pid = os.fork()
    if pid == 0:
        os._exit(main(["run", study, "--out", str(folder), "--workers", "1"]))
    return pid


def ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def kill_at(pid: int, reached, delay: float) -> bool:
    """Kill a process a while after it has reached something; return whether it still ran."""
    due = None
    while not ended(pid):
        if due is None and reached():
            due = time.monotonic() + delay
        if due is not None and time.monotonic() >= due:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return True
        time.sleep(0.001)
    return False


def kill(
    study: str, target: Path, stage: str, number: int, length: float, rng: random.Random
) -> tuple[str, int] | None:
    """Run the study and kill it in a stage; return where that was, or None where it was done."""
    there = parts(target)
    if stage == "parts" and there == number:
        return None
    least = {"start": 0, "parts": rng.randint(min(there, number - 1), number - 1), "tables": number}[stage]
    delay = rng.uniform(0, {"start": 0.1, "parts": 0.02, "tables": 0.5}[stage] * length)
    return (stage, parts(target)) if kill_at(forked(study, target), lambda: parts(target) >= least, delay) else None


def run(study: str, folder: Path, kills: int, seed: int) -> dict[str, object]:
    rng = random.Random(seed)
    whole = folder / "whole"
    begun = time.monotonic()
    status = main(["run", study, "--out", str(whole), "--workers", "1"])
    length, number = time.monotonic() - begun, parts(whole)
    hits, finished, codes = [], [], [status]
    while len(hits) < kills:
        target = folder / f"killed-{len(finished)}"
        hits += [hit for stage in STAGES if (hit := kill(study, target, stage, number, length, rng))]
        codes.append(os.waitstatus_to_exitcode(os.waitpid(forked(study, target), 0)[1]))
        finished.append(str(target))
    return {"whole": str(whole), "finished": finished, "hits": hits, "status": codes}


if __name__ == "__main__":
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    found = run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    os.write(out, json.dumps(found).encode())
