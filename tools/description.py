"""The description of the wheel: README.md without links and pictures of the checkout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class CustomMetadataHook(MetadataHookInterface):
    """Give the description when the package is built."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the description into the metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": description(text)}


def description(readme: str) -> str:
    """Leave out pictures, marks and the targets of links that lead into the checkout."""
    text = re.sub(r"<!--.*?-->\n?", "", readme, flags=re.DOTALL)
    text = re.sub(r"!\[[^]]*\]\((?!https?://)[^)]*\)\n*", "", text)
    return re.sub(r"\[([^]]+)\]\((?!https?://)[^)]*\)", r"\1", text)
