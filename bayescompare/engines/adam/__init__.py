"""Keras Adam on stacks of replicates."""
