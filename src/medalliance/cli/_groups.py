"""A group of commands that also does something by itself."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


def group_with_default(name: str) -> type[TyperGroup]:
    """Make a group whose command ``name`` runs where no command of the group is named.

    ``medalliance check mine.csv`` runs ``medalliance check panel mine.csv``.
    """

    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if args and args[0] not in self.commands:
                args = [name, *args]
            return super().parse_args(ctx, args)

    return Group
