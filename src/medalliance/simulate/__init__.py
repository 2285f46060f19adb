"""Simulated panels whose true effects are known: the incentive model joined to the settlement."""

from __future__ import annotations

from ._threats import THREATS
from .simulate_panel import CHANNELS, GRADED, SimulatedPanel, simulate_panel

__all__ = ["CHANNELS", "GRADED", "THREATS", "SimulatedPanel", "simulate_panel"]
