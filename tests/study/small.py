"""A study of a second."""

from bayescompare.study.definition import Study, load

TEXT = """
name = "small"
title = "A small [/red] study"
replicates = 3
seed = 3
estimators = ["lbfgs-ml", "lbfgs-reml"]

[[scenario]]
name = "few"
formula = "y ~ x + (1 | g)"
groups = 8
rows = 4
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }

[[scenario]]
name = "more"
formula = "y ~ x + (1 | g)"
groups = 12
rows = "poisson(5)"
covariates = { x = "normal(0, 1)" }
truth = { "beta[x]" = 2, "sd_g[Intercept]" = 1, sigma = 1 }
"""


def written(folder, text: str = TEXT):
    """Return the path of the study as a file."""
    path = folder / "small.toml"
    path.write_text(text, "utf-8")
    return path


def small(folder, **changes) -> Study:
    """Return the study."""
    return load(written(folder)).changed(**changes)
