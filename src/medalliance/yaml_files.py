"""YAML files as people save them: in UTF-8, UTF-16 or GB 18030, and never larger than they look."""

from __future__ import annotations

import codecs
from pathlib import Path

import yaml

MOST_NODES = 200_000  # of a file whose references are written out; ours have a few thousand
MOST_BYTES = 5_000_000
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def yaml_text(path: Path) -> str:
    """Read a YAML file as text, whatever an editor saved it in.

    Raises
    ------
    ValueError
        Saying in a few words why it is no such file.
    OSError
        If it cannot be read.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES:,} bytes, so it is no file of settings")
    content = path.read_bytes()
    kinds = ["utf-8-sig", "gb18030"]
    if content.startswith(_BOMS[1:]):
        kinds = ["utf-16"]
    elif b"\0" in content[:200]:
        kinds = ["utf-16-le" if content[1:2] == b"\0" else "utf-16-be"]
    for kind in kinds:
        try:
            text = content.decode(kind)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ValueError("in none of UTF-8, UTF-16 and GB 18030")


def refuse_growth(node: yaml.Node | None) -> None:
    """Refuse a file whose references, written out, would fill the memory.

    Raises
    ------
    ValueError
    """
    sizes: dict[int, int] = {}

    def size(one: yaml.Node, path: frozenset[int]) -> int:
        if id(one) in path:
            raise ValueError("it refers to itself")
        if id(one) not in sizes:
            inside: list[yaml.Node] = []
            if isinstance(one, yaml.SequenceNode):
                inside = one.value
            elif isinstance(one, yaml.MappingNode):
                inside = [part for pair in one.value for part in pair]
            below = path | {id(one)}
            sizes[id(one)] = 1 + sum(size(part, below) for part in inside)
        return sizes[id(one)]

    if node is not None and size(node, frozenset()) > MOST_NODES:
        raise ValueError(f"its references, written out, give more than {MOST_NODES:,} entries")
