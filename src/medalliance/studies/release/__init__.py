"""What may leave a reader's machine: whitelisted tables, protected, with the checker's log."""

from __future__ import annotations

from ._contents import releasable, release_contents
from ._items import TITLES, Contents, Item, Withheld
from ._write import write_release

__all__ = [
    "TITLES",
    "Contents",
    "Item",
    "Withheld",
    "releasable",
    "release_contents",
    "write_release",
]
