"""The pages on what to write in a contract, in both languages, from data and results."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from ..chapters import contract_clauses as book
from ..chapters import contract_example as worked
from ..evidence.grade import Grade, rule
from ..provenance import Badge
from ..show.html import sentence_html

_MOST = 6  # values shown before the others are folded
_ORDINALS = "一二三四五六七八九十"
_WORDS = {
    "en": {
        "title": "What to write in a contract",
        "other": "中文：合同条款",
        "twin": "contract-zh.html",
        "lead": "You sign a contract with a county medical alliance. This page gives the clauses: wording to fill in, the values that texts state, what is known of each, and what goes wrong without it.",
        "found": "Of {n} clauses {sure} rest on evidence that is at least moderate, {weak} on weak evidence, {told} on a description, {model} on the book's model alone, {none} on official words alone.",
        "open": "No text of a county alliance that we read states which part of a surplus is kept, how an overspend is shared, or how either is divided among county, township and village. A blank here means that it is not in what we read; most texts were read in part.",
        "grades": "How sure",
        "list": "The clauses",
        "wording": "Wording",
        "seen": "Values seen in texts",
        "more": "{n} further texts",
        "real": "What real evidence says",
        "no_real": "We found no study of this clause.",
        "model": "What the model says",
        "no_model": "The model does not reach this clause.",
        "asks": "Official words that ask for it",
        "note": "Mind",
        "without": "Without it",
        "grade": "How sure: {grade}",
        "laboratory": "Try it in the laboratory",
        "source": "Source: ",
        "example": "One settlement through the whole contract",
        "example_lead": "An invented alliance: one hospital, three township centres, two groups of village clinics. Every share is assumed. In the first year it saves, in the second it overspends.",
        "caption": "The {side} of {year} from the budget to each member, in units of 10,000 yuan (万元), to the fen",
        "line": "line", "amount": "10,000 yuan (万元)",
        "example_source": "rules “{rules}” of the book and its example ledger; every share is assumed",
        "draft": "Take a draft home",
        "draft_lead": "The command below writes this contract in Word, filled from a rule file or from an address of the laboratory. What the rules leave open is printed as a blank, with the reason.",
        "deposit": "Two things are easily confused. The quality deposit is held back from what is due and paid by the score. The reserve is set aside from the budget and pays compensation and overspend.",
    },
    "zh": {
        "title": "合同条款：与医共体签约怎么写",
        "other": "English: What to write in a contract",
        "twin": "contract.html",
        "lead": "与紧密型县域医共体签订医保服务协议、实行总额付费，条款怎么写？本页逐条给出可以填写的文字、文件中见到的取值、证据有多大把握，以及不写会出什么问题。",
        "found": "{n}条之中，证据在中等以上的{sure}条，较弱的{weak}条，仅为描述的{told}条，仅有本书模型的{model}条，只有官方文件要求的{none}条。",
        "open": "结余留用比例、合理超支分担比例、县乡村三级怎么分，我们读到的县域医共体文本都没有写明。空白的意思是“所读文本中没有”，多数文本只读过一部分。",
        "grades": "把握有多大",
        "list": "条款目录",
        "wording": "条款文字",
        "seen": "文件中的取值",
        "more": "另有{n}份文本",
        "real": "真实证据",
        "no_real": "没有查到针对本条的研究。",
        "model": "模型怎么说",
        "no_model": "模型没有讲到本条。",
        "asks": "官方文件依据",
        "note": "留意",
        "without": "不写会怎样",
        "grade": "把握：{grade}",
        "laboratory": "到规则实验室试一试",
        "source": "来源：",
        "example": "清算示例：从总额到每一家",
        "example_lead": "医共体是虚构的：一家牵头医院、三家乡镇卫生院、两组村卫生室，全部比例均为假定。第一年结余，第二年超支。",
        "caption": "{year}年{side}：从总额预算到每个成员单位（万元，精确到分）",
        "line": "项目", "amount": "万元",
        "example_source": "本书规则“{rules}”和示例台账，全部比例均为假定",
        "draft": "带走一份草稿",
        "draft_lead": "下面的命令按规则文件或者实验室网址写出Word草稿；规则没有写明的，印成空白并注明原因。",
        "deposit": "两笔钱容易混：质量保证金是从应付额中预留、按考核结果拨付的；调剂金是从总额预算中预留、用于合理补偿和超支分担的。",
    },
}  # fmt: skip


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
        f'<p class="contract-twin"><a href="{words["twin"]}" lang="{_other(lang)}">{words["other"]}</a></p>\n',
        f"{words['lead']}\n",
        _sentence(_counted(words, list(grades.values())), "REAL", "data/contract/clauses.yaml", lang),
        f"{words['open']}\n",
        f'<details class="contract-rule"><summary>{words["grades"]}</summary>{escape(rule(lang))}</details>\n',
        f"## {words['list']}\n",
        _list(parts, grades, lang),
        *(_clause(clause, grades[clause.name], lang) for clause in parts),
        _settlement(lang),
        f"## {words['draft']}\n\n{words['draft_lead']}\n",
        "```\nmedalliance contract two_sided_corridor"
        f"{' --lang zh' if lang == 'zh' else ''} -o draft.docx\n```\n",
    ]  # fmt: skip
    if lang == "zh":
        body.append('<script>document.querySelector("article").lang = "zh-CN"; '
                    'document.querySelector("article").classList.add("zh");</script>\n')  # fmt: skip
    return "\n".join(body)


def heading(clause: book.Clause, lang: str) -> str:
    """Return the heading of a clause; a Chinese one is numbered as contracts are."""
    if lang == "en":
        return clause.said("title", lang)
    tens, ones = divmod(clause.number, 10)
    number = ("十" if tens else "") + (_ORDINALS[ones - 1] if ones else "")
    return f"第{number or '十'}条　{clause.said('title', lang)}"


def _other(lang: str) -> str:
    return "en" if lang == "zh" else "zh-CN"


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
    modelled = _sentence(model.text, model.badge, model.source, lang) if model else f"{words['no_model']}\n"
    note = clause.said("note", lang)
    setting = book.laboratory_setting(clause)
    out = [
        f'<span id="clause-{clause.name}" class="contract-anchor"></span>\n',
        f"## {heading(clause, lang)}\n",
        f'<p class="contract-grade grade-{sure}">{words["grade"].format(grade=sure.label(lang))}</p>\n',
        f'<div class="contract-wording">{_wording(clause, lang)}</div>\n',
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
            f'<p><a class="contract-try" href="laboratory.html#{escape(query)}">'
            f"{words['laboratory']}</a></p>\n"
        )
    return "\n".join(part for part in out if part)


def _wording(clause: book.Clause, lang: str) -> str:
    """Write the wording, its blanks marked; text that a search finds."""
    return "".join(
        f'<span class="contract-blank">{escape(piece.text)}</span>' if piece.name else escape(piece.text)
        for piece in book.pieces(clause, lang)
    )  # fmt: skip


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
        f'<svg class="lab-picture contract-bars" role="img" viewBox="0 0 {wide} {len(drawn) * height}" '
        f'aria-label="{escape(caption)}: {escape(said)}">{"".join(parts)}</svg>'
    )
