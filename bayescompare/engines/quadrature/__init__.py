"""The posterior of a model with one random effect a group, by numerical integration."""
