"""Read YAML without losing a digit: numbers become ``int`` or ``Decimal``, dates stay text."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from ..errors import RuleError
from ..paths import reading
from ..yaml_files import refuse_growth, yaml_text


class _ExactLoader(yaml.SafeLoader):
    """SafeLoader that keeps exact decimals and dates as text, noting every key given twice."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.duplicates: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if key in seen:
                self.duplicates.append(f"{key} is given twice, in lines {seen[key]} and {line}")
            seen[key] = line
        return super().construct_mapping(node, deep=deep)


# YAML 1.1 reads 6:3:1 as a number in base 60 and 2018-01-01 as a date; neither is wanted here
_ExactLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?[0-9]*\.[0-9]+", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _ExactLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
    )
_ExactLoader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
_ExactLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value))


def read_yaml(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read a YAML mapping.

    Returns
    -------
    tuple
        The mapping, then one sentence for each key that is given twice.

    Raises
    ------
    RuleError
        If the file is missing, is not YAML or does not hold a mapping.
    """
    try:
        text = yaml_text(reading(path))
    except OSError as error:
        raise RuleError(
            f"{path}: cannot be read ({error.strerror}).\n"
            "  Give the path of a YAML file, or the name of a contract (see load_reforms)."
        ) from error
    except ValueError as error:
        raise RuleError(f"{path.name}: {error}.\n  Save it as UTF-8.") from None
    loader = None
    try:
        loader = _ExactLoader(text)
        node = loader.get_single_node()
        refuse_growth(node)
        content = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise RuleError(f"{path.name}: {problem}{line}. Mend the file's layout.") from error
    except (ValueError, TypeError, RecursionError, ArithmeticError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RuleError(f"{path.name}: {why}. Mend the file's layout.") from None
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(content, dict):
        raise RuleError(f"{path.name}: holds no mapping. Start it with 'id: ...'.")
    return content, loader.duplicates
