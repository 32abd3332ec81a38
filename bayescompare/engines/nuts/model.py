r"""The posterior as a PyMC model, for data that are swapped without compiling again.

Story
-----
``J`` groups share fixed effects ``beta``; group ``j`` departs from them by its random effects
``b_j``. Nothing but ``beta``, the sds and correlations of ``b``, and the residual sd ``sigma`` is
sampled in the *marginal* model: the ``b_j`` are integrated out, and drawn exactly from their
Gaussian conditional afterwards. The *centered* and *noncentered* models sample them too.

Generative block
----------------
::

    beta, sd, cor, sigma ~ priors of the problem
    b_j ~ N(0, D R D),       D = diag(sd), R = correlation matrix of cor
    y_i ~ N(x_i' beta + z_i' b_j(i), sigma^2)

    marginal:     y ~ N(X beta, Z S Z' + sigma^2 I), S = D R D in each group
    noncentered:  b_j = D F b_raw_j, b_raw_j ~ N(0, I), F F' = R

Symbols
-------
The sampler moves in ``unbounded (k,)``, flat coordinates about one in size whatever the units
of the data; the density by (beta, sd, cor, sigma) enters as a potential, with its Jacobian:

=============  =====================================================================================
beta           ``beta_0 + scale R_x^-1 unbounded``; ``X = Q R_x``, ``beta_0`` and ``scale`` least squares
sd             ``exp(log_sd_0 + unbounded)``; Jacobian ``sum log sd``
cor            canonical partial correlations ``tanh unbounded``; Jacobian in `nuts_coordinates`
sigma          ``scale exp(unbounded)``; Jacobian ``log sigma``
=============  =====================================================================================

Everything that differs between problems is in the data variable ``data``: first the numbers that
the coordinates and priors need (`_Head`), then those of the likelihood.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt
from scipy.linalg import solve_triangular

from bayescompare.engines.nuts.coordinates import Partials, correlations, factor_entries, log_jacobian
from bayescompare.errors import PriorError
from bayescompare.layout import Layout
from bayescompare.likelihood.problem import Problem
from bayescompare.likelihood.pytensor_op import marginal_loglik, pack, pytensor_namespace, unstack
from bayescompare.priors import PriorSet

__all__ = ["UNBOUNDED", "Parameterization", "build_model", "model_data", "reads_symbols", "whitening"]

Array = npt.NDArray[Any]
Parameterization = Literal["marginal", "centered", "noncentered"]

#: Name of the free variable that holds all parameters.
UNBOUNDED = "unbounded"


class _Vector:
    """Scalars indexed as a prior set indexes an array: ``values[..., i]``."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def __getitem__(self, key: tuple[Any, int]) -> Any:
        return self._values[key[1]]


class _Factor:
    """A matrix of scalars whose shape is known numbers, as ``logp`` of a correlation prior expects."""

    def __init__(self, entries: list[list[Any]]) -> None:
        self._entries = entries
        self.shape = (len(entries), len(entries))

    def __getitem__(self, key: tuple[Any, Any, Any]) -> Any:
        """Return an entry, or the factor of a block."""
        _, row, column = key
        if isinstance(row, slice):
            return _Factor([entries[column] for entries in self._entries[row]])
        return pt.as_tensor(self._entries[row][column], dtype="float64")

    def stacked(self) -> Any:
        """Return the matrix as one symbol."""
        return pt.stack([pt.stack([pt.as_tensor(entry, dtype="float64") for entry in row]) for row in self._entries])


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    """The parameters in a PyMC model: ``delta`` and logs as the kernel takes them, ``factor F F' = R``."""

    delta: list[Any]
    log_sd: list[Any]
    fisher_z: list[Any]
    log_sigma: Any
    beta: list[Any]
    factor: list[list[Any]]
    partials: Partials


def whitening(problem: Problem) -> tuple[Array, Array]:
    """Return ``R_x^-1 (p, p)``, and ``log_sd_0 (q,)`` at which an effect is as large as the residuals."""
    products = problem.products
    size = np.sqrt(np.mean(problem.z**2, axis=0)) if problem.layout.q else np.zeros(0)
    inverse = solve_triangular(products.rx, np.eye(len(products.rx))) if len(products.rx) else products.rx
    return inverse, np.log(products.scale / size)


def _head(problem: Problem) -> Array:
    """Return the numbers that coordinates and priors need: scale, beta_0, R_x^-1, log_sd_0, priors."""
    inverse, log_sd0 = whitening(problem)
    products = problem.products
    return np.concatenate([[products.scale], products.beta0, inverse.ravel(), log_sd0, problem.priors.constants()])


def model_data(problem: Problem, parameterization: Parameterization) -> dict[str, Array]:
    """Return everything in the model that differs between problems of one structure."""
    if parameterization == "marginal":
        return {"data": np.concatenate([_head(problem), pack(problem.products)])}
    return {
        "data": _head(problem),
        "residual": problem.y - problem.x @ problem.products.beta0,
        "white": problem.x @ whitening(problem)[0],
        "effect_columns": np.ascontiguousarray(problem.z),
        "group": problem.groups.astype(np.int64),
    }


#: Kinds of priors -> whether they take symbols for their numbers.
_READS_SYMBOLS: dict[Hashable, bool] = {}


def reads_symbols(priors: PriorSet) -> bool:
    """Return whether every prior's ``logp`` takes symbols for its numbers, so that they can be swapped as data."""
    key = (priors.signature, priors.layout.blocks)
    if key not in _READS_SYMBOLS:
        _READS_SYMBOLS[key] = _try_symbols(priors)
    return _READS_SYMBOLS[key]


