"""Mechanism: what the contract pays and what it makes people do."""
