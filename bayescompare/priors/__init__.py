"""Prior distributions: small frozen objects that print as they are typed."""

from bayescompare.priors.base import Prior, numpy_namespace
from bayescompare.priors.named import LKJ, Flat, HalfCauchy, HalfNormal, HalfStudentT, InverseGamma, Normal
from bayescompare.priors.parse import available, parse_assignment, parse_prior
from bayescompare.priors.prior_set import PriorSet, default_priors, resolve

__all__ = [
    "LKJ",
    "Flat",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "Normal",
    "Prior",
    "PriorSet",
    "available",
    "default_priors",
    "numpy_namespace",
    "parse_assignment",
    "parse_prior",
    "resolve",
]
