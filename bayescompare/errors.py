"""The exceptions a user can meet: each says what, where, why and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AbsentPriorError",
    "BayesCompareError",
    "ClusterError",
    "DataError",
    "EstimatorError",
    "FormulaError",
    "InputError",
    "InterruptedStudyError",
    "LabelError",
    "ModelError",
    "NameRefusedError",
    "PriorError",
    "StoreError",
    "StudyError",
    "UndrawableError",
    "did_you_mean",
    "nearest",
]


class BayesCompareError(Exception):
    """Base of every error that bayescompare raises on purpose."""

    exit_status = 2


class InputError(BayesCompareError, ValueError):
    """What the user gave is wrong; nothing was run."""


class FormulaError(InputError):
    """The formula cannot be read, or may not be evaluated."""


class DataError(InputError):
    """The data cannot be read, or a column cannot be used as asked."""


class ModelError(InputError):
    """Formula and data together make a model that cannot be fitted."""


class PriorError(InputError):
    """A prior is unknown, misspelt, impossible, or set on an unknown parameter."""


class AbsentPriorError(PriorError):
    """A prior of a study's is known by its name only."""


class EstimatorError(InputError):
    """An estimator or one of its settings is unknown or impossible."""


class LabelError(EstimatorError, KeyError):
    """No fit has this label."""

    # KeyError shows its message in quotation marks
    __str__ = Exception.__str__


class NameRefusedError(InputError):
    """A name of a study, scenario or dataset that could not be a file name everywhere."""


class StudyError(InputError):
    """A study is not what it should be."""


class UndrawableError(StudyError):
    """A truth is to be drawn from priors that cannot be drawn from."""


class StoreError(BayesCompareError):
    """The disk or the stored files failed."""

    exit_status = 3


class ClusterError(StoreError):
    """The workers or their scheduler failed."""


class InterruptedStudyError(BayesCompareError):
    """A study was interrupted; what was done is kept."""

    exit_status = 130


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"``, or the list of known names where none is close."""
    names = [str(candidate) for candidate in known]
    return nearest(name, names) or (f" Known: {', '.join(names)}." if names else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"``, or nothing where no known name is close.

    A name of one or two letters is close to none but itself in letters of another case.
    """
    lowered = {candidate.lower(): candidate for candidate in reversed([str(one) for one in known])}
    close = get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6 if len(name) > 2 else 1.0)
    return f" Did you mean {lowered[close[0]]!r}?" if close else ""
