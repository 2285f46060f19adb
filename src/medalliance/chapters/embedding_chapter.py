"""Embedding and the cases: grid, codes with their blanks, reliability, index without ranking."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

from ..embedding.coding import Coding, load_coding
from ..provenance import Badge, Provenance
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show

if TYPE_CHECKING:
    import pandas as pd

    from ..embedding.reliability import Level

USE, TENTATIVE = 0.80, 0.667
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")
_COLORS = {"0": "#6f757d", "1": "#3a8fc7", "2": "#0b5f9c", "3": "#00324f"}


@cache
def project_coding() -> Coding:
    """Return the project's codes, read once."""
    return load_coding()


def grid_table() -> Exhibit:
    """Set every indicator of the grid with its weakest and strongest anchor."""
    import pandas as pd

    grid = project_coding().grid
    rows = [
        (
            grid.cell_label(one.cell),
            one.label["en"],
            one.label["zh"],
            *(anchor["en"] for anchor in one.anchors),
        )
        for one in grid.indicators.values()
    ]
    columns = ["cell", "indicator", "指标", "0", "1", "2", "3"]
    return show(
        pd.DataFrame(rows, columns=columns),
        "The coding grid: nine cells, what each asks, what a code stands for",
        about=Provenance(
            Badge.REAL,
            "the book's coding grid, data/coding/grid.yaml, after Luo et al. (2025), S46",
        ),
        labels={},
    )


def evidence_sentence(coding: Coding | None = None) -> Sentence:
    """Say how little the codes rest on."""
    coding = coding or project_coding()
    codes = coding.matrix()
    filled = codes.notna().sum(axis=1)
    sources = coding.sheets.groupby("case")["source_id"].nunique()
    return say(
        "{n_codes} cases have a code. {filled} of {size} questions are answered. The median "
        "case answers {median:.0f} of {shape_1}, from {sources}; the best documented, "
        "{names}, answers {max_filled}. {single} cases answer one.",
        n_codes=len(codes),
        filled=int(filled.sum()),
        size=codes.size,
        median=filled.median(),
        shape_1=codes.shape[1],
        sources=_sources(sources.median()),
        names=coding.names[str(filled.idxmax())],
        max_filled=filled.max(),
        single=int((filled == 1).sum()),
        about=coding,
    )


def grid_map(coding: Coding | None = None) -> Exhibit:
    """Draw the mean code of each cell for each case; cells without a code are hatched."""
    from ..show import plots

    coding = coding or project_coding()
    cells = coding.cells()
    order = cells.notna().sum(axis=1).sort_values(ascending=False, kind="stable").index
    wide = cells.loc[order].rename(index=dict(coding.names))
    wide.columns = [coding.grid.cell_label(cell) for cell in cells.columns]
    ax = plots.heatmap(wide, low=0, high=3, unit="mean code, 0 to 3")
    for place in (2.5, 5.5):
        ax.axvline(place, color=plots.INK, linewidth=2)
    filled = int(cells.notna().to_numpy().sum())
    emptiest = wide.isna().sum().idxmax()
    return show(
        ax,
        "The grid of the cases, best documented first. Hatched: no text in hand says",
        about=coding,
        alt=f"{len(wide)} cases by nine cells. {filled} of {cells.size} cells carry a code, the "
        f"others are hatched. Emptiest: {emptiest}.",
        summary=wide.rename_axis("case").reset_index(),
    )


READERS = {"a": "first reader, first pass", "b": "first reader, second pass", "c": "second reader"}


