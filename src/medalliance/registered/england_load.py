"""England's practices, read once."""

from __future__ import annotations

from functools import cache

from ..england import read_england_payments
from .england_panel import Practices, practices


@cache
def load_england() -> Practices:
    """Read England's payments to practices as a panel.

    Returns
    -------
    Practices
        ``.panel`` with an account of the rows that did not enter it. Read once; later calls
        return the same.

    Raises
    ------
    DataError
        If ``MEDALLIANCE_ENGLAND_DIR`` holds no file; ``make data-england`` says where they are.
    """
    return practices(read_england_payments())
