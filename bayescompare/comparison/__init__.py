"""From fits, and the truth where it is known, to long tables, measures and verdicts."""
