r"""Which sds and correlations the data determine, given the fixed effects.

The response has the covariance ``V = sum_k theta_k V_k`` over the entries of ``S`` and the residual variance. What the
restricted likelihood sees of it is ``M V M``, ``M`` the projector beside ``X``: a direction of ``theta`` along which
that does not change is not identified given the fixed effects. So the matrix of ``tr(M V_k M V_l)`` must have
full rank (Rao and Kleffe 1988, chapter 5), in any metric: see `bayescompare.likelihood.information`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import qr

from bayescompare.errors import ModelError
from bayescompare.layout import Layout
from bayescompare.likelihood.information import Blocks, entries_of, information
from bayescompare.likelihood.products import Products

__all__ = ["Identified", "identified", "refuse_residual", "sentence"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Eigenvalue of the information, over that without fixed effects, below which a direction is not identified.
_NOTHING = 1e-10
# Share of a direction that a parameter must have to be part of it.
_PART = 1e-7

_GIVEN = "not identified given the fixed effects: the restricted likelihood is the same at all values"
_ALONE = "not identified: the likelihood is the same at all values"


@dataclass(frozen=True, kw_only=True)
class Identified:
    """What the data do not determine, parameters in the layout's order.

    Parameters
    ----------
    given : (k,)
        Not determined given the fixed effects: no estimate by the restricted likelihood.
    alone : (k,)
        Not determined even without fixed effects: no estimate by the likelihood.
    held : (k,)
        As few of ``given`` as must be held for the others to be determined.
    errors, estimates : (k,)
        Fixed effects whose standard errors, and whose estimates by the restricted likelihood, depend on ``given``.
    residual : (q,)
        Effects whose variances cannot be told from the residual variance.
    """

    given: Mask
    alone: Mask
    held: Mask
    errors: Mask
    estimates: Mask
    residual: Mask

    @property
    def everything(self) -> bool:
        """Whether the data determine all parameters."""
        return not self.given.any()

    def unknown(self, *, reml: bool) -> Mask:
        """Return the parameters ``(k,)`` of which there is no estimate by a likelihood."""
        return self.given | self.estimates if reml else self.alone

    def reasons(self, layout: Layout, *, reml: bool) -> tuple[str, ...]:
        """Return for each parameter why it has no estimate, or no standard error; empty where it has both."""
        on, found = f"depends on {_listed(self.given, layout)}", [""] * layout.size
        for which, why in (
            (self.errors, f"without a standard error, which {on}"),
            (self.unknown(reml=reml), f"not determined: it {on}"),
            (self.given, _GIVEN),
            (self.alone, _ALONE),
        ):
            found = [why if so else before for so, before in zip(which, found, strict=True)]
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Flat:
    """Directions that the likelihood does not change along.

    Parameters
    ----------
    s : (r, q, q)
        Changes of ``S`` in the effects of the rotated data, of norm one.
    entries : (r, q + m)
        The same of the variances and covariances in the user's units, over the size of the effects' columns.
    residual : (r,)
        Whether the residual variance changes too.
    """

    s: Array
    entries: Array
    residual: Mask

    def parts(self, layout: Layout) -> Mask:
        """Return which parameters ``(k,)`` change."""
        changed = np.any(np.abs(self.entries) > _PART, axis=0)
        sd = changed[: layout.q]
        cor = [one or sd[i] or sd[j] for one, (i, j) in zip(changed[layout.q :], layout.pairs, strict=True)]
        return np.array([*[False] * layout.p, *sd, *cor, False], dtype=bool)


def identified(data: Products, layout: Layout) -> Identified:
    """Return what the data do not determine; it costs about as much as one evaluation of the likelihood."""
    if not layout.q:
        return _all(layout)
    blocks, entries = Blocks.of(data), entries_of(layout)
    alone, given = information(blocks, entries, data.n)
    size = np.sqrt(np.diag(alone))
    flat = _flat(given, size, entries, data, layout)
    if not len(flat.s):
        return _all(layout)
    errors, estimates = _fixed(flat, blocks, layout)
    return Identified(
        given=flat.parts(layout),
        alone=_flat(alone, size, entries, data, layout).parts(layout),
        held=_held(flat, layout),
        errors=errors | estimates,
        estimates=estimates,
        residual=flat.parts(layout)[layout.sd] & flat.residual.any(),
    )


def _all(layout: Layout) -> Identified:
    no = np.zeros(layout.size, dtype=bool)
    return Identified(given=no, alone=no, held=no, errors=no, estimates=no, residual=no[layout.sd])


def _flat(found: Array, size: Array, entries: Array, data: Products, layout: Layout) -> _Flat:
    """Return the directions in the null space of ``F``."""
    values, vectors = np.linalg.eigh(found / np.outer(size, size))
    null = vectors[:, values <= _NOTHING].T
    steps = null / size
    s = np.tensordot(steps[:, :-1], entries, axes=1) + steps[:, -1, None, None] * np.eye(layout.q)
    s = s / np.sqrt(np.sum(s**2, axis=(1, 2), keepdims=True))
    width = np.sqrt(np.sum(data.t**2, axis=1))
    own = data.t @ s @ data.t.T / np.outer(width, width)
    places = [*((i, i) for i in range(layout.q)), *layout.pairs]
    return _Flat(
        s=s,
        entries=np.array([[one[i, j] for i, j in places] for one in own]).reshape(len(own), len(places)),
        residual=np.abs(null[:, -1]) > _PART,
    )


def _held(flat: _Flat, layout: Layout) -> Mask:
    """Return as many parameters as there are directions, each direction changing one that the others do not."""
    held = np.zeros(layout.size, dtype=bool)
    if len(flat.entries):
        pivots = qr(flat.entries, mode="r", pivoting=True)[1]
        held[layout.p + pivots[: len(flat.entries)]] = True
    return held


def _fixed(flat: _Flat, blocks: Blocks, layout: Layout) -> tuple[Mask, Mask]:
    """Return the fixed effects whose variances, and whose estimates, change along a direction.

    By ``V_N`` the estimates move with ``X' V_0^-1 V_N P y``: not at all where that matrix is zero.
    """
    root, changed = blocks.root, np.zeros((2, layout.size), dtype=bool)
    variances = np.sum(root**2, axis=1)
    for one in flat.s:
        for kind, moved in enumerate((blocks.along(one), blocks.across(one))):
            size = np.abs(np.sum(root @ moved * root, axis=1))
            changed[kind, layout.beta] |= size > _PART * variances
    return changed[0], changed[1]


def _listed(which: Mask, layout: Layout) -> str:
    return ", ".join(label for label, listed in zip(layout.labels, which, strict=True) if listed)


def sentence(found: Identified, layout: Layout) -> str:
    """Return what a reader must know of the parameters that are not identified; empty where all are."""
    if found.everything:
        return ""
    names, alone = _listed(found.given, layout), np.array_equal(found.given, found.alone)
    if alone:
        return (
            f"The data do not determine {names}: there is no estimate by maximum likelihood, and a posterior rests on "
            "the prior. Leave out the random effect."
        )
    return (
        f"The data do not determine {names} given the fixed effects: REML has no estimate, and a posterior rests on "
        "the prior. Leave out the random effect, or the fixed effects that take up its groups."
    )


def refuse_residual(found: Identified, layout: Layout, rows: int) -> None:
    """Refuse random effects that cannot be told from the residuals.

    Raises
    ------
    ModelError
        If there are such.
    """
    if not found.residual.any():
        return
    names = ", ".join(name for name, listed in zip(layout.effects, found.residual, strict=True) if listed)
    count, levels = int(found.residual.sum()), len(layout.levels)
    raise ModelError(
        f"{rows} rows, {count * levels} random effects ({names} for each of {levels} levels of {layout.factor!r}): "
        "they cannot be told from the residuals; use fewer effects or more rows a level."
    )
