"""The mathematics: one marginal likelihood, in compressed data, with its gradient."""
