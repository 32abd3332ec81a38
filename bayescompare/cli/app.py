"""The command line, with all its commands."""

from bayescompare.cli import calibrate_command, doctor_command, fit_command, priors_command, study_commands
from bayescompare.cli.root import app, main

__all__ = ["app", "calibrate_command", "doctor_command", "fit_command", "main", "priors_command", "study_commands"]
