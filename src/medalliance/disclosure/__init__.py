"""Disclosure control: what may be published of a table, and what can be worked out from it.

Functions of frames and arrays; nothing is read or written. Cells with their relations
(:func:`tabulate`, :func:`as_cells`, :func:`link`), primary rules (:func:`few`, :func:`dominated`),
complementary suppression (:func:`protect`) and the test of it (:func:`attack`).
"""

from ._attack import attack
from ._derived import with_bands, with_ratio
from ._estimates import FEW_COUNTIES, Support, average_relations, safe_estimates
from ._limits import Limits
from ._primary import (
    band,
    concentrated,
    concentration_need,
    dominated,
    few,
    few_staff,
    p_percent_need,
    too_few,
)
from ._protect import Protection, TooCertainError, protect
from ._safe import SUPPRESSED, Measure, SafeTable, audit, safe_table
from ._tables import TOTAL, Cells, as_cells, link, tabulate
from ._task import Need

__all__ = [
    "FEW_COUNTIES",
    "SUPPRESSED",
    "TOTAL",
    "Cells",
    "Limits",
    "Measure",
    "Need",
    "Protection",
    "SafeTable",
    "Support",
    "TooCertainError",
    "as_cells",
    "attack",
    "audit",
    "average_relations",
    "band",
    "concentrated",
    "concentration_need",
    "dominated",
    "few",
    "few_staff",
    "link",
    "p_percent_need",
    "protect",
    "safe_estimates",
    "safe_table",
    "tabulate",
    "too_few",
    "with_bands",
    "with_ratio",
]
