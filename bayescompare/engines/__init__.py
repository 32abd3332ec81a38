"""The estimators: one algorithm a file, found by name through the catalog."""
