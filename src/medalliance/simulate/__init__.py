"""Simulated panels whose true effects are known: the incentive model joined to the settlement."""

from __future__ import annotations

from ._parameters import FITTED, Parameters, as_json, fitted_parameters
from ._threats import THREATS
from .simulate_claims import simulate_claims
from .simulate_panel import CHANNELS, GRADED, SimulatedPanel, simulate_panel

__all__ = [
    "CHANNELS",
    "FITTED",
    "GRADED",
    "THREATS",
    "Parameters",
    "SimulatedPanel",
    "as_json",
    "fitted_parameters",
    "simulate_claims",
    "simulate_panel",
]
