"""What to write in a contract: six sentences, the number behind each, a scorecard of rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..evidence import Evidence
from ..incentives.ratchet import historical_weight
from ..incentives.respond import respond
from ..provenance import Badge, Provenance
from ..reforms import load_reforms
from ..show.exhibits import Exhibit, Sentence
from ..show.front import say, show
from . import incentives, laboratory
from .contract_anatomy import CHINA, status_matrix
from .settlements import load_mssp_table

if TYPE_CHECKING:
    import pandas as pd

_MODEL = {
    "en": Provenance(Badge.ILLUSTRATIVE, "the book's incentive model with invented numbers"),
    "zh": Provenance(Badge.ILLUSTRATIVE, "本书的激励模型，数字为虚构"),
}


def _say(lang: str, english: str, chinese: str, about: Provenance, **numbers: Any) -> Sentence:
    """Say the sentence of a language with the numbers that it uses."""
    template = chinese if lang == "zh" else english
    used = {name: value for name, value in numbers.items() if re.search(rf"{{{name}\b", template)}
    return say(template, about=about, lang=lang, **used)


def _surplus_rates(evidence: Evidence) -> tuple[str, str, str]:
    """Return the published surplus rates of Sanming, before and after, then of Youxi."""
    value = evidence.cases.set_index("row_id")["value"]
    names = ("sanming_fujian:2016", "sanming_fujian:2019", "youxi_fujian:after")
    low, high, youxi = (value[f"{name}:published_fund_surplus_rate"] for name in names)
    return f"{low:.1%}", f"{high:.1%}", f"{youxi:.2%}"


def coverage(evidence: Evidence, lang: str = "en") -> Sentence:
    """Say how many effects are published, and on which question none is."""
    rows = evidence.effects
    read = rows["significance"] != "not_read"
    chinese = rows[(rows["country"] == "CN") & read]
    surplus = int((chinese["outcome_family"] == "surplus_rate").sum())
    pay = int(rows["outcome"].str.contains("income|remuneration|pay of").sum())
    about = evidence.provenance.saying("data/published/published_effects.csv")
    if surplus or pay:
        return _say(
            lang,
            "We found {n} published effects from China. {surplus} concern the surplus of an "
            "alliance, {pay} give the size of a change in pay.",
            "我们查到的中国已发表效应估计共{n}项，其中针对医共体结余的{surplus}项，"
            "给出薪酬变化幅度的{pay}项。",
            about,
            n=len(chinese), surplus=surplus, pay=pay,
        )  # fmt: skip
    before, after, raised = _surplus_rates(evidence)
    return _say(
        lang,
        "We found {n} published effects from China. None of them concerns the surplus of an "
        "alliance and none gives the size of a change in pay. Before/after figures do: the "
        "surplus rate of Sanming went from {before} to {after}, that of Youxi rose to {raised}; "
        "they cannot say what the alliance did.",
        "我们查到的中国已发表效应估计共{n}项，没有一项针对医共体结余，"
        "也没有一项给出薪酬变化的幅度。只有前后对比的数字：三明医保基金结余率由{before}变为"
        "{after}，尤溪升至{raised}；前后对比说明不了医共体的作用。",
        about,
        n=len(chinese), before=before, after=after, raised=raised,
    )  # fmt: skip


def primary_care(evidence: Evidence, lang: str = "en") -> Sentence:
    """Say what the reform of one county did to primary care's share, and what others found."""
    rows = _effects(evidence, "pengshui_sdid:1", "anhui_its_funan:1", "anhui_its_dingyuan:1")
    share, funan, dingyuan = (row for _, row in rows.iterrows())
    low, high = 100 * share["conf_low"], 100 * share["conf_high"]
    return _say(
        lang,
        "In Pengshui primary care's share of outpatient visits rose by {estimate:.1f} points "
        "(95 % interval {low:.1f} to {high:.1f}). One study follows two counties under one "
        "kind of contract: in Funan township centres gain {estimate_2:.2f} points of the "
        "inpatients a month, in Dingyuan the share of inpatients who leave the county grows "
        "by {estimate_3:.2f} points a month.",
        "彭水的基层门诊占比上升了{estimate:.1f}个百分点（95%区间{low:.1f}至{high:.1f}）。"
        "另一项研究跟踪了合同类型相同的两个县："
        "阜南乡镇卫生院的住院占比每月上升{estimate_2:.2f}个百分点，"
        "定远的县外住院占比却每月上升{estimate_3:.2f}个百分点。",
        evidence.behind(rows),
        estimate=100 * share["estimate"],
        low=low,
        high=high,
        estimate_2=100 * funan["estimate"],
        estimate_3=100 * dingyuan["estimate"],
    )


