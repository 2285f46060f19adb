"""Effects: the one class for estimates, with the cluster sums and bands it answers by."""

from ._design import FIXEST, NEYMAN, UNSCALED, Design, Regression, Units
from ._effects import Effects
from ._estimates import FRAME_COLUMNS
from ._findings import findings_of
from ._influence import CompactInfluence
from ._need import need_effects
from ._stack import split_by_outcome, stack_effects
from ._terms import cell_terms, terms_frame
from .compare import Comparison, compare, headline

__all__ = [
    "FIXEST",
    "FRAME_COLUMNS",
    "NEYMAN",
    "UNSCALED",
    "CompactInfluence",
    "Comparison",
    "Design",
    "Effects",
    "Regression",
    "Units",
    "cell_terms",
    "compare",
    "findings_of",
    "headline",
    "need_effects",
    "split_by_outcome",
    "stack_effects",
    "terms_frame",
]