@cache
def agreement(coding: Coding | None = None) -> pd.DataFrame:
    """Compare the sheets two by two, then all together.

    Returns
    -------
    DataFrame
        ``sheets distance alpha conf_low conf_high units same single``: Krippendorff's alpha with
        its bootstrap interval on the ``units`` that two sheets coded, how many of these have the
        ``same`` code in all, and on how many more a ``single`` sheet gave a code.
    """
    import pandas as pd

    from ..embedding.reliability import krippendorff_alpha

    coding = coding or project_coding()
    codes = coding.by_coder()
    groups = [*combinations(codes.index, 2), tuple(codes.index)]
    rows = []
    for group in dict.fromkeys(groups):
        part = codes.loc[list(group)]
        filled = part.notna().sum()
        both = part.loc[:, filled >= 2]
        for level in LEVELS:
            found = krippendorff_alpha(part.to_numpy(float), level=level)
            rows.append(
                {
                    "sheets": " and ".join(READERS.get(str(name), str(name)) for name in group)
                    if len(group) == 2
                    else "all sheets",
                    "distance": level,
                    "alpha": found.alpha,
                    "conf_low": found.conf_low,
                    "conf_high": found.conf_high,
                    "units": found.n_units,
                    "same": int((both.max() == both.min()).sum()),
                    "single": int((filled == 1).sum()),
                }
            )
    return coding.provenance.carried_by(pd.DataFrame(rows))


def reliability_table(coding: Coding | None = None) -> Exhibit:
    """Set Krippendorff's alpha of the sheets, two by two, with its bootstrap interval."""
    return show(
        agreement(coding),
        "Agreement of the sheets where both gave a code",
        foot="95 % interval: bootstrap of units, 1000 draws.",
        labels={
            "conf_low": "from",
            "conf_high": "to",
            "units": "both coded",
            "single": "one coded",
        },
        decimals={"alpha": 3, "conf_low": 3, "conf_high": 3},
    )


def reliability_sentence(coding: Coding | None = None) -> Sentence:
    """Say how well two readers agree, and on how many units only one gave a code."""
    coding = coding or project_coding()
    found = agreement(coding).query("distance == 'ordinal'")
    readers = found[found["sheets"].str.contains(READERS["c"])]
    passes = found.iloc[0]
    worst = readers.loc[readers["alpha"].idxmin()]
    return say(
        "Between two readers ordinal alpha is {alpha:.2f} ({low:.2f} to {high:.2f}) at its lowest, "
        "{word} the usual mark of {mark:.2f}; between the two passes of one reader it is "
        "{passes:.2f}. Of {units} units that both readers coded, {same} have the same code. On "
        "{single} more, one saw a code and the other a blank; alpha does not see these, and they "
        "are where readers part.",
        about=coding,
        alpha=worst["alpha"],
        low=worst["conf_low"],
        high=worst["conf_high"],
        word="above" if worst["alpha"] >= USE else "below",
        mark=USE,
        passes=passes["alpha"],
        units=int(worst["units"]),
        same=int(worst["same"]),
        single=int(worst["single"]),
    )


def decisions_table(coding: Coding | None = None) -> Exhibit:
    """Set every unit on which the sheets differed, what was decided, why."""
    coding = coding or project_coding()
    wide = coding.by_coder().T
    labels = {name: one.label["en"] for name, one in coding.grid.indicators.items()}
    frame = coding.decisions.copy()
    for coder in wide.columns:
        frame[f"sheet {str(coder).upper()}"] = [
            _code(wide.loc[(case, ind), coder])
            for case, ind in zip(frame["case"], frame["indicator"], strict=True)
        ]
    frame["stands"] = [_code(code) for code in frame["code"]]
    frame["case"] = frame["case"].map(dict(coding.names))
    frame["indicator"] = frame["indicator"].map(labels)
    passes = [name for name in frame.columns if name.startswith("sheet ")]
    return show(
        frame[["case", "indicator", *passes, "stands", "reason"]],
        "Where the sheets differed, and what was decided",
        about=coding,
        labels={},
    )


def index_frame(coding: Coding | None = None) -> pd.DataFrame:
    """Return three summaries of each case with the ranks that weights allow.

    Columns ``case, cells, mean, weakest_link, geometric, best_rank, worst_rank, decided``.
    """
    from ..embedding.reliability import embedding_index, rank_ranges

    coding = coding or project_coding()
    cells = coding.cells()
    frame = embedding_index(cells).join(rank_ranges(cells))
    frame["cells"] = cells.notna().sum(axis=1)
    frame["case"] = [coding.names[str(slug)] for slug in frame.index]
    columns = ["case", "cells", "mean", "weakest_link", "geometric", "best_rank", "worst_rank"]
    return frame.reset_index(drop=True).sort_values("case")[[*columns, "decided"]]


