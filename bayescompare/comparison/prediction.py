"""How far a fit's predictions are from the true means, in expectation and without simulated test data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bayescompare.fits import Fit
from bayescompare.simulation.truths import covariance_root

__all__ = ["moments", "prediction_errors"]

Array = npt.NDArray[np.float64]


def moments(x: Array, z: Array) -> Array:
    """Return ``M = mean_i w_i w_i'`` over the rows ``w_i = (x_i, z_i)``, ``(p + q, p + q)``."""
    rows = np.column_stack([x, z])
    return np.asarray(rows.T @ rows / len(rows))


def prediction_errors(fit: Fit, truth: Array, effects: Array | None, second: Array) -> tuple[float, float]:
    """Return the root mean square errors of the predicted mean of a new row, of a known and of a new group.

    The new row has the covariates of a row drawn at random from the data, whatever its group. Of a known group j,
    drawn at random from the J, the mean is ``x'beta + z'b_j``, predicted by ``x'beta_hat + z'b_hat_j``. With
    ``d_j = (beta_hat - beta, b_hat_j - b_j)`` and ``M`` of `moments`, the mean square error is

        ``mean_j d_j' M d_j``.

    Of a new group the mean is ``x'beta + z'b`` with ``b ~ N(0, Sigma)``, predicted by ``x'beta_hat``, since nothing is
    known of b; with ``d = beta_hat - beta`` the mean square error is

        ``d' M_xx d + tr(Sigma M_zz)``,

    whose second term no estimate can mend. Both are expectations over row, group and b given the fit; the row's own
    noise, ``sigma^2``, would be added to each. The predictors are those of Skrondal and Rabe-Hesketh (2009) for a
    linear model; the rest is the mean of a quadratic form.

    A fit that ignores the groups predicts ``b_hat = 0``. NaN where there is no estimate, and for a known group
    where the fit's random effects were not kept.

    Parameters
    ----------
    truth : (k,)
        True parameters in the layout's order.
    effects : (J, q), optional
        True random effects; none where the model has none.
    second : (p + q, p + q)
        Of `moments`.
    """
    layout = fit.layout
    p = layout.p
    if second.shape != (p + layout.q, p + layout.q):
        return float("nan"), float("nan")
    with np.errstate(over="ignore", invalid="ignore"):
        fixed = fit.estimate[layout.beta] - truth[layout.beta]
        root = covariance_root(truth, layout)
        spread = float(np.sum((second[p:, p:] @ root) * root))
        new = float(fixed @ second[:p, :p] @ fixed) + spread
        found = _predicted(fit)
        if not layout.q:
            return float(np.sqrt(new)), float(np.sqrt(new))
        if effects is None or found is None:
            return float("nan"), float(np.sqrt(new))
        apart = np.column_stack([np.tile(fixed, (len(effects), 1)), found - effects])
        known = float(np.mean(np.sum((apart @ second) * apart, axis=1)))
    return float(np.sqrt(known)), float(np.sqrt(new))


def _predicted(fit: Fit) -> Array | None:
    """Return the predicted random effects ``(J, q)``, zero of a fit that ignores the groups, or None."""
    layout = fit.layout
    if fit.random_effects is not None:
        return fit.random_effects.mode
    ignored = np.isnan(fit.estimate[layout.sd]).all() and np.isfinite(fit.estimate[layout.beta]).all()
    return np.zeros((len(layout.levels), layout.q)) if ignored else None