def one_share(lang: str = "en") -> Sentence:
    """Say from which share a member stops inducing, and from which audit a small one does."""
    found = respond(incentives.example_contract(loss_share=1.0), incentives.example_alliance())
    rows = found.members()
    barrier, most = rows["threshold_share"][0], int(rows["largest_equal_alliance"][0])
    held = rows["share_of_member"]
    t = incentives.example_alliance()
    stops = float(t.margin[1] / (2 * t.price[1]) * (1 - held[1] / barrier))
    return _say(
        lang,
        "In the example an institution stops inducing services once it holds {barrier:.1%} "
        "of the retained amount, so that at most {most} equal institutions can share; a "
        "township centre holds {held_1:.1%} and stops only when {stops:.2%} of induced "
        "services are found.",
        "在示例中，一家机构分到留用额的{barrier:.1%}才会停止诱导服务，"
        "因此最多{most}家机构可以平分；一家乡镇卫生院只分到{held_1:.1%}，"
        "要等到{stops:.2%}的诱导服务会被查实时才停止。",
        _MODEL[lang],
        barrier=barrier,
        most=most,
        held_1=held[1],
        stops=stops,
    )


def both_sides(lang: str = "en") -> Sentence:
    """Say what separates the outcomes of a tight budget, one-sided and two-sided."""
    tight = laboratory.defaults(**laboratory.PRESETS["tight_one_sided"])
    one = _steady(laboratory.solve(tight))
    two = _steady(laboratory.solve(tight | {"sides": "two", "loss_share": 1.0}))
    low, high, only = ([*one, *two][k] / 10 for k in (0, len(one) - 1, -1))
    return _say(
        lang,
        "In the laboratory's tight budget of 98 million yuan, a contract that shares gains "
        "alone has {n_one} stable outcomes, with a surplus of {low} or of {high} "
        "million; a contract that shares losses too has {n_two}, with {only} million.",
        "实验室的偏紧预算为9800万元：只分享结余的合同有{n_one}个稳定结果，"
        "结余为{low_wan}万元或{high_wan}万元；"
        "超支也分担的合同有{n_two}个稳定结果，结余为{only_wan}万元。",
        _MODEL[lang],
        n_one=len(one),
        low=_minus(low),
        high=_minus(high),
        n_two=len(two),
        only=_minus(only),
        low_wan=_minus(100 * low, 0),
        high_wan=_minus(100 * high, 0),
        only_wan=_minus(100 * only, 0),
    )


def next_budget(lang: str = "en") -> Sentence:
    """Say what is left of an incentive when budgets follow the spending of three years."""
    discount = laboratory.county()["discount"]
    left = float(historical_weight(0.0, discount))
    return _say(
        lang,
        "Where each budget is the mean spending of the last three years, a yuan kept today "
        "is worth {left:.2f} yuan to an alliance that values next year's yuan at "
        "{discount:.1f}.",
        "如果每年预算等于前三年平均支出，"
        "而医共体把明年的一元看作今年的{discount:.1f}元，"
        "那么今天留下的一元在它眼里只值{left:.2f}元。",
        _MODEL[lang],
        left=left,
        discount=discount,
    )


def patients(evidence: Evidence, lang: str = "en") -> Sentence:
    """Say what the global budget of one county did to the insurer and to patients."""
    rows = _effects(evidence, "global_budget_yc:1", "global_budget_yc:3")
    insurer, patient = (row for _, row in rows.iterrows())
    return _say(
        lang,
        "Under a global budget in YC County the insurer paid {estimate:.0f} yuan less per "
        "admission and the patient {estimate_2:.0f} yuan more (p < {p_value:g} for both).",
        "YC县实行总额预算后，每次住院医保少付{estimate:.0f}元，"
        "患者多付{estimate_2:.0f}元（两项均p < {p_value:g}）。",
        evidence.behind(rows),
        estimate=-insurer["estimate"],
        estimate_2=patient["estimate"],
        p_value=patient["p_value"],
    )


