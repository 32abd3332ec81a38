"""Results for other programs: tables as CSV and LaTeX, the literature of the methods as BibTeX."""

from bayescompare.reporting.export.api import FORMATS, export

__all__ = ["FORMATS", "export"]
