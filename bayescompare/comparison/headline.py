"""The answer of a study in a row an estimator: what became of the sds and of the effects of the groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from bayescompare.comparison.cells import Frames
from bayescompare.comparison.decomposition import Decomposition
from bayescompare.comparison.estimands import flagged_share
from bayescompare.comparison.monte_carlo import half_width
from bayescompare.comparison.schema import HEADLINE_COLUMNS
from bayescompare.fits import Flag

__all__ = ["ASPECTS", "group_sds", "headline"]

#: Aspect -> what is said of an estimator; the number is that of its worst scenario (and parameter).
ASPECTS: Mapping[str, str] = {
    "arrival": "share of fits away from the best optimum known of their objective; of an objective without one, "
    "that went where it grows without bound; of a sampler, that fail its gate",
    "optimizer and stopping": "mean error of a group sd by optimizer and stopping, in typical ML standard errors",
    "objective": "mean error of a group sd by the objective (of a posterior mean by prior and loss), in the same unit",
    "total": "bias of a group sd: these together with the sampling error that all share, in the same unit",
    "effects": "error of the predicted effects of the groups, root mean square, relative to lbfgs-ml on the same data",
}

_UNIT = "typical ML standard error"
_PARTS = {"optimizer and stopping": "optimizer and stopping", "objective": "objective", "prior and loss": "objective",
          "total": "total"}  # fmt: skip
# Claim and aspect that say how many fits of an estimator arrived.
_ARRIVAL = {(1, ""), (5, ""), (6, "gate failures")}
_REFERENCE = "lbfgs-ml"


def headline(verdicts: pd.DataFrame, parts: Decomposition, tables: Frames) -> pd.DataFrame:
    """Return the worst number of each estimator in each aspect of `ASPECTS`, over the scenarios and parameters.

    Intervals are of 95 % for the mean or share of that one scenario; those of means allow for its choice among the
    others (Bonferroni). ``least`` and ``most`` are the ends between which the largest true mean lies, whichever it is.
    An estimator that does not estimate the sds has no row of these aspects.

    Parameters
    ----------
    verdicts
        Of the study, by `verdicts.verdicts`.
    parts
        Of the errors, by `decomposition.decomposition`.
    tables
        ``fits``, whose order of estimators is that of the rows, and ``recovery``.

    Returns
    -------
    DataFrame
        With the columns of `schema.HEADLINE_COLUMNS`.
    """
    fits = tables["fits"]
    arrivals = list(_arrivals(verdicts))
    others = fits[~fits["estimator"].isin({row["estimator"] for row in arrivals})]
    rows = [*arrivals, *_collapses(others), *_sds(parts.means), *_effects(tables["recovery"])]
    place = {label: k for k, label in enumerate(dict.fromkeys(fits["estimator"]))}
    order = list(ASPECTS)
    rows.sort(key=lambda row: (place.get(str(row["estimator"]), len(place)), order.index(str(row["aspect"]))))
    return pd.DataFrame(rows, columns=list(HEADLINE_COLUMNS))


def _arrivals(verdicts: pd.DataFrame) -> Iterator[dict[str, object]]:
    kept = [key in _ARRIVAL for key in zip(verdicts["claim"], verdicts["aspect"], strict=True)]
    rows = verdicts[np.array(kept, dtype=bool)]
    for label, group in rows.dropna(subset=["value"]).groupby("objective", sort=False):
        worst = group.loc[group["value"].idxmax()]
        yield {
            "estimator": label,
            "aspect": "arrival",
            **{name: worst[name] for name in ("value", "lower", "upper", "scenario", "n_used", "n_total")},
            "parameter": "",
            "best": float(group["value"].min()),
            "choices": len(group),
        }


def _collapses(fits: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the largest share of degenerate fits, of the estimators that have any."""
    for label, mine in fits.groupby("estimator", sort=False):
        shares = {
            str(name): flagged_share(one, {Flag.DEGENERATE}) for name, one in mine.groupby("scenario", sort=False)
        }
        scenario = max(shares, key=lambda name: shares[name].value)
        worst = shares[scenario]
        if worst.value > 0:
            yield {
                "estimator": label, "aspect": "arrival", "value": worst.value, "lower": worst.lower,
                "upper": worst.upper, "scenario": scenario, "n_used": worst.n_used, "n_total": worst.n_total,
                "parameter": "", "best": min(one.value for one in shares.values()), "choices": len(shares),
            }  # fmt: skip


