"""Point estimates and posteriors of models with random effects, compared.

Can I trust the point estimates that an optimizer gives me, and if not, what breaks? The same data
are fitted by Keras Adam, by L-BFGS-B on the marginal likelihood and by NUTS, and the point
estimates are held against the posterior and, where it is known, against the truth.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Names are looked up when they are first used, so that importing the package loads next to nothing.
_PUBLIC = {
    "BayesCompareError": "bayescompare.errors",
    "BoundaryAvoiding": "bayescompare.priors",
    "Cauchy": "bayescompare.priors",
    "Dataset": "bayescompare.dataset",
    "Design": "bayescompare.design",
    "Exponential": "bayescompare.priors",
    "Fit": "bayescompare.fits",
    "Fits": "bayescompare.fitting",
    "Flat": "bayescompare.priors",
    "Gamma": "bayescompare.priors",
    "HalfCauchy": "bayescompare.priors",
    "HalfNormal": "bayescompare.priors",
    "HalfStudentT": "bayescompare.priors",
    "IfTrue": "bayescompare.comparison.if_true",
    "InverseGamma": "bayescompare.priors",
    "LKJ": "bayescompare.priors",
    "LogNormal": "bayescompare.priors",
    "Model": "bayescompare.model",
    "Normal": "bayescompare.priors",
    "PCPrior": "bayescompare.priors",
    "Prior": "bayescompare.priors",
    "PriorPredictive": "bayescompare.comparison.prior_predictive",
    "Profile": "bayescompare.intervals.profile.curve",
    "Results": "bayescompare.comparison.results",
    "Scenario": "bayescompare.design",
    "Sensitivity": "bayescompare.comparison.sensitivity",
    "StudentT": "bayescompare.priors",
    "Study": "bayescompare.study.definition",
    "Uniform": "bayescompare.priors",
    "UniformVariance": "bayescompare.priors",
    "calibrate": "bayescompare.study.calibrate",
    "calibration": "bayescompare.study.calibrate",
    "compare": "bayescompare.comparison.api",
    "decomposition": "bayescompare.comparison.api",
    "detectors": "bayescompare.comparison.api",
    "export": "bayescompare.reporting.export",
    "fit": "bayescompare.fitting",
    "if_true": "bayescompare.study.if_true",
    "load_dataset": "bayescompare.datasets:load",
    "load_priors": "bayescompare.priors",
    "load_study": "bayescompare.study.definition:load",
    "measures": "bayescompare.comparison.api",
    "path_tree": "bayescompare.comparison.path_trees",
    "prior_predictive": "bayescompare.comparison.prior_predictive",
    "profile": "bayescompare.intervals.profile.api",
    "read_data": "bayescompare.data",
    "read_results": "bayescompare.study.store",
    "register_prior": "bayescompare.priors",
    "report": "bayescompare.reporting",
    "rerun": "bayescompare.study.rerun",
    "run_study": "bayescompare.study.run",
    "sensitivity": "bayescompare.comparison.sensitivity",
    "simulate": "bayescompare.simulation",
    "verify": "bayescompare.study.verify",
    "write_results": "bayescompare.study.store",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    """Import a public name from its module."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*globals(), *_PUBLIC})
