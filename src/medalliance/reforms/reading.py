"""Load rule files: every problem of a file in one error."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ..errors import RuleError, first_three, raise_problems
from ..paths import data_dir, reading
from .dated import problem_sentence, shown
from .fields import rule_fields
from .schema import Rules
from .yaml_text import read_yaml

if TYPE_CHECKING:
    import pandas as pd

_ADVICE = "Mend the file; the fields are listed in data/reforms/_fields.yaml."


def rules_dir() -> Path:
    """Return the folder of rule files."""
    return data_dir() / "reforms"


@cache
def _source_ids(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    with reading(path).open(encoding="utf-8", newline="") as lines:
        return frozenset(row["source_id"] for row in csv.DictReader(lines))


def read_rules(path: str | Path, *, own: bool = False) -> Rules:
    """Read one rule file.

    Parameters
    ----------
    path : str or Path
    own : bool
        A reader's file: its sources are the reader's documents and need not be in the
        bibliography.

    Raises
    ------
    RuleError
        Listing every problem of the file: unknown fields, missing or unknown sources, dates out
        of order, shares above 1, keys given twice.
    """
    path = Path(path)
    content, problems = read_yaml(path)
    rules = None
    try:
        rules = Rules.model_validate(content)
    except ValidationError as error:
        for detail in error.errors():
            if detail["type"] == "parameters":
                problems += str(detail["msg"]).split("\n")
            else:
                problems.append(problem_sentence(detail))
    problems += [] if own else _source_problems(content)
    if rules is not None and rules.id != path.stem:
        problems.append(f"id: {rules.id} differs from the file's name, {path.stem}")
    raise_problems(problems, where=path.name, advice=_ADVICE, error=RuleError)
    if rules is None:
        raise RuleError(f"{path.name}: holds no rules. {_ADVICE}")
    inside = path.resolve().is_relative_to(rules_dir().resolve())
    rules._file = f"data/reforms/{path.relative_to(rules_dir())}" if inside else path.name
    return rules


def _source_problems(content: Mapping[str, object]) -> list[str]:
    known = _source_ids(data_dir() / "published" / "sources.csv")
    parameters = content.get("parameters")
    if not known or not isinstance(parameters, Mapping):
        return []
    return [
        f"parameters.{name}[{place}]: source {item['source']} is not in the bibliography"
        for name, items in parameters.items()
        if isinstance(items, list)
        for place, item in enumerate(items)
        if isinstance(item, Mapping) and item.get("source") and item["source"] not in known
    ]


def rule_names() -> tuple[str, ...]:
    """Return the names that ``load_rules`` knows, in alphabetical order."""
    return tuple(sorted(_rule_files()))


def _rule_files() -> dict[str, Path]:
    return {
        path.stem: path for path in rules_dir().rglob("*.yaml") if not path.name.startswith("_")
    }


def load_rules(name: str | Path) -> Rules:
    """Load a contract by name, or from a reader's own YAML file.

    Parameters
    ----------
    name : str or Path
        ``"qianjiang_chongqing"``, or a path that ends in ``.yaml``.

    Returns
    -------
    Rules

    Raises
    ------
    RuleError
        If there is no such contract, or its file has problems (all are listed).
    """
    if str(name).endswith((".yaml", ".yml")):
        inside = Path(name).resolve().is_relative_to(rules_dir().resolve())
        return read_rules(name, own=not inside)
    files = _rule_files()
    if name not in files:
        near = [known for known in sorted(files) if str(name).split("_")[0] in known]
        known = first_three(near or sorted(files))
        raise RuleError(f"no rules named {name!r}.\n  Known: {known}.")
    return read_rules(files[str(name)])


class Reforms(Mapping[str, Rules]):
    """All contracts of the book, by name; read only."""

    def __init__(self, rules: Mapping[str, Rules]) -> None:
        self._rules = dict(rules)

    def __getitem__(self, name: str) -> Rules:
        if name not in self._rules:
            raise KeyError(f"no rules named {name!r}; known: {first_three(self._rules)}")
        return self._rules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def of_kind(self, *kinds: str) -> Reforms:
        """Return the contracts of the named kinds."""
        return Reforms({name: one for name, one in self._rules.items() if one.kind in kinds})

    def to_frame(self) -> pd.DataFrame:
        """Return one row a dated value: case, kind, field, value, status, source, dates."""
        import pandas as pd

        fields = rule_fields()
        rows = [
            {
                "case": name,
                "kind": one.kind,
                "name_en": one.name.en,
                "name_zh": one.name.zh,
                "group": fields[field].group,
                "field": field,
                "track": value.track,
                "value": value.value,
                "at_most": value.at_most,
                "at_least": value.at_least,
                "shown": shown(value),
                "unit": value.unit or fields[field].unit,
                "status": value.status,
                "source": value.source,
                "valid_from": value.valid_from,
                "valid_to": value.valid_to,
                "evidence": value.evidence,
                "remark": value.remark,
                "confidence": value.confidence,
            }
            for name, one in self._rules.items()
            for field in fields
            for value in one.parameters.get(field, ())
        ]
        return pd.DataFrame(rows, dtype=object)


def load_reforms() -> Reforms:
    """Load every contract of the book.

    Returns
    -------
    Reforms
        Read-only mapping from name to ``Rules``; ``.to_frame()`` gives one row a dated value.

    Raises
    ------
    RuleError
        Listing the problems of every file that has any.
    """
    rules, wrong = {}, []
    for name in rule_names():
        try:
            rules[name] = load_rules(name)
        except RuleError as error:
            wrong.append(str(error))
    if wrong:
        raise RuleError("\n".join(wrong))
    return Reforms(rules)
