"""Incentives: what a contract makes people do."""
