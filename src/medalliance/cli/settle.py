"""``medalliance settle``: settle a ledger under a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    rules: Annotated[str, typer.Argument(help="Name of a contract, or your own .yaml file.")],
    ledger: Annotated[Path, typer.Argument(help="CSV file: one row an alliance and year.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV file of the postings.")],
    assume: Annotated[
        list[str] | None,
        typer.Option(help="Assume a field that no text states: surplus_retention_share=0.5"),
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace the output file if it exists.")] = False,
) -> None:
    """Settle every alliance and year of a ledger: who gets each yuan, line by line.

    Columns: alliance, year, budget_yuan, spending_yuan (or _fen), and what the contract reads,
    such as score (0-1). Member rows carry member and party too. The output appears whole or not
    at all; amounts of each alliance and year sum to zero.

    Example: medalliance settle two_sided_corridor ledger.csv -o settled.csv
    """
    from ..errors import RuleError
    from ..reforms import load_rules
    from ..settlement.ledger_file import FIRST_ROW, read_ledger
    from ..settlement.settle import settle
    from ._output import need_place, write_whole

    need_place(output, replace=force, inputs=(rules, ledger))
    wrong = [text for text in assume or [] if "=" not in text]
    if wrong:
        raise RuleError(f"--assume {wrong[0]}: write it as field=value.")
    contract = load_rules(rules)
    if assume:
        contract = contract.replace(**dict(text.split("=", 1) for text in assume))
    table = read_ledger(ledger, contract.currency)
    settlement = settle(contract, table, first_row=FIRST_ROW, where=ledger.name)
    write_whole(output, settlement.to_csv())
    typer.echo(settlement.summary())
