"""Pages as a browser shows them: wide and narrow, light and dark."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_built_pages import PAGES

pytestmark = pytest.mark.browser

LOCAL = ("file:", "data:", "blob:", "about:")
FRONT = {"index", "contract", "contract-zh", "laboratory", "laboratory-zh", "how-to-read"}
LIGHT, HEAVY = 1_200_000, 4_500_000  # bytes of a page with all that it loads, not compressed
MEASURE = """() => {
  const shown = element => element.getClientRects().length > 0;
  const light = element => {
    const [red, green, blue, alpha = 1] =
      getComputedStyle(element).backgroundColor.match(/[\\d.]+/g).map(Number);
    return alpha > 0.5 && (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255 > 0.6;
  };
  const luminance = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
    .map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  const contrast = element => {
    const ink = luminance(getComputedStyle(element).color);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
  };
  const texts = [...document.querySelectorAll(
    'figcaption, .exhibit-text, .exhibit-source, article td, article th, article p, article li')];
  const outputs = [...document.querySelectorAll('.cell_output, .cell_output *, article table *')];
  return {
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    formulas: document.querySelectorAll('.math').length,
    rendered: document.querySelectorAll('mjx-container').length,
    errors: document.querySelectorAll('mjx-merror, [data-mml-node=merror]').length,
    searches: [...document.querySelectorAll('input[type=search]')].filter(shown).length,
    pale: outputs.filter(shown).filter(light).map(e => e.outerHTML.slice(0, 80)),
    faint: texts.filter(shown).filter(e => contrast(e) < 3).map(e => e.outerHTML.slice(0, 80)),
    page_is_light: light(document.body),
    broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.alt),
    language: document.documentElement.lang,
  };
}"""
THEME_SET = "scheme => document.documentElement.dataset.theme === scheme"
MATHJAX_DONE = "() => !window.MathJax || !window.MathJax.startup || window.MathJax.startup.promise"


@pytest.fixture(scope="session")
def look(browser, built_book):
    """Return a function from a page to its measures in four looks, its requests, its faults."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked, faults = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda fault: faults.append(str(fault)))

    def measure(name):
        asked.clear()
        faults.clear()
        seen = {}
        page.emulate_media(color_scheme="light")
        page.goto((built_book / f"{name}.html").as_uri(), wait_until="load")
        page.evaluate(MATHJAX_DONE)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(THEME_SET, arg=scheme)
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                seen[scheme, width] = page.evaluate(MEASURE)
        return seen, set(asked), list(faults)

    yield measure
    context.close()


def weight(asked):
    """Return the bytes of the files that a page asked for, itself included."""
    paths = {unquote(urlsplit(url).path) for url in asked if url.startswith("file:")}
    return sum(Path(path).stat().st_size for path in paths)


@pytest.mark.parametrize("name", PAGES)
def test_page_reads_wide_and_narrow_light_and_dark(look, name):
    seen, asked, faults = look(name)
    assert [url for url in asked if not url.startswith(LOCAL)] == []
    assert faults == [], f"{name}: a script fails"
    heavy = weight(asked)
    assert heavy < (LIGHT if name in FRONT else HEAVY), f"{name} weighs {heavy / 1e6:.1f} MB"
    for (scheme, width), page in seen.items():
        where = f"{name} at {width} px, {scheme}"
        assert page["overflow"] <= 0, f"{where}: scrolls sideways by {page['overflow']} px"
        assert page["errors"] == 0, f"{where}: a formula is wrong"
        assert page["rendered"] >= page["formulas"], f"{where}: a formula is raw text"
        assert page["broken"] == [], where
        assert page["faint"] == [], f"{where}: text that can hardly be read"
        assert page["language"] == ("zh-CN" if name.endswith("-zh") else "en"), where
        assert page["page_is_light"] == (scheme == "light"), where
        assert page["searches"] <= 1, f"{where}: more than one search box"
        if scheme == "dark":
            assert page["pale"] == [], f"{where}: pale ground in the dark"


def test_the_measures_can_fail(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        '<html lang="en"><body style="background:#fff"><div style="width:2000px">x</div>'
        '<div class="cell_output" style="background:#eee">y</div>'
        '<article><p style="color:#ddd">faint</p></article>'
        '<span class="math">z</span><mjx-merror></mjx-merror></body></html>'
    )
    page = browser.new_page(viewport={"width": 390, "height": 700})
    page.goto(bad.as_uri())
    seen = page.evaluate(MEASURE)
    page.close()
    assert seen["overflow"] > 1000
    assert seen["errors"] == 1
    assert seen["formulas"] > seen["rendered"]
    assert len(seen["pale"]) == 1
    assert len(seen["faint"]) == 1
