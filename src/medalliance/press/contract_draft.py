"""A draft contract in Word, from rules: clauses filled, example attached, sources in an annex."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..chapters import contract_clauses as book
from ..chapters import contract_example as worked
from ..chapters.contract_settings import NAME
from ..errors import RuleError
from ..evidence.quoting import facts
from ..reforms import Rules, load_rules, rule_fields
from ..settlement.settlement import Settlement
from ..show.documents import EAST_ASIAN, GREY, LATIN, undated
from .contract_page import heading

_WORDS = {
    "en": {
        "title": "Service agreement with a county medical alliance: draft",
        "from": "Filled from: {name}.",
        "key": "Values in italics are assumed: nobody's rule. Underlined places are open; below "
        "each clause stands why. The grade says how sure the evidence on the clause is.",
        "marked": "Values marked * are assumed: nobody's rule.",
        "open": "To decide",
        "between": "; ",
        "reason": "{blank}: {reason}",
        "grade": "Evidence: {grade}",
        "annex": "Annex",
        "example": "Settlement example",
        "own": "The invented alliance of the book settled under these rules, in units of "
        "10,000 yuan, to the fen.",
        "other": "These rules do not state enough to settle ({why}). The example settles the "
        "invented alliance of the book under another type of rule, “{name}”, whose every value is "
        "assumed. No value of it belongs to this contract.",
        "line": "line",
        "amount": "10,000 yuan",
        "sources": "Sources",
        "official": "Official words that ask for the clauses",
        "read": "Of the rule file",
    },
    "zh": {
        "title": "县域医共体医保服务协议（草稿）",
        "from": "依据：{name}。",
        "key": "斜体为假定值，不是任何地方的规定；下划线处尚未确定，原因列在各条之后；"
        "“证据把握”说明本条的证据有多可靠。",
        "marked": "带*的为假定值，不是任何地方的规定。",
        "open": "待定",
        "between": "；",
        "reason": "{blank}——{reason}",
        "grade": "证据把握：{grade}",
        "annex": "附件",
        "example": "清算示例",
        "own": "本书虚构的医共体按本规则清算，单位万元，精确到分。",
        "other": "本规则写明的内容不足以清算（{why}）。下例按另一类规则“{name}”"
        "清算本书虚构的医共体，全部数值均为假定，与本协议无关。",
        "line": "项目",
        "amount": "万元",
        "sources": "来源",
        "official": "各条的官方文件依据",
        "read": "规则文件的来源",
    },
}
_CHINESE_NUMBERS = "一二"
_EXAMPLE_COLUMNS = ("budget", "spending", "out_of_county_spending")
_EXAMPLE_WORDS = (
    "budget", "claims", "surplus", "deficit", "kept", "topped_up", "retained", "owed",
    "lead_hospital", "township", "village", "deducted",
)  # fmt: skip


def need_language(lang: str) -> None:
    """Refuse a language that the book does not have.

    Raises
    ------
    RuleError
    """
    if lang not in book.LANGUAGES:
        raise RuleError(f"no language {lang!r}.\n  Use one of {', '.join(book.LANGUAGES)}.")


def draft(rules: Rules, lang: str = "en") -> bytes:
    """Write a draft contract as a Word document.

    Parameters
    ----------
    rules : Rules
        Of a county, a type of rule, or a setting of the laboratory.
    lang : {"en", "zh"}

    Returns
    -------
    bytes
        A ``.docx`` file; the same rules give the same bytes.

    Raises
    ------
    RuleError
        If the book does not have the language.
    """
    import docx

    need_language(lang)
    words, document = _WORDS[lang], docx.Document()
    _set_styles(document)
    document.core_properties.title = words["title"]
    document.core_properties.author = document.core_properties.comments = ""
    document.core_properties.language = "zh-CN" if lang == "zh" else "en-GB"
    name = rules.name.zh if lang == "zh" else rules.name.en
    document.add_paragraph(words["title"], style="Title")
    document.add_paragraph(words["from"].format(name=name))
    document.add_paragraph(words["key"])
    filled = book.filled_from(rules, lang)
    for clause in book.clauses():
        _write_clause(document, clause, filled, lang)
    _write_example(document, rules, lang)
    _write_sources(document, rules, lang)
    buffer = io.BytesIO()
    document.save(buffer)
    return undated(buffer.getvalue())


def _set_styles(document: Any) -> None:
    """Name a Latin and a Chinese font in every style that is used; add those of blanks."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    styles = document.styles
    sizes = {"Normal": 11, "Title": 18, "Heading 1": 13, "Heading 2": 11.5}
    for name, size in sizes.items():
        style = styles[name]
        style.font.name, style.font.size = LATIN, Pt(size)
        style.font.color.rgb = RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            if key.endswith("Theme"):
                del fonts.attrib[key]
        for script in ("w:ascii", "w:hAnsi", "w:cs"):
            fonts.set(qn(script), LATIN)
        fonts.set(qn("w:eastAsia"), "SimHei" if name != "Normal" else EAST_ASIAN)
    styles["Normal"].paragraph_format.space_after = Pt(6)
    for name in ("Blank", "Assumed"):
        styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
    styles["Blank"].font.underline = True
    styles["Assumed"].font.italic = True
    note = styles.add_style("Clause note", WD_STYLE_TYPE.PARAGRAPH)
    note.base_style = styles["Normal"]
    note.font.size, note.font.color.rgb = Pt(9), RGBColor.from_string(GREY)


