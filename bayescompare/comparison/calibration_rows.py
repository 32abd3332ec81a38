"""Where a truth that was drawn from the priors lies in what a fit says of it (Talts et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bayescompare.comparison.derived import LIKELIHOOD, derived_names, intraclass, log_likelihood
from bayescompare.comparison.records import Record
from bayescompare.fits import Basis, Fit
from bayescompare.intervals import KINDS
from bayescompare.intervals.inversion import Located, located, located_in_draws
from bayescompare.intervals.rows import bases

__all__ = ["calibration_rows"]

Array = npt.NDArray[np.float64]
Row = dict[str, Any]

# Draws that the truth is ranked among: so few that thinned ones are as good as independent where a fit passed the gate.
_RANKS = 99
# Points of an approximation at which the likelihood is evaluated.
_POINTS = 256
_NO_DISTRIBUTION = "no draws, and no interval of a derived quantity"


def calibration_rows(record: Record, kinds: Sequence[str] | None = None) -> Iterator[Row]:
    """Yield a row a quantity and kind of interval, of a fit whose truth was drawn from its priors.

    A fit that has no estimate has one row, with the reason.
    """
    fit = record.fit
    if not record.drawn:
        return
    if record.truth is None or not np.isfinite(fit.estimate).any():
        yield _row("", "", reason=fit.message or next(filter(None, fit.reason), "no estimate"))
        return
    for kind, basis in bases(fit, kinds).items():
        yield from _parameters(fit, kind, basis, record.truth)
    yield from _derived(record, fit, record.truth)


def _row(parameter: str, kind: str, found: Located | None = None, *, reason: str = "", **numbers: float) -> Row:
    nan = float("nan")
    tails = kind in KINDS and KINDS[kind].tails
    return {
        "parameter": parameter,
        "kind": kind,
        **{name: float(numbers.get(name, nan)) for name in ("truth", "estimate", "sd")},
        "pit": found.pit if found and tails else nan,
        "covered_from": found.covered_from if found else nan,
        "rank": found.rank if found else 0,
        "n_ranks": found.n_ranks if found else 0,
        "reason": reason,
    }


def _parameters(fit: Fit, kind: str, basis: Basis, truth: Array) -> Iterator[Row]:
    """Yield the rows of the parameters; none where a kind says nothing of a parameter."""
    thinned = _thinned(fit)
    for k, (label, found) in enumerate(zip(fit.layout.labels, located(basis, truth), strict=True)):
        reason = basis.reason[k]
        if np.isnan(found.covered_from):
            if not reason and kind in fit.bases:
                continue
        else:
            reason = ""
        if thinned is not None and KINDS[kind].tails:
            found = _ranked(found, thinned[:, k], truth[k])
        yield _row(label, kind, found, reason=reason, truth=truth[k], estimate=fit.estimate[k], sd=fit.se[k])


def _ranked(found: Located, draws: Array, value: float) -> Located:
    """Return a place with the rank among thinned draws."""
    return Located(pit=found.pit, covered_from=found.covered_from, rank=int(np.sum(draws < value)), n_ranks=len(draws))


def _thinned(fit: Fit) -> Array | None:
    """Return draws ``(n, k)`` of a chain that are about independent, at most 99; None where there are no chains."""
    if fit.draws is None:
        return None
    flat = fit.draws.values.reshape(-1, fit.layout.size)
    size = fit.diagnostics.get("ess_bulk_min", np.nan)
    n = min(_RANKS, len(flat), max(int(size), 1) if np.isfinite(size) else _RANKS)
    return np.asarray(flat[np.floor((np.arange(n) + 0.5) * len(flat) / n).astype(int)])


def _derived(record: Record, fit: Fit, truth: Array) -> Iterator[Row]:
    """Yield the rows of the quantities that are made of the parameters."""
    names = derived_names(fit.layout)
    values = fit.variational if fit.draws is None else fit.draws.values.reshape(-1, fit.layout.size)
    if values is None:
        yield from (_row(name, "", reason=_NO_DISTRIBUTION) for name in names)
        return
    kind, few = ("variational", values[:_POINTS]) if fit.draws is None else ("eti", _thinned(fit))
    assert few is not None
    for name in names:
        if name == LIKELIHOOD:
            if record.problem is not None:
                at = log_likelihood(record.problem, np.concatenate([truth[None], few]))
                yield _of_draws(name, kind, at[1:], at[0])
            continue
        known = float(intraclass(truth, fit.layout))
        found = _of_draws(name, kind, intraclass(values, fit.layout), known)
        if fit.draws is not None:
            ranked = intraclass(few, fit.layout)
            found |= {"rank": int(np.sum(ranked < known)), "n_ranks": len(ranked)}
        yield found


def _of_draws(name: str, kind: str, draws: Array, truth: float) -> Row:
    """Return the row of a quantity from its draws ``(N,)``."""
    found = located_in_draws(draws, float(truth))
    reason = "" if np.isfinite(found.pit) else "its draws are not finite"
    return _row(name, kind, found, reason=reason, truth=truth, estimate=np.mean(draws), sd=np.std(draws, ddof=1))
