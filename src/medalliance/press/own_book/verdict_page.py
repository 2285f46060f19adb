"""The verdict on one page: HTML, Word and PDF, in Chinese or English."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from ...evidence.grade import rule
from ...provenance import Badge
from ...registered.verdict import Answer, Group, Verdict
from ...show.documents import undated

LANGUAGES = ("en", "zh")
STEM = "verdict"
_BREAKDOWN = 1.0  # a break as large as the largest one before the start
_SMALL_P = 0.05

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "What the reform changed in your counties",
        "compared": "Compared: {treated} counties under contract with {others} that were not yet, "
        "or never, {first} to {last}; {clusters} clusters. Counted are the first {years} after "
        "the start; one year before it is left out, as counties may respond early.",
        "money": "Fund surplus per insured", "spending": "Fund spending per insured",
        "visits": "Primary care's share of visits", "pay": "Pay per post, {tier}",
        "township": "township", "hospital": "county hospital", "village": "village",
        "unit_money": "yuan", "unit_visits": "points", "unit_pay": "percent",
        "year": "year", "years": "{n} years",
        "up": "rose by {size} {unit} against the counties compared ({low} to {high}).",
        "down": "fell by {size} {unit} against the counties compared ({low} to {high}).",
        "unclear": "no clear change: {estimate} {unit}; anything from {low} to {high} fits the "
        "data.",
        "no_interval": "{estimate} {unit}; too few clusters for an interval.",
        "sure": "How sure: {grade}. {pretrend} {breakdown}",
        "pre_ok": "Earlier years show no different path (p = {p}).",
        "pre_bad": "The counties already moved apart before the start (p = {p}): read the number "
        "with doubt.",
        "pre_none": "The years before the start cannot be tested.",
        "break": "The sign holds while a break after the start is at most {m} times the largest "
        "one before it.",
        "break_all": "The sign holds even if the path breaks twice as much as ever before.",
        "break_none": "No breakdown value can be given.",
        "break_zero": "The interval holds zero without any break, so there is no sign to lose.",
        "who": "Who gained", "all": "all", "effect": "effect", "counties": "counties",
        "interval": "95 % interval", "group": "counties with",
        "size_lower": "fewer insured", "size_upper": "more insured",
        "income_lower": "lower fiscal capacity", "income_upper": "higher fiscal capacity",
        "baseline_lower": "low share of primary care before",
        "baseline_upper": "high share of primary care before",
        "prefecture": "prefecture {name}",
        "paste_head": "To paste into a report",
        "paste": "In {treated} counties under contract, compared with {others} counties not (yet) "
        "under contract, {first} to {last}: {facts} Intervals are 95 %. The evidence is graded "
        "{grade} by a fixed rule.",
        "cannot": "What these data cannot say",
        "cannot_lines": "Whether patients were better or worse off: no outcome of health is in the "
        "table.|Whether the contract or something that came with it did it: what changed in the "
        "same counties and years is counted with it.|What would happen in counties that differ "
        "from these.|Which clause did it: a county's terms came together.",
        "refused": "Not answered: {name}. {why}",
        "rule": "The grade's rule: {rule}",
        "badge": "YOUR DATA", "rest": "The chapters behind this page: index.html, once it is "
        "built.", "nothing": "No question can be answered from this table.",
    },
    "zh": {
        "title": "改革给各县带来了什么变化",
        "compared": "比较对象：{treated}个已实施的县与{others}个尚未实施或者从未实施的县，"
        "{first}年至{last}年，"
        "{clusters}个聚类单位。计入实施后头{years}；实施前一年不计，因为各县可能提前反应。",
        "money": "人均基金结余", "spending": "人均基金支出", "visits": "基层诊疗量占比",
        "pay": "人均薪酬（{tier}）", "township": "乡镇卫生院", "hospital": "县级医院",
        "village": "村卫生室",
        "unit_money": "元", "unit_visits": "个百分点", "unit_pay": "%",
        "year": "1年", "years": "{n}年",
        "up": "比对照县多升{size}{unit}（区间{low}至{high}）。",
        "down": "比对照县多降{size}{unit}（区间{low}至{high}）。",
        "unclear": "没有明确变化：{estimate}{unit}；{low}至{high}之间的数都与数据相符。",
        "no_interval": "{estimate}{unit}；聚类单位太少，给不出区间。",
        "sure": "把握程度：{grade}。{pretrend}{breakdown}",
        "pre_ok": "实施前各年走势没有差别（p = {p}）。",
        "pre_bad": "实施前两组已经走向不同（p = {p}），这个数要存疑。",
        "pre_none": "实施前各年无法检验。",
        "break": "只要实施后的偏离不超过实施前最大偏离的{m}倍，方向不变。",
        "break_all": "即使实施后的偏离达到实施前最大偏离的两倍，方向也不变。",
        "break_none": "给不出临界值。", "break_zero": "区间本来就包含零，谈不上方向。",
        "who": "谁得益", "all": "全部", "effect": "变化", "counties": "县数",
        "interval": "95%区间", "group": "哪些县",
        "size_lower": "参保人较少", "size_upper": "参保人较多",
        "income_lower": "财力较弱", "income_upper": "财力较强",
        "baseline_lower": "原基层占比较低", "baseline_upper": "原基层占比较高",
        "prefecture": "{name}所属各县",
        "paste_head": "可直接写入报告的话",
        "paste": "{first}年至{last}年，{treated}个已实施的县与{others}个未实施的县相比：{facts}"
        "区间均为95%。按固定规则，证据等级为“{grade}”。",
        "cannot": "这些数据说不了什么",
        "cannot_lines": "患者是否受益：表中没有健康结果。|是合同本身还是同时发生的其他变化所致："
        "同一批县、同一时期的其他变化一并计入。|与这些县不同的县会怎样。|哪一条款起了作用：各条款同时实施。",
        "refused": "未能回答：{name}。{why}", "rule": "等级规则：{rule}",
        "badge": "您的数据", "rest": "本页所依据的各章见 index.html（生成后）。",
        "nothing": "这张表回答不了任何问题。",
    },
}  # fmt: skip

_STYLE = (
    "body{font:17px/1.6 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;max-width:46rem;"
    "margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}h1{font-size:1.6rem}"
    "h2{font-size:1.15rem;margin:1.6rem 0 .2rem}.say{font-size:1.1rem;margin:.2rem 0}"
    ".sure,.small{font-size:.9rem;color:#4a5058;margin:.2rem 0}table{border-collapse:collapse;"
    "font-size:.9rem}td,th{padding:.15rem .9rem .15rem 0;text-align:left}td.n{text-align:right}"
    ".badge{font-size:.7rem;border:1px solid;border-radius:3px;padding:0 .35em}"
    "blockquote{margin:.4rem 0;padding:.4rem .9rem;border-left:4px solid #0b6e4f;"
    "background:#f2f7f5}"
    ".scroll{overflow-x:auto}"
    "@media (prefers-color-scheme:dark){body{color:#e6e8eb;background:#16191d}.sure,.small{color:"
    "#aab1ba}blockquote{background:#1d2724}}"
)


@dataclass(frozen=True)
class Part:
    """One part of the page.

    Attributes
    ----------
    kind : str
        ``"title"``, ``"head"``, ``"say"``, ``"small"``, ``"quote"``, ``"item"`` or ``"table"``.
    text : str
    rows : tuple of tuple of str
        Of a table, the first names the columns.
    """

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def parts_of(found: Verdict, lang: str) -> list[Part]:
    """Write the page as a list of parts, from which each format is made."""
    words = WORDS[lang]
    if not found.answers:
        parts = [Part("title", words["title"]), Part("say", words["nothing"])]
        return [*parts, *_refused(found, words)]
    years = max(answer.horizon for answer in found.answers) + 1
    counted = words["year"] if years == 1 else words["years"].format(n=years)
    told: dict[str, Any] = {
        "treated": found.n_treated, "others": found.n_units - found.n_treated,
        "first": found.years[0], "last": found.years[1], "clusters": found.n_clusters,
        "years": counted,
    }  # fmt: skip
    parts = [Part("title", words["title"]), Part("small", words["compared"].format(**told))]
    facts = []
    for answer in found.answers:
        name, said = name_of(answer, words), sentence_of(answer, words)
        facts.append(f"{name}{'：' if lang == 'zh' else ': '}{said}")
        parts += [
            Part("head", name),
            Part("say", said),
            Part("small", sure_of(answer, words, lang)),
        ]
        if answer.groups:
            parts.append(Part("table", words["who"], _group_rows(answer, words)))
    weakest = max(
        (answer.grade for answer in found.answers),
        key=[*type(found.answers[0].grade)].index,
    )
    joined = ("" if lang == "zh" else " ").join(facts)
    told |= {"facts": joined, "grade": weakest.label(lang)}
    parts += [Part("head", words["paste_head"]), Part("quote", words["paste"].format(**told))]
    parts.append(Part("head", words["cannot"]))
    parts += [Part("item", line) for line in words["cannot_lines"].split("|")]
    parts += _refused(found, words)
    return [
        *parts,
        Part("small", words["rule"].format(rule=rule(lang))),
        Part("small", words["rest"]),
    ]


def _refused(found: Verdict, words: Mapping[str, str]) -> list[Part]:
    return [
        Part(
            "item", words["refused"].format(name=words[name].split("（")[0].split(",")[0], why=why)
        )
        for name, why in found.refused.items()
    ]


def name_of(answer: Answer, words: Mapping[str, str]) -> str:
    """Return what an answer is about, in words."""
    if answer.question == "pay":
        return words["pay"].format(tier=words[answer.outcome.rpartition("_")[2]])
    return words["spending" if answer.outcome.startswith("spending") else answer.question]


def sentence_of(answer: Answer, words: Mapping[str, str]) -> str:
    """Return an answer's sentence: a clear change, none, or one without an interval."""
    unit, places = words[f"unit_{answer.question}"], 0 if answer.question == "money" else 1
    number = {
        "estimate": _signed(answer.estimate, places), "unit": unit,
        "low": _signed(answer.low, places), "high": _signed(answer.high, places),
        "size": f"{abs(answer.estimate):,.{places}f}",
    }  # fmt: skip
    if answer.low != answer.low or answer.high != answer.high:
        return words["no_interval"].format(**number)
    kind = "unclear" if not answer.clear else "up" if answer.estimate > 0 else "down"
    return words[kind].format(**number)


