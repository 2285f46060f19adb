"""What a diagnostic of the two-way coefficient says about units treated from the start."""

from __future__ import annotations

from ..estimators._sample import Sample
from ..panel import many


def say_left_out(sample: Sample, *, kept: bool) -> str:
    """Say how many units treated when first seen are left out, or that they are controls."""
    if not kept:
        if not sample.n_left_out:
            return ""
        return f" {many(sample.n_left_out, 'unit')} treated when first seen left out, as in twfe."
    always = int(((sample.cohort > 0) & (sample.cohort <= sample.years[0])).sum())
    if not always:
        return ""
    return (
        f" {many(always, 'unit')} treated when first seen kept: twfe leaves them out, so its "
        "coefficient is another one."
    )
