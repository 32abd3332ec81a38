"""The bundled study simchoni-rosset-slopes in the coordinates of its source: variances and correlations themselves.

Simchoni and Rosset's code (github.com/gsimchoni/lmmnn, lmmnn/layers.py) gives Adam the variances, which start at 1, and
the correlations of the intercept with each slope, which start at 0; that of the slopes is fixed at 0. Here Adam gets
the same, on the data of the study and with its batches; the study itself gives it log sds and Fisher z. Prints the
mean estimate by true variance, with its Monte Carlo standard error:

    python scripts/lmmnn_coordinates.py [REPLICATES] [EPOCHS] [WAY ...]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayescompare.engines.adam.engine import Member
from bayescompare.engines.adam.marginal import AdamMarginal, MarginalDeviance
from bayescompare.engines.adam.scaling import Scaling
from bayescompare.fits import Fit
from bayescompare.fitting import fit_batch
from bayescompare.layout import Layout
from bayescompare.likelihood.tensorflow import backend
from bayescompare.study.cases import cases
from bayescompare.study.definition import load

LEAST, LARGEST = 1e-5, 0.999


@dataclass(frozen=True)
class VarianceDeviance(MarginalDeviance):
    """The deviance in fixed effects, variances, correlations and residual variance."""

    def loss(self, x: Any, data: Any, batch: Any, step: Any = None) -> Any:
        """Return the deviance; what Keras would clip after an update is clipped here, and the gradient passes."""
        tf, _ = backend()
        layout = self.layout

        def clipped(value: Any, low: float, high: float) -> Any:
            return value + tf.stop_gradient(tf.clip_by_value(value, low, high) - value)

        sd = tf.math.log(clipped(x[:, layout.sd], LEAST, np.inf)) / 2
        sigma = tf.math.log(clipped(x[:, layout.sigma], LEAST, np.inf)) / 2
        first, second = (clipped(x[:, layout.cor][:, k], -LARGEST, LARGEST) for k in (0, 1))
        root = tf.sqrt((1 - first**2) * (1 - second**2))
        third = clipped(-first * second / root, -LARGEST, LARGEST)
        z = tf.stack([tf.math.atanh(one) for one in (first, second, third)], axis=1)
        return super().loss(tf.concat([x[:, layout.beta], sd, z, sigma[:, None]], axis=1), data, batch, step)


class Variances(Scaling):
    """Variances and correlations as they are."""

    def natural(self, x: np.ndarray, layout: Layout) -> np.ndarray:
        """Return sds, correlations (that of the slopes is 0) and sigma."""
        cor = np.clip(x[:, layout.cor], -LARGEST, LARGEST)
        cor[:, 2] = 0
        sd, sigma = (np.sqrt(np.maximum(x[:, part], LEAST)) for part in (layout.sd, [layout.sigma]))
        return np.column_stack([x[:, layout.beta], sd, cor, sigma])


@dataclass(frozen=True, kw_only=True)
class AdamVariances(AdamMarginal):
    """Adam in these coordinates."""

    name: ClassVar[str] = "adam-variances"

    def member(self, problem: Any) -> Member:
        """Return the problem in units of its own."""
        found = super().member(problem)
        unit = found.unit
        return replace(
            found, unit=Variances(unit=unit.unit, centre=unit.centre, fixed=unit.fixed, effects=unit.effects)
        )

    def objective(self, member: Member) -> VarianceDeviance:
        """Return the deviance of variances."""
        return VarianceDeviance(super().objective(member).layout)

    def start(self, member: Member, rng: np.random.Generator) -> np.ndarray:
        """Return variances of 1, all else 0."""
        layout = member.problem.layout
        start = np.zeros(layout.size)
        start[layout.sd] = start[layout.sigma] = 1
        return start


def rows_of(way: str, truth: np.ndarray, fit: Fit) -> Iterator[dict[str, Any]]:
    """Yield the variances of one fit."""
    for k, effect in enumerate(fit.layout.effects):
        place = fit.layout.sd.start + k
        yield {
            "way": way, "effect": effect, "true": round(truth[place] ** 2, 1), "estimate": fit.estimate[place] ** 2,
            "updates": fit.evaluations, "gap_sd": fit.gap_sd,
        }  # fmt: skip


def main(replicates: int, epochs: int, only: list[str]) -> None:
    """Fit the study's data in four ways, or some of them, and print means by true variance."""
    study = load("simchoni-rosset-slopes")
    rows: dict[str, Any] = {"batch": 100, "of": "rows", "shuffle": False}
    stop: dict[str, Any] = {"patience": 10, "validation_split": 0.1}
    ways: dict[str, dict[str, Any]] = {
        "rows, stopped": {**rows, **stop}, "rows": rows, "groups, stopped": {"batch": 1, "shuffle": False, **stop},
        "groups": {"batch": 1, "shuffle": False},
    }  # fmt: skip
    table = []
    for scenario in study.scenario:
        found = cases(study, scenario, range(replicates))
        problems = [case.problem for case in found if case.problem is not None]
        truths = [case.truth.theta for case in found if case.truth is not None]
        for way in only or ways:
            settings = ways[way]
            engine = AdamVariances(lr=0.001, scale="raw", epochs=epochs, **settings)
            fits = fit_batch(problems, [engine], study.seed, scenario.name, list(range(replicates)))
            table += [row for truth, (fit,) in zip(truths, fits, strict=True) for row in rows_of(way, truth, fit)]
            done = pd.DataFrame(table).groupby(["way", "effect", "true"], sort=False)
            print(done["estimate"].agg(["mean", "sem", "count"]).round(2), flush=True)
            print(done["updates"].median().groupby("way").first(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 500, sys.argv[3:])