def _try_symbols(priors: PriorSet) -> bool:
    layout, xp = priors.layout, pytensor_namespace()

    def scalars(count: int) -> list[Any]:
        return [pt.dscalar() for _ in range(count)]

    factor = _Factor(factor_entries(Partials.of(scalars(layout.m), pt.tanh, xp), layout, xp))
    symbolic = priors.with_constants(scalars(len(priors.constants())))
    try:
        symbolic.logp(_Vector(scalars(layout.p)), _Vector(scalars(layout.q)), factor, pt.dscalar(), xp)
    except PriorError:
        return False
    return True


def build_model(
    problem: Problem, parameterization: Parameterization = "marginal", *, constant_priors: bool = False
) -> pm.Model:
    """Return the PyMC model of a problem.

    Parameters
    ----------
    problem
        The data, products and priors.
    parameterization
        ``marginal``, ``centered`` or ``noncentered``.
    constant_priors
        Build the numbers of the priors into the model, for priors whose ``logp`` refuses symbols.
    """
    layout = problem.layout
    with pm.Model(coords={name: list(labels) for name, labels in layout.coords.items()}) as model:
        data = {name: pm.Data(name, value) for name, value in model_data(problem, parameterization).items()}
        head = iter(unstack(data["data"], len(_head(problem))))
        parameters = _parameters(layout, head)
        constants = list(head)
        priors = problem.priors if constant_priors else problem.priors.with_constants(constants)
        _add_prior(layout, priors, parameters)
        _LIKELIHOODS[parameterization](parameters, problem, data)
    return model


def _parameters(layout: Layout, head: Iterator[Any]) -> _Parameters:
    """Add the free variable to the model at hand; return the parameters that it stands for."""
    p, xp = layout.p, pytensor_namespace()
    unbounded = pm.Flat(UNBOUNDED, shape=layout.size)
    free = unstack(unbounded, layout.size)
    scale = next(head)
    beta0 = [next(head) for _ in range(p)]
    inverse = [[next(head) for _ in range(p)] for _ in range(p)]
    delta = [scale * one for one in free[layout.beta]]
    partials = Partials.of(free[layout.cor], pt.tanh, xp)
    return _Parameters(
        delta=delta,
        log_sd=[next(head) + one for one in free[layout.sd]],
        fisher_z=list(free[layout.cor]),
        log_sigma=pt.log(scale) + free[layout.sigma],
        beta=[beta0[i] + sum(inverse[i][j] * delta[j] for j in range(i, p)) for i in range(p)],
        factor=factor_entries(partials, layout, xp),
        partials=partials,
    )


def _add_prior(layout: Layout, priors: PriorSet, at: _Parameters) -> None:
    """Add the parameters by their names, their prior and its Jacobian to the model at hand."""
    sd, sigma = [pt.exp(one) for one in at.log_sd], pt.exp(at.log_sigma)
    found = {"beta": at.beta, layout.sd_name: sd, layout.cor_name: correlations(at.factor, layout)}
    for name, (_, dims) in layout.variables.items():
        pm.Deterministic(name, pt.stack(found[name]) if dims else sigma, dims=dims or None)
    try:
        prior = priors.logp(_Vector(at.beta), _Vector(sd), _Factor(at.factor), sigma, pytensor_namespace())
    except PriorError as error:
        raise PriorError(
            f"{error} For NUTS its logp(x, xp) must use functions of xp alone on x, not those of math or numpy."
        ) from error
    pm.Potential("log_prior", prior + sum(at.log_sd) + at.log_sigma + log_jacobian(at.partials, layout))


def _marginal(at: _Parameters, problem: Problem, data: dict[str, Any]) -> None:
    """Add the likelihood with the random effects integrated out."""
    working = pt.stack([*at.delta, *at.log_sd, *at.fisher_z, at.log_sigma])
    packed = data["data"][len(_head(problem)) :]
    pm.Potential("log_likelihood", marginal_loglik(working, packed, problem.layout.p, problem.products.starts))


def _root(at: _Parameters) -> Any:
    """Return ``D F``, a root of the effects' covariance."""
    rows = [[pt.exp(log_sd) * entry for entry in row] for log_sd, row in zip(at.log_sd, at.factor, strict=True)]
    return _Factor(rows).stacked()


def _centered(at: _Parameters, problem: Problem, data: dict[str, Any]) -> None:
    """Add random effects sampled as they are, and the rows given them."""
    layout = problem.layout
    effects = None
    if layout.q:
        dims = (str(layout.factor), f"{layout.factor}_effect")
        effects = pm.MvNormal(layout.b_name, mu=np.zeros(layout.q), chol=_root(at), dims=dims)
    _rows(at, data, effects)


def _noncentered(at: _Parameters, problem: Problem, data: dict[str, Any]) -> None:
    """Add random effects sampled as standard normals, and the rows given them."""
    layout = problem.layout
    effects = None
    if layout.q:
        dims = (str(layout.factor), f"{layout.factor}_effect")
        raw = pm.Normal(f"{layout.b_name}_raw", 0.0, 1.0, dims=dims)
        effects = pm.Deterministic(layout.b_name, raw @ _root(at).T, dims=dims)
    _rows(at, data, effects)


def _rows(at: _Parameters, data: dict[str, Any], effects: Any) -> None:
    """Add the likelihood of each row given the random effects; the response is less its least-squares fit."""
    mean = sum(data["white"][:, i] * one for i, one in enumerate(at.delta))
    if effects is not None:
        mean = mean + pt.sum(data["effect_columns"] * effects[data["group"]], axis=1)
    pm.Normal("y", mean, pt.exp(at.log_sigma), observed=data["residual"])


_LIKELIHOODS: dict[Parameterization, Callable[[_Parameters, Problem, dict[str, Any]], None]] = {
    "marginal": _marginal,
    "centered": _centered,
    "noncentered": _noncentered,
}
