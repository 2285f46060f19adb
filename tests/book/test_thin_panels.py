"""Chapters on panels that carry little: each says why, and none shows what is not a number."""

import ast
import json
import re

import numpy as np
import pytest
from matplotlib import pyplot as plt

from medalliance.errors import DesignError, RuleError
from medalliance.paths import PROJECT
from medalliance.press.own_book.kernels import KNOWN_TRUTH
from medalliance.provenance import Badge
from medalliance.show.exhibits import Exhibit, Sentence
from medalliance.simulate import simulate_panel

KEYS = ["county_code", "prefecture_code", "year", "cohort"]
VISITS = ["visits_village", "visits_township", "visits_county", "visits_out"]
FEWER = re.compile(r"n_draws=\d+")
NOT_A_NUMBER = re.compile(r"\bnan\b|\binf\b|<NA>", re.IGNORECASE)


@pytest.fixture(scope="module")
def whole():
    drawn = simulate_panel(40, 9, seed=4, rules=["one_sided", "split_631"], channels=False)
    return drawn.panel.frame


def some_treated(frame, count):
    treated = frame.loc[frame["cohort"] > 0, "county_code"].unique()[:count]
    return frame[(frame["cohort"] == 0) | frame["county_code"].isin(treated)]


def two_counties(frame):
    first = frame.groupby(frame["cohort"] > 0)["county_code"].first()
    return frame[frame["county_code"].isin(first)]


def without(frame, *stems):
    return frame[[name for name in frame if not name.startswith(stems)]]


# name: (panel from the whole one, chapters that must show something, chapters that must not)
PANELS = {
    "one treated county": (
        lambda f: some_treated(f, 1),
        {"estimate-surplus", "estimate-visits"},
        set(),
    ),
    "no never-treated county": (
        lambda f: f[f["cohort"] > 0],
        {"estimate-surplus", "methods"},
        set(),
    ),
    "a year missing": (lambda f: f[f["year"] != 2016], {"estimate-surplus", "how-wrong"}, set()),
    "rows missing": (
        lambda f: f[np.random.default_rng(0).random(len(f)) > 0.2],
        {"estimate-surplus", "estimate-pay", "estimate-visits"},
        set(),
    ),
    "only visits": (
        lambda f: f[["county_code", "year", "cohort", *VISITS]],
        {"estimate-visits"},
        {"estimate-surplus", "estimate-pay"},
    ),
    "only spending": (
        lambda f: f[[*KEYS, "insured_n", "spending"]],
        {"estimate-surplus"},
        {"estimate-pay", "estimate-visits"},
    ),
    "only the surplus": (
        lambda f: f[[*KEYS, "insured_n", "budget", "notional_budget", "spending"]],
        {"estimate-surplus", "money-and-behaviour"},
        {"estimate-pay", "estimate-visits"},
    ),
    "no notional budget": (
        lambda f: f.drop(columns="notional_budget"),
        {"estimate-surplus", "estimate-pay"},
        set(),
    ),
    "no price index": (lambda f: f.drop(columns="cpi_index"), {"estimate-pay"}, set()),
    "no pay": (lambda f: without(f, "pay_", "fte_"), {"estimate-pay", "estimate-surplus"}, set()),
    "one cohort, nobody else": (
        lambda f: f[f["cohort"] == f["cohort"].max()],
        set(),
        {"estimate-surplus", "estimate-pay", "estimate-visits", "methods"},
    ),
    "nobody treated": (
        lambda f: f[f["cohort"] == 0],
        set(),
        {"estimate-surplus", "estimate-visits"},
    ),
    "two counties": (two_counties, {"estimate-surplus", "estimate-visits"}, set()),
    "a rule that nobody knows": (
        lambda f: f.assign(rule_id="ours"),
        {"money-and-behaviour"},
        set(),
    ),
}


def shown_or_refused(chapter):
    """Run a chapter as a reader's book does: what it shows, and what is refused."""
    book = json.loads((PROJECT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    names, shown, refused, steps = {}, [], [], 0
    for cell in book["cells"]:
        if cell["cell_type"] != "code" or "".join(cell["source"]).startswith(KNOWN_TRUTH):
            continue
        steps += 1
        tree = ast.parse(FEWER.sub("n_draws=5", "".join(cell["source"])))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        try:
            exec(compile(tree, "cell", "exec"), names)
            if last is not None:
                shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))
        except (DesignError, RuleError) as refusal:
            refused.append(str(refusal))
            if steps == 1:  # nothing can follow: the page says why
                break
        except NameError:  # the cell hangs on a refused one, as a reader's book finds out
            assert refused
    plt.close("all")
    return shown, refused


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PANELS)
def test_thin_panel(name, whole, tmp_path, monkeypatch):
    make, must_show, must_not = PANELS[name]
    make(whole).to_parquet(tmp_path / "panel.parquet")
    monkeypatch.setenv("MEDALLIANCE_PANEL", str(tmp_path / "panel.parquet"))
    chapters = must_show | must_not | ({"how-sure"} if name == "one treated county" else set())
    for chapter in sorted(chapters):
        shown, refused = shown_or_refused(chapter)
        assert shown if chapter in must_show else True, (chapter, refused)
        assert not (shown and chapter in must_not), chapter
        for exhibit in shown:
            assert isinstance(exhibit, Exhibit | Sentence)
            assert exhibit.badge == Badge.YOURS
            assert not NOT_A_NUMBER.search(repr(exhibit)), repr(exhibit)
        for words in refused:
            assert words.rstrip().endswith((".", ")", "?")), words
            assert not NOT_A_NUMBER.search(words), words
