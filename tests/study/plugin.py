"""The mock estimators as an installed package offers them: by an entry point, in every process."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = {"mock-noise": "Noise", "mock-poison": "Poison", "mock-once": "Once", "mock-drawn": "Drawn"}


def installed(folder: Path) -> str:
    """Write what pip would leave behind into a folder, and return the path that Python must search."""
    about = folder / "mocks-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mocks\nVersion: 1.0\n")
    lines = [f"{name} = tests.study.mocks:{kind}" for name, kind in NAMES.items()]
    (about / "entry_points.txt").write_text("\n".join(["[bayescompare.estimators]", *lines, ""]))
    return os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
