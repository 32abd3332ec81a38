"""A regular fraction of a full factorial grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

__all__ = ["fault_of", "kept"]


def kept(lengths: Sequence[int], fraction: int, part: int) -> Iterator[tuple[int, ...]]:
    """Yield the places of a fraction of a grid, in the order of the full grid (the last factor varies fastest).

    Numbered from 0 in the order of its list, value ``i_f`` of factor f is in the fraction together with
    the others where ``sum_f i_f = part`` modulo ``fraction``. The parts of a fraction share nothing and
    make up the full grid.

    Any set of factors is balanced, every combination of their values being there equally often, if some factor outside
    the set has a number of values that ``fraction`` divides: its values fill the residues equally. With
    two such factors every factor is balanced, with three every pair (strength 2). With factors of two values
    and ``fraction = 2`` this is the half replicate whose defining relation is the product of all factors (Box and
    Hunter 1961); with three factors of as many values as the fraction it is a Latin square.

    Parameters
    ----------
    lengths
        Values of each factor.
    fraction
        One in so many combinations is kept; divides one of the lengths at least, where it is not 1.
    part
        Which of the parts, from 0.
    """
    if fraction == 1:
        yield from product(*map(range, lengths))
        return
    free = max(place for place, length in enumerate(lengths) if length % fraction == 0)
    others = [range(1) if place == free else range(length) for place, length in enumerate(lengths)]
    found = (
        (*at[:free], own, *at[free + 1 :])
        for at in product(*others)
        for own in range((part - sum(at)) % fraction, lengths[free], fraction)
    )
    yield from sorted(found)


def fault_of(lengths: Sequence[int], fraction: int, part: int) -> tuple[str, str] | None:
    """Return which key of a fraction is wrong and why, or None."""
    if part >= fraction:
        return "part", f"must be below fraction = {fraction}, not {part}."
    even = sum(length % fraction == 0 for length in lengths)
    if fraction > 1 and even < 2:
        return "fraction", (
            f"one in {fraction} would not be balanced: two lists at least must have a number of values that "
            f"{fraction} divides; there {'is' if even == 1 else 'are'} {even or 'none'}."
        )
    return None
