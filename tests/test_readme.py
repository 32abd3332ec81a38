"""What the README shows runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

import bayescompare as bc

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_prior_of_the_readme_serves_the_mode_and_the_posterior():
    # a dataclass looks its module up by name
    namespace = {"__name__": __name__}
    exec(next(block for block in BLOCKS if "class HalfLaplace" in block), namespace)
    prior = namespace["HalfLaplace"](10.0)
    assert repr(prior) == "HalfLaplace(10)"
    model = bc.Model("yield ~ 1 + (1 | batch)", priors={"sd_batch": prior, "sigma": bc.HalfNormal(50)})
    fits = bc.fit(model, "dyestuff", "lbfgs-map,lbfgs-ml,nuts:draws=300,tune=300")
    sd = fits.problem.layout.index("sd_batch[Intercept]")
    # an exponential prior of mean 10 pulls an sd of 37 toward zero
    assert fits["lbfgs-map"].estimate[sd] < fits["lbfgs-ml"].estimate[sd]
    assert 0 < fits["nuts:draws=300,tune=300"].estimate[sd] < fits["lbfgs-ml"].estimate[sd]


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    exec(BLOCKS[0], namespace)
    assert (tmp_path / "out.html").stat().st_size > 50_000
    assert len(namespace["results"].table) == 18
    assert np.isfinite(namespace["fits"]["nuts"].estimate).all()


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(path):
    assert path.startswith("https://") or (Path(__file__).parents[1] / path).exists()
