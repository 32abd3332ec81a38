"""The convergence gate: what must hold of the draws before anyone reads them (Vehtari et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from arviz_stats.base import array_stats
from scipy.special import ndtri
from scipy.stats import rankdata

from bayescompare.fits import Flag

__all__ = ["BFMI_FLOOR", "ESS_FLOOR", "RHAT_CEILING", "Gate", "judge"]

Array = npt.NDArray[np.float64]

RHAT_CEILING = 1.01
ESS_FLOOR = 400.0
BFMI_FLOOR = 0.3
#: R-hat and ESS need a few draws in each half of a chain, and chains to compare.
_FEWEST_DRAWS = 8


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The diagnostics of a run, and what they say.

    Parameters
    ----------
    diagnostics
        rhat_max, ess_bulk_min, ess_tail_min, divergences, bfmi_min, treedepth (share of draws at the
        maximum tree depth). NaN where they cannot be computed, which fails the gate.
    flags
        What failed, in the order of `Flag`.
    """

    diagnostics: Mapping[str, float]
    flags: tuple[Flag, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.flags


def judge(values: Array, stats: Mapping[str, npt.NDArray[Any]]) -> Gate:
    """Return the gate of draws ``(chains, draws, k)`` with their statistics ``(chains, draws)``."""
    finite = bool(np.all(np.isfinite(values)))
    stuck = finite and bool(np.any(np.all(values == values[:, :1], axis=1)))
    found = _convergence(values, usable=finite and not stuck)
    found |= {
        "divergences": float(np.sum(stats["diverging"])),
        "bfmi_min": _bfmi(np.asarray(stats["energy"], dtype=float)),
        "treedepth": float(np.mean(stats["reached_max_treedepth"])),
    }
    failed = {
        Flag.DIVERGENCES: found["divergences"] > 0,
        Flag.RHAT: not found["rhat_max"] <= RHAT_CEILING,
        Flag.ESS: not min(found["ess_bulk_min"], found["ess_tail_min"]) >= ESS_FLOOR,
        Flag.BFMI: not found["bfmi_min"] >= BFMI_FLOOR,
        Flag.TREEDEPTH: found["treedepth"] > 0,
        Flag.NOT_FINITE: not finite,
        Flag.STUCK: stuck,
    }
    return Gate(diagnostics=found, flags=tuple(flag for flag, is_so in failed.items() if is_so))


def _convergence(values: Array, *, usable: bool) -> dict[str, float]:
    """Return the worst R-hat and ESS over parameters; NaN where they mean nothing."""
    chains, draws, _ = values.shape
    found = dict.fromkeys(("rhat_max", "ess_bulk_min", "ess_tail_min"), float("nan"))
    if not usable or draws < _FEWEST_DRAWS:
        return found
    columns = np.moveaxis(values, -1, 0)
    half = draws // 2
    halves = np.concatenate([columns[:, :, :half], columns[:, :, -half:]], axis=1)
    scores = _normal_scores(halves)
    if chains > 1:
        folded = _normal_scores(np.abs(halves - np.median(halves, axis=(1, 2), keepdims=True)))
        found["rhat_max"] = float(max(np.max(array_stats.rhat(one, method="identity")) for one in (scores, folded)))
    found["ess_bulk_min"] = float(np.min(array_stats.ess(scores, method="identity")))
    found["ess_tail_min"] = float(np.min(array_stats.ess(columns, method="tail", prob=(0.05, 0.95))))
    return found


def _normal_scores(values: Array) -> Array:
    """Return the rank-normalised values of each parameter (Vehtari et al. 2021, equation 14)."""
    ranks = rankdata(values.reshape(len(values), -1), axis=1)
    return np.asarray(ndtri((ranks - 0.375) / (ranks.shape[1] + 0.25))).reshape(values.shape)


def _bfmi(energy: Array) -> float:
    """Return the smallest energy Bayesian fraction of missing information over chains (Betancourt 2016)."""
    if energy.shape[1] < _FEWEST_DRAWS or not np.all(np.isfinite(energy)) or np.any(np.ptp(energy, axis=1) == 0):
        return float("nan")
    return float(np.min(array_stats.bfmi(energy)))
