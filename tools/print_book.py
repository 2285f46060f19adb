#!/usr/bin/env python3
"""Print the built pages as one PDF, chapter after chapter, with Chromium.

usage: tools/print_book.py build/html build/book.pdf
"""

from __future__ import annotations

import os
import posixpath
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from bs4 import BeautifulSoup, Tag

from medalliance.paths import book_dir

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--no-pdf-header-footer",
    "--virtual-time-budget=30000",
)
STYLE = """
.bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .bd-footer, .prev-next-footer,
#jb-print-docs-body, .headerlink, .cell_input, details.hide { display: none !important; }
article.bd-article h1 { display: block !important; }
article.bd-article { break-before: page; }
article.bd-article:first-of-type { break-before: auto; }
"""


def chapters() -> list[str]:
    """Return the pages in the order of the book."""
    toc = yaml.safe_load((book_dir() / "_toc.yml").read_text(encoding="utf-8"))

    def walk(entries: list[dict]) -> list[str]:
        return [n for e in entries for n in (e["file"], *walk(e.get("sections", [])))]

    return [toc["root"], *(name for part in toc["parts"] for name in walk(part["chapters"]))]


def article_of(html: Path, name: str, names: set[str]) -> Tag:
    """Return the article of a page with links and pictures as seen from the first page."""
    page = BeautifulSoup((html / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
    article = page.find("article")
    article["id"] = f"page-{name.replace('/', '-')}"
    for element in article.find_all(True):
        for attribute in ("src", "href"):
            address = element.get(attribute)
            parts = urlsplit(address or "#")
            if not parts.path or parts.scheme or parts.netloc:
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), parts.path))
            stem = path.removesuffix(".html")
            inside = attribute == "href" and stem in names
            element[attribute] = f"#page-{stem.replace('/', '-')}" if inside else path
    return article


def main(html: Path, target: Path) -> int:
    """Join the articles on one page and print it."""
    program = os.environ.get("MEDALLIANCE_CHROMIUM") or shutil.which("chromium")
    if program is None:
        print("Chromium is missing. Install the package chromium.", file=sys.stderr)
        return 2
    names = chapters()
    page = BeautifulSoup((html / "index.html").read_text(encoding="utf-8"), "html.parser")
    place = page.find("article")
    for name in names:
        place.insert_before(article_of(html, name, set(names)))
    place.decompose()
    style = page.new_tag("style")
    style.string = STYLE
    page.head.append(style)
    whole = html / "_whole.html"
    whole.write_text(str(page), encoding="utf-8")
    part = target.with_suffix(".part.pdf")
    try:
        command = [program, *FLAGS, f"--print-to-pdf={part.resolve()}", whole.resolve().as_uri()]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    finally:
        whole.unlink()
    if ran.returncode != 0 or not part.is_file() or part.read_bytes()[:5] != b"%PDF-":
        print(f"Chromium did not print the book.\n{ran.stderr[-1000:]}", file=sys.stderr)
        return 1
    part.replace(target)
    print(f"{target}: {len(names)} chapters, {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
