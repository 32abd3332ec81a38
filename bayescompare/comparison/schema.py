"""The columns of the result tables, in one place."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "CALIBRATION_COLUMNS",
    "DETECTOR_COLUMNS",
    "DIFFERENCE_COLUMNS",
    "ERROR_MEAN_COLUMNS",
    "ERROR_PART_COLUMNS",
    "ERROR_SQUARE_COLUMNS",
    "FIT_MEASURES",
    "HEADLINE_COLUMNS",
    "MEASURES",
    "MEASURE_COLUMNS",
    "PARTS",
    "PRIOR_PREDICTIVE_COLUMNS",
    "TABLES",
    "TIMES",
]

_KEY = {
    "study": "name of the study; 'fit' for one's own data",
    "scenario": "name of the scenario, or of the data set",
    "replicate": "number of the simulated data set, from 0",
    "estimator": "label of the estimator",
}
_ESTIMATE = _KEY | {
    "parameter": "flat label, as az.summary prints it",
    "estimate": "value in the units of the response; NaN where there is none",
    "se": "standard error, or posterior sd",
    "estimand": "what the number estimates",
    "truth": "true value of the simulation; NaN for one's own data",
    "reason": "why there is no estimate, or no standard error",
}

#: Table -> column -> what it holds.
TABLES: Mapping[str, Mapping[str, str]] = {
    "estimates": _ESTIMATE,
    "intervals": _KEY
    | {
        "parameter": "flat label",
        "kind": "wald, eti, hdi, ...",
        "level": "probability of the interval",
        "lower": "lower bound; NaN where there is none",
        "upper": "upper bound",
        "reason": "why there is no interval",
    },
    "random_effects": _ESTIMATE,
    "fits": _KEY
    | {
        "status": "ok, flagged, failed, timeout, worker_died, not_applicable",
        "flags": "list of flags",
        "message": "what happened, in a sentence",
        "traceback": "where an unexpected failure happened, empty otherwise",
        "seconds": "time of this fit by a monotonic clock; a batch's time is shared equally",
        "evaluations": "evaluations of the objective, updates, or gradient steps",
        "objective": "-2 log (restricted) likelihood, or the minimised loss",
        "gap_deviance": "distance to the best known optimum of its own objective, in deviance",
        "gap_sd": "the same in standard errors: the largest over the working parameters",
        "grad_norm": "largest absolute gradient at the end",
        "rhat_max": "largest R-hat over the parameters",
        "ess_bulk_min": "smallest bulk effective sample size",
        "ess_tail_min": "smallest tail effective sample size",
        "divergences": "number of divergent transitions",
        "newton_sd": "distance that gradient and Hessian at the end still promise, in standard errors",
        "drift_z": "stationarity of the end of an optimizer's path: z of the difference of its two halves",
        "oscillation_sd": "range of the last fifth of an optimizer's path, in standard errors",
        "rhat_restarts": "R-hat of the ends of the paths of several restarts",
        "prediction_known": "root mean square error of the predicted mean of a new row of a known group",
        "prediction_new": "the same of a new group, of which nothing is known",
        "evaluations_near": "gradient evaluations until the path stayed within 0.1 standard errors of its own optimum",
        "seconds_near": "seconds until then",
        "near_reason": "why there is no such cost",
        "seed_key": "coordinates of the seed",
    },
    "traces": _KEY
    | {
        "restart": "number of the optimizer's run",
        "step": "number of updates so far",
        "quantity": "parameter label, or 'loss'",
        "value": "its value there",
    },
    "optima": {
        "study": _KEY["study"],
        "scenario": _KEY["scenario"],
        "replicate": _KEY["replicate"],
        "objective": "estimators that minimise it",
        "starts": "number of dispersed starts",
        "distinct": "number of distinct optima that they ended in",
        "deviance_range": "deviance of the worst of them over that of the best",
    },
    "recovery": _KEY
    | {
        "effect": "name of the random effect",
        "rmse": "root mean square error of its predictions over the groups",
        "slope": "slope of its predictions on the conditional modes at the true parameters",
    },
    "calibration": _KEY
    | {
        "parameter": "flat label, or name of a derived quantity: icc_g, log_likelihood",
        "kind": "kind of interval; empty where there is none",
        "truth": "true value, drawn from the prior",
        "estimate": "estimate, or mean of the distribution",
        "sd": "standard error, or sd of the distribution",
        "pit": "probability that the distribution, or that of the confidence intervals, puts below the truth",
        "covered_from": "smallest level whose interval holds the truth; 1 where none does",
        "rank": "how many of n_ranks thinned draws are below the truth; of hdi, how many levels miss it",
        "n_ranks": "draws that the truth is ranked among, or levels of hdi; 0 where there are no draws",
        "reason": "why there is no number",
    },
    "contours": {
        "scenario": _KEY["scenario"],
        "first": "label of one parameter",
        "second": "label of the other",
        "what": "grid, or optimum: the maximum of the marginal likelihood",
        "x": "value of the first",
        "y": "value of the second",
        "deviance": "least deviance over all other parameters, above that of the optimum",
    },
    "exact": {
        "scenario": _KEY["scenario"],
        "estimator": "label of the estimator whose draws are meant",
        "parameter": "flat label",
        "quantity": "mean, sd, a quantile such as 2.5 %, or the share below a value",
        "exact": "of the exact posterior, by quadrature; NaN where it does not exist",
        "drawn": "of the draws",
        "mcse": "Monte Carlo standard error of the draws'",
        "errors": "the draws' less the exact one, in Monte Carlo standard errors",
        "reason": "why there is no such number",
    },
    "densities": {
        "scenario": _KEY["scenario"],
        "parameter": "flat label",
        "value": "of the parameter",
        "density": "exact marginal posterior density there, by quadrature",
    },
    "profiles": {
        "scenario": _KEY["scenario"],
        "estimator": _KEY["estimator"],
        "parameter": "flat label",
        "value": "value at which the parameter is held",
        "zeta": "signed root of the deviance above the optimum's",
        "deviance": "least deviance over all other parameters; the restricted one for REML",
    },
    "power_scaling": {
        "scenario": _KEY["scenario"],
        "estimator": "label of the posterior",
        "parameter": "flat label",
        "prior": "ArviZ's power-scaling sensitivity of the posterior to the prior",
        "likelihood": "the same to the likelihood",
        "diagnosis": "conflict, prior decides, nothing, or not known",
        "ml": "maximum likelihood estimate",
        "tail": "prior probability of the tail that it lies in, give or take two standard errors",
    },
    "power_path": {
        "scenario": _KEY["scenario"],
        "estimator": "label of the posterior",
        "parameter": "flat label",
        "alpha": "power to which all priors are raised; 1 is the model",
        "mean": "posterior mean there, by importance weights",
        "mcse": "its Monte Carlo standard error",
        "lower": "2.5 % quantile of the posterior there",
        "upper": "97.5 % quantile",
        "pareto_k": "of the weights; where it is too large the path ends",
    },
    "power_crossing": {
        "scenario": _KEY["scenario"],
        "estimator": "label of the posterior",
        "parameter": "flat label",
        "target": "label of the estimator whose estimate the posterior mean should reach",
        "value": "that estimate",
        "alpha": "power of the priors, nearest to 1, at which the posterior mean equals it",
        "log2_mcse": "Monte Carlo standard error of the base-2 logarithm of that power",
        "lowest": "smallest power that was looked at",
        "highest": "largest one",
        "reason": "why there is no such power",
    },
    "sensitivity": {
        "scenario": _KEY["scenario"],
        "estimator": _KEY["estimator"],
        "under": "alternative priors; empty for the model's own",
        "parameter": "flat label",
        "prior": "prior of the parameter there, as it is typed",
        "estimate": "posterior mean, or mode",
        "mcse": "Monte Carlo standard error of the mean; 0 for a mode",
        "se": "posterior sd, or standard error",
        "level": "probability of the interval",
        "lower": "lower bound: equal-tailed of draws, Wald of a mode",
        "upper": "upper bound",
        "move": "estimate less that under the model's own priors, in posterior sds under these",
        "move_mcse": "its Monte Carlo standard error",
        "lower_move": "the same of the lower bound",
        "lower_move_mcse": "its Monte Carlo standard error",
        "upper_move": "the same of the upper bound",
        "upper_move_mcse": "its Monte Carlo standard error",
        "width_change": "upper_move less lower_move",
        "status": "how the fit ended",
        "seconds": "time of the fit, that of compiling included",
        "reason": "why there is no number",
    },
    "if_true": {
        "estimator": _KEY["estimator"],
        "parameter": "flat label; empty for a measure of whole fits",
        "kind": "of the intervals of a coverage, the most frequent first; the flag of a measure flag; NaN elsewhere",
        "level": "of that interval",
        "measure": "bias, empirical_se, se_ratio, rmse, coverage, convergence_rate as elsewhere; first_coverage: of "
        "each fit's first interval with bounds, as a report shows it; standardised_bias: in typical ML standard "
        "errors; at_bound: share of sds within 0.1 of these of zero, and of correlations at one; "
        "failed, flagged, flag: shares of the fits",
        "value": "the measure; NaN with a reason",
        "mcse": "its Monte Carlo standard error",
        "lower": "lower bound of its 95 % interval: Wilson's for shares, else Student's t",
        "upper": "upper bound",
        "n_used": "simulated data sets that the value is made of",
        "n_total": "simulated data sets that were fitted",
        "reason": "why there is no number",
    },
    "if_true_estimates": {
        "estimator": _KEY["estimator"],
        "parameter": "flat label",
        "truth": "value that data were simulated from; NaN where it is not defined",
        "own": "estimate from the user's own data",
        "mean": "mean of the estimates from simulated data",
        "lower": "their 2.5 % quantile",
        "lower_half": "their 25 % quantile",
        "median": "their median",
        "upper_half": "their 75 % quantile",
        "upper": "their 97.5 % quantile",
        "scale": "typical standard error of the ML estimate: the median over the simulated data sets that have one",
        "estimand": "what the number estimates",
        "n_used": "simulated data sets with an estimate",
        "n_total": "simulated data sets that were fitted",
        "reason": "why there is no estimate",
    },
    "if_true_differences": {
        "estimator": _KEY["estimator"],
        "reference": "label of the other estimator",
        "parameter": "flat label",
        "observed": "estimate less the reference's in the user's own data",
        "mean": "mean of the same in the simulated data sets",
        "sd": "its standard deviation over these",
        "below": "simulated differences that are smaller than the observed one",
        "equal": "that are equal",
        "p": "two-sided probability of a difference so far out, by its rank",
        "p_together": "the same, allowing for the number of differences",
        "n_used": "simulated data sets that have both estimates",
        "n_total": "simulated data sets that were fitted",
        "reason": "why it is not ranked",
    },
    "optimum": _KEY
    | {
        "parameter": "flat label",
        "own_optimum": "best known optimum of the fit's own objective",
        "marginal_ml": "best known optimum of the marginal likelihood",
        "scale": "standard error of the marginal ML estimate",
    },
}

#: Columns of fits that differ each time that a fit is made, whatever the seed.
TIMES = ("seconds", "seconds_near")

#: Measure -> what it is; e is estimate less truth, [l, u] an interval of level 1 - a.
MEASURES: Mapping[str, str] = {
    "bias": "mean of estimate less truth",
    "relative_bias": "bias as a share of the mean truth; only where all truths are above zero, or all below",
    "empirical_se": "standard deviation of estimate less truth",
    "model_se": "root mean square of the standard errors",
    "se_ratio": "model SE over empirical SE",
    "mse": "mean square error",
    "rmse": "root mean square error",
    "coverage": "share of the intervals that hold the truth",
    "bias_eliminated_coverage": "share of the intervals that hold the truth plus the bias",
    "width": "mean width of the intervals",
    "interval_score": "mean of width plus 2 / a times the distance by which an interval misses the truth",
    "convergence_rate": "share of all fits asked for that ended ok",
}

#: Measure of whole fits -> what it is; these are made where they are asked for by name.
FIT_MEASURES: Mapping[str, str] = {
    "gap_sd": "median distance to the fit's own optimum in standard errors, where it is known",
    "evaluations_near": "median gradient evaluations until a path stayed within 0.1 standard errors of its own optimum",
    "seconds_near": "median seconds until then",
    "prediction_known": "mean of the root mean square error in predicting the mean of a new row of a known group",
    "prediction_new": "mean of the same of a new group",
    "premature_rate": "share of all fits asked for that stopped early, or have no result",
    "oscillating_rate": "share of all fits asked for that still moved at the end, or have no result",
    "diverged_rate": "share of all fits asked for that diverged, or have no result",
    "b_rmse": "mean of the root mean square error of the predicted random effects, effect by effect",
    "b_slope": "mean slope of the predicted random effects on the conditional modes at the true parameters",
}

_MEASURED = {
    "value": "the measure; NaN with a reason",
    "mcse": "its Monte Carlo standard error",
    "lower": "lower bound of its 95 % interval: Wilson's for shares, else Student's t",
    "upper": "upper bound",
    "n_used": "fits that the value is made of",
    "n_total": "fits that were asked for, those that were not applicable aside",
    "reason": "why there is no number",
}
_SERIES: dict[str, str] = {
    "scenario": _KEY["scenario"],
    "estimator": _KEY["estimator"],
    "parameter": "flat label; empty for a measure of whole fits",
    "kind": "of the interval; NaN for a measure of estimates",
    "level": "of the interval; NaN for a measure of estimates",
}
_READ = {"reading": "which fits are used: all, passed, complete, misses", "measure": "name of the measure"}

#: Columns of `performance.performance`; averages over the grid have factors for the scenario, and ``n_cells``.
MEASURE_COLUMNS: Mapping[str, str] = _SERIES | _READ | _MEASURED

#: Columns of `paired.paired_differences`.
DIFFERENCE_COLUMNS: Mapping[str, str] = (
    _SERIES
    | {"reference": "label of the other estimator", "reference_kind": "kind of its interval"}
    | _READ
    | _MEASURED
)

#: Part of an error -> what it is.
PARTS: Mapping[str, str] = {
    "optimizer and stopping": "estimate less the best known optimum of its own objective",
    "objective": "that optimum less the marginal ML estimate",
    "prior and loss": "posterior mean less the marginal ML estimate",
    "sampling": "marginal ML estimate less truth",
}
_CELL: dict[str, str] = {name: _SERIES[name] for name in ("scenario", "estimator")} | {"parameter": "flat label"}
_UNIT = {
    "unit": "of the value: response, ML standard error (of that replicate), typical ML standard error (the median)"
}
_PART_MEAN = {
    **{name: _MEASURED[name] for name in ("value", "mcse", "lower", "upper")},
    "n_used": "replicates whose every part is known, of which the value is made",
    "n_total": _MEASURED["n_total"],
    "n_local": "replicates used whose own optimum is a local mode, of an objective that has no global one",
    "reason": _MEASURED["reason"],
}

#: Columns of `decomposition.Decomposition.replicates`.
ERROR_PART_COLUMNS: Mapping[str, str] = {
    **{name: _KEY[name] for name in ("scenario", "replicate", "estimator")},
    "parameter": "flat label",
    "part": "one of `PARTS`",
    "value": "in the units of the response; NaN where it is not known",
    "error": "estimate less truth: the sum of the parts",
    "scale": "standard error of the marginal ML estimate of the replicate",
    "own_optimum": "what the own optimum is: best known, local mode, not known, or that a posterior has none",
    "reason": "why a part of this error is not known, so that it is in no mean",
}

#: Columns of `decomposition.Decomposition.means`.
ERROR_MEAN_COLUMNS: Mapping[str, str] = _CELL | {"part": "one of `PARTS`, or their total"} | _UNIT | _PART_MEAN

#: Columns of `decomposition.Decomposition.squares`.
ERROR_SQUARE_COLUMNS: Mapping[str, str] = (
    _CELL
    | {"first": "part, or total", "second": "the same part for a mean square, another for twice the mean product"}
    | _UNIT
    | _PART_MEAN
)

#: Columns of `headline.headline`.
HEADLINE_COLUMNS: Mapping[str, str] = {
    "estimator": "label",
    "aspect": "one of `headline.ASPECTS`",
    **{name: _MEASURED[name] for name in ("value", "lower", "upper")},
    "least": "of means: the least that the largest true mean is, in absolute value, whichever it is",
    "most": "the most that it is",
    "best": "the smallest number of that aspect over the same scenarios and parameters",
    "scenario": "where the number is",
    "parameter": "of which parameter",
    "choices": "scenarios and parameters that it is the worst of",
    "n_used": _MEASURED["n_used"],
    "n_total": _MEASURED["n_total"],
}

#: Columns of `prior_predictive.PriorPredictive.table`.
PRIOR_PREDICTIVE_COLUMNS: Mapping[str, str] = {
    "quantity": "label of a parameter, or name of a statistic",
    "kind": "parameter, response (a statistic of it), or implied by the sds",
    "lower": "2.5 % quantile of its draws",
    "median": "their median",
    "upper": "97.5 % quantile",
    "against": "what the value is: observed, or ML estimate",
    "value": "that value",
    "p": "share of the draws below the value; those equal to it count half",
    "p_mcse": "its Monte Carlo standard error, never zero",
    "n_used": "draws that are a number",
    "n_total": "draws",
    "reason": "why there are none, or fewer",
}

#: Columns of `detectors.detectors`, after those of the factors.
DETECTOR_COLUMNS: Mapping[str, str] = {
    "estimator": "label, or that all Adam fits are meant",
    "detector": "what is looked at",
    "knows_optimum": "whether it is made from the optimum, which a user does not know",
    "measure": "sensitivity: share detected of the fits away from their optimum; specificity: share not of the others",
    **{name: _MEASURED[name] for name in ("value", "mcse", "lower", "upper")},
    "n_used": "fits that the value is made of: those away for sensitivity, those that have arrived for specificity",
    "n_unavailable": "fits of a known gap for which there is no such diagnostic",
    "n_unknown": "fits whose gap is not known",
    "n_total": _MEASURED["n_total"],
}

#: Columns of `calibration.calibration`.
CALIBRATION_COLUMNS: Mapping[str, str] = {
    **{name: _KEY[name] for name in ("scenario", "estimator")},
    "parameter": "flat label, or name of a derived quantity",
    "kind": "kind of interval",
    "reading": "fits that were used: all, or those that passed the convergence gate",
    "verdict": "calibrated, not calibrated, undecided or not applicable",
    "what": "what is wrong, or why there is no verdict",
    "p_value": "of the farthest order statistic of the transforms, exact; of hdi, of coverage at three levels",
    "p_adjusted": "the same, allowing for the number of tests of the reading (Holm)",
    "spread": "how many times wider the distributions should be; 1 is right",
    "spread_lower": "lower bound of its 95 % Monte Carlo interval",
    "spread_upper": "upper bound",
    "shift": "by how many of its sds a distribution's centre lies below the truth; NaN of kinds without equal tails",
    "shift_lower": "lower bound of its 95 % Monte Carlo interval",
    "shift_upper": "upper bound",
    "coverage_50": "share of the 50 % intervals that hold the truth",
    "coverage_80": "of the 80 % intervals",
    "coverage_95": "of the 95 % intervals",
    "contraction": "share of the prior variance that the data take away, in the median fit",
    "n_used": "fits that have such an interval",
    "n_total": "fits that were asked for, of that reading",
    "reason": "why there is no number",
}
