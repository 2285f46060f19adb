"""What a test does where something that it needs is missing."""

from __future__ import annotations

import os

import pytest

REQUIRE_ALL = os.environ.get("MEDALLIANCE_REQUIRE_ALL") == "1"


def skip_or_fail(reason: str) -> None:
    """Skip the test; fail it where nothing may be missing."""
    if REQUIRE_ALL:
        pytest.fail(f"MEDALLIANCE_REQUIRE_ALL=1: {reason}")
    pytest.skip(reason)
