"""The order and the names of a model's parameters, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["Layout"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Names, dims and positions of the parameters of a model with one grouping factor.

    Every parameter vector in the package has the order ``beta, sd, cor, sigma`` given here.

    Parameters
    ----------
    coefs
        Names of the ``p`` fixed effects.
    factor
        Name of the grouping factor, or None for a linear model.
    blocks
        Names of the random effects of each term; effects of one block are correlated,
        effects of different blocks are not.
    levels
        Names of the ``J`` groups, in the order of their index.
    """

    coefs: tuple[str, ...]
    factor: str | None = None
    blocks: tuple[tuple[str, ...], ...] = ()
    levels: tuple[str, ...] = ()

    @cached_property
    def effects(self) -> tuple[str, ...]:
        """Names of the ``q`` random effects, block after block."""
        return tuple(effect for block in self.blocks for effect in block)

    @cached_property
    def block_slices(self) -> tuple[slice, ...]:
        """Positions of each block among the effects."""
        ends = np.cumsum([len(block) for block in self.blocks])
        return tuple(slice(int(end) - len(block), int(end)) for end, block in zip(ends, self.blocks, strict=True))

    @cached_property
    def starts(self) -> npt.NDArray[np.intp]:
        """First effect of each block, and ``q``."""
        return np.array([0, *(block.stop for block in self.block_slices)], dtype=np.intp)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Positions ``(i, j)``, ``i < j``, of the ``m`` correlated pairs of effects.

        Row by row of the lower triangle: (0, 1), (0, 2), (1, 2), ...
        """
        return tuple(
            (i, j) for block in self.block_slices for j in range(block.start, block.stop) for i in range(block.start, j)
        )

    @cached_property
    def p(self) -> int:
        """Number of fixed effects."""
        return len(self.coefs)

    @cached_property
    def q(self) -> int:
        """Number of random effects a group."""
        return len(self.effects)

    @cached_property
    def m(self) -> int:
        """Number of correlations."""
        return len(self.pairs)

    @cached_property
    def size(self) -> int:
        """Number of parameters, ``p + q + m + 1``."""
        return self.p + self.q + self.m + 1

    @cached_property
    def beta(self) -> slice:
        """Positions of the fixed effects in a parameter vector."""
        return slice(0, self.p)

    @cached_property
    def sd(self) -> slice:
        """Positions of the random-effect sds."""
        return slice(self.p, self.p + self.q)

    @cached_property
    def cor(self) -> slice:
        """Positions of the correlations."""
        return slice(self.p + self.q, self.p + self.q + self.m)

    @cached_property
    def sigma(self) -> int:
        """Position of the residual sd."""
        return self.size - 1

    @property
    def sd_name(self) -> str:
        """Variable name of the random-effect sds."""
        return f"sd_{self.factor}"

    @property
    def cor_name(self) -> str:
        """Variable name of the correlations."""
        return f"cor_{self.factor}"

    @property
    def b_name(self) -> str:
        """Variable name of the random effects."""
        return f"b_{self.factor}"

    @cached_property
    def pair_names(self) -> tuple[str, ...]:
        """Names of the correlated pairs, ``"Intercept, days"``."""
        return tuple(f"{self.effects[i]}, {self.effects[j]}" for i, j in self.pairs)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Flat labels of all parameters, as ``az.summary`` prints them."""
        return (
            *(f"beta[{coef}]" for coef in self.coefs),
            *(f"{self.sd_name}[{effect}]" for effect in self.effects),
            *(f"{self.cor_name}[{pair}]" for pair in self.pair_names),
            "sigma",
        )

    @cached_property
    def random_effect_labels(self) -> tuple[str, ...]:
        """Flat labels of the random effects, group after group."""
        return tuple(f"{self.b_name}[{level}, {effect}]" for level in self.levels for effect in self.effects)

    @cached_property
    def variables(self) -> dict[str, tuple[slice | int, tuple[str, ...]]]:
        """Variable name -> (positions in a parameter vector, dims)."""
        found: dict[str, tuple[slice | int, tuple[str, ...]]] = {}
        if self.p:
            found["beta"] = (self.beta, ("coef",))
        if self.q:
            found[self.sd_name] = (self.sd, (f"{self.factor}_effect",))
        if self.m:
            found[self.cor_name] = (self.cor, (f"{self.factor}_pair",))
        found["sigma"] = (self.sigma, ())
        return found

    @cached_property
    def coords(self) -> dict[str, tuple[str, ...]]:
        """Coordinate labels of every dim."""
        found = {"coef": self.coefs} if self.p else {}
        if self.q:
            found |= {f"{self.factor}_effect": self.effects, str(self.factor): self.levels}
        if self.m:
            found[f"{self.factor}_pair"] = self.pair_names
        return found

    def index(self, label: str) -> int:
        """Return the position of a flat label; ``KeyError`` where there is none."""
        try:
            return self.labels.index(label)
        except ValueError:
            raise KeyError(label) from None
