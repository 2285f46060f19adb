import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from medalliance.show import plots


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_lines_leave_a_gap_where_a_value_is_missing():
    frame = pd.DataFrame({"year": [2010, 2011, 2012], "v": [1.0, np.nan, 3.0], "k": list("aaa")})
    ax = plots.lines(frame, x="year", y="v", by="k", breaks=[2011.5])
    drawn = ax.get_lines()[0]
    assert np.isnan(drawn.get_ydata()[1]) and drawn.get_label() == "a"


def test_forest_draws_estimates_without_interval_hollow():
    frame = pd.DataFrame(
        {
            "label": ["x", "y"],
            "estimate": [0.1, -0.2],
            "conf_low": [0.0, np.nan],
            "conf_high": [0.2, np.nan],
        }
    )
    ax = plots.forest(frame, unit="share of visits")
    marks = {line.get_label(): line for line in ax.get_lines()}
    full, hollow = marks["estimate"], marks["estimate (no interval published)"]
    assert full.get_xydata().tolist() == [[0.1, 1.0]]
    assert hollow.get_xydata().tolist() == [[-0.2, 0.0]]
    assert (full.get_markerfacecolor(), hollow.get_markerfacecolor()) == (plots.PALETTE[0], "none")
    bars = [segment.tolist() for bar in ax.collections for segment in bar.get_segments()]
    assert np.allclose(bars[0], [[0.0, 1.0], [0.2, 1.0]], atol=1e-15)
    assert ax.get_xlabel() == "share of visits"


def test_points_stand_where_they_are_even_outside_their_intervals():
    frame = pd.DataFrame(
        {
            "event_time": [0, 1, 2],
            "estimate": [0.5, -0.5, 0.1],
            "conf_low": [-0.1, -0.2, np.nan],
            "conf_high": [0.2, 0.3, np.nan],
        }
    )
    ax = plots.event_study(frame)
    drawn = {line.get_label(): line for line in ax.get_lines()}["estimate"]
    assert drawn.get_xydata().tolist() == [[0.0, 0.5], [1.0, -0.5], [2.0, 0.1]]
    bars = np.array([segment for bar in ax.collections for segment in bar.get_segments()])
    ends = bars[np.isfinite(bars).all(axis=(1, 2))]
    assert np.allclose(ends[:, :, 1], [[-0.1, 0.2], [-0.2, 0.3]], atol=1e-15)


def test_event_study_draws_intervals_and_bands():
    time = np.arange(-2, 3)
    frame = pd.DataFrame({"event_time": time, "estimate": time / 10.0})
    for name, shift in {
        "conf_low": -0.1,
        "conf_high": 0.1,
        "band_low": -0.2,
        "band_high": 0.2,
    }.items():
        frame[name] = frame["estimate"] + shift
    ax = plots.event_study(frame, unit="yuan per year")
    assert "simultaneous band" in ax.get_legend_handles_labels()[1]
    assert ax.get_ylabel() == "yuan per year"
    both = pd.concat([frame.assign(m="twfe"), frame.assign(m="att_gt")])
    names = plots.event_study(both, by="m").get_legend_handles_labels()[1]
    assert names == ["twfe", "att_gt"]


def test_group_time_names_each_cohort():
    frame = pd.DataFrame(
        {"cohort": [2015, 2015, 2017], "year": [2015, 2016, 2017], "estimate": 0.1}
    )
    names = plots.group_time(frame).get_legend_handles_labels()[1]
    assert names == ["cohort 2015", "cohort 2017"]


def test_bars_stack_and_keep_blanks():
    frame = pd.DataFrame({"n": ["a", "b"], "x": [1.0, np.nan], "y": [2.0, 3.0]})
    ax = plots.bars(frame, label="n", value=["x", "y"], stacked=True)
    assert [patch.get_x() for patch in ax.containers[1]] == [1.0, 0.0]


def test_flow_refuses_a_negative_amount_and_says_each_share():
    frame = pd.DataFrame({"target": ["hospital", "members"], "amount": [750.0, 250.0]})
    texts = " ".join(text.get_text() for text in plots.flow(frame, total="surplus").texts)
    assert "75.0%" in texts and "1,000 yuan" in texts
    with pytest.raises(ValueError, match="loss"):
        plots.flow(frame.assign(amount=[-1.0, 2.0]))


def test_heatmap_hatches_blanks():
    ax = plots.heatmap(pd.DataFrame([[0.1, np.nan]], index=["a"], columns=["x", "y"]))
    assert len(ax.texts) == 1 and [patch.get_hatch() for patch in ax.patches] == ["///"]


def test_ternary_refuses_parts_that_do_not_sum_to_one():
    frame = pd.DataFrame({"a": [0.5], "b": [0.2], "c": [0.3]})
    assert plots.ternary(frame, parts=["a", "b", "c"]).get_label() == ""
    with pytest.raises(ValueError, match="sum to 1"):
        plots.ternary(frame.assign(a=0.6), parts=["a", "b", "c"])


def test_tiles_mark_categories_and_leave_missing_cells_open():
    frame = pd.DataFrame([["a", "b"], [None, "a"]], index=["x", "y"], columns=["p", "q"])
    ax = plots.tiles(frame, colors={"a": "#111111", "b": "#222222"}, marks={"a": "A"})
    assert [patch.get_fill() for patch in ax.patches] == [True, True, False, True]
    assert [text.get_text() for text in ax.texts] == ["A", "", "", "A"]
    assert ax.get_legend_handles_labels()[1] == ["a (A)", "b"]
