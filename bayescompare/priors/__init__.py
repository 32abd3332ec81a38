"""Prior distributions: small frozen objects that print as they are typed."""

from bayescompare.priors.base import Prior, numpy_namespace
from bayescompare.priors.named import (
    LKJ,
    BoundaryAvoiding,
    Cauchy,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    LogNormal,
    Normal,
    PCPrior,
    StudentT,
    Uniform,
    UniformVariance,
)
from bayescompare.priors.parse import available, parse_assignment, parse_prior
from bayescompare.priors.prior_set import PriorSet, resolve
from bayescompare.priors.sets import DEFAULT, SETS, check_set, default_priors, set_priors

__all__ = [
    "DEFAULT",
    "LKJ",
    "SETS",
    "BoundaryAvoiding",
    "Cauchy",
    "Exponential",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "LogNormal",
    "Normal",
    "PCPrior",
    "Prior",
    "PriorSet",
    "StudentT",
    "Uniform",
    "UniformVariance",
    "available",
    "check_set",
    "default_priors",
    "numpy_namespace",
    "parse_assignment",
    "parse_prior",
    "resolve",
    "set_priors",
]
