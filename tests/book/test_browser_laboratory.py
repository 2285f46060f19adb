"""The laboratory as a reader uses it: mouse, keyboard, address, both languages, both widths."""

import re

import pytest

pytestmark = pytest.mark.browser

LOOKS = [(1280, "light", "en"), (1280, "dark", "zh"), (390, "light", "zh"), (390, "dark", "en")]
PALE = """element => {
  const [r, g, b, a = 1] = getComputedStyle(element).backgroundColor.match(/[\\d.]+/g).map(Number);
  return a > 0.5 && (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255 > 0.6;
}"""


@pytest.fixture
def opened(browser, built_book):
    """Return a function that opens the laboratory, and note what it asks for."""
    contexts = []

    def open_at(width=1280, scheme="light", state="", query=""):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        address = (built_book / "laboratory.html").as_uri()
        page.goto(address + (f"?{query}" if query else "") + (f"#{state}" if state else ""))
        page.wait_for_selector("#lab-gain_share")
        return page

    yield open_at
    for context in contexts:
        context.close()


def seen(page):
    """Return what the page says and shows."""
    page.wait_for_timeout(120)
    return {
        "sentence": page.inner_text(".lab-headline"),
        "picture": page.inner_html("#lab-figure-yuan svg"),
        "table": page.inner_text(".lab-tables"),
    }


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(("width", "scheme", "lang"), LOOKS)
def test_mouse_and_keyboard_change_numbers_and_picture(opened, width, scheme, lang):
    page = opened(width, scheme, f"lang={lang}" if lang == "zh" else "")
    everything = {"sentence", "picture", "table"}
    start = seen(page)

    slider = page.locator("#lab-gain_share")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], height)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.95 * box["width"], height, steps=4)
    page.mouse.up()
    by_mouse = seen(page)
    assert changed(start, by_mouse) == everything
    assert "gain_share=" in page.url

    page.locator("#lab-growth").focus()
    page.keyboard.press("ArrowLeft")
    by_key = seen(page)
    assert changed(by_mouse, by_key) == everything
    assert "growth=-0.005" in page.url

    page.select_option("#lab-sides", "two")
    assert changed(by_key, seen(page)) == everything
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    outside = [url for url in page.asked if not url.startswith(("file:", "data:", "blob:"))]
    assert outside == []
    pale = [
        e for e in page.query_selector_all(".lab :is(p, div, table, select)") if e.evaluate(PALE)
    ]
    assert (scheme == "light") or pale == []


def test_the_address_restores_a_setting_and_the_language(opened):
    first = opened()
    first.click("[data-preset=tight_one_sided]")
    shown = seen(first)
    first.click(".lab-language")
    assert "lang=zh" in first.url
    state = first.url.split("#")[1]
    linked = opened(query="preset=tight_one_sided")
    assert seen(linked) == shown
    again = opened(state=state)
    assert again.get_attribute("[data-preset=tight_one_sided]", "aria-pressed") == "true"
    assert again.inner_html("#lab-figure-map svg path.lab-line") == first.inner_html(
        "#lab-figure-map svg path.lab-line"
    )
    again.click(".lab-language")
    assert seen(again) == shown


def test_two_stable_outcomes_are_both_shown(opened):
    page = opened()
    page.click("[data-preset=tight_one_sided]")
    assert "2 outcomes are stable" in seen(page)["sentence"]
    dots = page.query_selector_all("#lab-figure-map circle")
    assert len(dots) == 3
    assert [dot.get_attribute("fill") == "none" for dot in dots] == [False, True, False]


def test_a_wrong_address_opens_the_laboratory_all_the_same(opened):
    page = opened(state="gain_share=9&sides=neither&corridor=&villages=12.7&growth=abc")
    assert page.input_value("#lab-gain_share") == "1"
    assert page.input_value("#lab-sides") == "one"
    assert "Expected surplus" in page.inner_text(".lab-headline")


def test_chinese_has_no_english_words_and_a_reader_is_told_what_is_drawn(opened):
    page = opened(state="lang=zh")
    text = page.inner_text("#laboratory").replace("ILLUSTRATIVE", "").replace("English", "")
    assert re.findall(r"[A-Za-z]{2,}", text) == []
    assert page.get_attribute("#laboratory", "lang") == "zh-CN"
    for picture in page.query_selector_all("#laboratory svg"):
        assert picture.get_attribute("role") == "img"
        assert len(picture.get_attribute("aria-label")) > 20
    assert page.get_attribute(".lab-headline", "aria-live") == "polite"
    named = page.evaluate(
        "[...document.querySelectorAll('.lab :is(input, select)')].every(e => e.labels.length)"
    )
    assert named


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("laboratory", "laboratory.html"),
        ("contract", "contract.html"),
        ("合同", "contract-zh.html"),
    ],
)
def test_search_finds(browser, built_book, words, found):
    page = browser.new_page()
    page.goto((built_book / "contract.html").as_uri())
    page.click(".search-button-field")
    page.fill("#pst-search-dialog input[type=search]", words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=*")
    page.wait_for_selector(f"#search-results li a[href*='{found}']", timeout=20_000)
    page.close()


def test_home_leads_on_in_one_click(browser, built_book):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    for name in ("contract", "contract-zh", "laboratory", "cases/pengshui_chongqing"):
        page.goto((built_book / "index.html").as_uri())
        link = f"a[href='{name}.html']"
        page.locator(f"article .sd-card:has({link}), article p {link}").first.click()
        page.wait_for_url(f"**/{name}.html")
        assert page.is_visible("article h1")
    page.close()


@pytest.mark.parametrize(
    ("door", "title"), [("contract", "The surplus that is kept"), ("contract-zh", "结余留用")]
)
@pytest.mark.parametrize("width", [1280, 390])
def test_home_to_a_clause_on_surplus_retention_in_two_clicks(
    browser, built_book, door, title, width
):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((built_book / "index.html").as_uri())
    page.locator(f"article .sd-card:has(a[href='{door}.html'])").first.click()
    page.wait_for_url(f"**/{door}.html")
    page.locator(".contract-list a", has_text=title).click()
    page.wait_for_url("**#clause-surplus")
    section = page.locator(f"section > h2:has-text('{title}')").locator("..")
    assert section.locator(".contract-wording").first.is_visible()
    assert section.locator(".contract-values li").count() > 0
    assert section.locator("p.exhibit-text").count() > 0
    top = page.evaluate("document.querySelector('#clause-surplus').getBoundingClientRect().top")
    assert 0 <= top < 400
    page.close()