def group_sds(means: pd.DataFrame) -> pd.DataFrame:
    """Return the mean errors of the sds of the random effects in parts, in typical ML standard errors.

    Parameters
    ----------
    means
        Mean errors in parts, `decomposition.Decomposition.means`.

    Returns
    -------
    DataFrame
        Columns ``estimator``, ``aspect`` (those of `ASPECTS` that are mean errors), ``scenario``, ``parameter``,
        ``value``, ``lower``, ``upper``, ``n_used``, ``n_total``. The intervals of an estimator and aspect hold all
        together with a probability of 95 % (Student's t, Bonferroni); that of a mean without a spread, as of one data
        set, is the whole line. An objective that is the marginal likelihood itself moves nothing, by definition.
    """
    kept = (means["unit"] == _UNIT) & means["parameter"].str.startswith("sd_") & means["value"].notna()
    sds = means[kept & means["part"].isin(_PARTS)]
    sds = sds.assign(aspect=sds["part"].map(_PARTS))
    spread, same = sds["mcse"] > 0, (sds["aspect"] == "objective") & (sds["value"] == 0)
    each = spread.groupby([sds["estimator"], sds["aspect"]]).transform("sum").clip(lower=1).to_numpy(float)
    half = half_width(sds["mcse"].to_numpy(float), sds["n_used"].to_numpy(), each)
    half = np.select([spread, same], [half, 0.0], np.inf)
    sds = sds.assign(lower=sds["value"] - half, upper=sds["value"] + half)
    return sds[["estimator", "aspect", "scenario", "parameter", "value", "lower", "upper", "n_used", "n_total"]]


def _sds(means: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the largest mean of each part over the sds of the random effects."""
    for _, group in group_sds(means).groupby(["estimator", "aspect"], sort=False):
        size, half = group["value"].abs(), (group["upper"] - group["lower"]) / 2
        sized = size[np.isfinite(half)]
        if not len(sized):
            continue
        yield {
            **group.loc[sized.idxmax()].to_dict(),
            "least": max(float((size - half).max()), 0.0),
            "most": float((size + half).max()),
            "best": float(sized.min()),
            "choices": len(sized),
        }


def _effects(recovery: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the largest ratio of root mean square errors, by the mean of its logarithm over the data sets."""
    keys = ["scenario", "replicate"]
    squares = recovery.assign(square=recovery["rmse"] ** 2)
    errors = squares.groupby([*keys, "estimator"], sort=False)["square"].mean().pow(0.5).rename("error").reset_index()
    best = errors[errors["estimator"] == _REFERENCE].set_index(keys)["error"]
    others = errors[errors["estimator"] != _REFERENCE].join(best.rename("best"), on=keys)
    for label, group in others.groupby("estimator", sort=False):
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(group["error"] / group["best"]).replace([np.inf, -np.inf], np.nan)
        found = logs.groupby(group["scenario"]).agg(["mean", "std", "count", "size"])
        found = found[found["count"] > 1]
        if not len(found):
            continue
        scenario = found["mean"].idxmax()
        worst = found.loc[scenario]
        n_used = int(worst["count"])
        half = float(half_width(worst["std"] / np.sqrt(n_used), np.array(n_used), len(found)))
        value, lower, upper = np.exp(worst["mean"] + half * np.array([0, -1, 1]))
        yield {
            "estimator": label, "aspect": "effects", "value": value, "lower": lower, "upper": upper,
            "scenario": scenario, "parameter": "", "n_used": n_used, "n_total": int(worst["size"]),
            "best": float(np.exp(found["mean"].min())), "choices": len(found),
        }  # fmt: skip
