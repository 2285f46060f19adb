#!/usr/bin/env python3
"""Draw the card that other programs show for a link to the book.

usage: tools/social_card.py [book/_static/social-card.png]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from medalliance.paths import book_dir

WIDTH, HEIGHT = 1200, 630
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)
PAGE = """<!doctype html><meta charset="utf-8"><style>
* { box-sizing: border-box; margin: 0; }
body { width: 1200px; height: 630px; padding: 72px 84px; background: #0f1c26; color: #f4f6f8;
  font-family: "Helvetica Neue", Arial, "DejaVu Sans", "Noto Sans CJK SC", sans-serif; }
.top { display: flex; align-items: center; gap: 28px; }
.top svg { width: 92px; height: 92px; }
h1 { font-size: 68px; letter-spacing: -1px; }
h2 { font-size: 34px; font-weight: 400; color: #c9d6df; margin: 22px 0 52px; }
ul { padding: 0; }
li { list-style: none; font-size: 36px; line-height: 1.3; padding: 14px 0 14px 26px;
  border-left: 8px solid; margin-bottom: 16px; }
li:nth-child(1) { border-color: #56b4e9; } li:nth-child(2) { border-color: #ece133; }
li:nth-child(3) { border-color: #de8f05; }
</style><div class="top">LOGO<h1>Who holds the budget?</h1></div>
<h2>Contracts of China’s county medical alliances · 紧密型县域医共体</h2>
<ul><li>Who keeps a surplus?</li><li>What are staff paid?</li><li>Where do patients go?</li></ul>
"""


def main(target: Path) -> int:
    """Write the card as PNG."""
    program = os.environ.get("MEDALLIANCE_CHROMIUM") or shutil.which("chromium")
    if program is None:
        print("Chromium is missing. Install the package chromium.", file=sys.stderr)
        return 2
    logo = (book_dir() / "_static" / "logo.svg").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder) / "card.html", Path(folder) / "card.png"
        page.write_text(PAGE.replace("LOGO", logo), encoding="utf-8")
        size = f"--window-size={WIDTH},{HEIGHT}"
        command = [program, *FLAGS, size, f"--screenshot={shot}", page.as_uri()]
        subprocess.run(command, capture_output=True, timeout=120, check=True)
        shutil.copyfile(shot, target)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    default = book_dir() / "_static" / "social-card.png"
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else default))
