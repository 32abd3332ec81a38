"""The whole posterior by the No-U-Turn sampler (Hoffman and Gelman 2014): its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from bayescompare.engines.base import OneByOne
from bayescompare.errors import EstimatorError
from bayescompare.fits import Fit
from bayescompare.likelihood.problem import Problem

__all__ = ["Nuts"]


@dataclass(frozen=True, kw_only=True)
class Nuts(OneByOne):
    """NUTS on the posterior; estimates are posterior means.

    Parameters
    ----------
    chains, draws, tune
        Chains, and draws of each after ``tune`` of warm-up.
    target
        Acceptance probability aimed at; a run that does not pass the gate is repeated once with 0.95.
    parameterization
        ``marginal`` integrates the random effects out and draws them afterwards;
        ``centered`` and ``noncentered`` sample them.
    sampler
        ``nutpie``, or PyMC's own.
    effects
        Draw the random effects too. It changes nothing else, and is no part of the label.
    """

    name: ClassVar[str] = "nuts"
    engine: ClassVar[str] = "nuts"
    uses_priors: ClassVar[bool] = True

    chains: int = 4
    draws: int = 1000
    tune: int = 400
    target: float = 0.8
    parameterization: Literal["marginal", "centered", "noncentered"] = "marginal"
    sampler: Literal["nutpie", "pymc"] = "nutpie"
    effects: bool = True

    def __post_init__(self) -> None:
        """Refuse impossible settings."""
        for setting in ("chains", "draws", "tune"):
            if getattr(self, setting) < 1:
                raise EstimatorError(f"nuts: {setting} must be at least 1, not {getattr(self, setting)}.")
        if not 0 < self.target < 1:
            raise EstimatorError(f"nuts: target is a probability between 0 and 1, not {self.target}.")

    @property
    def label(self) -> str:
        """The name, and the settings that change the estimates."""
        settings = super().label.removeprefix(f"{self.name}:").split(",")
        kept = [setting for setting in settings if not setting.startswith("effects=")]
        return f"{self.name}:{','.join(kept)}" if kept and kept != [self.name] else self.name

    def fit_one(self, problem: Problem, seed: np.random.SeedSequence, limit: float | None = None) -> Fit:
        """Fit one problem, in so many seconds; see `Engine.fit`."""
        # PyMC and ArviZ take seconds to load: only where something is sampled
        from bayescompare.engines.nuts.fit import fit_one

        return fit_one(self, problem, seed, limit)
