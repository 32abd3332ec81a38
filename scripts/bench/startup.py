"""Seconds from nothing to the first NUTS fit: with empty caches, then with the filled ones."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from bench.rows import Row
from bench.timing import timed

__all__ = ["measure"]

_SECTION = "From starting Python to the first NUTS fit of sleepstudy"
_PROGRAM = """
import bayescompare as bc
bc.fit("reaction ~ 1 + days + (1 + days | subject)", "sleepstudy", "nuts")
"""


def measure(*, quick: bool) -> list[Row]:
    """Return the rows of this section; bytecode is compiled in both."""
    with tempfile.TemporaryDirectory() as folder:
        cold = _seconds(folder)
        warm = min(_seconds(folder) for _ in range(1 if quick else 3))
    return [
        Row(section=_SECTION, name="cold: no compiled function in the caches", ours=cold, limit=25.0),
        Row(section=_SECTION, name="warm: the same again", ours=warm, limit=9.0),
    ]


def _seconds(caches: str) -> float:
    """Return the seconds of a process with its caches in a folder."""
    flags = ",".join(filter(None, [os.environ.get("PYTENSOR_FLAGS"), f"base_compiledir={caches}"]))
    environment = {**os.environ, "PYTENSOR_FLAGS": flags, "NUMBA_CACHE_DIR": caches}
    command = [sys.executable, "-c", _PROGRAM]
    return timed(subprocess.run, command, env=environment, check=True, capture_output=True)[0]
