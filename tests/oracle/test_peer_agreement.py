"""Agreement with diff-diff, moderndid and pyfixest on simulated staggered panels.

The peers' numbers are stored with their versions; ``benchmarks/refresh_peers.py`` runs the peers
again. Where a convention differs, the case says which and why.
"""

import json
import sys
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from medalliance import Panel, PanelWarning, att_gt, did_imputation, twfe

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from bench_panels import staggered_panel  # noqa: E402

OURS = {"twfe": twfe, "att_gt": att_gt, "did_imputation": did_imputation}
RTOL = 1e-6


def stored():
    for name in ("diff-diff", "moderndid", "pyfixest"):
        body = json.loads((ROOT / "tests/oracle/peers" / f"{name}.json").read_text("utf-8"))
        for number, record in enumerate(body["cases"]):
            key = f"{name}-{number}-{record['estimator']}-{record['panel']}"
            yield pytest.param(record, body["panels"][record["panel"]], id=key)


@lru_cache(maxsize=8)
def panel_of(settings, weight, cluster):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)
        return Panel.from_frame(
            staggered_panel(**dict(settings)),
            unit="unit",
            year="year",
            cohort="cohort",
            weight=weight,
            cluster=cluster,
        )


def close(ours, theirs, rtol):
    if theirs is None or theirs == 0:
        assert not np.isfinite(ours) or abs(ours) < 1e-12
    else:
        assert ours == pytest.approx(theirs, rel=rtol, abs=1e-9)


@pytest.mark.parametrize(("record", "settings"), list(stored()))
def test_equals_the_peer(record, settings):
    roles = record.get("roles", {})
    panel = panel_of(tuple(settings.items()), roles.get("weight"), roles.get("cluster"))
    effects = OURS[record["estimator"]](panel, "y", **record["options"])
    rtol = record.get("rtol", RTOL)
    if rtol != RTOL:
        assert record["reason"]
    shown = effects.aggregate(record["average"]) if record.get("average") else effects
    if "estimate" in record:
        close(shown.estimate[0], record["estimate"][0], rtol)
    if "std_error" in record:
        close(shown.std_error[0], record["std_error"][0], rtol)
    if "by_event" in record:
        event = effects.aggregate("event_time")
        place = {str(key): row for row, key in enumerate(event.terms["event_time"])}
        for key, (estimate, std_error) in record["by_event"].items():
            close(event.estimate[place[key]], estimate, rtol)
            if std_error is not None:
                close(event.std_error[place[key]], std_error, rtol)
    if "cells" in record:
        keys = zip(effects.terms["cohort"], effects.terms["year"], strict=True)
        place = {key: row for row, key in enumerate(keys)}
        assert set(place) == {(g, t) for g, t, _, _ in record["cells"]}
        for g, t, estimate, std_error in record["cells"]:
            close(effects.estimate[place[g, t]], estimate, rtol)
            close(effects.std_error[place[g, t]], std_error, rtol)
    for kind, (estimate, std_error) in record.get("averages", {}).items():
        overall = effects.aggregate(kind).overall
        close(overall.estimate[0], estimate, rtol)
        close(overall.std_error[0], std_error, rtol)
    for last, (estimate, std_error) in record.get("balanced", {}).items():
        overall = effects.aggregate("event_time", balance=int(last)).overall
        close(overall.estimate[0], estimate, rtol)
        close(overall.std_error[0], std_error, rtol)
