"""Grading: threats, draws, and the fit of the simulator."""
