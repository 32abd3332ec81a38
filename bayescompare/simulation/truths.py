"""True parameters: numbers, or distributions that each replicate draws from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from bayescompare.design import Scenario
from bayescompare.errors import PriorError, StudyError, UndrawableError, did_you_mean
from bayescompare.layout import Layout
from bayescompare.priors import DEFAULT, LKJ, Flat, Prior
from bayescompare.priors.answers import drawn
from bayescompare.priors.base import Support
from bayescompare.seeds import generator
from bayescompare.simulation.drawable import undrawable

__all__ = ["Truths", "covariance_root", "is_frozen", "truth_faults", "truth_of", "truth_vector"]

Array = npt.NDArray[np.float64]
#: Label or variable to true value, or to the distribution that it is drawn from.
Truths = Mapping[str, float | Prior]


def _places(layout: Layout) -> dict[str, range]:
    """Map each key of a truth to positions in a parameter vector, variables first."""
    variables = {"beta": layout.beta, layout.sd_name: layout.sd, layout.cor_name: layout.cor}
    found = {name: range(part.start, part.stop) for name, part in variables.items() if part.stop > part.start}
    return found | {label: range(k, k + 1) for k, label in enumerate(layout.labels)}


def is_frozen(scenario: Scenario, layout: Layout) -> bool:
    """Return whether every parameter of a scenario has a prior of its own."""
    wanted = {*layout.labels[: layout.p + layout.q], "sigma", *[layout.cor_name][: layout.m]}
    return wanted <= scenario.priors.keys()


def truth_of(scenario: Scenario, layout: Layout) -> Truths:
    """Return a scenario's truth; where it is ``"prior"``, the model's own priors, as `frozen.frozen` gives them.

    Raises
    ------
    UndrawableError
        If one of these cannot be drawn from.
    """
    if isinstance(scenario.truth, str):
        assert is_frozen(scenario, layout), f"the priors of {scenario.name} are not frozen"
        own = {
            key: LKJ(1.0) if key == layout.cor_name and isinstance(law, Flat) else law
            for key, law in scenario.priors.items()
            if isinstance(law, Prior)
        }
        if why := undrawable(own):
            named = scenario.priors.get("set", DEFAULT)
            raise UndrawableError(f"no truth can be drawn from the priors (set {named!r}): {why}.")
        return own
    return scenario.truth  # type: ignore[return-value]  # the scenario has read the texts


def truth_faults(truth: Truths, layout: Layout) -> Iterator[tuple[str, str]]:
    """Say what is wrong with a truth for a layout, each with its key."""
    places = _places(layout)
    found = False
    for key, value in truth.items():
        message = _fault(key, value, layout) if key in places else _unknown(key, places)
        if message:
            found = True
            yield key, message
    given = {place for key in truth for place in places.get(key, ())}
    missing = [layout.labels[k] for k in (*range(layout.sd.start, layout.sd.stop), layout.sigma) if k not in given]
    if missing:
        yield "", f"the truth of {', '.join(missing)} is missing."
    elif not found:
        yield from _correlation_faults(truth, layout)


def _unknown(key: str, places: Mapping[str, range]) -> str:
    return f"the model has no parameter {key!r}.{did_you_mean(key, places)}"


def _fault(key: str, value: float | Prior, layout: Layout) -> str:
    """Say what is wrong with one value, or nothing."""
    if isinstance(value, Prior):
        return _law_fault(key, value, layout)
    if not np.isfinite(value):
        return f"the truth of {key} must be a finite number, not {value!r}."
    if key == "sigma" and value <= 0:
        return f"the true sigma must be greater than 0, not {value:g}."
    if key.startswith(layout.sd_name) and value < 0:
        return f"true sds must be at least 0, not {value:g} ({key})."
    if key.startswith(layout.cor_name) and abs(value) > 1:
        return f"a correlation lies between -1 and 1, not at {value:g} ({key})."
    return ""


def _law_fault(key: str, law: Prior, layout: Layout) -> str:
    """Say why a parameter cannot be drawn from a distribution, or nothing."""
    wanted: Support = (
        "real" if key.startswith("beta") else "correlation" if key.startswith(layout.cor_name) else "positive"
    )
    if wanted == "correlation" and key != layout.cor_name:
        return f'correlations are drawn together: write {layout.cor_name} = "LKJ(2)" in place of {key}.'
    if not law.suits(wanted):
        example = {"real": "Normal(0, 1)", "positive": "HalfNormal(1)", "correlation": "LKJ(2)"}[wanted]
        return f"{law!r} has {law.support} values and cannot be the law of {key}; one such as {example} can."
    try:
        drawn(law, np.random.default_rng(0), (2, 2) if wanted == "correlation" else ())
    except PriorError as error:
        return str(error)
    return ""


def _correlation_faults(truth: Truths, layout: Layout) -> Iterator[tuple[str, str]]:
    """Refuse correlations that no random effects can have together."""
    singles = [key for key in truth if key.startswith(f"{layout.cor_name}[")]
    if isinstance(truth.get(layout.cor_name), Prior):
        if singles:
            yield singles[0], f"{layout.cor_name} is drawn as a whole; leave out {', '.join(singles)}."
        return
    theta = _numbers(truth, layout)
    values = np.linalg.eigvalsh(_correlation_matrix(theta, layout)) if layout.m else np.ones(1)
    if values[0] < -1e-12:
        yield layout.cor_name, "no random effects can have these correlations: their matrix is not positive."


def _numbers(truth: Truths, layout: Layout) -> Array:
    """Return the values that are numbers, ``(k,)``, and zeros; a single parameter wins over its variable."""
    theta, places = np.zeros(layout.size), _places(layout)
    for key in sorted(truth, key=lambda name: "[" in name):
        value = truth[key]
        theta[places[key]] = 0.0 if isinstance(value, Prior) else float(value)
    return theta


def truth_vector(truth: Truths, layout: Layout, where: str, seed: np.random.SeedSequence | None = None) -> Array:
    """Return the true parameters ``(k,)`` of a layout.

    Parameters
    ----------
    seed
        For what is drawn: each parameter has a stream of its own below it.

    Raises
    ------
    StudyError
        If a label is unknown, an sd is missing or negative, the correlations are impossible, or a
        distribution cannot be that of its parameter.
    """
    for _, message in truth_faults(truth, layout):
        raise StudyError(f"{where}: {message}")
    theta = _numbers(truth, layout)
    if any(isinstance(value, Prior) for value in truth.values()):
        _draw(theta, truth, layout, np.random.SeedSequence(0) if seed is None else seed)
        if not np.all(np.isfinite(theta)):
            raise StudyError(f"{where}: a drawn truth is not finite; choose distributions with lighter tails.")
    return theta


def _draw(theta: Array, truth: Truths, layout: Layout, seed: np.random.SeedSequence) -> None:
    """Put draws in place, parameter by parameter, the correlations of a block together."""
    single = {key for key in truth if "[" in key}
    for key, law in truth.items():
        if not isinstance(law, Prior):
            continue
        if key == layout.cor_name:
            theta[layout.cor] = _drawn_correlations(law, layout, seed)
            continue
        for k in _places(layout)[key]:
            if key in single or layout.labels[k] not in single:
                theta[k] = drawn(law, generator(seed, k), ())


def _drawn_correlations(law: Prior, layout: Layout, seed: np.random.SeedSequence) -> Array:
    matrix = np.eye(layout.q)
    for block in layout.block_slices:
        d = block.stop - block.start
        root = drawn(law, generator(seed, layout.cor.start, block.start), (d, d))
        matrix[block, block] = root @ root.T
    return np.array([matrix[i, j] for i, j in layout.pairs])


def _correlation_matrix(theta: Array, layout: Layout) -> Array:
    correlation = np.eye(layout.q)
    for value, (i, j) in zip(theta[layout.cor], layout.pairs, strict=True):
        correlation[i, j] = correlation[j, i] = value
    return correlation


def covariance_root(theta: Array, layout: Layout) -> Array:
    """Return a root ``(q, q)`` of the true covariance of a group's random effects, which may be singular."""
    values, vectors = np.linalg.eigh(_correlation_matrix(theta, layout))
    return np.asarray(theta[layout.sd, None] * vectors * np.sqrt(np.clip(values, 0, None)))
