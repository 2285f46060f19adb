"""Every page under the axe rules for accessibility: no critical, serious or moderate finding.

One page of each kind is looked at whole, wide and narrow, light and dark. Contrast takes most of
the time. On the other pages it is therefore measured once, on the wide light page, where long
tables and lists keep their first entries and what has a colour of its own: the rest repeats them.
"""

from pathlib import Path

import pytest
from test_browser_pages import MATHJAX_DONE, THEME_SET
from test_built_pages import PAGES

pytestmark = pytest.mark.browser

ENGINE_PAGES = ["search", "genindex"]
LOOKS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
KINDS = {"index", "contract", "contract-zh", "laboratory", "laboratory-zh", "estimate-surplus",
         "status", "search",
         "cases/funan_anhui", "budget-unit", "data-availability"}  # fmt: skip
REFUSED = {"critical", "serious", "moderate"}
AUDIT = """async contrast => {
  const rules = { "color-contrast": { enabled: contrast } };
  const options = { resultTypes: ["violations"], rules };
  const { violations, passes } = await axe.run(document, options);
  return {
    passed: passes.map(rule => rule.id),
    found: violations.flatMap(({ id, impact, nodes }) => nodes.map(
      node => ({ id, impact, target: node.target.join(" "), html: node.html.slice(0, 160) }))),
  };
}"""
STILL = "* { animation: none !important; transition: none !important }"
REPEATED = """
  tbody tr:nth-child(n+4):not(:has([style*="color"])), dl > :nth-child(n+9),
  section > p:nth-of-type(n+12), section > section > p:nth-of-type(n+12), nav li li:nth-child(n+4)
  { display: none !important }"""
UNFOLD = "document.querySelectorAll('article details').forEach(part => { part.open = true; })"
# the theme makes its boxes reachable 0.3 s after the width changed
REACHABLE = """() => [...document.querySelectorAll(".pst-scrollable-table-container")]
  .every(box => (box.scrollWidth > box.clientWidth) === (box.tabIndex === 0))"""


@pytest.fixture(scope="module")
def script() -> str:
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def audit(browser, script):
    """Return a function from an address to the findings in two looks, or in all four."""
    context = browser.new_context()
    page = context.new_page()

    def run(address, *, whole):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address, wait_until="load")
        page.add_style_tag(content=STILL)  # no colour is caught half-way
        page.evaluate(MATHJAX_DONE)
        page.evaluate(script)
        found = []
        for width, scheme in LOOKS if whole else LOOKS[::2]:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(THEME_SET, arg=scheme)
            page.wait_for_function(REACHABLE)
            if not whole:
                page.add_style_tag(content=REPEATED)
            elif scheme == "dark":
                page.evaluate(UNFOLD)
            seen = page.evaluate(AUDIT, width == 1280 or whole)
            assert len(seen["passed"]) > 10, "the audit looked at nothing"
            found += [(width, scheme, *finding.values()) for finding in seen["found"]]
        return found

    yield run
    context.close()


@pytest.mark.parametrize("name", [*PAGES, *ENGINE_PAGES])
def test_page_can_be_used_by_everybody(audit, built_book, name):
    found = audit((built_book / f"{name}.html").as_uri(), whole=name in KINDS)
    refused = [finding for finding in found if finding[3] in REFUSED]
    assert refused == [], f"{name}: {len(refused)} findings"


def test_the_kinds_are_pages():
    assert {*PAGES, *ENGINE_PAGES} >= KINDS


def test_the_audit_can_fail(browser, script):
    page = browser.new_page(viewport={"width": 390, "height": 700})
    page.set_content(
        '<!doctype html><html lang="en"><title>x</title><body style="background:#fff"><main>'
        "<h1>x</h1>"
        '<img src="data:,"><input type="range"><p style="color:#aaa">faint</p>'
        '<div style="overflow:auto;width:90px;white-space:nowrap">'
        "a line that is too long <p>for its box</p></div>"
    )
    page.evaluate(script)
    found = {finding["id"] for finding in page.evaluate(AUDIT, True)["found"]}
    page.close()
    assert {"image-alt", "label", "color-contrast", "scrollable-region-focusable"} <= found
