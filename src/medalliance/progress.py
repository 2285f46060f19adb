"""A line of progress on long work."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from .errors import needed

Step = TypeVar("Step")


def counted(
    steps: Iterable[Step],
    *,
    show: bool | None = None,
    title: str = "",
    unit: str = "step",
    total: int | None = None,
    leave: bool = True,
) -> Iterator[Step]:
    """Go through steps with a line that counts them.

    Parameters
    ----------
    steps : iterable
    show : bool, optional
        Whether to show the line; by default where errors go to a terminal.
    title, unit : str
        What is done; what a step is.
    total : int, optional
        Number of steps, where ``steps`` does not tell.
    leave : bool
        Whether the line stays when all is done.
    """
    if show is None:
        show = sys.stderr.isatty()
    if not show:
        yield from steps
        return
    with needed():
        from tqdm import tqdm
    yield from tqdm(steps, desc=title or None, unit=unit, total=total, leave=leave)
