"""Measure speed against other packages, in one run: ``make bench``, or ``python scripts/bench.py --help``."""

from __future__ import annotations

from bench.timing import one_thread


def main() -> None:
    """Set the threads before NumPy loads, then measure."""
    one_thread()
    from bench.command import app

    app()


if __name__ == "__main__":
    main()
