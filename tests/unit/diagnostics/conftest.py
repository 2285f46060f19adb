"""Effects made by hand."""

import numpy as np
import pytest

from medalliance.results import Design, Effects, terms_frame


@pytest.fixture
def event_study():
    """Return a maker of event-study Effects from event times, estimates and a variance."""

    def make(times, estimate, vcov, *, base_period="universal", anticipation=0, reference=True):
        times, estimate, vcov = list(times), np.asarray(estimate, float), np.asarray(vcov, float)
        if reference:
            at = sum(time < -1 - anticipation for time in times)
            times.insert(at, -1 - anticipation)
            estimate = np.insert(estimate, at, 0.0)
            vcov = np.insert(np.insert(vcov, at, 0.0, axis=0), at, 0.0, axis=1)
        return Effects(
            estimate=estimate,
            terms=terms_frame("y", [f"event time {t}" for t in times], event_time=times),
            design=Design(
                outcome="y",
                estimator="made by hand",
                n_units=100,
                n_obs=1_000,
                n_clusters=50,
                base_period=base_period,
                anticipation=anticipation,
            ),
            given_vcov=vcov,
        )

    return make
