"""Read an event study out of Effects: coefficients, variance, reference period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, first_three
from ..results import Effects

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EventStudy:
    """Event-study coefficients in time order, without the reference period.

    Attributes
    ----------
    event_time : ndarray of int, shape (k,)
    estimate : ndarray, shape (k,)
    vcov : ndarray, shape (k, k)
    reference : int
        Event time of the base period, ``-1 - anticipation``.
    """

    event_time: NDArray[np.int64]
    estimate: Array
    vcov: Array
    reference: int

    @property
    def n_pre(self) -> int:
        """Coefficients before the reference period."""
        return int((self.event_time < self.reference).sum())


def read_event_study(effects: Effects, *, need: str) -> EventStudy:
    """Return the event study of effects, or say what is missing.

    Parameters
    ----------
    effects : Effects
        Terms by event time.
    need : str
        What asks, for the message.

    Raises
    ------
    DesignError
        If terms are not event times, there are several cells an event time, or a coefficient has
        no standard error.
    """
    event = effects.terms["event_time"]
    if event.isna().any() or event.duplicated().any():
        raise DesignError(
            f"{need} takes one effect an event time; {effects.design.estimator} shows "
            f'{len(event)} terms that are not.\n  Use effects.aggregate("event_time") first.'
        )
    order = np.argsort(event.to_numpy(np.int64))
    times = event.to_numpy(np.int64)[order]
    reference = -1 - effects.design.anticipation
    kept = times != reference
    estimate, vcov = effects.estimate[order][kept], effects.vcov[np.ix_(order, order)]
    vcov = vcov[np.ix_(kept, kept)]
    blank = ~np.isfinite(effects.std_error[order][kept])
    if blank.any():
        raise DesignError(
            f"{need}: no standard error at event times {first_three(times[kept][blank])}.\n"
            "  Leave these event times out (aggregate with balance=), or see choose_inference."
        )
    return EventStudy(times[kept], estimate, vcov, reference)
