"""Checks for what other people write: priors. Our own pass them too."""

from bayescompare.testing.prior import check_prior

__all__ = ["check_prior"]
