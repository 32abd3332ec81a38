"""The command line: a thin layer over the Python functions."""

from bayescompare.cli.app import main

__all__ = ["main"]
