"""The pages on what to write in a contract, in both languages, from data and results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from ..chapters import contract_clauses as book
from ..chapters import contract_example as worked
from ..evidence.grade import Grade, rule
from ..provenance import Badge
from ..show.html import sentence_html

_MOST = 6  # values shown before the others are folded
_CONTENT = "data/contract/clauses.yaml"
_CHINESE = (
    '<script>document.querySelector("article").lang = "zh-CN"; '
    'document.querySelector("article").classList.add("zh");</script>\n'
)
_ORDINALS = "一二三四五六七八九十"
_WORDS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("contract_words.json").read_text(encoding="utf-8")
)


def contract_page(lang: str) -> str:
    """Write the page on clauses in a language, as Markdown.

    Parameters
    ----------
    lang : {"en", "zh"}
    """
    words, parts = _WORDS[lang], book.clauses()
    grades = {clause.name: book.clause_grade(clause) for clause in parts}
    body = [
        f"# {words['title']}\n",
        f"{words['twin_line']}\n",
        f"{words['lead']}\n",
        _sentence(_counted(words, list(grades.values())), "REAL", _CONTENT, lang),
        f"{words['open']}\n",
        f"{words['keys']}\n",
        f'<details class="contract-rule"><summary>{words["grades"]}</summary>'
        f"{escape(rule(lang))}</details>\n",
        f"## {words['list']}\n",
        _list(parts, grades, lang),
        *(_clause(clause, grades[clause.name], lang) for clause in parts),
        _settlement(lang),
        f"## {words['draft']}\n\n{words['draft_lead']}\n",
        "```\nmedalliance contract two_sided_corridor"
        f"{' --lang zh' if lang == 'zh' else ''} -o draft.docx\n```\n",
    ]  # fmt: skip
    if lang == "zh":
        body.append(_CHINESE)
    return "\n".join(body)


def heading(clause: book.Clause, lang: str) -> str:
    """Return the heading of a clause; a Chinese one is numbered as contracts are."""
    if lang == "en":
        return clause.said("title", lang)
    tens, ones = divmod(clause.number, 10)
    number = ("十" if tens else "") + (_ORDINALS[ones - 1] if ones else "")
    return f"第{number or '十'}条　{clause.said('title', lang)}"


def _counted(words: dict[str, str], grades: list[Grade]) -> str:
    count = {grade: grades.count(grade) for grade in Grade}
    return words["found"].format(
        n=len(grades), sure=count[Grade.STRONG] + count[Grade.MODERATE], weak=count[Grade.WEAK],
        told=count[Grade.DESCRIPTION], model=count[Grade.MODEL], none=count[Grade.NONE],
    )  # fmt: skip


def _sentence(text: str, badge: str, source: str, lang: str) -> str:
    record = {"badge": Badge(badge), "text": text, "source": source, "lang": lang}
    return sentence_html(record) + "\n"


def _list(parts: Iterable[book.Clause], grades: dict[str, Grade], lang: str) -> str:
    items = "".join(
        f'<li><a href="#clause-{clause.name}">{escape(heading(clause, lang))}</a> '
        f"<span>{grades[clause.name].label(lang)}</span></li>"
        for clause in parts
    )
    return f'<ul class="contract-list">{items}</ul>\n'


def _clause(clause: book.Clause, sure: Grade, lang: str) -> str:
    words = _WORDS[lang]
    line, seen = book.seen(clause, lang)
    real = [
        _sentence(f"{one.place}{'：' if lang == 'zh' else ': '}{one.text} "
                  f"[{one.grade.label(lang)}]", one.badge, one.source, lang)
        for one in book.findings(clause, lang)
    ]  # fmt: skip
    model = book.model(clause, lang)
    modelled = (
        _sentence(model.text, model.badge, model.source, lang)
        if model
        else f"{words['no_model']}\n"
    )
    note = clause.said("note", lang)
    setting = book.laboratory_setting(clause)
    out = [
        f'<span id="clause-{clause.name}" class="contract-anchor"></span>\n',
        f"## {heading(clause, lang)}\n",
        f'<p class="contract-grade grade-{sure}">'
        f"{words['grade'].format(grade=sure.label(lang))}</p>\n",
        f'<div class="contract-wording">\n\n{_wording(clause, lang)}\n\n</div>\n',
        f"**{words['seen']}**\n",
        f"{line}\n" if line else "",
        _values(seen, lang),
        f"**{words['real']}**\n",
        *(real or [f"{words['no_real']}\n"]),
        f"**{words['model']}**\n",
        modelled,
        f"**{words['asks']}**\n",
        _values(book.asks(clause, lang), lang),
        f"**{words['note']}**{'：' if lang == 'zh' else ': '}{note}\n" if note else "",
        f"{words['deposit']}\n" if clause.name == "audit" else "",
        f"**{words['without']}**{'：' if lang == 'zh' else ': '}{clause.said('without', lang)}\n",
    ]  # fmt: skip
    if setting is not None:
        query = urlencode([*setting.items(), *([("lang", "zh")] if lang == "zh" else [])])
        out.append(
            f'<p><a class="contract-try" href="laboratory.html?{escape(query)}">'
            f"{words['laboratory']}</a></p>\n"
        )
    return "\n".join(part for part in out if part)


def _wording(clause: book.Clause, lang: str) -> str:
    """Write the wording, its blanks marked; text that a search finds."""
    marked = ""
    for piece in book.pieces(clause, lang):
        text = escape(piece.text)
        marked += f'<span class="contract-blank">{text}</span>' if piece.name else text
    return marked.replace("_", "\\_")


def _values(values: list[book.Seen], lang: str) -> str:
    """Write values that texts state, the many folded, each with its depth and source."""
    if not values:
        return ""
    items = [
        f"<li>{escape(one.text)} <span class=\"exhibit-source\">"
        f"({escape(one.depth)}; {escape(one.source_id)})</span></li>"
        for one in values
    ]  # fmt: skip
    more = ""
    if len(items) > _MOST:
        said = _WORDS[lang]["more"].format(n=len(items) - _MOST)
        more = f"<details><summary>{said}</summary><ul>{''.join(items[_MOST:])}</ul></details>"
    shown = f"<ul>{''.join(items[:_MOST])}</ul>"
    return f'<div class="contract-values" data-badge="REAL">{shown}{more}</div>\n'


# --- the worked settlement ------------------------------------------------------------------------
def _settlement(lang: str) -> str:
    words, settled = _WORDS[lang], worked.example()
    name = settled.rules.name
    source = words["example_source"].format(rules=name.zh if lang == "zh" else name.en)
    parts = [f"## {words['example']}\n", f"{words['example_lead']}\n"]
    for year in worked.years(settled):
        lines = worked.lines(settled, year, lang)
        side = next(line.label for line in lines if line.key in ("surplus", "deficit"))
        caption = words["caption"].format(side=side, year=year)
        parts.append(_figure(lines, caption, source, lang))
    return "\n".join(parts)


def _figure(lines: list[worked.Line], caption: str, source: str, lang: str) -> str:
    """Write a year as a picture of bars, then as a table."""
    words = _WORDS[lang]
    badge = '<span class="exhibit-badge badge-illustrative">ILLUSTRATIVE</span>'
    rows = "".join(
        f'<tr class="level-{line.level}"><th scope="row">{escape(line.label)}</th>'
        f"<td>{line.wan}</td></tr>"
        for line in lines
    )
    table = (
        f'<table class="contract-settlement"><thead><tr><th scope="col">{words["line"]}</th>'
        f'<th scope="col">{words["amount"]}</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    return (
        f'<figure class="exhibit contract-example" data-badge="ILLUSTRATIVE"><figcaption>{badge} '
        f"{escape(caption)}</figcaption>{_bars(lines, caption)}{table}"
        f'<p class="exhibit-source">{words["source"]}{escape(source)}</p></figure>\n'
    )


def _bars(lines: list[worked.Line], caption: str) -> str:
    """Draw what becomes of the surplus or overspend: a bar a line, to one scale."""
    drawn = [line for line in lines if line.key in ("surplus", "deficit") or line.level in (1, 2)]
    top = max(line.fen for line in drawn)
    height, wide = 34, 360
    parts = []
    for place, line in enumerate(drawn):
        y = place * height
        size = max(line.fen / top * wide, 0.5)
        colour = {0: "#0173b2", 1: "#be7cb0"}.get(line.level, "#dd7b00")
        if line.key in ("retained", "owed"):
            colour = "#009c70"
        parts.append(
            f'<text x="0" y="{y + 13}">{escape(line.label)}</text>'
            f'<text x="{wide}" y="{y + 13}" text-anchor="end">{line.wan}</text>'
            f'<rect x="0" y="{y + 18}" width="{size:.1f}" height="9" fill="{colour}"/>'
        )
    said = "; ".join(f"{line.label} {line.wan}" for line in drawn)
    return (
        '<svg class="lab-picture contract-bars" role="img" '
        f'viewBox="0 0 {wide} {len(drawn) * height}" '
        f'aria-label="{escape(caption)}: {escape(said)}">{"".join(parts)}</svg>'
    )
