"""Data sets: a checked table with its name, its truth kept apart."""

from bayescompare.data.read import read_data, select
from bayescompare.dataset import Dataset, Note

__all__ = ["Dataset", "Note", "read_data", "select"]
