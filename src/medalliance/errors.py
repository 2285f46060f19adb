"""Errors that say what is wrong, where (the first three), and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real


class DataError(ValueError):
    """A table, panel or file breaks a rule it must keep."""


class RuleError(ValueError):
    """A contract rule is missing, unpublished or contradicts itself."""


class DesignError(ValueError):
    """An estimate was asked for that the data or the design cannot support."""


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
