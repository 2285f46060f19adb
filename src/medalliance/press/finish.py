"""Finishing of built pages: language, description, names for assistive software, downloads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

import yaml

from ..errors import raise_problems
from .downloads import write_downloads
from .edition import TWIN

CARD = "_static/social-card.png"
CARD_ALT = "Who holds the budget? Contracts of China's county medical alliances, compared."
CHINESE_FOLDER = "zh"  # of the Chinese edition
_LONGEST = 200  # letters of a description
_WORDS = Path(__file__).with_name("page_words.json")
_VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')
_SUMMARY = re.compile(r">([^<]+)(</a><details[^>]*><summary)>")
_TAGS = re.compile(r"<[^>]+>")
_STATIC = re.compile(r'((?:href|src)=")((?:\.\./)*)_static/([^"?#]+)')
_BUTTONS = re.compile(r'<div class="article-header-buttons">')
_DOWNLOADS = re.compile(r'<li><a data-kind="(\w+)" href="([^"]+)" download>')
_ATTRIBUTES = ("aria-label", "title", "placeholder", "data-bs-title")


def finish_pages(html: Path, staged: Path) -> None:
    """Finish the pages of a built book in place.

    Parameters
    ----------
    html : Path
        The built pages.
    staged : Path
        The sources that they were built from; ``html.baseurl`` of its ``_config.yml`` is the
        address that the book is served from. Without one, the card's address is relative.
    """
    config = yaml.safe_load((staged / "_config.yml").read_text(encoding="utf-8"))
    site = (config.get("html") or {}).get("baseurl") or ""
    offered = write_downloads(staged, html)
    pages = {path.relative_to(html).with_suffix("").as_posix(): path for path in _pages(html)}
    for name, path in pages.items():
        text = path.read_text(encoding="utf-8")
        text = lighten(name_parts(text), searches=name == "search")
        text = describe(text, name, language(name), book=config["title"], site=site)
        text = offer_downloads(text, language(name), up(name), offered.get(name, []))
        text = mark_languages(text, name, set(pages))
        path.write_text(text, encoding="utf-8")
    for old, page in redirects(staged, set(pages)).items():
        (html / f"{old}.html").write_text(page, encoding="utf-8")


def redirects(staged: Path, pages: set[str]) -> dict[str, str]:
    """Write a small page for each old address, which leads on at once.

    Parameters
    ----------
    staged : Path
        The book's sources; ``_redirects.yml`` maps old names of chapters to new ones.
    pages : set of str
        Names of the built pages.

    Returns
    -------
    dict
        Old name to HTML. The link keeps the part of the address after ``#``.

    Raises
    ------
    DataError
        If an old name is a page, or a new one is none.
    """
    place = staged / "_redirects.yml"
    moved = yaml.safe_load(place.read_text(encoding="utf-8")) if place.is_file() else {}
    problems = [f"{old} is still a page" for old in moved if old in pages]
    problems += [f"{old} leads to {new}, which is no page" for old, new in moved.items()
                 if new not in pages]  # fmt: skip
    raise_problems(problems, where=place.name, advice="Name old addresses and pages of the book.")
    return {old: _redirect("../" * old.count("/") + f"{new}.html") for old, new in moved.items()}


def _redirect(address: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        "<title>This page has moved</title>\n"
        f'<link rel="canonical" href="{address}"/>\n'
        f'<meta http-equiv="refresh" content="1; url={address}"/>\n'
        f"<script>location.replace({json.dumps(address)} + location.hash);</script>\n</head>\n"
        f'<body><main><h1>This page has moved</h1><p><a href="{address}">Go on</a></p></main>'
        "</body>\n</html>\n"
    )


def finish_chinese(html: Path, staged: Path, *, whole: Iterable[str]) -> None:
    """Finish the pages of the Chinese edition in place, and link each to its English page.

    Parameters
    ----------
    html : Path
        The built pages; the Chinese ones lie in ``zh`` there, the English ones are finished.
    staged : Path
        The sources of the Chinese pages.
    whole : iterable of str
        Pages that are whole in Chinese; English pages offer a switch to these.
    """
    config = yaml.safe_load((staged / "_config.yml").read_text(encoding="utf-8"))
    site = (config.get("html") or {}).get("baseurl") or ""
    folder, translated = html / CHINESE_FOLDER, set(whole)
    shared = _share_static(html, folder)
    for path in _pages(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
        english = html / f"{name}.html"
        text = path.read_text(encoding="utf-8")
        text = lighten(name_parts(text), searches=name == "search")
        text = describe(text, f"{CHINESE_FOLDER}/{name}", "zh", book=config["title"], site=site)
        text = _STATIC.sub(lambda found: _address(found, shared), in_chinese(text))
        if name in translated and english.is_file():
            other = english.read_text(encoding="utf-8")
            offered = _DOWNLOADS.findall(other)
            block = _download_block("zh", [(kind, f"../{place}") for kind, place in offered])
            text = text.replace("</article>", f"{block}</article>", 1)
            there = f"{up(name)}{CHINESE_FOLDER}/{name}.html"
            other = offer_language(other, "zh", there)
            english.write_text(other, encoding="utf-8")
        if english.is_file():
            text = offer_language(text, "en", f"{up(name)}../{name}.html")
        path.write_text(text, encoding="utf-8")


def _share_static(html: Path, folder: Path) -> set[str]:
    """Delete the files of the Chinese edition that the English one has too; return them."""
    shared = set()
    for path in sorted((folder / "_static").rglob("*")):
        name = path.relative_to(folder / "_static").as_posix()
        twin = html / "_static" / name
        if path.is_file() and twin.is_file() and path.read_bytes() == twin.read_bytes():
            path.unlink()
            shared.add(name)
    return shared


def _address(found: re.Match[str], shared: set[str]) -> str:
    up_to, name = found[2], found[3]
    return f"{found[1]}{up_to}{'../' if name in shared else ''}_static/{name}"


def offer_language(page: str, lang: str, address: str) -> str:
    """Add the switch to the same page in another language."""
    code, word = ("zh-CN", "中文") if lang == "zh" else ("en", "English")
    link = f'<link rel="alternate" hreflang="{code}" href="{address}"/>\n'
    switch = (
        f'<a class="btn btn-sm language-switch" lang="{code}" hreflang="{code}" '
        f'href="{address}">{word}</a>\n'
    )
    page = page.replace("</head>", f"{link}</head>", 1)
    return _BUTTONS.sub(lambda found: f"{found[0]}\n{switch}", page, count=1)


def up(name: str) -> str:
    """Return the way from a page to the folder of all pages."""
    return "../" * name.count("/")


def language(name: str) -> str:
    """Return the language of a page: ``"zh"`` or ``"en"``."""
    return "zh" if name.endswith(TWIN) else "en"


def name_parts(page: str) -> str:
    """Give names to the theme's parts that assistive software finds nameless."""
    first, *more = _VIEWPORT.findall(page) or [""]
    if more:
        charset = '<meta charset="utf-8" />'
        page = _VIEWPORT.sub("", page).replace(charset, f"{charset}{first}", 1)
    page = page.replace(
        '<div id="pst-primary-sidebar" class',
        '<div id="pst-primary-sidebar" role="complementary" aria-label="Site navigation" class',
        1,
    )
    return _SUMMARY.sub(r'>\1\2 aria-label="Pages under: \1">', page)


