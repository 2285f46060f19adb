"""Build a panel with Spark; run in the environment that has it.

usage: python spark_panel.py CLAIMS OUTPUT MEMORY
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

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
    claims, output, memory = sys.argv[1:]
    report = build_panel_from_claims(claims, output, engine="spark", memory=memory)
    print(report)
