"""L-BFGS-B on (restricted) likelihoods and posterior densities."""
