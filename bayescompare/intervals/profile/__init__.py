"""Profile likelihood: the deviance of one parameter at the best of all others, and the intervals that it gives."""
