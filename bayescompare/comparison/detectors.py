"""What the end of an Adam run says of itself, scored against the known gap to its optimum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayescompare.comparison.cells import Frames
from bayescompare.comparison.clustered import clustered_shares
from bayescompare.comparison.flagged import raised
from bayescompare.comparison.grouping import Array, Groups
from bayescompare.comparison.measure_rows import chosen, tidy
from bayescompare.comparison.schema import DETECTOR_COLUMNS
from bayescompare.errors import InputError
from bayescompare.fits import Flag, Status

__all__ = ["ALL_ADAM", "ANY", "DETECTORS", "MARGIN", "Detector", "detectors"]

Factors = Mapping[str, Mapping[str, Any]]

#: ``gap_sd`` above which a fit is away from its optimum.
MARGIN = 0.1
#: What stands for the label where all Adam fits are meant.
ALL_ADAM = "all Adam fits"
#: The detector that any other raises that does not know the optimum.
ANY = "any that does not know the optimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """Something about a fit that may tell that it has not arrived.

    Parameters
    ----------
    signal
        From the table ``fits`` to 1 (raised), 0 (not) or NaN (not available), a number a fit.
    knows_optimum
        Whether it is made from the optimum, which a user does not know.
    """

    signal: Callable[[pd.DataFrame], Array]
    knows_optimum: bool = False


def _above(column: str, threshold: float, *, absolute: bool = False) -> Detector:
    def signal(fits: pd.DataFrame) -> Array:
        values = fits[column].to_numpy(float)
        size = np.abs(values) if absolute else values
        return np.where(np.isnan(values), np.nan, (size > threshold).astype(float))

    return Detector(signal=signal)


def _flag(flag: Flag, *, knows_optimum: bool = False) -> Detector:
    return Detector(signal=lambda fits: raised(fits, flag).astype(float), knows_optimum=knows_optimum)


_BLIND: Mapping[str, Detector] = {
    "newton_sd > 0.1": _above("newton_sd", 0.1),
    "|drift_z| > 2": _above("drift_z", 2.0, absolute=True),
    "oscillation_sd > 0.25": _above("oscillation_sd", 0.25),
    "rhat_restarts > 1.01": _above("rhat_restarts", 1.01),
    "flag step_limit": _flag(Flag.STEP_LIMIT),
    "flag oscillating": _flag(Flag.OSCILLATING),
    "flag diverged": _flag(Flag.DIVERGED),
}


def _any(fits: pd.DataFrame) -> Array:
    """Return whether any detector is raised that is available for the fit and does not know the optimum."""
    signals: Array = np.stack([one.signal(fits) for one in _BLIND.values()])
    return np.fmax.reduce(signals, axis=0)


#: Name -> detector.
DETECTORS: Mapping[str, Detector] = {
    **_BLIND,
    ANY: Detector(signal=_any),
    "flag premature": _flag(Flag.PREMATURE, knows_optimum=True),
}


def detectors(
    tables: Frames,
    *,
    factors: Factors | None = None,
    by: str | Sequence[str] = (),
) -> pd.DataFrame:
    """Return sensitivity and specificity of what an Adam fit says of itself, against its known gap.

    A fit is away from the best known optimum of its own objective where ``gap_sd`` is above 0.1.
    Sensitivity is the share of those that a detector is raised for, specificity the share of the
    others that it is not raised for. Fits whose gap is not known, and those for which a detector is not
    available, are counted and not used. Several Adam fits of one data set are not independent: see
    `clustered.clustered_shares` for the errors and intervals.

    Parameters
    ----------
    tables
        Of which ``fits``.
    factors
        Scenario -> factor of the grid -> value.
    by
        Factors, or ``scenario``: the fits of scenarios that agree in them are taken together, all where empty.

    Returns
    -------
    DataFrame
        A row a group, estimator (and all Adam fits), detector and measure; the columns are those of
        ``by`` and of `schema.DETECTOR_COLUMNS`.

    Raises
    ------
    InputError
        If a factor is not known, or has the name of a column.
    """
    named = _named(by, factors or {})
    fits = _adam(tables["fits"])
    fits = fits.assign(**{name: _factor(fits["scenario"], name, factors or {}) for name in named})
    both = pd.concat([fits, fits.assign(estimator=ALL_ADAM)], ignore_index=True)
    return tidy(_scores(both, [*named, "estimator"]), [*named, *DETECTOR_COLUMNS])


def _named(by: str | Sequence[str], factors: Factors) -> list[str]:
    """Return the names to group by."""
    known = dict.fromkeys(name for values in factors.values() for name in values)
    named = list(dict.fromkeys(chosen(by, [*known, "scenario"], "factor")))
    for name in named:
        if name in DETECTOR_COLUMNS:
            raise InputError(f"The factor {name!r} has the name of a column of the detectors. Give it another name.")
    return named


def _adam(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the Adam fits that were applicable, each with the number of its data set."""
    adam = fits["estimator"].astype(str).str.startswith("adam").to_numpy(bool)
    kept = fits[adam & (fits["status"] != Status.NOT_APPLICABLE).to_numpy(bool)].reset_index(drop=True)
    return kept.assign(set=kept.groupby(["scenario", "replicate"]).ngroup().to_numpy(np.int64))


def _factor(scenarios: pd.Series, name: str, factors: Factors) -> pd.Series:
    """Return the value that each fit's scenario has in a factor, lists written out."""
    if name == "scenario":
        return scenarios
    values = {scenario: found.get(name) for scenario, found in factors.items()}
    return scenarios.map({key: str(one) if isinstance(one, list | dict) else one for key, one in values.items()})


def _scores(fits: pd.DataFrame, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the sensitivity and the specificity of each detector, a row a group."""
    found = fits.groupby(list(keys), sort=False, dropna=False)
    groups = Groups(found.ngroup().to_numpy(np.int64), found.ngroups)
    heads = fits.loc[~fits.duplicated(keys), list(keys)].reset_index(drop=True)
    gap, sets = fits["gap_sd"].to_numpy(float), fits["set"].to_numpy(np.int64)
    away = np.where(np.isnan(gap), np.nan, gap > MARGIN)
    counts = {"n_unknown": groups[np.isnan(away)].count(), "n_total": groups.count()}
    for name, detector in DETECTORS.items():
        signal = detector.signal(fits)
        unavailable = groups[np.isnan(signal) & ~np.isnan(away)].count()
        for measure, truth in (("sensitivity", 1.0), ("specificity", 0.0)):
            right = np.where(away == truth, np.where(np.isnan(signal), np.nan, signal == truth), np.nan)
            yield heads.assign(
                detector=name,
                knows_optimum=detector.knows_optimum,
                measure=measure,
                **asdict(clustered_shares(right, groups, sets)),
                n_unavailable=unavailable,
                **counts,
            )
