"""``medalliance contract``: a draft contract in Word, from rules or from the laboratory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def run(
    rules: Annotated[
        str,
        typer.Argument(help="Name of a contract, your own .yaml file, or a laboratory address."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Word file, draft.docx.")],
    lang: Annotated[
        str, typer.Option(help="Language of the draft, en or zh; else MEDALLIANCE_LANG.")
    ] = "",
    files: Annotated[
        bool,
        typer.Option(help="Write beside it the rules and the ledger, for medalliance settle."),
    ] = False,
    force: Annotated[bool, typer.Option(help="Replace the output file if it exists.")] = False,
) -> None:
    """Draft a contract clause by clause: filled from rules, open where they say nothing.

    Assumed values are in italics, blanks underlined with the reason below; a settlement example
    and the official words behind each clause are attached. The file appears whole or not at all.

    Example: medalliance contract two_sided_corridor --lang zh -o draft.docx
    """
    from ..chapters.contract_settings import rules_of, settings_of
    from ..errors import RuleError
    from ..press.contract_draft import check_files, draft, need_language
    from ..reforms import load_rules
    from ._output import need_place, write_whole

    lang = lang or os.environ.get("MEDALLIANCE_LANG", "en")
    need_language(lang)
    if output.suffix != ".docx":
        raise RuleError(f"{output.name} is no Word file.\n  Name it with .docx at the end.")
    need_place(output, replace=force)
    address = "=" in rules and not Path(rules).exists()
    contract = rules_of(settings_of(rules)) if address else load_rules(rules)
    content = draft(contract, lang)
    beside = dict(check_files(contract, output.stem)) if files else {}
    for name in beside:
        need_place(output.with_name(name), replace=force)
    write_whole(output, content)
    typer.echo(str(output))
    for name, text in beside.items():
        typer.echo(str(write_whole(output.with_name(name), text)))
