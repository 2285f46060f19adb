"""Registered: the specifications that were set before the results."""
