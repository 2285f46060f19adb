"""A county bureau's table as it might arrive: invented counties, real troubles."""

from __future__ import annotations

import io

import pandas as pd

from ..panel import teaching_frame
from ..paths import data_dir

MESSY = data_dir() / "examples" / "messy_county_panel.csv"
MAPPING = data_dir() / "examples" / "messy_county_panel.yaml"
PREFECTURES = 7
YEARS = range(2012, 2021)
EACH = 5  # counties of a prefecture
TITLE = "某市县域医共体运行情况（示例数据，县名与数字均为虚构）"
NAMES = {
    "county_code": "县区代码",
    "county_name": "县区名称",
    "prefecture_code": "地市代码",
    "year": "年度",
    "cohort": "试点启动时间",
    "insured_n": "参保人数（万人）",
    "budget": "总额预算（万元）",
    "notional_budget": "模拟预算（万元）",
    "spending": "医保基金支出（万元）",
    "out_of_county_spending": "县外支出",
    "rural_share": "农村人口占比",
    "visits_village": "村卫生室诊疗人次",
    "visits_township": "乡镇卫生院诊疗人次",
    "visits_county": "县级医院诊疗人次",
    "visits_out": "县外诊疗人次",
    "cpi_index": "居民消费价格指数",
}
MONEY = ("budget", "notional_budget", "spending", "out_of_county_spending")


def messy_text() -> str:
    """Take part of the teaching panel and put the troubles in.

    Returns
    -------
    str
        Comma-separated text with a title line above the header.
    """
    whole = teaching_frame()
    area = pd.factorize(whole["prefecture_code"], sort=True)[0] + 1
    place = whole.groupby("prefecture_code")["county_code"].rank("dense").astype(int)
    kept = (area <= PREFECTURES) & (place <= EACH) & whole["year"].isin(YEARS)
    year = whole.loc[kept, "year"].reset_index(drop=True)
    frame = whole.loc[kept, list(NAMES)].astype(object).reset_index(drop=True)
    # no province has the code 09
    frame["prefecture_code"] = [f"09{number:02d}00" for number in area[kept]]
    frame["county_code"] = [
        f"09{a:02d}{c:02d}" for a, c in zip(area[kept], place[kept], strict=True)
    ]
    order = pd.factorize(frame["county_code"])[0] + 1
    frame["county_name"] = [f"示例县{number:02d}" for number in order]
    starts = {0: "从未", **{year: f"{year - 1}年7月" for year in range(2013, 2030)}}
    frame["cohort"] = frame["cohort"].map(starts)
    for name in MONEY:
        frame[name] = frame[name].map(lambda yuan: "" if yuan != yuan else f"{yuan / 1e4:.6f}")
    frame["insured_n"] = frame["insured_n"].map(lambda persons: f"{persons / 1e4:.4f}")
    frame["rural_share"] = frame["rural_share"].map(lambda share: f"{100 * share:.2f}")
    frame["cpi_index"] = frame["cpi_index"].map(lambda index: f"{100 * index:.1f}")
    frame = _typed_by_hand(frame, year)
    text = io.StringIO()
    text.write(f"{TITLE}{',' * (len(NAMES) - 1)}\n")
    frame.rename(columns=NAMES).to_csv(text, index=False, lineterminator="\n")
    return text.getvalue()


def _typed_by_hand(frame: pd.DataFrame, year: pd.Series) -> pd.DataFrame:
    """Put in what hands and spreadsheets do to single cells."""
    late = (year >= 2017).to_numpy()
    changed = (frame["county_name"] == "示例县07").to_numpy() & (year >= 2018).to_numpy()
    frame.loc[changed, "county_code"] = "090291"  # the county became a district
    frame.loc[late, "county_code"] = frame.loc[late, "county_code"].str[1:]
    visits = frame["visits_township"].map(lambda count: f"{count:,}")
    frame["visits_township"] = visits.where(year >= 2014, frame["visits_township"])
    frame.loc[12, "visits_village"] = str(frame.loc[12, "visits_village"]).translate(
        {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
    )
    frame.loc[[31, 32], "visits_out"] = "—"
    frame.loc[40, "visits_county"] = f"约{frame.loc[40, 'visits_county']}"
    return frame
