"""The named priors."""

from __future__ import annotations

from bayescompare.priors.correlation import LKJ
from bayescompare.priors.positive import Exponential, Gamma, HalfCauchy, HalfNormal, HalfStudentT, LogNormal
from bayescompare.priors.real import Cauchy, Flat, Normal, StudentT, Uniform
from bayescompare.priors.variance import BoundaryAvoiding, InverseGamma, PCPrior, UniformVariance

__all__ = [
    "LKJ",
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
    "StudentT",
    "Uniform",
    "UniformVariance",
]
