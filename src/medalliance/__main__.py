"""The command line: one command a file of ``cli``, found by name."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import Any

EXIT_CODES = (
    "Exit codes: 0 done; 1 the data, rules or design are refused (the message says why); "
    "2 wrong usage; 3 a file cannot be read or written; "
    "4 done in part, and what is missing is named; 70 a fault of the program, told in a log file."
)

FAULT = 70
GROUPS = {"new": "Make a new thing.", "check": "Check a file of yours."}
# what a group does by itself: cli/check.py is `medalliance check panel` and `medalliance check`
DEFAULTS = {"check": "panel"}


def command_line() -> Any:
    """Build the typer application from the files of ``medalliance.cli``.

    A file ``settle.py`` becomes ``medalliance settle``; ``new_case.py`` becomes
    ``medalliance new case``. Each has a function ``run`` whose docstring is the help.
    """
    import typer

    from . import cli
    from .cli._groups import group_with_default

    look: dict[str, Any] = {"no_args_is_help": True, "add_completion": False}
    look |= {"pretty_exceptions_enable": False, "rich_markup_mode": None}
    app = typer.Typer(name="medalliance", epilog=EXIT_CODES, **look)
    app.callback()(_about)
    groups: dict[str, typer.Typer] = {}
    for found in pkgutil.iter_modules(cli.__path__):
        if found.name.startswith("_"):
            continue
        run = importlib.import_module(f"{cli.__name__}.{found.name}").run
        group, _, name = found.name.rpartition("_")
        if name in DEFAULTS:
            group, name = name, DEFAULTS[name]
        if group and group not in groups:
            own = group_with_default(DEFAULTS[group]) if group in DEFAULTS else None
            groups[group] = typer.Typer(help=GROUPS.get(group, group), cls=own, **look)
            app.add_typer(groups[group], name=group)
        owner = groups[group] if group else app
        owner.command(name, epilog=EXIT_CODES)(run)
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    from .errors import DataError, DesignError, RuleError, not_installed

    try:
        command_line()(args=arguments, prog_name="medalliance")
    except (DataError, DesignError, RuleError) as refused:
        print(f"{type(refused).__name__}: {refused}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as missing:
        print(not_installed(missing), file=sys.stderr)
        return 1
    except OSError as failed:
        print(f"{type(failed).__name__}: {failed}", file=sys.stderr)
        return 3
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except KeyboardInterrupt:
        print("Stopped; what was finished stands, the rest was not written.", file=sys.stderr)
        return 130
    except MemoryError:
        print("There is not enough memory for this. Give a smaller file.", file=sys.stderr)
        return 1
    except Exception as fault:  # a fault of ours: the last net, which a fuzz test keeps empty
        print(_told_of(fault), file=sys.stderr)
        return FAULT
    return 0


def _told_of(fault: Exception) -> str:
    """Write what happened into a log file, and return one sentence that names it."""
    import tempfile
    import traceback

    said = (str(fault).strip() or "no word").splitlines()[0][:200]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="medalliance-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            traceback.print_exception(fault, file=log)
        where = f"The file {log.name} says where; it holds no row of your data but may name a cell."
    except OSError:
        where = "No log could be written."
    return f"This is a fault of the program ({type(fault).__name__}: {said}). {where}"


def _about() -> None:
    """Evaluate county medical-alliance reforms: settle contracts, check panels, build the book."""


if __name__ == "__main__":
    sys.exit(main())
