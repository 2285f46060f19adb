"""The template of a case: the skeleton of its rule file, the fixed sections of its page."""

from __future__ import annotations

import json
import re

from ..errors import DataError
from ..reforms import core_fields, rule_fields
from .notebooks import METADATA

SECTIONS = (
    "Question",
    "Rules then and now",
    "Figures",
    "Embedding",
    "What a settlement would need",
    "What could be wrong",
    "Sources",
)
_RULES = (
    "The table holds each rule with its dates, the source's own words and the id of the source. "
    "A part that no text in hand states says *not in what was read*."
)
_FIGURES = (
    "Percentages stand as printed, amounts in full units, both beside the source's own words. A "
    "change from before to after is not an effect: nothing in these tables says what would have "
    "happened otherwise."
)
_EMBEDDING = (
    "How deeply is insurance embedded in primary care here? A code from 0 to 3 answers a question "
    "of the grid where a text in hand speaks of it. The codes are our reading of these words. A "
    "question that is not listed is blank, which is no zero. The steps are dated acts and findings."
)
_SETTLEMENT = (
    "No settlement stands here. The terms that were not found would have to be invented, and would "
    "look like this case's own. Worked settlements by type of rule stand in "
    "[Who gets each yuan?](../who-gets-each-yuan.ipynb)."
)


def case_rules_text(slug: str) -> str:
    """Return the skeleton of a rule file: every core field, not yet published.

    Raises
    ------
    DataError
        If the slug is not of the form ``county_province``.
    """
    county = _county(slug)
    fields = rule_fields()
    lines = [
        "# Every value needs a status, and a source unless it is assumed or was not read.",
        "# All fields: data/reforms/_fields.yaml. Rates are 0-1. Dates: 2018, 2018-01, 2018-01-31.",
        f"id: {slug}",
        "kind: case",
        "name:",
        f"  en: {county}",
        f"  zh: {county}  # in Chinese characters",
        "place:",
        f"  en: {county}",
        f"  zh: {county}  # in Chinese characters",
        "currency: CNY",
        "parameters:",
    ]
    group = None
    for name in core_fields():
        if fields[name].group != group:
            group = fields[name].group
            lines.append(f"  # {group}")
        lines += [f"  {name}:  # {fields[name].definition}", "    - status: not_read"]
    return "\n".join(lines) + "\n"


def case_notebook_text(
    slug: str,
    *,
    title: str | None = None,
    question: str = "What does this case do that others do not, and what would we have to know?",
    rules: str = _RULES,
    figures: str = _FIGURES,
    wrong: str = "Say what could make the rules, the figures or the reading of them wrong.",
) -> str:
    """Return the notebook of a case page: fixed sections, a paragraph or more of prose in each.

    Parameters
    ----------
    slug : str
        Name of the rule file.
    title : str, optional
        Heading of the page; by default the county's name.
    question, rules, figures, wrong : str
        Markdown of the sections.
    """
    texts = dict(
        zip(SECTIONS, (question, rules, figures, _EMBEDDING, _SETTLEMENT, wrong, ""), strict=True)
    )
    code = {
        "Question": [f'import medalliance as ma\n\npage = ma.case_page("{slug}")\npage.summary()'],
        "Rules then and now": ["page.contract()", "page.timeline()"],
        "Figures": ["page.picture()", "page.figures()", "page.effects()"],
        "Embedding": ["page.embedding()", "page.steps()"],
        "What a settlement would need": ["page.missing()"],
        "What could be wrong": [],
        "Sources": ["page.sources()"],
    }
    cells = [_cell("markdown", f"# {title or _county(slug)}")]
    for section in SECTIONS:
        body = f"## {section}\n\n{texts[section]}".strip()
        cells.append(_cell("markdown", body))
        cells += [_cell("code", text) for text in code[section]]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02d}"
    notebook = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def listed_case(order: str, slug: str) -> str | None:
    """Return the book's order with a new case after the last one, or None if it lists no case.

    Parameters
    ----------
    order : str
        Text of ``_toc.yml``.
    slug : str
        Name of the rule file.
    """
    lines = order.splitlines(keepends=True)
    cases = [i for i, line in enumerate(lines) if re.match(r"\s*- file: cases/", line)]
    if not cases:
        return None
    last = lines[cases[-1]].rstrip("\n")
    indent = last[: len(last) - len(last.lstrip())]
    above = [*lines[: cases[-1]], f"{last}\n"]
    return "".join([*above, f"{indent}- file: cases/{slug}\n", *lines[cases[-1] + 1 :]])


def _cell(kind: str, text: str) -> dict[str, object]:
    cell: dict[str, object] = {
        "cell_type": kind,
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _county(slug: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", slug):
        raise DataError(
            f"{slug!r} is no name of a case.\n"
            "  Write county_province in small letters, such as deqing_zhejiang: "
            "two provinces may have a county of that name."
        )
    return " ".join(part.capitalize() for part in slug.split("_")[:-1])