def printed(evidence: Evidence, lang: str = "en") -> Sentence:
    """Say how many settlements can be reproduced from printed rules, and who prints them."""
    total = load_mssp_table().select_dtypes("number").sum().astype(int)
    chinese = load_reforms().of_kind(*CHINA)
    stated = status_matrix(chinese)[["surplus_retention_share", "internal_split_rule"]]
    known = stated.isin(["documented", "reported"])
    both = int(known.all(axis=1).sum()) or "none"
    zh_both = "没有一份" if both == "none" else f"有{both}份"
    return _say(
        lang,
        "American contracts print every rule: of {settlements:,} settlements all but "
        "{not_reproduced} follow from them to the dollar or within the rounding of the "
        "published score. Of {n_known} Chinese rule files {both} states both how much of a "
        "surplus is kept and how it is divided.",
        "美国的合同公开全部规则：{settlements:,}次清算中，"
        "除{not_reproduced}次外，"
        "都能按规则算到一美元以内或落在公布评分的舍入范围内。"
        "中国的{n_known}份规则文件中，"
        "{zh_both}同时写明结余留用比例和内部分配办法。",
        evidence.about("I09").noting("data/reforms"),
        settlements=total["settlements"],
        not_reproduced=total["not_reproduced"],
        n_known=len(known),
        both=both,
        zh_both=zh_both,
    )


_COLUMNS = {
    "rule": ("type of rule", "规则类型"),
    "surplus": ("surplus, million yuan", "结余（百万元）"),
    "part": ("part of the joint optimum", "占各成员如同一家时的比例"),
    "keeps": ("kept of a further yuan", "多节约一元留用"),
    "hospital": ("induced, hospital", "牵头医院诱导服务"),
    "village": ("induced, village", "村卫生室诱导服务"),
    "stable": ("stable outcomes", "稳定结果数"),
}


def scorecard(lang: str = "en") -> Exhibit:
    """Set what seven types of rule bring in the laboratory's county."""
    import pandas as pd

    frame = pd.DataFrame([_score(name, lang) for name in laboratory.PRESETS])
    labels = {name: pair[lang == "zh"] for name, pair in _COLUMNS.items()}
    captions = {
        "en": "Seven types of rule in one invented county. Induced services are measured against "
        "those without a contract. Of several stable outcomes the lowest is shown.",
        "zh": "七类规则在同一个虚构县的结果。诱导服务以没有合同时为一。有多个稳定结果时列最低的。",
    }
    return show(
        frame,
        captions[lang],
        about=_MODEL[lang],
        decimals={"surplus": 2, "part": 2, "keeps": 2, "hospital": 2, "village": 2},
        labels=labels,
        lang=lang,
    )


def _score(name: str, lang: str) -> dict[str, Any]:
    found = laboratory.solve(laboratory.defaults(**laboratory.PRESETS[name]))
    point, before = found["equilibria"][found["chosen"]], found["without"]["inducement"]
    return {
        "rule": laboratory.PRESET_LABELS[name][lang],
        "surplus": found["surplus"] / 10,
        "part": found["surplus"] / found["collective"]["mean_surplus"],
        "keeps": point["marginal_share"],
        "hospital": point["inducement"][0] / before[0],
        "village": point["inducement"][2] / before[2],
        "stable": len(_steady(found)),
    }


def _steady(found: dict[str, Any]) -> list[float]:
    """Return the surplus of each stable outcome, lowest first."""
    return [
        one["mean_surplus"] for one in found["equilibria"] if one["stable"] and one["best_response"]
    ]


def _effects(evidence: Evidence, *row_ids: str) -> pd.DataFrame:
    return evidence.effects.set_index("row_id", drop=False).loc[list(row_ids)]


def _minus(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
