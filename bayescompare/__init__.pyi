from bayescompare.comparison.api import compare as compare
from bayescompare.comparison.api import decomposition as decomposition
from bayescompare.comparison.api import detectors as detectors
from bayescompare.comparison.api import measures as measures
from bayescompare.comparison.path_trees import path_tree as path_tree
from bayescompare.comparison.results import Results as Results
from bayescompare.data import read_data as read_data
from bayescompare.dataset import Dataset as Dataset
from bayescompare.datasets import load as _load_dataset
from bayescompare.design import Design as Design
from bayescompare.design import Scenario as Scenario
from bayescompare.errors import BayesCompareError as BayesCompareError
from bayescompare.fits import Fit as Fit
from bayescompare.fitting import Fits as Fits
from bayescompare.fitting import fit as fit
from bayescompare.intervals.profile.api import profile as profile
from bayescompare.intervals.profile.curve import Profile as Profile
from bayescompare.model import Model as Model
from bayescompare.priors import LKJ as LKJ
from bayescompare.priors import BoundaryAvoiding as BoundaryAvoiding
from bayescompare.priors import Cauchy as Cauchy
from bayescompare.priors import Exponential as Exponential
from bayescompare.priors import Flat as Flat
from bayescompare.priors import Gamma as Gamma
from bayescompare.priors import HalfCauchy as HalfCauchy
from bayescompare.priors import HalfNormal as HalfNormal
from bayescompare.priors import HalfStudentT as HalfStudentT
from bayescompare.priors import InverseGamma as InverseGamma
from bayescompare.priors import LogNormal as LogNormal
from bayescompare.priors import Normal as Normal
from bayescompare.priors import PCPrior as PCPrior
from bayescompare.priors import Prior as Prior
from bayescompare.priors import StudentT as StudentT
from bayescompare.priors import Uniform as Uniform
from bayescompare.priors import UniformVariance as UniformVariance
from bayescompare.reporting import report as report
from bayescompare.simulation import simulate as simulate
from bayescompare.study.definition import Study as Study
from bayescompare.study.definition import load as _load_study
from bayescompare.study.rerun import rerun as rerun
from bayescompare.study.run import run_study as run_study
from bayescompare.study.store import read_results as read_results
from bayescompare.study.store import write_results as write_results
from bayescompare.study.verify import verify as verify

__version__: str
load_dataset = _load_dataset
load_study = _load_study
