"""PyMC and nutpie on the marginal posterior."""
