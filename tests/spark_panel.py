"""Build panels with Spark, one after the other; run in the environment that has it.

usage: python spark_panel.py MEMORY CLAIMS OUTPUT [CLAIMS OUTPUT ...]
A panel that is refused leaves OUTPUT.refused with the message.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from medalliance import DataError
from medalliance.claims import build_panel_from_claims


def refuse_other_machines() -> None:
    """Let this process talk to this machine alone."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a connection to {address}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]


if __name__ == "__main__":
    refuse_other_machines()
    memory, *pairs = sys.argv[1:]
    for claims, output in zip(pairs[::2], pairs[1::2], strict=True):
        try:
            print(build_panel_from_claims(claims, output, engine="spark", memory=memory))
        except DataError as refused:
            Path(f"{output}.refused").write_text(str(refused), encoding="utf-8")
