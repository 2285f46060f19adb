"""Effects: the one class in which every estimate is carried."""

from ._design import Design, Regression, Units
from ._effects import FRAME_COLUMNS, Effects, terms_frame
from ._influence import CompactInfluence

__all__ = [
    "FRAME_COLUMNS",
    "CompactInfluence",
    "Design",
    "Effects",
    "Regression",
    "Units",
    "terms_frame",
]
