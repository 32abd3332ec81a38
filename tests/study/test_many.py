"""The engine costs little beside the fits: time a task, memory of the driver, the scan when a study goes on."""

from __future__ import annotations

import json
import sys

import pytest

from tests.study.runs import processes

CODE = r"""
import json, re, sys, time
from pathlib import Path

from bayescompare.study.definition import Study
from bayescompare.study.run import missing, run_study
from bayescompare.study.sinks import Folder


def study(replicates, estimators):
    truth = {"beta[x]": 2, "sd_g[Intercept]": 1, "sigma": 1}
    scenario = {"name": "a", "formula": "y ~ x + (1 | g)", "groups": 5, "rows": 3, "truth": truth,
                "covariates": {"x": "normal(0, 1)"}}
    labels = [f"mock-noise:seconds={k * 1e-9}" for k in range(1, estimators + 1)]
    return Study(name="many", replicates=replicates, block=1, dispersed_starts=0, estimators=labels,
                 scenario=[scenario])


if __name__ == "__main__":
    folder, workers, replicates, estimators = Path(sys.argv[1]), *map(int, sys.argv[2:])
    chosen, done = study(replicates, estimators), []
    # what is made of replicates, simulated and read, is made once for all estimators: as near to nothing as can be
    results = run_study(chosen, folder, workers=workers, announce=lambda task: done.append(time.monotonic()))
    end = time.monotonic()
    begun = time.monotonic()
    left = missing(chosen, Folder(path=folder))
    scan = time.monotonic() - begun
    # of this program alone: ru_maxrss has that of the process which started it too
    memory = int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1e6
    print(json.dumps({"tasks": len(done), "each": (done[-1] - done[0]) / (len(done) - 1), "tables": end - done[-1],
                      "scan": scan, "left": len(left), "fits": len(results.tables["fits"]), "gigabytes": memory}))
"""


def measured(folder, workers: int, replicates: int, estimators: int) -> dict[str, float]:
    script = folder / "many.py"
    script.write_text(CODE)
    with processes(folder) as started:
        given = map(str, (script, folder / "out", workers, replicates, estimators))
        child = started.start(sys.executable, *given)
        said, complained = child.communicate(timeout=3000)
    assert child.returncode == 0, complained
    print(said)
    return json.loads(said)


def test_a_thousand_tasks_cost_little(tmp_path):
    found = measured(tmp_path, 1, 50, 20)
    assert (found["tasks"], found["fits"], found["left"]) == (1000, 1000, 0)
    assert found["each"] < 0.025
    assert found["scan"] < 3
    assert found["gigabytes"] < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hundred_thousand_tasks(tmp_path, workers):
    found = measured(tmp_path, workers, 2500, 40)
    assert (found["tasks"], found["fits"], found["left"]) == (100_000, 100_000, 0)
    assert found["each"] < 0.005
    assert found["scan"] < 10
    assert found["gigabytes"] < 1
