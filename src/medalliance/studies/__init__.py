"""Studies: the analysis recipes that chapters call."""