def lighten(page: str, *, searches: bool) -> str:
    """Leave out scripts that the page does not use.

    The builder loads every script on every page: formulas twice, icons that the style sheet draws
    as well, a launcher of kernels on another host. A page without a formula needs no formula
    script, and only the search page needs the index.
    """
    dropped = [r"sphinx-thebe\.js", r"scripts/fontawesome\.js"]
    if not searches:
        dropped += [r"searchtools\.js", r"language_data\.js", r"searchindex\.js"]
    inline = [r"const THEBE_JS_URL"]
    head, mark, body = page.partition("</head>")
    if 'class="math' in body:
        formula = re.search(r'<script defer[^>]*src="[^"]*tex-svg\.js[^>]*></script>', head)
        head = _without(head, [r"tex-svg\.js"], [])
        head += f"    {formula[0]}\n" if formula else ""
    else:
        dropped.append(r"tex-svg\.js")
        inline.append(r"window\.MathJax")
    head = _without(head, [*dropped, r"laboratory\.js"], inline)
    return f"{head}{mark}{body}"


def _without(head: str, sources: list[str], inline: list[str]) -> str:
    """Take out scripts by their address, by how they begin."""
    for address in sources:
        head = re.sub(rf'\s*<script[^>]*src="[^"]*{address}[^>]*></script>', "", head)
    for begin in inline:
        head = re.sub(rf"\s*<script>{begin}.*?</script>", "", head)
    return head


