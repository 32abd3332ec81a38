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
from bayescompare.priors.names import available, register_prior
from bayescompare.priors.own import PriorFile, load_priors
from bayescompare.priors.parse import as_prior, is_assignment, parse_assignment, parse_prior
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
    "PriorFile",
    "PriorSet",
    "StudentT",
    "Uniform",
    "UniformVariance",
    "as_prior",
    "available",
    "check_set",
    "default_priors",
    "is_assignment",
    "load_priors",
    "numpy_namespace",
    "parse_assignment",
    "parse_prior",
    "register_prior",
    "resolve",
    "set_priors",
]
