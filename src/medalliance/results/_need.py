"""Refuse what is not an estimate."""

from __future__ import annotations

from ..errors import DesignError
from ._effects import Effects


def need_effects(value: object, need: str) -> None:
    """Refuse what is not ``Effects``, saying where they come from.

    Parameters
    ----------
    value : object
    need : str
        What asks, for the message.

    Raises
    ------
    DesignError
    """
    if not isinstance(value, Effects):
        raise DesignError(
            f"{need} takes Effects, not a {type(value).__name__}.\n"
            "  Pass what an estimator returns, as ma.att_gt(panel, outcome)."
        )
