"""The picture of the README from a folder of the default study: python scripts/readme_picture.py OUT docs/FILE.svg."""

from __future__ import annotations

import sys
from pathlib import Path

from standalone import standalone

import bayescompare as bc
from bayescompare.reporting.error_parts import error_parts
from bayescompare.reporting.subject import Subject


def picture(folder: Path) -> str:
    """Return the mean errors of the first sd of the random effects in parts, an SVG of its own."""
    parts = error_parts(Subject(bc.read_results(folder)))
    if parts is None or not parts.leading:
        raise SystemExit(f"{folder} holds no study whose errors are known in parts.")
    return standalone(parts.leading)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(picture(Path(sys.argv[1])), encoding="utf-8")
