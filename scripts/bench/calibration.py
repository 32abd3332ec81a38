"""A thousand posteriors of random slopes, calibrated: from the formula to the verdicts, on two processes."""

from __future__ import annotations

import tempfile

from bayescompare.comparison.calibration import CALIBRATED
from bayescompare.comparison.results import Results
from bayescompare.provenance import cores
from bayescompare.study.calibrate import calibrate
from bench.rows import Row
from bench.samples import SEED
from bench.timing import timed

__all__ = ["measure"]

_SECTION = "Simulation-based calibration"
_FORMULA = "y ~ 1 + x + (1 + x | g)"
_SAMPLER = "nuts:draws=500,effects=false"
_MOST, _PROCESSES = 240.0, 2


def measure(*, quick: bool) -> list[Row]:
    """Return the row of this section: wall time, in which the processes are started and the sampler is compiled."""
    replicates = 100 if quick else 1000
    workers = min(_PROCESSES, cores())
    seconds, results = timed(_calibrated, replicates, workers)
    fits, found = results.tables["fits"], results.calibration
    passed = int((fits["status"] == "ok").sum())
    judged = found[(found["kind"] == "eti") & (found["reading"] == "all")]
    note = (
        f"50 groups x 10 rows, 4 chains x 500 draws, {workers} processes; {passed} of {len(fits)} fits ok, the others "
        f"flagged; {(judged['verdict'] == CALIBRATED).sum()} of {len(judged)} quantities calibrated, least p "
        f"{judged['p_value'].min():.3f}, allowing for their number {judged['p_adjusted'].min():.3f}"
    )
    limit = _MOST * replicates / 1000
    return [
        Row(
            section=_SECTION,
            name=f"{replicates:,} replicates of random slopes by NUTS",
            ours=seconds,
            limit=limit,
            note=note,
        )
    ]


def _calibrated(replicates: int, workers: int) -> Results:
    """Run a study into a new folder and judge it."""
    with tempfile.TemporaryDirectory() as folder:
        results = calibrate(_FORMULA, folder, replicates=replicates, estimators=[_SAMPLER], seed=SEED, workers=workers)
        assert len(results.calibration)
    return results
