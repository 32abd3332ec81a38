"""Studies: their definition, their run, and their results on disk."""
