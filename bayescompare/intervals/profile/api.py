"""The profile of one parameter, as a user asks for it."""

from __future__ import annotations

from bayescompare.engines.catalog import canonical
from bayescompare.errors import InputError, did_you_mean
from bayescompare.fitting import Fits
from bayescompare.intervals.profile.basis import restricted
from bayescompare.intervals.profile.curve import TOP, Profile
from bayescompare.intervals.profile.make import make_profile, obstacle
from bayescompare.intervals.rows import check_level

__all__ = ["profile"]


def profile(fits: Fits, parameter: str, *, estimator: str | None = None, level: float = TOP) -> Profile:
    """Return the profile deviance of a parameter: at each of its values, at the best of all others.

    The parameter is followed from its estimate outwards in steps of the signed root of the deviance (Bates et al.
    2015, section 5.1). An sd may come to rest at zero on the way and a correlation at one.

    Parameters
    ----------
    fits
        As `fit` returns them.
    parameter
        Its label, such as ``sd_subject[days]``.
    estimator
        Label of a fit by maximum likelihood or REML; may be left out where there is only one.
    level
        How far it is followed: up to where an interval of this level ends.

    Raises
    ------
    InputError
        If there is no such parameter or fit, or the parameter of that fit has no profile.
    """
    if not isinstance(fits, Fits):
        raise InputError(f"A profile needs the data: give what bc.fit returned, not a {type(fits).__name__}.")
    labels = fits.problem.layout.labels
    if parameter not in labels:
        raise InputError(f"There is no parameter {parameter!r}.{did_you_mean(parameter, labels)}")
    name, reml = _chosen(fits, estimator)
    position = labels.index(parameter)
    why = obstacle(fits.problem, fits[name], position, reml=reml)
    if why:
        raise InputError(f"{parameter} of {name} has no profile: {why.removeprefix('no profile: ')}.")
    return make_profile(fits.problem, fits[name], position, reml=reml, level=check_level(level))


def _chosen(fits: Fits, estimator: str | None) -> tuple[str, bool]:
    """Return the label of the fit whose profile it is, and whether that is of the restricted likelihood."""
    found = {one.label: restricted(fits[one.label], one) for one in fits.engines if one.label in fits}
    known = {label: reml for label, reml in found.items() if reml is not None}
    if not known:
        raise InputError("Profiles are of fits by maximum likelihood or REML: fit with lbfgs-ml or lbfgs-reml too.")
    if estimator is None and len(known) > 1:
        raise InputError(f"Profiles differ between {' and '.join(known)}: choose one by estimator=.")
    name = next(iter(known)) if estimator is None else estimator if estimator in known else canonical(estimator)
    if name not in known:
        reason = "is no fit by maximum likelihood or REML" if name in fits else "is not among the fits"
        raise InputError(f"{name!r} {reason}.{did_you_mean(name, known)}")
    return name, known[name]
