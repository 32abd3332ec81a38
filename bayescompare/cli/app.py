"""The command line, with all its commands."""

from bayescompare.cli import fit_command, study_commands
from bayescompare.cli.root import app, main

__all__ = ["app", "fit_command", "main", "study_commands"]
