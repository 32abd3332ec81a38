"""The benchmark behind ``scripts/bench.py``: a section a module, each a function that returns rows."""