def _write_clause(
    document: Any, clause: book.Clause, filled: dict[str, book.Blank], lang: str
) -> None:
    words = _WORDS[lang]
    document.add_paragraph(_numbered(clause, lang), style="Heading 1")
    paragraph, reasons = document.add_paragraph(), {}
    for piece in book.pieces(clause, lang, filled):
        run = paragraph.add_run(piece.text)
        if piece.name and not piece.blank.text:
            run.style = "Blank"
            reasons[book.blank_name(piece.name, lang)] = piece.blank.reason
        elif piece.blank.status == "assumed":
            run.style = "Assumed"
    sure = book.clause_grade(clause).label(lang)
    said = [words["grade"].format(grade=sure)]
    if reasons:
        listed = words["between"].join(
            words["reason"].format(blank=blank, reason=why) for blank, why in reasons.items()
        )
        said.append(f"{words['open']}{'：' if lang == 'zh' else ': '}{listed}")
    stop = "。" if lang == "zh" else ". "
    document.add_paragraph(stop.join(said), style="Clause note")


def _numbered(clause: book.Clause, lang: str) -> str:
    return heading(clause, lang) if lang == "zh" else f"{clause.number}. {heading(clause, lang)}"


def example_of(rules: Rules) -> tuple[Settlement, str]:
    """Settle the example under rules, or under the type of rule that stands in for them.

    Returns
    -------
    Settlement
    str
        Why the rules themselves do not settle; empty where they do.
    """
    try:
        if not rules.steps:
            raise RuleError("they list no steps of a settlement")
        return worked.example(rules), ""
    except RuleError as refused:
        why = str(refused).splitlines()[0].removeprefix(f"{rules.id}: ").rstrip(".")
        return worked.example(load_rules(worked.EXAMPLE)), why


def _why(refused: str, lang: str) -> str:
    """Say in words which field a settlement lacks."""
    field = refused.partition(" ")[0]
    if field not in rule_fields():
        return "没有列出清算步骤" if lang == "zh" else refused
    name = book.blank_name(field, lang)
    return f"缺少{name}" if lang == "zh" else f"it lacks {name}"


def _annex(document: Any, number: int, title: str, lang: str) -> None:
    label = f"{_WORDS[lang]['annex']}{'' if lang == 'zh' else ' '}"
    order = _CHINESE_NUMBERS[number - 1] if lang == "zh" else str(number)
    mark = "　" if lang == "zh" else ". "
    document.add_page_break()
    document.add_paragraph(f"{label}{order}{mark}{title}", style="Heading 1")


def _write_example(document: Any, rules: Rules, lang: str) -> None:
    words = _WORDS[lang]
    _annex(document, 1, words["example"], lang)
    settled, why = example_of(rules)
    name = settled.rules.name.zh if lang == "zh" else settled.rules.name.en
    said = words["other"].format(why=_why(why, lang), name=name) if why else words["own"]
    document.add_paragraph(said)
    for year in worked.years(settled):
        document.add_paragraph(str(year), style="Heading 2")
        _write_table(document, worked.lines(settled, year, lang), lang)


def _write_table(document: Any, lines: list[worked.Line], lang: str) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm

    words = _WORDS[lang]
    grid = document.add_table(rows=1, cols=2, style="Table Grid")
    grid.rows[0].cells[0].text, grid.rows[0].cells[1].text = words["line"], words["amount"]
    for line in lines:
        row = grid.add_row().cells
        row[0].text, row[1].text = line.label, line.wan
        row[0].paragraphs[0].paragraph_format.left_indent = Cm(0.5 * line.level)
    for row in grid.rows:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.space_after = 0
        row.cells[1].paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _write_sources(document: Any, rules: Rules, lang: str) -> None:
    words = _WORDS[lang]
    _annex(document, 2, words["sources"], lang)
    document.add_paragraph(words["official"], style="Heading 2")
    for clause in book.clauses():
        title = heading(clause, lang)
        document.add_paragraph(title).runs[0].bold = True
        for one in book.asks(clause, lang):
            document.add_paragraph(f"{one.text}（{one.depth}；{one.source_id}）" if lang == "zh"
                                   else f"{one.text} ({one.depth}; {one.source_id})",
                                   style="List Bullet")  # fmt: skip
    own = sorted(
        {str(value.source) for values in rules.parameters.values() for value in values
         if value.source and value.source in set(facts().sources["source_id"])}
    )  # fmt: skip
    if own:
        document.add_paragraph(words["read"], style="Heading 2")
        for source in own:
            document.add_paragraph(facts().source_line(source), style="List Bullet")


