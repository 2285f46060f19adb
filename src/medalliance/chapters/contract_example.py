"""One settlement through a whole contract, on an invented alliance, to the fen."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from ..reforms import Rules, load_rules
from ..settlement.ledger_file import example_ledger
from ..settlement.settle import settle
from ..settlement.settlement import Settlement

EXAMPLE = "two_sided_corridor"
FEN_A_WAN = 1_000_000  # 10,000 yuan
_WORDS = {
    "budget": ("budget of the year", "年度总额预算"),
    "claims": ("spending of the year", "年度实际支出"),
    "surplus": ("surplus", "结余"),
    "deficit": ("overspend", "超支"),
    "kept": ("stays with the fund", "归医保基金"),
    "topped_up": ("borne by the fund", "由医保基金承担"),
    "deducted": ("taken off first", "先行扣除"),
    "withheld": ("held back for the part of the score not earned", "未得分部分，暂扣"),
    "drawn": ("paid from the reserve", "由调剂金支付"),
    "sequestered": ("deducted by law", "法定扣减"),
    "retained": ("retained by the alliance", "医共体留用"),
    "owed": ("owed by the alliance", "医共体承担"),
    "pay": ("for pay", "用于薪酬"),
    "development": ("for development", "用于事业发展"),
    "lead_hospital": ("lead hospital", "牵头医疗机构"),
    "township": ("township centre", "乡镇卫生院"),
    "village": ("village clinics", "村卫生室"),
    "out_of_county_providers": ("care outside the county", "县域外就医，先行扣除"),
    "risk_reserve": ("reserve, taken off first", "调剂金，先行预留"),
}  # fmt: skip


class Line(NamedTuple):
    """One line of a settlement: what it is, how much, how deep it is indented."""

    key: str
    label: str
    fen: int
    level: int

    @property
    def wan(self) -> str:
        """The amount in units of 10,000 yuan, to the fen."""
        return f"{Decimal(self.fen) / FEN_A_WAN:,.6f}".replace("-", "−")


def word(key: str, lang: str) -> str:
    """Return the word for a key of a settlement."""
    return _WORDS[key][lang == "zh"] if key in _WORDS else key.replace("_", " ")


def example(rules: Rules | None = None) -> Settlement:
    """Settle the example ledger under a rule file; by default a two-sided one with a corridor.

    Raises
    ------
    RuleError
        If the rules leave a value open that a settlement needs.
    """
    return settle(rules or load_rules(EXAMPLE), example_ledger(), progress=False)


def years(settled: Settlement) -> tuple[int, ...]:
    """Return the years of a settlement."""
    return tuple(int(year) for year in settled.summary_frame()["year"])


def lines(settled: Settlement, year: int, lang: str) -> list[Line]:
    """Return a year of a settlement line by line, from the budget down to each member.

    Parameters
    ----------
    settled : Settlement
    year : int
    lang : {"en", "zh"}

    Returns
    -------
    list of Line
        Whole fen; what the fund, the accounts and the members get sums to the surplus, what they
        pay to the overspend.
    """
    rows = settled.to_frame()
    rows = rows[rows["year"] == year]
    pool = rows[rows["side"] == "pool"].set_index("account")["amount"]
    balance = -int(pool.sum())
    side = "surplus" if balance >= 0 else "deficit"
    head = ("budget", "claims", *(name for name in pool.index if name not in ("budget", "claims")))
    out = [Line(key, word(key, lang), abs(int(pool[key])), 0) for key in head]
    out.append(Line(side, word(side, lang), abs(balance), 0))
    rest = rows[rows["side"] != "pool"]
    shared = rest["account"].str.startswith(("retained", "owed"))
    for account, amount in rest[~shared].groupby("account", sort=False)["amount"].sum().items():
        out.append(Line(str(account), word(str(account), lang), abs(int(amount)), 1))
    mine = rest[shared]
    whole = "retained" if balance >= 0 else "owed"
    out.append(Line(whole, word(whole, lang), abs(int(mine["amount"].sum())), 1))
    for party, group in mine.groupby("party", sort=False):
        total = Line(str(party), word(str(party), lang), abs(int(group["amount"].sum())), 2)
        members = [name for name in dict.fromkeys(group["member"]) if isinstance(name, str)]
        out.append(total)
        for number, member in enumerate(members, start=1):
            own = group[group["member"] == member]
            if len(members) > 1:
                name = f"{word(str(party), lang)}{number if lang == 'zh' else f' {number}'}"
                out.append(Line(member, name, abs(int(own["amount"].sum())), 3))
            for row in own.itertuples():
                use = str(row.account).partition("_")[2]
                if use:
                    label = f"{word(use, lang)}"
                    out.append(Line(f"{member}:{use}", label, abs(int(row.amount)), 4))
    return out
