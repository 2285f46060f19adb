"""What others found: published effects by outcome and unit, never pooled."""

from __future__ import annotations

from .effect_contradictions import (
    cost_shift_sentence,
    funan_dingyuan,
    maryland,
    maryland_sentence,
    pay_sentence,
    youxi_sanming,
)
from .effect_designs import coverage_sentence, design_table
from .effect_exhibits import effect_table, forest
from .effect_words import DESIGNS, DIRECTIONS, FAMILIES, UNITS, effect_text, plain, study_name

__all__ = [
    "DESIGNS",
    "DIRECTIONS",
    "FAMILIES",
    "UNITS",
    "cost_shift_sentence",
    "coverage_sentence",
    "design_table",
    "effect_table",
    "effect_text",
    "forest",
    "funan_dingyuan",
    "maryland",
    "maryland_sentence",
    "pay_sentence",
    "plain",
    "study_name",
    "youxi_sanming",
]
