"""Effects made by hand; small panels with known effects."""

import warnings

import numpy as np
import pandas as pd
import pytest

from medalliance.panel import Panel, PanelWarning
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


@pytest.fixture
def simulated():
    """Return a maker of staggered panels with prefectures as clusters and a constant effect."""

    def make(
        seed=0,
        n_clusters=16,
        per_cluster=4,
        n_years=8,
        effect=0.5,
        treated=6,
        gaps=0.0,
        by_cluster=True,
    ):
        rng = np.random.default_rng(seed)
        n_units = n_clusters * per_cluster
        unit = np.repeat(np.arange(n_units), n_years)
        year = np.tile(np.arange(2010, 2010 + n_years), n_units)
        cluster = unit // per_cluster
        group = cluster if by_cluster else unit
        cohort = np.where(group < treated, 2013 + group % 3, 0)
        shock = rng.normal(size=(n_clusters, n_years))[cluster, year - 2010] * 0.3
        y = 0.1 * unit + 0.2 * (year - 2010) + shock + rng.normal(size=len(unit)) * 0.5
        y = y + effect * ((cohort > 0) & (year >= cohort))
        frame = pd.DataFrame(
            {
                "county": unit,
                "year": year,
                "cohort": cohort,
                "prefecture": [f"p{c:02d}" for c in cluster],
                "province": cluster % 2,
                "y": y,
                "z": rng.normal(size=len(unit)),
            }
        )
        frame = frame[rng.random(len(frame)) >= gaps]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PanelWarning)
            return Panel.from_frame(
                frame, unit="county", year="year", cohort="cohort", cluster="prefecture"
            )

    return make
