"""The standard names of a panel's columns, with the other names they go by."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from ..codebook import Variable, load_codebook
from ..errors import DataError, first_three
from ..paths import data_dir, reading
from ._checks import is_money
from ._units import UNITS

CODES = ("county_code", "prefecture_code", "province_code")
KEYS = ("county_code", "year", "cohort")
TEXTS = (*CODES, "county_name", "rule_id", "budget_scope", "spending_basis", "visit_def")
YEARS = (
    "year",
    "cohort",
    "code_vintage",
    "anticip_year",
    "zero_markup_year",
    "drg_year",
    "dip_year",
    "vbp_year",
    "merger_year",
    "pooling_year",
)
NA = "_na"
_NOT_COLUMNS = ("event_time",)
_UNIT = re.compile(r"[(\[{【《〔（]\s*(?:单位[:：]?)?\s*([^()（）\[\]【】]*?)\s*[)\]}】》〕）]\s*$")
_UNIT_AFTER = re.compile(r"[,，:：_/\s]\s*(?:单位[:：]?)?\s*([^\s,，:：_/]+)$")


@dataclass(frozen=True)
class Match:
    """What a column name of a file means.

    Attributes
    ----------
    column : str
        Standard name.
    unit : str or None
        Unit that the name itself states, such as ``"万元"``.
    exact : bool
        Whether the name is the standard one.
    """

    column: str
    unit: str | None
    exact: bool


@cache
def standard_columns() -> dict[str, Variable]:
    """Return the columns that a panel may have, by standard name."""
    return {
        name: variable
        for name, variable in load_codebook().variables.items()
        if variable.kind in ("key", "panel") and name not in _NOT_COLUMNS
    }


def is_standard(name: str) -> bool:
    """Return whether a name is a standard column, one of its ``_na`` codes or a ``_yuan`` name."""
    return plain_name(name) in standard_columns()


def plain_name(name: str) -> str:
    """Return the standard column that a name is a form of: ``budget_yuan_na`` is ``budget``."""
    base = name.removesuffix(NA)
    money = base.removesuffix("_yuan")
    return money if money != base and is_money(money) else base


@cache
def _index() -> dict[str, str]:
    """Map every plain form of a name, label or synonym to its standard column."""
    from yaml import safe_load

    listed = safe_load(reading(data_dir() / "synonyms.yaml").read_text(encoding="utf-8"))
    columns = standard_columns()
    problems = [f"{name} is no column" for name in listed if name not in (*columns, "quality_bp")]
    found: dict[str, str] = {}
    for name, variable in columns.items():
        found[_plain(name)] = name
        if name not in CODES:  # "county" may as well head the names
            found.setdefault(_plain(variable.en), name)
            found.setdefault(_plain(variable.zh), name)
    for name, synonyms in listed.items():
        for text in synonyms:
            owner = found.setdefault(_plain(str(text)), name)
            if owner != name:
                problems.append(f"{text} stands under {owner} and {name}")
    for stem, name in list(found.items()):
        if is_money(name):
            found.setdefault(f"{stem}yuan", name)
    found.setdefault("qualitybp", "quality_bp")
    if problems:
        raise DataError(f"synonyms.yaml: {first_three(problems)}.\n  Mend the file.")
    return found


def recognise(name: str) -> Match | None:
    """Say which standard column a name means, or ``None``.

    >>> recognise("总额预算（万元）")
    Match(column='budget', unit='万元', exact=False)
    """
    text = unicodedata.normalize("NFKC", str(name)).strip()
    base = text.removesuffix(NA)
    suffix = NA if base != text else ""
    if plain_name(text) in standard_columns():
        return Match(plain_name(text) + suffix, None, True)
    for stem, unit in _with_units(base):
        column = _index().get(_plain(stem))
        if column == "quality_bp":
            return Match(f"quality_score{suffix}", "basis points", False)
        if column:
            return Match(column + suffix, unit, False)
    return None


def _with_units(text: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = [(text, None)]
    for pattern in (_UNIT, _UNIT_AFTER):
        match = pattern.search(text)
        if match and (match[1].strip().lower() in UNITS):
            found.append((text[: match.start()], match[1].strip()))
    return found


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_\-·.'\"“”()（）,，、]+", "", folded)
