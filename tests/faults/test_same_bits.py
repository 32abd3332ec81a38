"""The same seed gives the same bits: from compiled functions just made, from those in the caches, and elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_HASHES = """
import hashlib, json, sys
import numpy as np
from bayescompare.engines.catalog import estimator
from tests.engines.nuts_cases import seed, simulated

def numbers(fit):
    found = [fit.estimate, fit.se]
    if fit.draws is not None:
        found += [fit.draws.values, fit.draws.stats["lp"]]
    if fit.random_effects is not None:
        found += [fit.random_effects.mode, fit.random_effects.sd]
    return [np.asarray(one, dtype=float) for one in found]

found = {}
for label, formula in json.loads(sys.argv[1]):
    fit = estimator(label).fit([simulated(1, formula=formula)], [seed(1)])[0]
    assert np.isfinite(fit.estimate).any(), (label, fit.message)
    found[f"{label}, {formula}"] = [hashlib.sha256(one.tobytes()).hexdigest() for one in numbers(fit)]
print(json.dumps(found))
"""
_STUDY = """
name = "slopes"
replicates = 3
seed = 11
estimators = ["nuts:draws=200,effects=false"]

[[scenario]]
name = "uncorrelated"
formula = "y ~ x + (1 + x | g)"
groups = 20
rows = 8
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, "sd_g[x]" = 0.7, sigma = 1 }
"""
_MAIN = "import sys; from bayescompare.cli import main; sys.exit(main(sys.argv[1:]))"

SLOPES = "y ~ 1 + x + (1 + x | g)"
UNCORRELATED = "y ~ 1 + x + (1 + x || g)"
ONE_SLOPE = "y ~ 1 + x + (0 + x | g)"
DRAWS = "nuts:draws=200,tune=200"
CASES = [
    *((DRAWS, formula) for formula in (SLOPES, UNCORRELATED, ONE_SLOPE)),
    *((f"{DRAWS},parameterization={name}", SLOPES) for name in ("centered", "noncentered")),
    (f"{DRAWS},sampler=pymc", SLOPES),
    ("lbfgs-ml", SLOPES),
    ("lbfgs-reml", UNCORRELATED),
    ("lbfgs-map", SLOPES),
    ("adam-marginal:limit=150", SLOPES),
    ("adam-pooled:epochs=5", SLOPES),
    ("quadrature", ONE_SLOPE),
]


def in_a_process(caches: Path, *arguments: str, folder: Path = _ROOT) -> str:
    """Return what a program prints that finds compiled functions in ``caches`` alone, and the package in ``folder``."""
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={caches}", "NUMBA_CACHE_DIR": str(caches)}
    environment = {**os.environ, "PYTHONPATH": str(folder), "MPLBACKEND": "Agg", **flags}
    command = [sys.executable, "-c", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def hashes(caches: Path, cases: list[tuple[str, str]], folder: Path = _ROOT) -> dict[str, list[str]]:
    """Return hashes of each fit's numbers by estimator and formula."""
    found: dict[str, list[str]] = json.loads(in_a_process(caches, _HASHES, json.dumps(cases), folder=folder))
    assert len(found) == len(cases)
    return found


def test_fault_72_draws_are_the_same_from_functions_compiled_now_and_from_the_cache(tmp_path: Path) -> None:
    compiled = hashes(tmp_path, [(DRAWS, SLOPES)])
    assert hashes(tmp_path, [(DRAWS, SLOPES)]) == compiled


def test_fault_72_no_function_is_compiled_with_fast_arithmetic() -> None:
    sources = sorted((_ROOT / "bayescompare").rglob("*.py"))
    assert len(sources) > 100
    assert [path.name for path in sources if re.search(r"fastmath\s*=\s*(?!False)", path.read_text("utf-8"))] == []


@pytest.mark.slow
def test_fault_72_all_engines_give_the_same_bits_cold_warm_alone_and_in_another_folder(tmp_path: Path) -> None:
    caches, elsewhere = tmp_path / "caches", tmp_path / "elsewhere"
    compiled = hashes(caches, CASES)
    assert hashes(caches, CASES[::-1]) == compiled
    for name in ("bayescompare", "tests"):
        shutil.copytree(_ROOT / name, elsewhere / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert hashes(caches, CASES, elsewhere) == compiled
    for case in CASES[:2]:
        assert hashes(tmp_path / "alone", [case], elsewhere).items() <= compiled.items()


@pytest.mark.slow
def test_fault_72_a_study_that_was_run_with_empty_caches_is_verified(tmp_path: Path) -> None:
    (tmp_path / "slopes.toml").write_text(_STUDY, "utf-8")
    study, caches = str(tmp_path / "out"), tmp_path / "caches"
    in_a_process(caches, _MAIN, "run", str(tmp_path / "slopes.toml"), "--workers", "1", "--out", study)
    in_a_process(caches, _MAIN, "verify", study, "--refit", "100")
