r"""The evidence lower bound of a Gaussian mixed model, non-centred.

With ``w = (b, u)`` and variance parameters ``v``, and ``q(v, w)`` the Gaussian of `elbo_gaussian`,

    ELBO = E_q[log p(y | w, v) + log p(w) + log p(v)] + H(q)

Given ``v`` the log joint density is quadratic in ``w``, and ``w`` given ``v`` is Gaussian under ``q``. So the
expectation over what of ``w`` does not depend on ``v`` is taken in closed form, as are the entropy and the priors of
``u`` and of normal fixed effects; only the few dimensions of ``v`` need draws. With ``e = (-delta, 1)``, where
``delta`` are the fixed effects in the coordinates of `Products`, and ``Lambda`` the root of the effects there,

    |y - X beta - Z b|^2 = sum_j e'A_j e - 2 e'F_j' Lambda u_j + u_j' Lambda' G_j Lambda u_j.

In a mean-field Gaussian ``w`` does not depend on ``v`` at all: the groups are summed over once an update, and a draw
costs as much with a thousand groups as with one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bayescompare.engines.adam.elbo_draws import moving_draws
from bayescompare.engines.adam.elbo_gaussian import Factor, Gaussian
from bayescompare.engines.adam.loop import Objective
from bayescompare.engines.adam.scaling import Scaling
from bayescompare.engines.nuts.coordinates import Partials, log_jacobian
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.tensorflow import backend, log_prior, namespace, root_rows
from bayescompare.priors import Flat, Normal, PriorSet
from bayescompare.priors.answers import density

__all__ = ["Data", "NegativeElbo", "data_of"]

Array = npt.NDArray[np.float64]
Tensor = Any

_LOG_2PI = math.log(2 * math.pi)


class Data(NamedTuple):
    """The arrays of the objective, the response in Adam's units; ``R`` replicates.

    Parameters
    ----------
    squares, cross, gram : (R, J, p + 1, p + 1), (R, J, q, p + 1), (R, J, q, q)
        ``A_j``, ``F_j`` and ``G_j``.
    rows : (R, J)
    shift, slope : (R, p), (R, p, p)
        ``delta = shift + slope b``.
    root : (R, q, q)
        ``Lambda = root D L``.
    log_unit, log_volume : (R,)
        Log unit of the response; log determinant of what is linear on the way to natural parameters.
    constants, centre, fixed, effects
        Those of the priors, and of `Scaling`.
    start, fixed_draws : (R, S, g), (R, N, g)
        Points of the draws of the updates, and the draws that a loss is judged on.
    """

    squares: Tensor
    cross: Tensor
    gram: Tensor
    rows: Tensor
    shift: Tensor
    slope: Tensor
    root: Tensor
    log_unit: Tensor
    log_volume: Tensor
    constants: Tensor
    centre: Tensor
    fixed: Tensor
    effects: Tensor
    start: Tensor
    fixed_draws: Tensor


def data_of(problems: Sequence[Problem], units: Sequence[Scaling]) -> list[Array]:
    """Return the arrays of `Data` but for the draws."""
    each = [_one(problem, unit) for problem, unit in zip(problems, units, strict=True)]
    return [np.array(column) for column in zip(*each, strict=True)]


def _one(problem: Problem, unit: Scaling) -> tuple[Array | float, ...]:
    """Return the arrays of one problem."""
    d, layout, size = problem.products, problem.layout, unit.unit
    grouped = layout.q > 0
    scale = np.append(np.ones(layout.p), 1 / size)
    c = (d.c if grouped else np.zeros((1, 0, layout.p + 1))) * scale
    w = (d.w if grouped else d.within[None]) * np.outer(scale, scale)
    r = d.r if grouped else np.zeros((1, 0, 0))
    volume = np.linalg.slogdet(unit.fixed)[1] + np.log(size)
    for block in layout.block_slices:
        width = block.stop - block.start
        volume += (width + 1) * (width * np.log(size) + np.linalg.slogdet(unit.effects[block, block])[1])
    return (
        np.swapaxes(c, 1, 2) @ c + w,
        np.swapaxes(r, 1, 2) @ c,
        np.swapaxes(r, 1, 2) @ r,
        d.rows if grouped else np.array([float(d.n)]),
        d.delta(unit.centre) / size,
        d.rx @ unit.fixed / size,
        d.t_inverse @ unit.effects,
        np.log(size),
        volume,
        problem.priors.constants(),
        unit.centre,
        unit.fixed,
        unit.effects,
    )


@dataclass(frozen=True)
class NegativeElbo(Objective):
    """-2 ELBO of a stack of replicates; data: those of `Data`.

    Parameters
    ----------
    gaussian
        The variational posterior.
    priors
        Kinds of the priors; their numbers are data.
    """

    gaussian: Gaussian
    priors: PriorSet

    def loss(self, x: Tensor, data: tuple[Tensor, ...], batch: Tensor | None, step: Tensor | None = None) -> Tensor:
        """Return -2 ELBO by the draws of an update, or by the fixed ones; an estimate from a minibatch of groups."""
        tf, _ = backend()
        d, factor = Data(*data), self.gaussian.factor(x, tf)
        draws = d.fixed_draws if step is None else tf.cast(moving_draws(d.start, step), x.dtype)
        weight, d, factor = _picked(d, factor, batch)
        v = factor.v[:, None] + draws[:, :, : self.gaussian.n] @ _turned(factor.vv)
        root = self._root(v)
        square = self._expected_square(d, factor, draws, root)
        log_sigma = v[:, :, -1]
        rows = tf.reduce_sum(weight * d.rows, axis=1)[:, None]
        terms = -rows / 2 * (_LOG_2PI + 2 * (d.log_unit[:, None] + log_sigma)) - square * tf.exp(-2 * log_sigma) / 2
        terms += self._log_prior_v(d, v, root) + self._log_prior_beta(d, factor, draws)
        return -2 * (tf.reduce_mean(terms, axis=1) + self._of_effects(factor, weight) + _entropy(factor))

    def _root(self, v: Tensor) -> Tensor:
        """Return ``D L`` ``(R, S, q, q)`` at variance parameters ``(R, S, n)``."""
        tf, _ = backend()
        layout = self.gaussian.layout
        if not layout.q:
            return tf.zeros((v.shape[0], v.shape[1], 0, 0), v.dtype)
        values = tf.unstack(v, axis=2)
        rows = root_rows(values[: layout.q], values[layout.q : -1], layout, tf)
        zero = tf.zeros_like(values[0])
        return tf.stack([tf.stack([zero if e is None else e for e in row], axis=2) for row in rows], axis=2)

    def _expected_square(self, d: Data, factor: Factor, draws: Tensor, root: Tensor) -> Tensor:
        """Return the expected sum of squared residuals given each draw of ``v``, ``(R, S)``."""
        tf, _ = backend()
        full, q = self.gaussian.full, self.gaussian.layout.q
        squares = tf.reduce_sum(d.squares, axis=1)
        noise = tf.concat([-d.slope @ factor.bb, tf.zeros_like(d.shift)[:, None]], axis=1)
        constant = tf.reduce_sum(noise * (squares @ noise), axis=(1, 2))[:, None]
        lam = _product(d.root[:, None], root)
        moments = _product(factor.uu, _turned(factor.uu))
        if full:
            first, of_draws = self._by_draw(d, factor, draws, lam, squares)
            linear = tf.reduce_sum(_product(_product(d.cross, noise[:, None]), _turned(factor.ub)), axis=1)
            moments += _product(factor.ub, _turned(factor.ub))
        else:
            e = _residual(d, factor.b[:, None])
            first, of_draws = constant + _form(e, squares), 0.0
            linear = tf.matmul(tf.reduce_sum(d.cross * e[:, :, None], axis=3), factor.u, transpose_a=True)
            moments += factor.u[..., None] @ factor.u[:, :, None]
        if not q:
            return first + constant if full else first
        flat = tf.reshape(lam, (lam.shape[0], lam.shape[1], q * q))
        quadratic = tf.reduce_sum(flat * (flat @ _paired(d.gram, moments, q)), axis=2)
        both = quadratic - 2 * tf.reduce_sum(lam * linear[:, None], axis=(2, 3))
        return first + both + of_draws + (constant if full else 0.0)

    def _by_draw(self, d: Data, factor: Factor, draws: Tensor, lam: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Return the squares of the mean residual given each draw of ``v``: without effects, and what they add."""
        tf, _ = backend()
        n, q, groups = self.gaussian.n, self.gaussian.layout.q, factor.u.shape[1]
        of_v = draws[:, :, :n]
        e = _residual(d, factor.b[:, None] + of_v @ _turned(factor.bv))
        if not q:
            return _form(e, squares), 0.0
        count, number = int(of_v.shape[0]), int(of_v.shape[1])
        coupling = tf.reshape(factor.uv, (count, groups * q, n))
        u = factor.u[:, None] + tf.reshape(of_v @ _turned(coupling), (count, number, groups, q))
        along = tf.reduce_sum(u[:, :, :, None] * lam[:, :, None], axis=4)
        cross = tf.reshape(e @ _turned(tf.reshape(d.cross, (count, groups * q, -1))), (count, number, groups, q))
        parts = tf.unstack(along, axis=3)
        bent = tf.stack([_sum(d.gram[:, None, :, a, b] * parts[b] for b in range(q)) for a in range(q)], axis=3)
        return _form(e, squares), tf.reduce_sum(along * (bent - 2 * cross), axis=(2, 3))

    def _log_prior_v(self, d: Data, v: Tensor, root: Tensor) -> Tensor:
        """Return the log prior density of each draw of ``v`` in Adam's coordinates, ``(R, S)``."""
        tf, _ = backend()
        layout, xp = self.gaussian.layout, namespace()
        q, (count, number) = layout.q, (int(v.shape[0]), int(v.shape[1]))
        natural = tf.exp(d.log_unit)[:, None, None, None] * _product(d.effects[:, None], root)
        sigma = tf.exp(v[:, :, -1] + d.log_unit[:, None])
        constants = tf.reshape(_spread(d.constants, number), (count * number, int(d.constants.shape[1])))
        priors = replace(self.priors.with_constants(tf.unstack(constants, axis=1)), beta=())
        flat = log_prior(priors, None, tf.reshape(natural, (count * number, q, q)), tf.reshape(sigma, (-1,)))
        total = tf.reshape(flat, (count, number)) + v[:, :, -1] + d.log_volume[:, None]
        log_sds = tf.math.log(tf.reduce_sum(tf.square(natural), axis=3)) / 2
        for block in layout.block_slices:
            width = block.stop - block.start
            total += tf.reduce_sum((width + 1) * v[:, :, block] - width * log_sds[:, :, block], axis=2)
        if layout.m:
            total += log_jacobian(Partials.of(tf.unstack(v[:, :, q:-1], axis=2), tf.tanh, xp), layout)
        return total

    def _log_prior_beta(self, d: Data, factor: Factor, draws: Tensor) -> Tensor:
        """Return the expected log prior density of ``beta``: exact where it is normal or flat, else of each draw."""
        tf, _ = backend()
        p, xp = self.gaussian.layout.p, namespace()
        if not p:
            return tf.zeros_like(draws[:, :, 0])
        columns = tf.unstack(d.constants, axis=1)
        natural = d.fixed @ tf.concat([factor.bv, factor.bb], axis=2)
        mean = d.centre + tf.squeeze(d.fixed @ factor.b[:, :, None], 2)
        beta = mean[:, None] + draws @ _turned(natural)
        total = tf.zeros_like(draws[:, :, 0])
        priors = self.priors.with_constants([column[:, None] for column in columns]).beta
        for i, prior in enumerate(priors):
            if isinstance(prior, Normal):
                variance = tf.reduce_sum(tf.square(natural[:, i]), axis=1)[:, None]
                total += prior.logp(mean[:, i, None], xp) - variance / (2 * tf.square(prior.sigma))
            elif not isinstance(prior, Flat):
                total += density(prior, beta[:, :, i], xp)
        return total

    def _of_effects(self, factor: Factor, weight: Tensor) -> Tensor:
        """Return the expected log prior density of the effects ``u``, and their part of the entropy, ``(R,)``."""
        tf, _ = backend()
        if not self.gaussian.layout.q:
            return tf.zeros_like(weight[:, 0])
        blocks = tf.concat([factor.u[..., None], factor.uv, factor.ub, factor.uu], axis=3)
        each = tf.reduce_sum(factor.log_scale_u + 0.5, axis=2) - tf.reduce_sum(tf.square(blocks), axis=(2, 3)) / 2
        return tf.reduce_sum(weight * each, axis=1)


