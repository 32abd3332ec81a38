"""One self-contained HTML page from `Results`, in memory or read from a store."""

from __future__ import annotations

from pathlib import Path

from bayescompare.comparison.prior_predictive import PriorPredictive
from bayescompare.comparison.results import Results
from bayescompare.reporting.render import page, priors_page
from bayescompare.reporting.writing import write_text

__all__ = ["report", "report_priors"]


def report(results: Results, path: str | Path) -> Path:
    """Write a report: one HTML file that opens offline, without JavaScript, on any screen.

    Parameters
    ----------
    results
        What a comparison found.
    path
        Where to write; a report that is there is replaced, whole or not at all.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    StoreError
        If it cannot be written there.
    """
    return write_text(Path(path), page(results))


def report_priors(found: PriorPredictive, path: str | Path) -> Path:
    """Write a page on the priors of a model and its data, like that of `report`.

    Parameters
    ----------
    found
        What `bayescompare.prior_predictive` returned.
    path
        Where to write.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    StoreError
        If it cannot be written there.
    """
    return write_text(Path(path), priors_page(found))
