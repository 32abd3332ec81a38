"""Profiles of the likelihood of one's own data."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from bayescompare.reporting.figures.canvas import Drawing
from bayescompare.reporting.figures.profile import Curve, profile_panel
from bayescompare.reporting.subject import Subject

__all__ = ["profiles"]


def profiles(subject: Subject) -> list[Drawing]:
    """Return the profiles of each parameter, one over another where several fits have them."""
    table, kept = subject.table("profiles"), subject.table("intervals")
    if not len(table):
        return []
    levels = [(float(level), float(ndtri((1 + level) / 2))) for level in kept["level"].unique()]
    found = []
    for k, (parameter, rows) in enumerate(table.groupby("parameter", sort=False)):
        curves = [
            Curve(look=subject.look(str(label)), values=one["value"].to_numpy(float), zeta=one["zeta"].to_numpy(float))
            for label, one in rows.groupby("estimator", sort=False)
            if np.all(np.diff(one["zeta"]) >= 0)
        ]
        if curves:
            found.append(profile_panel(f"profile{k}", str(parameter), curves, levels))
    return found