# --- the same as plain text ---------------------------------------------------------------------
def text_content(lang: str) -> dict[str, Any]:
    """Return what plain text of a draft is made of: words, clauses with templates, open blanks.

    The laboratory's page fills the same content by the same rule, without a server.
    """
    words, names = _WORDS[lang], {name for one in book.clauses() for name in one.blanks}
    silent, sign = (book.why(kind, lang) for kind in ("silent", "sign"))
    free = book.content()["free"]
    name = NAME[lang]
    return {
        "words": {
            "title": words["title"],
            "from": words["from"].format(name=name),
            "key": words["marked"],
            "open": f"{words['open']}{'：' if lang == 'zh' else ': '}",
            "between": words["between"],
            "reason": words["reason"],
            "values": {key: value[lang] for key, value in book.content()["words"].items()},
        },
        "example": {
            "title": f"{words['annex']}{'' if lang == 'zh' else ' '}1. {words['example']}",
            "said": f"{words['own']}",
            "words": {key: worked.word(key, lang) for key in _EXAMPLE_WORDS},
            "years": [
                {"year": year, **{name: int(row[f"{name}_fen"]) for name in _EXAMPLE_COLUMNS}}
                for year, row in _example_years()
            ],
        },
        "clauses": [
            {
                "heading": _numbered(clause, lang),
                "wording": clause.said("wording", lang),
                "asks": [f"{one.text} [{one.depth}]" for one in book.asks(clause, lang)],
            }
            for clause in book.clauses()
        ],
        "blanks": {
            name: {
                "blank": book.blank_name(name, lang),
                "open": book.open_blank(name, lang),
                "reason": sign if name in free else silent,
            }
            for name in sorted(names)
        },
    }


def _example_years() -> Iterator[tuple[int, Any]]:
    """Yield the alliance's own row of the example ledger by year, in fen."""
    ledger = worked.example_ledger()
    for _, row in ledger[ledger["member"] == ""].iterrows():
        yield int(row["year"]), row


def _example_text(rules: Rules, lang: str, words: dict[str, Any]) -> str:
    """Write the settlement of the example down to each level, as the page's script does."""
    settled = worked.example(rules)
    parts = [words["title"], words["said"]]
    for year in worked.years(settled):
        shown = [line for line in worked.lines(settled, year, lang) if line.level <= 2]
        parts.append("\n".join([str(year), *(f"{line.label}  {line.wan}" for line in shown)]))
    return "\n".join(parts)


def plain_text(rules: Rules, lang: str) -> str:
    """Write a draft as plain text: clauses filled, assumed values marked, blanks with reasons."""
    content, filled = text_content(lang), book.filled_from(rules, lang)
    words, parts = content["words"], []
    for clause, raw in zip(book.clauses(), content["clauses"], strict=True):
        said, reasons = "", []
        for piece in book.pieces(clause, lang, filled):
            said += piece.text + ("*" if piece.blank.status == "assumed" else "")
            if piece.name and not piece.blank.text:
                name = book.blank_name(piece.name, lang)
                reasons.append(words["reason"].format(blank=name, reason=piece.blank.reason))
        listed = words["between"].join(dict.fromkeys(reasons))
        why = [f"{words['open']}{listed}"] if reasons else []
        parts.append("\n".join([raw["heading"], said, *why, *(f"· {one}" for one in raw["asks"])]))
    parts.append(_example_text(rules, lang, content["example"]))
    return "\n\n".join([words["title"], words["from"], words["key"], *parts]) + "\n"


def clause_script() -> str:
    """Write the script that gives the laboratory's page its clauses."""
    content = {lang: text_content(lang) for lang in book.LANGUAGES}
    return f"window.LABORATORY_CONTRACT = {json.dumps(content, ensure_ascii=False)};\n"


# --- files with which `medalliance settle` checks the draft -------------------------------------
def rule_text(rules: Rules, name: str) -> str:
    """Write rules as a rule file of a reader's own, under another name.

    Parameters
    ----------
    rules : Rules
    name : str
        The file's name without its ending, which is the rules' id.
    """
    import yaml

    raw = rules.model_dump(mode="python", exclude_defaults=True)
    raw["id"] = name
    text: str = yaml.dump(_plain(raw), Dumper=_dumper(), allow_unicode=True, sort_keys=False)
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _dumper() -> type[Any]:
    import yaml

    class Exact(yaml.SafeDumper):
        """Writes decimals with every digit and repeats what stands twice."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def written(dumper: Any, value: Decimal) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:float", f"{value:f}")

    Exact.add_representer(Decimal, written)
    return Exact


def rule_name(stem: str) -> str:
    """Return a name for rules from the name of a draft."""
    plain = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    return plain if re.match(r"[a-z]", plain) else f"draft_{plain}".rstrip("_")


def check_files(rules: Rules, stem: str) -> Iterator[tuple[str, str]]:
    """Yield the rule file and the ledger of the example by name; none where rules do not settle."""
    from ..paths import data_dir

    _, why = example_of(rules)
    if not why:
        name = rule_name(stem)
        yield f"{name}.yaml", rule_text(rules, name)
        ledger = data_dir() / "examples" / "ledger.csv"
        yield f"{name}_ledger.csv", ledger.read_text(encoding="utf-8")
