"""A mixed-effects model: formula, family and priors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bayescompare.errors import ModelError, PriorError, did_you_mean
from bayescompare.priors import DEFAULT, Prior, as_prior, check_set

__all__ = ["FAMILIES", "Model"]

#: Families by name, each with a line on what it is.
FAMILIES: Mapping[str, str] = {"gaussian": "Gaussian response, identity link: y ~ N(X beta + Z b, sigma^2)"}


@dataclass(frozen=True)
class Model:
    """A mixed-effects model.

    ``y = X beta + Z b + e``, ``b_j ~ N(0, D R D)`` independently for each group ``j``,
    ``e ~ N(0, sigma^2 I)``.

    Parameters
    ----------
    formula
        As in lme4, such as ``"reaction ~ 1 + days + (1 + days | subject)"``.
    family
        A name out of `FAMILIES`.
    priors
        Parameter (``"sd_subject"``, ``"beta[days]"``) to prior, as an object or as it is typed; a distribution of
        PyMC's, such as ``pm.Weibull.dist(alpha=2, beta=50)``, is an object too. The others have those of the set
        that the key ``"set"`` names, by default ``"default"``, which scales with the data; a name of a set in place
        of the whole is that set alone.
    reference
        Column to the level that its other levels are held against, such as ``{"treatment": "placebo"}``; of other
        columns that is the first, in the order of the alphabet or as a categorical declares it.

    Raises
    ------
    ModelError, PriorError
        For an unknown family, or a prior that cannot be read.
    """

    formula: str
    family: str = "gaussian"
    priors: Mapping[str, Any] | str = field(default_factory=dict)
    reference: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the family, and read the priors that are texts."""
        if self.family not in FAMILIES:
            raise ModelError(f"There is no family {self.family!r}.{did_you_mean(self.family, FAMILIES)}")
        if not isinstance(self.reference, Mapping):
            raise ModelError(
                f"reference maps columns to levels, as {{'treatment': 'placebo'}}, not {self.reference!r}."
            )
        given = {"set": self.priors} if isinstance(self.priors, str) else dict(self.priors)
        named = {"set": check_set(given.pop("set"))} if "set" in given else {}
        read = {key: as_prior(prior) for key, prior in given.items()}
        for key, prior in read.items():
            if prior is None:
                raise PriorError(
                    f"The prior of {key!r} is {given[key]!r}; give an object such as HalfNormal(50), or its text."
                )
        object.__setattr__(self, "priors", named | read)
        object.__setattr__(self, "reference", dict(self.reference))

    @property
    def _priors(self) -> Mapping[str, Any]:
        assert not isinstance(self.priors, str)
        return self.priors

    @property
    def reference_text(self) -> str:
        """The levels of reference as they are typed, ``treatment=placebo``, with commas between."""
        return ", ".join(f"{column}={level}" for column, level in self.reference.items())

    @property
    def prior_set(self) -> str:
        """The name of the set of the priors that the user did not set one by one."""
        return str(self._priors.get("set", DEFAULT))

    @property
    def own_priors(self) -> dict[str, Prior]:
        """The priors that the user set, as objects."""
        return {key: prior for key, prior in self._priors.items() if isinstance(prior, Prior)}
