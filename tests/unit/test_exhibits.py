import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import medalliance as ma
from medalliance.show import pictures, plots, tables

REAL = ma.Provenance("REAL", "yearbook")
CAPTION, ALT = "Primary care loses <share>", 'A "falling" line'


def _line():
    frame = pd.DataFrame({"year": [2010, 2011, 2012], "share": [0.61, np.nan, 0.5]})
    return plots.lines(frame, x="year", y="share")


def test_figure_is_one_html_output_with_badge_alt_caption_source_and_numbers():
    shown = ma.show(_line(), CAPTION, alt=ALT, about=REAL)
    html = shown._repr_html_()
    assert html.startswith("<figure") and 'data-badge="REAL"' in html
    assert 'alt="A &quot;falling&quot; line"' in html
    assert "Primary care loses &lt;share&gt;" in html and "Source: yearbook" in html
    assert "<td>0.61</td>" in html and "data:image/png;base64," in html
    assert "[REAL] Primary care" in repr(shown) and "object at 0x" not in repr(shown)


def test_figure_is_deterministic_and_closes_its_figure():
    before = plt.get_fignums()
    first, second = (ma.show(_line(), CAPTION, alt=ALT, about=REAL)._repr_html_() for _ in range(2))
    assert first == second
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("words", "field"),
    [({"caption": "  "}, "caption"), ({"alt": "  "}, "alt"), ({"source": ""}, "source")],
)
def test_show_refuses_an_empty_text(words, field):
    told = {"caption": CAPTION, "alt": ALT, "source": "yearbook"} | words
    about = ma.Provenance("REAL", told.pop("source"))
    with pytest.raises(ValueError, match=field):
        ma.show(_line(), **told, about=about)


def test_provenance_refuses_an_unknown_badge():
    with pytest.raises(ValueError, match="PLAUSIBLE"):
        ma.Provenance("PLAUSIBLE", "yearbook")


def test_drawn_numbers_follow_the_data():
    frame = pd.DataFrame({"name": ["a", "b"], "first": [1.0, 2.0], "second": [3.0, -1.0]})
    ax = plots.dumbbell(frame, label="name", start="first", end="second")
    numbers = pictures.drawn_numbers([ax]).set_index("series")
    assert numbers.loc["second", ["first", "last", "lowest", "highest"]].tolist() == [3, -1, -1, 3]
    plt.close(ax.figure)


def test_rounded_prints_blanks_as_blanks_and_no_negative_zero():
    frame = pd.DataFrame({"x": [0.123456, -1e-17, np.nan, 1234567.0], "n": [1, 2, 3, 4]})
    assert pictures.rounded(frame)["x"].tolist() == ["0.1235", "0", "", "1234567"]


def test_sentence_carries_its_badge():
    said = ma.say("The rate fell.", about=ma.Provenance("SYNTHETIC", "simulation"))
    assert 'data-badge="SYNTHETIC"' in said._repr_html_()


def test_table_prints_p_values_blanks_years_and_minus_signs():
    frame = pd.DataFrame(
        {
            "case": ["A", "B"],
            "year": [2015, 2016],
            "rate": [-0.0312, np.nan],
            "yuan": [123456.0, 2.0],
            "p_value": [0.0001, 0.0404],
        }
    )
    shown = ma.show(frame, "c", about=REAL, labels={"rate": "surplus rate"})
    assert shown.summary["surplus rate"].tolist() == ["-0.031", "\u2013"]
    assert shown.summary["p value"].tolist() == ["<0.001", "0.040"]
    assert shown.summary["yuan"].tolist() == ["123,456", "2"]
    html = shown._repr_html_()
    assert "\u22120.031" in html and ">2015<" in html and "p = 0.0" not in html
    again = ma.show(frame, "c", about=REAL, labels={"rate": "surplus rate"})
    assert html == again._repr_html_()


def test_table_prints_an_interval_without_end():
    frame = pd.DataFrame({"conf_low": [-np.inf, 0.25], "conf_high": [np.inf, np.inf], "n": [2, 3]})
    shown = ma.show(frame, "Ends", about=REAL, decimals=2)
    assert shown.summary.to_numpy().tolist() == [["-∞", "∞", "2.00"], ["0.25", "∞", "3.00"]]
    assert "\u2212∞" in shown._repr_html_()


def test_table_prints_assumed_rows_and_blanks_in_grey():
    frame = pd.DataFrame({"share": [0.5, 0.25, None], "status": ["reported", "assumed", "x"]})
    html = ma.show(frame, "c", about=REAL)._repr_html_()
    assert html.count("#7d838c") == 3


def test_to_latex_escapes_and_aligns():
    text = tables.to_latex(pd.DataFrame({"term_x": ["a&b"], "estimate": [-0.5]}), caption="50 %")
    assert r"a\&b & $-$0.500 \\" in text and "{lr}" in text and r"50 \%" in text
