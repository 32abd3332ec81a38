"""Numbers that say how they came about, so that a prior's scale and its reason are written once."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """A number made from the data, in words and in digits.

    Parameters
    ----------
    value
        The number.
    words, digits
        How it is made: ``2.5 sd(y) / sd(days)`` and ``2.5 × 56.17 / 2.872``.
    """

    value: float
    words: str
    digits: str

    @classmethod
    def of(cls, value: float, words: str) -> Scale:
        """Return a number that is taken from the data as it is."""
        return cls(float(value), words, f"{value:.4g}")

    @property
    def reason(self) -> str:
        """Both, as one line."""
        return f"{self.words} = {self.digits}"

    def __rmul__(self, factor: float) -> Scale:
        """Return a multiple."""
        return Scale(factor * self.value, f"{factor:g} {self.words}", f"{factor:g} × {self.digits}")

    def __truediv__(self, other: Scale) -> Scale:
        """Return a ratio."""
        return Scale(self.value / other.value, f"{self.words} / {other.words}", f"{self.digits} / {other.digits}")
