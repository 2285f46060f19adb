"""Errors that say what is wrong, where (the first three), and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Real


class DataError(ValueError):
    """A table, panel or file breaks a rule it must keep."""


class RuleError(ValueError):
    """A contract rule is missing, unpublished or contradicts itself."""


class DesignError(ValueError):
    """An estimate was asked for that the data or the design cannot support."""


@contextmanager
def needed(extra: str = "") -> Iterator[None]:
    """Say in one sentence what to install where an import inside fails.

    Parameters
    ----------
    extra : str
        The extra of this package that brings the module; blank for a dependency of its own.

    Raises
    ------
    DataError
        Naming the module and the command that installs it.
    """
    try:
        yield
    except ImportError as missing:
        raise DataError(not_installed(missing, extra)) from None


def not_installed(missing: ImportError, extra: str = "") -> str:
    """Return the sentence for a module that is not there; a module of ours is a fault of ours."""
    named = re.findall(r"'([\w.-]+)'", str(missing))
    module = (missing.name or (named[0] if named else "")).split(".")[0]
    if not module or module == __name__.split(".")[0]:
        raise missing
    return f"{module} is not installed: run {installs(extra)}."


def installs(extra: str = "") -> str:
    """Return the command that installs this package, with an extra.

    >>> installs("book")
    'pip install "medalliance[book]"'
    """
    return f'pip install "medalliance{f"[{extra}]" if extra else ""}"'


def need_extra(extra: str) -> None:
    """Refuse to start where a package of an extra is not installed.

    Raises
    ------
    DataError
        Naming the first one that is absent and the command that installs it.
    """
    from importlib import metadata

    try:
        asked = metadata.requires("medalliance") or []
    except metadata.PackageNotFoundError:  # a checkout on the path: its imports will tell
        return
    for line in asked:
        if re.search(rf"extra == ['\"]{extra}['\"]", line):
            name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
            try:
                metadata.distribution(name)
            except metadata.PackageNotFoundError:
                raise DataError(f"{name} is not installed: run {installs(extra)}.") from None


def first_three(items: Iterable[object]) -> str:
    """Join the first three items, saying how many more there are.

    >>> first_three(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    listed = [str(item) for item in items]
    shown = ", ".join(listed[:3])
    return shown if len(listed) <= 3 else f"{shown} and {len(listed) - 3} more"


def what_is_wrong(error: BaseException) -> str:
    r"""Return the first line of an error: what is wrong, without what to do.

    >>> what_is_wrong(DesignError("no rows.\n  Check the panel."))
    'no rows.'
    """
    return str(error).splitlines()[0]


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Refuse a value that is not one of the choices of an argument.

    Raises
    ------
    DesignError
        Naming the argument, its value and every choice.
    """
    listed = list(choices)
    if value not in listed:
        raise DesignError(f"{name}={value!r} is not known.\n  Use one of {', '.join(listed)}.")


def need_type(
    name: str,
    value: object,
    kind: type | tuple[type, ...],
    *,
    advice: str,
    error: type[ValueError] = DesignError,
) -> None:
    """Refuse an argument of the wrong type.

    Parameters
    ----------
    name : str
        What the argument is called.
    value : object
    kind : type or tuple of types
    advice : str
        What to give instead.
    error : type
        ``DataError``, ``RuleError`` or ``DesignError``.

    Raises
    ------
    ValueError
        Of the class ``error``.
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(one.__name__ for one in kinds)
        raise error(f"{name} is a {type(value).__name__}, not a {wanted}.\n  {advice}")


def check_level(level: float) -> None:
    """Refuse a confidence level that is not between 0 and 1.

    Raises
    ------
    DesignError
    """
    if not 0 < level < 1:
        raise DesignError(f"level={level}.\n  Give a confidence level between 0 and 1, as 0.95.")


def listed_numbers(name: str, values: object) -> list[float]:
    """List the numbers of an argument that takes one or several.

    Raises
    ------
    DesignError
        If something in it is no number.

    >>> listed_numbers("power", 0.8)
    [0.8]
    """
    several = [values] if isinstance(values, Real) else values
    try:
        return [float(value) for value in several]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise DesignError(f"{name}={values!r}.\n  Give a number, or a list of numbers.") from None


def raise_problems(
    problems: list[str], *, where: str, advice: str, error: type[ValueError] = DataError
) -> None:
    """Raise one error that lists every problem found, or return if there is none.

    Parameters
    ----------
    problems : list of str
        One sentence a problem: what is wrong and where.
    where : str
        The file or table that was checked.
    advice : str
        What the reader should do.
    error : type
        ``DataError``, ``RuleError`` or ``DesignError``.
    """
    if not problems:
        return
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = "\n".join(f"  - {problem}" for problem in problems)
    raise error(f"{where}: {count}.\n{lines}\n  {advice}")
