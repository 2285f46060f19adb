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
        name = "laboratory-zh" if "lang=zh" in state else "laboratory"
        address = (built_book / f"{name}.html").as_uri()
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


def test_the_address_restores_a_setting_a_held_one_and_the_language(opened):
    first = opened()
    first.click("[data-preset=audited]")
    first.click(".lab-hold")
    first.click("[data-preset=tight_one_sided]")
    shown = seen(first)
    state = first.url.split("#")[1]
    assert "held=" in state
    again = opened(state=state)
    assert seen(again) == shown
    assert again.get_attribute("[data-preset=tight_one_sided]", "aria-pressed") == "true"
    assert again.inner_html("#lab-figure-map svg path.lab-line") == first.inner_html(
        "#lab-figure-map svg path.lab-line"
    )
    again.click(".lab-release")
    linked = opened(query="preset=tight_one_sided")
    assert seen(linked) == seen(again)
    first.click(".lab-language")
    first.wait_for_url("**/laboratory-zh.html#*")
    first.wait_for_selector("#lab-gain_share")
    assert first.url.split("#")[1] == state
    assert first.get_attribute("#laboratory", "lang") == "zh-CN"
    first.click(".lab-language")
    first.wait_for_url("**/laboratory.html#*")
    first.wait_for_selector("#lab-gain_share")
    assert seen(first) == shown


def test_a_link_that_asks_for_chinese_opens_the_chinese_page(browser, built_book):
    page = browser.new_page()
    page.goto((built_book / "laboratory.html").as_uri() + "?preset=audited&lang=zh")
    page.wait_for_url("**/laboratory-zh.html#*")
    page.wait_for_selector("[data-preset=audited][aria-pressed=true]")
    page.close()


def test_the_page_compares_with_no_contract_and_with_a_held_setting(opened):
    page = opened()
    heads = "#laboratory .lab-results figure:first-child thead th"
    assert page.locator(heads).count() == 3
    page.click(".lab-hold")
    page.select_option("#lab-sides", "two")
    page.wait_for_timeout(150)
    assert page.locator(heads).count() == 4
    rows = page.locator(".lab-tables figure:first-child tbody tr")
    assert rows.count() == 3  # the held setting, its one changed rule, the present setting
    changed_row, now = (rows.nth(k).locator("td").all_inner_texts() for k in (1, 2))
    assert changed_row == now


@pytest.mark.parametrize("width", [1280, 390])
def test_the_summary_never_hides_under_a_header(opened, width):
    page = opened(width)
    for down in (0, 700, 1500, 2200):
        page.evaluate(f"window.scrollTo(0, {down})")
        page.wait_for_timeout(80)
        hidden = page.evaluate(
            """() => {
              const strip = document.querySelector('.lab-strip');
              const box = strip.getBoundingClientRect();
              if (box.bottom < 0 || box.top > innerHeight) return false;
              return ![...strip.querySelectorAll('strong')].every(e => {
                const r = e.getBoundingClientRect();
                return strip.contains(document.elementFromPoint(r.x + 2, r.y + r.height / 2));
              });
            }"""
        )
        assert not hidden, down


def test_controls_are_wide_enough_for_a_thumb(opened):
    page = opened(390)
    small = page.evaluate(
        """() => [...document.querySelectorAll(
             '.lab button, .lab input, .lab select, .lab a.lab-language')]
           .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 43)
           .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_warnings_stand_beside_the_result(opened):
    page = opened(state="gain_share=1")
    assert "No text that we read" in page.inner_text(".lab-warnings")
    page.evaluate("location.hash = 'gain_share=0.5'")
    page.wait_for_timeout(200)
    assert "No text that we read" not in page.inner_text(".lab-warnings")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_contract_is_copied_and_saved_without_a_server(opened, lang, tmp_path):
    from medalliance.chapters.contract_settings import rules_of, settings_of
    from medalliance.press.contract_draft import plain_text

    state = "gain_share=0.35&sides=two&loss_share=0.15&corridor=0.0075"
    page = opened(state=state + ("&lang=zh" if lang == "zh" else ""))
    page.click(".lab-contract summary")
    wanted = plain_text(rules_of(settings_of(state)), lang)
    assert page.text_content(".lab-contract-text") == wanted
    with page.expect_download() as saved:
        page.click(".lab-save")
    saved.value.save_as(tmp_path / "contract.txt")
    assert (tmp_path / "contract.txt").read_text(encoding="utf-8-sig") == wanted


def test_two_stable_outcomes_are_both_shown(opened):
    page = opened()
    page.click("[data-preset=tight_one_sided]")
    page.click(".lab-economists summary")
    assert "2 outcomes are stable" in seen(page)["sentence"]
    dots = page.query_selector_all("#lab-figure-map circle")
    assert len(dots) == 3
    assert [dot.get_attribute("fill") == "none" for dot in dots] == [False, True, False]


def test_a_wrong_address_opens_the_laboratory_all_the_same(opened):
    page = opened(state="gain_share=9&sides=neither&corridor=&villages=12.7&growth=abc")
    assert page.input_value("#lab-gain_share") == "1"
    assert page.input_value("#lab-sides") == "one"
    assert "This contract leaves" in page.inner_text(".lab-headline")


def test_chinese_has_no_english_words_and_a_reader_is_told_what_is_drawn(opened):
    page = opened(state="lang=zh")
    text = page.inner_text("article").replace("ILLUSTRATIVE", "").replace("English", "")
    text = text.partition("可能错在哪里")[0].replace("JavaScript", "").replace("Word", "")
    assert set(re.findall(r"[A-Za-zö]{2,}", text)) <= {"Holmström"}
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
