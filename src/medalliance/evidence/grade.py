"""How sure: one grading of evidence for the whole book, by rule and never by taste."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from ..errors import DataError

FEW_UNITS, FEW_TREATED = 40, 10
EXPERIMENT = ("trial",)
COMPARISON = ("did", "staggered_did", "synthetic_did", "triple_did")
ADJUSTED = ("its", "panel_fe", "panel_iv")
DESCRIPTION = ("pre_post", "cross_section", "record")


class Grade(StrEnum):
    """Grade of what is known about an effect, strongest first."""

    STRONG = "strong"
    MODERATE = "moderate"
    WEAK = "weak"
    DESCRIPTION = "description"
    MODEL = "model"
    NONE = "none"

    def label(self, lang: str = "en") -> str:
        """Return the grade in words."""
        return _LABELS[self][lang == "zh"]


_LABELS = {
    Grade.STRONG: ("strong", "较强"),
    Grade.MODERATE: ("moderate", "中等"),
    Grade.WEAK: ("weak", "较弱"),
    Grade.DESCRIPTION: ("description only", "仅为描述"),
    Grade.MODEL: ("model alone", "仅有模型"),
    Grade.NONE: ("no evidence in hand", "尚无证据"),
}
_LEVELS = tuple(Grade)
RULE = {
    "en": (
        "strong: treated and untreated units compared over time, at least {units} units and "
        "{treated} treated ones, an interval, checks of the design; moderate: the same without "
        "checks or interval, or a randomised trial; weak: fewer or uncounted units, an interrupted "
        "series, a regression; description: before and after, a cross-section, a record. "
        "Evidence from another country counts one step less, and so does a study that changed "
        "something else. Without any, the model alone, or none."
    ),
    "zh": (
        "较强：处理组与对照组跨期比较，至少{units}个单位、{treated}个处理单位，有区间，做过设计检验；"
        "中等：同样的设计但没有检验或者区间，或者随机试验；"
        "较弱：单位较少或者未写明、中断时间序列、回归；"
        "仅为描述：前后对比、横截面、账目。"
        "来自别国的证据降一级，研究改变的不是本条内容的再降一级。"
        "都没有的，仅有模型，或者尚无证据。"
    ),
}


def grade(
    design: str,
    units: int | None = None,
    treated: int | None = None,
    *,
    interval: bool = False,
    checks: int = 0,
    abroad: bool = False,
    indirect: bool = False,
) -> Grade:
    """Grade one finding from its design, its size and its checks.

    Parameters
    ----------
    design : str
        Family of the design, as ``published_effects.csv`` names it; or ``"panel_iv"``,
        ``"record"``.
    units, treated : int, optional
        Units that treatment was given to or kept from (counties, practices, not patients), and
        those that got it; what is not stated counts as few.
    interval : bool
        Whether a confidence interval is known.
    checks : int
        Checks of the design that were made: earlier trends, other estimators, placebos.
    abroad : bool
        Whether the evidence is from another country than the claim.
    indirect : bool
        Whether the study changed something else than what the claim is about.

    Raises
    ------
    DataError
        If the design has no place in the rule.
    """
    many = (units or 0) >= FEW_UNITS and (treated or 0) >= FEW_TREATED
    if design in EXPERIMENT:
        found = Grade.STRONG if many and interval and checks else Grade.MODERATE
    elif design in COMPARISON:
        whole = interval and checks > 0
        found = (Grade.STRONG if whole else Grade.MODERATE) if many else Grade.WEAK
    elif design in ADJUSTED:
        found = Grade.WEAK
    elif design in DESCRIPTION:
        return Grade.DESCRIPTION
    else:
        known = ", ".join((*EXPERIMENT, *COMPARISON, *ADJUSTED, *DESCRIPTION))
        raise DataError(f"no grade for the design {design!r}.\n  Use one of {known}.")
    return _LEVELS[min(_LEVELS.index(found) + abroad + indirect, _LEVELS.index(Grade.DESCRIPTION))]


def strongest(grades: Iterable[Grade], *, model: bool = False) -> Grade:
    """Return the strongest of several grades; without any, the model's or none."""
    return min(grades, key=_LEVELS.index, default=Grade.MODEL if model else Grade.NONE)


def rule(lang: str = "en") -> str:
    """Return the rule in words."""
    return RULE[lang].format(units=FEW_UNITS, treated=FEW_TREATED)