def describe(page: str, name: str, lang: str, *, book: str, site: str = "") -> str:
    """Add the description and the card that other programs show for a link to the page."""
    title = _between(page, "<title>", "</title>").split(" &#8212; ")[0].split(" — ")[0].strip()
    said = description(page) or book
    tags = [
        ("name", "description", said),
        ("property", "og:type", "website" if name == "index" else "article"),
        ("property", "og:site_name", book),
        ("property", "og:title", unescape(title)),
        ("property", "og:description", said),
        ("property", "og:locale", "zh_CN" if lang == "zh" else "en_GB"),
        ("property", "og:image", f"{site.rstrip('/')}/{CARD}" if site else f"{up(name)}{CARD}"),
        ("property", "og:image:alt", CARD_ALT),
        ("name", "twitter:card", "summary_large_image"),
    ]
    if site:
        tags.append(("property", "og:url", f"{site.rstrip('/')}/{name}.html"))
    lines = "".join(
        f'<meta {kind}="{key}" content="{escape(text, quote=True)}"/>\n' for kind, key, text in tags
    )
    return page.replace("</head>", f"{lines}</head>", 1)


def description(page: str) -> str:
    """Return the first sentences of a page, as many as fit into a description."""
    article = _between(page, "<article", "</article>")
    for found in re.findall(r"<p>(.*?)</p>", article, flags=re.DOTALL):
        text = " ".join(unescape(_TAGS.sub("", found)).split())
        if len(text) > 20:
            break
    else:
        return ""
    if len(text) <= _LONGEST:
        return text
    ends = [mark.end() for mark in re.finditer(r"[.?!](?= )|[。？！]", text[:_LONGEST])]
    return text[: ends[-1]] if ends else text[: _LONGEST - 1].rsplit(" ", 1)[0] + "…"


def offer_downloads(page: str, lang: str, way: str, offered: list[tuple[str, str]]) -> str:
    """Add links to what a reader can take away, at the end of the article."""
    block = _download_block(lang, [(kind, f"{way}{place}") for kind, place in offered])
    return page.replace("</article>", f"{block}</article>", 1)


def _download_block(lang: str, offered: list[tuple[str, str]]) -> str:
    """Write the links, the address of each from its page."""
    if not offered:
        return ""
    words = _words()["downloads"]
    links = "".join(
        f'<li><a data-kind="{kind}" href="{place}" download>{words[kind][lang]}</a></li>'
        for kind, place in offered
    )
    label = "下载" if lang == "zh" else "Downloads"
    return (
        f'<nav class="page-downloads d-print-none" aria-label="{label}">'
        f"<p>{words['heading'][lang]}</p><ul>{links}</ul></nav>\n"
    )


def mark_languages(page: str, name: str, names: set[str]) -> str:
    """Say which language a page and its links are in; translate the theme on a Chinese page."""
    twin = name.removesuffix(TWIN) if language(name) == "zh" else f"{name}{TWIN}"
    if twin in names:
        other = "zh-CN" if language(twin) == "zh" else "en"
        link = f'<link rel="alternate" hreflang="{other}" href="{up(name)}{twin}.html"/>\n'
        page = page.replace("</head>", f"{link}</head>", 1)
    if language(name) == "en":
        chinese = rf'(<a [^>]*href="[^"]*{TWIN}\.html")'
        return re.sub(chinese, r'\1 lang="zh-CN"', page)
    page = in_chinese(page).replace(
        '<nav class="bd-links bd-docs-nav"', '<nav lang="en" class="bd-links bd-docs-nav"'
    )
    page = re.sub(rf'(<a [^>]*href="[^"]*{TWIN}\.html")', r'\1 lang="zh-CN"', page)
    return page.replace('<p class="prev-next-title">', '<p class="prev-next-title" lang="en">')


def in_chinese(page: str) -> str:
    """Say that a page is in Chinese, and translate the words of the theme on it."""
    head, body = page.split("<body", 1)
    for english, chinese in _words()["theme"].items():
        for attribute in _ATTRIBUTES:
            body = body.replace(f'{attribute}="{english}"', f'{attribute}="{chinese}"')
        body = re.sub(rf"(>\s*){re.escape(english)}(\s*<)", rf"\g<1>{chinese}\g<2>", body)
    head = re.sub(r'<html lang="[^"]*"', '<html lang="zh-CN"', head)
    head = head.replace(
        'name="docsearch:language" content="en"', 'name="docsearch:language" content="zh"'
    )
    return f"{head}<body{body}"


def _pages(html: Path) -> list[Path]:
    hidden = {"_static", "_sources", "downloads", CHINESE_FOLDER}
    found = (path.relative_to(html) for path in html.rglob("*.html"))
    return sorted(html / path for path in found if path.parts[0] not in hidden)


def _between(text: str, start: str, end: str) -> str:
    _, _, after = text.partition(start)
    return after.partition(end)[0]


@cache
def _words() -> dict[str, Any]:
    return json.loads(_WORDS.read_text(encoding="utf-8"))