def _entropy(factor: Factor) -> Tensor:
    """Return the entropy of ``(v, b)``, ``(R,)``."""
    tf, _ = backend()
    return tf.reduce_sum(factor.log_scale + (1 + _LOG_2PI) / 2, axis=1)


def _picked(d: Data, factor: Factor, batch: Tensor | None) -> tuple[Tensor, Data, Factor]:
    """Return the weights ``(R, B)`` of the groups of a minibatch, and what belongs to them; weighted cross-products."""
    tf, _ = backend()
    if batch is None:
        return tf.ones_like(d.rows), d, factor
    place, used = tf.maximum(batch, 0), tf.cast(batch >= 0, d.rows.dtype)
    weight = used * d.rows.shape[1] / tf.maximum(tf.reduce_sum(used, axis=1, keepdims=True), 1)

    def pick(array: Tensor) -> Tensor:
        return tf.gather(array, place, batch_dims=1)

    by_weight = weight[:, :, None, None]
    groups = {name: by_weight * pick(getattr(d, name)) for name in ("squares", "cross", "gram")}
    own = {name: pick(getattr(factor, name)) for name in ("u", "uv", "ub", "uu", "log_scale_u")}
    return weight, d._replace(rows=pick(d.rows), **groups), replace(factor, **own)


def _residual(d: Data, b: Tensor) -> Tensor:
    """Return ``e = (-delta, 1)`` ``(R, S, p + 1)`` at fixed effects ``(R, S, p)``."""
    tf, _ = backend()
    delta = d.shift[:, None] + b @ _turned(d.slope)
    return tf.concat([-delta, tf.ones((delta.shape[0], delta.shape[1], 1), delta.dtype)], axis=2)