def sure_of(answer: Answer, words: Mapping[str, str], lang: str) -> str:
    """Return how sure an answer is: its grade, the years before, the breakdown value."""
    p, m = answer.pretrend, answer.breakdown
    pre = "pre_none" if p != p else "pre_bad" if p < _SMALL_P else "pre_ok"
    kind = "break"
    if not answer.clear:
        kind = "break_zero"
    elif m != m:
        kind = "break_none"
    elif m >= 2:
        kind = "break_all"
    return (
        words["sure"]
        .format(
            grade=answer.grade.label(lang),
            pretrend=words[pre].format(p=f"{p:.2f}" if p >= 0.01 else "< 0.01"),
            breakdown=words[kind].format(m=f"{m:.2f}"),
        )
        .strip()
    )


def _group_rows(answer: Answer, words: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    places = 0 if answer.question == "money" else 1
    unit = words[f"unit_{answer.question}"]
    head = (words["group"], words["counties"], f"{words['effect']} ({unit})", words["interval"])
    rows = [head]
    for group in answer.groups:
        interval = "–"
        if group.low == group.low:
            interval = f"{_signed(group.low, places)} … {_signed(group.high, places)}"
        shown = "–" if group.estimate != group.estimate else _signed(group.estimate, places)
        rows.append((_group_name(group, words), str(group.n_units), shown, interval))
    return tuple(rows)


def _group_name(group: Group, words: Mapping[str, str]) -> str:
    if group.trait == "prefecture":
        return words["prefecture"].format(name=group.name)
    return words.get(
        f"{group.trait}_{group.name}", f"{words[f'{group.trait}_lower']} ({group.name})"
    )


def _signed(number: float, places: int) -> str:
    if number != number:
        return "–"
    text = f"{number:+,.{places}f}".replace("-", "\u2212")
    return text[1:] if not text.strip("+\u22120.,") else text


# --- formats ------------------------------------------------------------------------------------
def verdict_files(found: Verdict, lang: str) -> dict[str, bytes]:
    """Return the page as HTML, Word and PDF, by name."""
    parts = parts_of(found, lang)
    return {
        f"{STEM}.html": _html(parts, lang, found.provenance.badge).encode("utf-8"),
        f"{STEM}.docx": _word(parts, WORDS[lang]["badge"]),
        f"{STEM}.pdf": _pdf(parts, WORDS[lang]["badge"]),
    }


def _html(parts: list[Part], lang: str, badge: Badge) -> str:
    tags = {"head": "h2", "say": 'p class="say"', "small": 'p class="small"', "quote": "blockquote"}
    body, inside = [], False
    for part in parts:
        if inside and part.kind != "item":
            body.append("</ul>")
        if part.kind == "item":
            body.append(f"{'' if inside else '<ul>'}<li>{escape(part.text)}</li>")
        elif part.kind == "title":
            word = f'<span class="badge" data-badge="{badge.value}">{WORDS[lang]["badge"]}</span>'
            body.append(f"<h1>{escape(part.text)} {word}</h1>")
        elif part.kind == "table":
            body.append(_html_table(part))
        else:
            tag = tags[part.kind]
            body.append(f"<{tag}>{escape(part.text)}</{tag.split()[0]}>")
        inside = part.kind == "item"
    return (
        f'<!doctype html><html lang="{"zh-CN" if lang == "zh" else "en"}"><head><meta charset='
        '"utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>'
        f"{escape(parts[0].text)}</title><style>{_STYLE}</style></head><body>{''.join(body)}"
        "</body></html>\n"
    )


def _html_table(part: Part) -> str:
    head, *rows = part.rows
    top = "".join(f"<th scope='col'>{escape(text)}</th>" for text in head)
    below = "".join(
        "<tr>" + "".join(
            f"<td{' class=n' if k else ''}>{escape(text)}</td>" for k, text in enumerate(row)
        ) + "</tr>"
        for row in rows
    )  # fmt: skip
    title = f"<summary>{escape(part.text)}</summary>"
    return (
        f'<details open>{title}<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr>'
        f"</thead><tbody>{below}</tbody></table></div></details>"
    )


def _word(parts: list[Part], badge: str) -> bytes:
    import docx
    from docx.shared import Pt

    from ...show.documents import set_fonts

    document = docx.Document()
    set_fonts(document)
    document.core_properties.title = parts[0].text
    document.core_properties.author = document.core_properties.comments = ""
    sizes = {"title": 16, "head": 12, "say": 11.5, "small": 9, "quote": 10.5, "item": 10.5}
    for part in parts:
        if part.kind == "table":
            _word_rows(document, part)
            continue
        paragraph = document.add_paragraph(style="List Bullet" if part.kind == "item" else None)
        run = paragraph.add_run(part.text + (f" [{badge}]" if part.kind == "title" else ""))
        run.font.size, run.bold = Pt(sizes[part.kind]), part.kind in ("title", "head")
        run.italic = part.kind == "quote"
        paragraph.paragraph_format.space_after = Pt(3)
    buffer = io.BytesIO()
    document.save(buffer)
    return undated(buffer.getvalue())


def _word_rows(document: Any, part: Part) -> None:
    from docx.shared import Pt

    grid = document.add_table(rows=len(part.rows), cols=len(part.rows[0]))
    for row, texts in zip(grid.rows, part.rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            run = cell.paragraphs[0].add_run(text)
            run.font.size = Pt(9)


def _pdf(parts: list[Part], badge: str) -> bytes:
    """Draw the page as a PDF; a second page begins where the first is full."""
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    from ...show.plots import FONTS

    look = {"title": (15, "bold"), "head": (11.5, "bold"), "say": (10.5, "normal"),
            "small": (8, "normal"), "quote": (9.5, "normal"), "item": (9, "normal"),
            "table": (8, "normal")}  # fmt: skip
    buffer = io.BytesIO()
    pages = PdfPages(buffer, metadata={"CreationDate": None, "Title": parts[0].text})
    figure, top = Figure(figsize=(8.27, 11.69)), 0.95
    for part in parts:
        size, weight = look[part.kind]
        text = part.text + (f"  [{badge}]" if part.kind == "title" else "")
        lines = _wrapped(f"• {text}" if part.kind == "item" else text, round(990 / size))
        if part.kind == "table":
            lines = [part.text]
        step = 1.5 * size / 842
        for line in lines:
            figure, top = _room(pages, figure, top, step)
            figure.text(0.08, top, line, size=size, weight=weight, va="top", family=FONTS)
            top -= step
        for row in part.rows:
            figure, top = _room(pages, figure, top, step)
            for place, cell in zip((0.1, 0.5, 0.6, 0.75), row, strict=False):
                figure.text(place, top, cell, size=size, va="top", family=FONTS)
            top -= step
        top -= 0.004
    pages.savefig(figure)
    pages.close()
    return buffer.getvalue()


def _room(pages: Any, figure: Any, top: float, step: float) -> tuple[Any, float]:
    if top - step > 0.04:
        return figure, top
    pages.savefig(figure)
    return type(figure)(figsize=(8.27, 11.69)), 0.95


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text; a Chinese character takes two places."""
    if text.isascii() or sum(letter > "\u2e7f" for letter in text) < len(text) / 3:
        return textwrap.wrap(text, width)
    lines, line, taken = [], "", 0
    for letter in text:
        wide = 2 if letter > "\u2e7f" else 1
        if taken + wide > width * 0.93:
            lines.append(line)
            line, taken = "", 0
        line, taken = line + letter, taken + wide
    return [*lines, line]
