"""A thousand bootstrap refits, and all profiles, of sleepstudy with random slopes; lme4's beside them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from bayescompare.datasets import load
from bayescompare.engines.catalog import estimator
from bayescompare.intervals.bootstrap import percentile
from bayescompare.intervals.profile.basis import every_profile
from bayescompare.likelihood.problem import build_problem
from bayescompare.model import Model
from bench.rows import Row
from bench.timing import timed

__all__ = ["measure"]

_SECTION = "Intervals of sleepstudy with random slopes, ML, one core"
_REFITS = 1000
_MOST_BOOTSTRAP, _MOST_PROFILES = 2.0, 0.5


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section: medians, compiled before."""
    dataset = load("sleepstudy")
    problem = build_problem(Model("reaction ~ 1 + days + (1 + days | subject)"), dataset)
    engine, seed = estimator("lbfgs-ml"), np.random.SeedSequence(1)
    (fit,) = engine.fit([problem], [seed])
    rounds = 1 if quick else 5
    percentile(problem, fit, engine, seed, refits=40)
    every_profile(problem, fit, engine, seed)
    booted = median(timed(percentile, problem, fit, engine, seed, refits=_REFITS)[0] for _ in range(rounds))
    profiled = median(timed(every_profile, problem, fit, engine, seed)[0] for _ in range(rounds))
    lme4 = _lme4(dataset.frame.to_csv(index=False))
    absent = "" if lme4 else "no Rscript with lme4 here"
    return [
        Row(
            section=_SECTION, name=f"bootstrap, {_REFITS:,} refits / lme4 bootMer", ours=booted,
            theirs=lme4[0] if lme4 else None, limit=_MOST_BOOTSTRAP, note=absent,
        ),
        Row(
            section=_SECTION, name="profiles of all six parameters / lme4 profile", ours=profiled,
            theirs=lme4[1] if lme4 else None, limit=_MOST_PROFILES,
            note=absent or "lme4 follows them to 0.99, ours to 0.9999",
        ),
    ]  # fmt: skip


def _lme4(data: str) -> tuple[float, float] | None:
    """Return lme4's seconds in one R process, None where there is no R with lme4."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sleepstudy.csv"
        path.write_text(data, encoding="utf-8")
        command = [program, "--vanilla", str(Path(__file__).with_name("lme4_intervals.R")), str(path), str(_REFITS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    booted, profiled = (float(seconds) for seconds in done.stdout.split())
    return booted, profiled
