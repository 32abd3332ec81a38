"""The picture of the README from a folder of the default study: python scripts/readme_picture.py OUT docs/FILE.svg."""

from __future__ import annotations

import sys
from pathlib import Path

from standalone import standalone

import bayescompare as bc
from bayescompare.reporting.headline import headline
from bayescompare.reporting.subject import Subject


def picture(folder: Path) -> str:
    """Return what optimizer, stopping and objective do to the sds of the random effects, as a report opens with it."""
    answer = headline(Subject(bc.read_results(folder)))
    if answer is None or not answer.pictures:
        raise SystemExit(f"{folder} holds no study whose errors are known in parts.")
    return standalone(answer.pictures[:2])


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(picture(Path(sys.argv[1])), encoding="utf-8")