def index_table(coding: Coding | None = None) -> Exhibit:
    """Set the index of the cases with a code in four cells or more, in order of name."""
    coding = coding or project_coding()
    frame = index_frame(coding)
    shown = frame[frame["cells"] >= 4].drop(columns="decided")
    shown["ranks"] = [
        f"{best} to {worst}"
        for best, worst in zip(shown["best_rank"], shown["worst_rank"], strict=True)
    ]
    return show(
        shown.drop(columns=["best_rank", "worst_rank"]).reset_index(drop=True),
        "Three ways to sum up a case, with the ranks that weights and blanks allow",
        about=coding,
        foot=f"Cases with four cells or more, by name. Ranks among all "
        f"{len(frame)} cases: 5000 draws of weights; a blank may be anything from 0 to 3",
        labels={
            "cells": "cells coded",
            "weakest_link": "weakest cell",
            "geometric": "geometric mean",
        },
        decimals={"cells": 0, "mean": 2, "weakest_link": 2, "geometric": 2},
    )


def ranking_sentence(coding: Coding | None = None) -> Sentence:
    """Say whether any rank is decided."""
    coding = coding or project_coding()
    frame = index_frame(coding)
    decided = int(frame["decided"].sum())
    closing = " So the book prints no order of the cases."
    if not decided:
        none = "No rank is decided for any of the {all} cases."
        return say(none + closing, all=len(frame), about=coding)
    template = "The rank of {decided} of {all} cases does not depend on weights and blanks."
    return say(template + closing, decided=decided, all=len(frame), about=coding)


def comparison_map(names: tuple[str, ...], coding: Coding | None = None) -> Exhibit:
    """Draw the codes of some cases indicator by indicator, side by side."""
    from ..show import plots

    coding = coding or project_coding()
    codes = coding.matrix().reindex(names)
    labels = {name: one.label["en"] for name, one in coding.grid.indicators.items()}
    text = codes.T.map(lambda code: "" if code != code else f"{code:.0f}")
    text = text[text.ne("").any(axis=1)]
    shown = text.rename(index=labels, columns=dict(coding.names))
    ax = plots.tiles(
        shown,
        colors=_COLORS,
        labels=dict.fromkeys(_COLORS, "code"),
        marks={code: code for code in _COLORS},
        ax=plots.new_axes(8.6, 0.27 * len(shown) + 2.1),
    )
    counts = "; ".join(f"{name} {int(shown[name].ne('').sum())}" for name in shown.columns)
    return show(
        ax,
        "Codes side by side, questions that some case answers. Open: no text in hand says",
        about=coding,
        alt=f"{shown.shape[0]} questions by {shown.shape[1]} cases. Answered: {counts}.",
        summary=shown.rename_axis("question").reset_index(),
    )


def case_codes_table(name: str, coding: Coding | None = None) -> Exhibit | Sentence:
    """Set the codes of one case that stand, each with date, words and source."""
    coding = coding or project_coding()
    final = coding.final[coding.final["case"] == name]
    if final.empty:
        return say("The book holds no code of the embedding grid for this case.", about=coding)
    first = coding.sheets.drop_duplicates(["case", "indicator"])
    rows = final.merge(first.drop(columns=["code", "coder"]), on=["case", "indicator"])
    indicators = coding.grid.indicators
    known = [name for name in indicators if name in set(rows["indicator"])]
    rows = rows.set_index("indicator").loc[known].reset_index()
    rows["cell"] = [coding.grid.cell_label(indicators[name].cell) for name in rows["indicator"]]
    rows["means"] = [
        indicators[name].anchors[int(code)]["en"]
        for name, code in zip(rows["indicator"], rows["code"], strict=True)
    ]
    rows["question"] = [indicators[name].label["en"] for name in rows["indicator"]]
    rows["code"] = [_code(code) for code in rows["code"]]
    return show(
        rows[["cell", "question", "code", "means", "evidence", "source_id"]],
        f"{coding.names[name]}: {len(rows)} of {len(indicators)} questions of the "
        "embedding grid answered",
        about=coding,
        labels={"source_id": "source"},
    )


def _code(value: float) -> str:
    return "blank" if value != value else f"{value:.0f}"


def _sources(count: float) -> str:
    return "one source" if count == 1 else f"{count:.0f} sources"
