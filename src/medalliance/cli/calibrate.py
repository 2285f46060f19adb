"""``medalliance calibrate``: fit the simulator's parameters to published moments."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def run(
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="JSON file; the package's own without it."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a parameter moves.")
    ] = False,
) -> None:
    """Fit the simulated counties to published figures by the method of simulated moments.

    The targets come from data/published; the fit starts at the stored parameters and draws the
    same random numbers at every step. It takes about a minute.

    Example: medalliance calibrate --check
    """
    from ..errors import DataError
    from ..grading.calibration import TOLERANCE, calibrate
    from ..paths import ours_to_write
    from ..simulate import FITTED, as_json, fitted_parameters
    from ._output import write_whole

    place = None if check else output or ours_to_write(FITTED)
    before = asdict(fitted_parameters())
    found = calibrate()
    if not found.converged:
        raise DataError("the fit does not settle.\n  Start it nearer, or leave out a moment.")
    after = asdict(found.parameters)
    moved = {name: after[name] / before[name] - 1 for name in before}
    for name, value in after.items():
        typer.echo(f"{name:18}{value:14.6g}{moved[name]:+12.4%}")
    typer.echo(f"distance {found.distance:.3f} after {found.evaluations} steps")
    far = [name for name, change in moved.items() if abs(change) > TOLERANCE]
    if check and far:
        raise DataError(
            f"{', '.join(far[:3])} moved by more than {TOLERANCE:.1%}.\n"
            "  Run medalliance calibrate, then draw everything again that rests on it."
        )
    if place is not None:
        typer.echo(f"Parameters: {write_whole(place, as_json(found.parameters))}")
