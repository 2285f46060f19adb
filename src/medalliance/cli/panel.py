"""``medalliance panel``: turn insurance claims into a county-year panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    claims: Annotated[
        list[str],
        typer.Argument(help="Folder year=.../prefecture=.../*.parquet, files, or a pattern."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Panel, .parquet or .csv.")],
    county_years: Annotated[
        Path | None,
        typer.Option("--with", help="Your county-year table: cohort, budget, insured_n, pay."),
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(help="THEIRS=OURS, a column's name; may be repeated.")
    ] = None,
    engine: Annotated[str, typer.Option(help="duckdb or spark.")] = "duckdb",
    memory: Annotated[
        str | None, typer.Option(help="As 3GB; half of the machine's without it.")
    ] = None,
    ignore_unknown_reversals: Annotated[
        bool,
        typer.Option(
            "--ignore-unknown-reversals", help="Leave out reversals of claims not in the files."
        ),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, not where a run was interrupted.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output if it exists.")
    ] = False,
) -> None:
    """Turn insurance claims into a panel: visits by tier, spending, admissions, patients.

    Duplicates are removed and reversals netted; care outside the county of enrolment counts as
    out of county. Columns: claim_id, person_key, enrol_county, provider_county, provider_tier,
    setting, service_date, total_fen, fund_fen, in_scope, reversal_of; provider_id and
    settle_date if you have them.

    The claims may be larger than memory. Nothing leaves the machine, nothing is written outside
    the output's folder. Beside the output stands OUTPUT.work while the command runs; a run that
    was interrupted goes on from there.

    Example: medalliance panel claims/ --with counties.xlsx -o panel.parquet
    """
    from ..claims import build_panel_from_claims
    from ._output import need_place

    given = [Path(name) for name in claims] + ([county_years] if county_years else [])
    need_place(output, replace=force, inputs=given)
    wrong = [text for text in rename or [] if text.count("=") != 1]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]}: write THEIRS=OURS.", param_hint="--rename")
    report = build_panel_from_claims(
        claims,
        output,
        county_years=None if county_years is None else _table(county_years),
        engine=engine,
        memory=memory,
        rename=dict(text.split("=") for text in rename or []),
        ignore_unknown_reversals=ignore_unknown_reversals,
        restart=restart,
        progress=True,
    )
    typer.echo(f"{report}\n{output}: {report.seconds:.1f} s.")


def _table(path: Path):
    from ..errors import raise_problems
    from ..panel import standardise

    found = standardise(path, recognised=False)
    errors = [problem.line for problem in found.problems if problem.is_error]
    advice = f"`medalliance check {path.name}` says more."
    raise_problems(errors, where=path.name, advice=advice)
    return found.frame
