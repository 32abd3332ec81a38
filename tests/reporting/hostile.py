"""Results full of names that would break out of a page that does not escape them."""

from __future__ import annotations

from bayescompare.comparison.results import Results
from bayescompare.layout import Layout
from tests.reporting.samples import grid_study, own_data

__all__ = ["HOSTILE", "NAMES", "hostile_fit", "hostile_grid"]

HOSTILE = "<script>alert(1)</script>"
NAMES = (
    HOSTILE,
    '"><img src=x onerror=alert(1)>',
    "</style><b>",
    "$\\frac{1$ & 'q' {{ 7*7 }} {% raw",
    "]]><!-- -->",
    "a\u202eb",
    "=cmd()",
    "[/red]",
)


def hostile_fit() -> Results:
    """Return a comparison on one data set of such names."""
    layout = Layout(coefs=NAMES[:2], factor="g", blocks=(NAMES[2:4],), levels=("1", *NAMES[4:]))
    texts = dict(zip(("title", "description", "dataset", "response", "study"), NAMES, strict=False))
    return own_data(
        layout=layout,
        scenario=HOSTILE,
        **texts,
        versions=dict.fromkeys(NAMES, HOSTILE),
        machine=dict.fromkeys(NAMES, HOSTILE),
        notes=[{"flag": name, "message": name} for name in NAMES],
        scenarios=[{"name": HOSTILE, "formula": f"{HOSTILE} ~ 1", "covariates": dict.fromkeys(NAMES, HOSTILE)}],
        priors={HOSTILE: {f"beta[{NAMES[1]}]": HOSTILE}},
        estimators=[{"label": "nuts", "what": HOSTILE}],
    )


def hostile_grid() -> Results:
    """Return a study of such names, in which every fit failed."""
    results = grid_study({HOSTILE: NAMES[:2], NAMES[3]: (0.3, NAMES[2])}, replicates=2, base=NAMES[4])
    for about in results.about["scenarios"]:
        about |= {
            "truth": {NAMES[1]: HOSTILE, "sigma": NAMES[2]},
            "covariates": {NAMES[2]: HOSTILE},
            "description": HOSTILE,
            "rows": HOSTILE,
        }
    results.tables["fits"]["status"], results.tables["fits"]["message"] = "failed", NAMES[1]
    return results
