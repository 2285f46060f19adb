"""Real evidence stands before what is invented, in the order of the book and on each page."""

import re

import pytest
import yaml

from medalliance.errors import DataError
from medalliance.paths import PROJECT
from medalliance.press.finish import redirects
from medalliance.press.notebooks import read_cells
from medalliance.press.records import stored_exhibits

BOOK = PROJECT / "book"
REAL = {"ledger": "surplus", "pay-england": "pay", "visits": "visits", "link": "the link"}
TAUGHT = ("estimate-surplus", "estimate-pay", "estimate-visits", "money-and-behaviour", "how-wrong")
MOVED = yaml.safe_load((BOOK / "_redirects.yml").read_text(encoding="utf-8"))


def parts() -> dict[str, list[str]]:
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    return {part["caption"]: [e["file"] for e in part["chapters"]] for part in toc["parts"]}


@pytest.mark.parametrize("name", [*REAL, "index"])
def test_first_exhibit_and_two_thirds_of_all_are_real(name):
    badges = [one.badge for one in stored_exhibits(read_cells(BOOK / f"{name}.ipynb"), name)]
    assert badges[0] == "REAL"
    assert badges.count("REAL") >= 2 / 3 * len(badges)


def test_what_happened_comes_before_the_manual_and_holds_nothing_invented():
    order = list(parts())
    happened, manual = parts()["What happened"], parts()["Methods manual"]
    assert order.index("What happened") < order.index("Why") < order.index("Methods manual")
    assert happened[: len(REAL)] == list(REAL)
    assert set(TAUGHT) <= set(manual)
    for name in happened:
        badges = {one.badge for one in stored_exhibits(read_cells(BOOK / f"{name}.ipynb"), name)}
        assert "SYNTHETIC" not in badges, name


@pytest.mark.parametrize("name", TAUGHT)
def test_a_chapter_on_invented_data_is_titled_by_what_it_teaches(name):
    title = "".join(read_cells(BOOK / f"{name}.ipynb")[0]["source"]).splitlines()[0]
    assert re.match(r"# (Estimating .+: .+\?|How wrong could this be\?)$", title), title


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_an_old_address_leads_to_the_chapter(built_book, old, new):
    page = (built_book / f"{old}.html").read_text(encoding="utf-8")
    assert f'url={new}.html"' in page and f'<a href="{new}.html">' in page
    assert (built_book / f"{new}.html").is_file()


def test_a_redirect_to_nowhere_and_one_over_a_page_are_refused(tmp_path):
    place = tmp_path / "_redirects.yml"
    place.write_text("a: b\ncases/old: c\n", encoding="utf-8")
    made = redirects(tmp_path, {"b", "c"})
    assert set(made) == {"a", "cases/old"}
    assert 'url=../c.html"' in made["cases/old"]
    with pytest.raises(DataError, match=r"a is still a page.*\n.*cases/old leads to c"):
        redirects(tmp_path, {"a", "b"})
    assert redirects(tmp_path / "none", {"a"}) == {}