def _form(e: Tensor, squares: Tensor) -> Tensor:
    """Return ``e'A e`` ``(R, S)``."""
    tf, _ = backend()
    return tf.reduce_sum(e * (e @ squares), axis=2)


def _paired(gram: Tensor, moments: Tensor, q: int) -> Tensor:
    """Return ``K`` ``(R, q^2, q^2)`` with ``sum_j tr(Lambda' G_j Lambda M_j) = vec(Lambda)' K vec(Lambda)``."""
    tf, _ = backend()
    count, groups = int(gram.shape[0]), gram.shape[1]
    first = tf.reshape(gram, (count, groups, q * q))
    second = tf.reshape(moments, (count, groups, q * q))
    both = tf.reshape(tf.matmul(first, second, transpose_a=True), (count, q, q, q, q))
    return tf.reshape(tf.transpose(both, (0, 1, 3, 2, 4)), (count, q * q, q * q))


def _spread(constants: Tensor, number: int) -> Tensor:
    """Return constants ``(R, c)`` for each draw, ``(R, number, c)``."""
    tf, _ = backend()
    return tf.broadcast_to(constants[:, None], (constants.shape[0], number, constants.shape[1]))


def _product(first: Tensor, second: Tensor) -> Tensor:
    """Return products of many tiny matrices ``(..., a, b)`` and ``(..., b, c)``: faster so than by `tf.matmul`."""
    tf, _ = backend()
    return tf.reduce_sum(first[..., None] * second[..., None, :, :], axis=-2)


def _turned(matrix: Tensor) -> Tensor:
    """Return the transpose of the last two axes."""
    tf, _ = backend()
    return tf.linalg.matrix_transpose(matrix)


def _sum(terms: Any) -> Any:
    """Return the sum of tensors."""
    first, *others = terms
    for other in others:
        first = first + other
    return first
