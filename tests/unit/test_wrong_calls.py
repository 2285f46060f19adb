"""What a newcomer gives by mistake is answered by what, where and what to do."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import medalliance as ma

ERRORS = (ma.DataError, ma.DesignError, ma.RuleError)
TABLE = pd.DataFrame({"a": [1]})


def contract() -> ma.Contract:
    return ma.Contract(split=(0.6, 0.3, 0.1))


def technology() -> ma.Technology:
    return ma.Technology(
        members=(1, 10, 60), saving=(1.0, 1.0, 1.0), effort_cost=(1.0, 1.0, 1.0), sigma=1.0
    )


WRONG = {
    "settle: no rules": (lambda: ma.settle("rules", TABLE), "load_rules"),
    "settle: no ledger": (lambda: ma.settle(ma.load_rules("pilot_a1"), None), "Give a table"),
    "settle_years: no ledger": (
        lambda: ma.settle_years(ma.load_rules("pilot_a1"), None, {}),
        "first year's ledger",
    ),
    "settle_years: no year": (
        lambda: ma.settle_years(ma.load_rules("pilot_a1"), TABLE.head(0), {}),
        "ledger of the first year",
    ),
    "settle_years: no spending": (
        lambda: ma.settle_years(ma.load_rules("pilot_a1"), TABLE.assign(year=2023), [1]),
        "Series by alliance",
    ),
    "respond: no rules": (lambda: ma.respond(None, technology()), "load_rules"),
    "respond: no technology": (lambda: ma.respond(contract(), None), "ma.Technology"),
    "respond_years": (lambda: ma.respond_years(None, technology(), 3), "ma.Contract"),
    "solve_batch": (lambda: ma.solve_batch(None, None), "ma.Contract"),
    "contract_from_rules": (lambda: ma.contract_from_rules("rules", 2023), "load_rules"),
    "collective_optimum": (lambda: ma.collective_optimum(contract()), "ma.respond"),
    "technology_from_patients": (lambda: ma.technology_from_patients(None), "ma.PatientChoice"),
    "respond_with_patients": (
        lambda: ma.respond_with_patients(contract(), None, technology()),
        "ma.PatientChoice",
    ),
    "allocate": (lambda: ma.allocate(1, 2), "weight"),
    "krippendorff_alpha": (lambda: ma.krippendorff_alpha("x"), "Give numbers"),
    "embedding_index": (lambda: ma.embedding_index([1]), "load_coding"),
    "rank_ranges": (lambda: ma.rank_ranges("x"), "load_coding"),
    "minimise": (lambda: ma.minimise(TABLE), "truth_table"),
    "odds_sensitivity: text": (lambda: ma.odds_sensitivity("x"), "likelihood ratios"),
    "odds_sensitivity: one": (lambda: ma.odds_sensitivity(2.0), "one likelihood ratio a piece"),
    "posterior_odds": (lambda: ma.posterior_odds(1, "x"), "likelihood ratios"),
    "read_mssp": (lambda: ma.read_mssp(5), "path of a folder"),
    "show": (lambda: ma.show([1], "c", about=ma.load_panel()), "cannot be shown"),
    "surplus_split": (lambda: ma.surplus_split(ma.load_panel(), "att_gt"), "ma.att_gt"),
    "share_change_table: nothing": (
        lambda: ma.share_change_table(None, None, None),
        "one volume a part",
    ),
    "share_change_table: lengths": (
        lambda: ma.share_change_table(np.ones(2), np.ones(3), ["a", "b"]),
        "one volume a part",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_answer_says_what_to_do(name):
    call, advice = WRONG[name]
    with pytest.raises(ERRORS, match=advice) as problem:
        call()
    assert "\n  " in str(problem.value)


@pytest.mark.parametrize("name", ["load_coding", "load_evidence", "load_process", "load_sources"])
def test_folders(name, tmp_path: Path):
    load = getattr(ma, name)
    for wrong, message in (
        (tmp_path / "nothing", "no such folder"),
        (str(tmp_path), "in this folder"),
        (5, "folder is a int"),
    ):
        with pytest.raises(ma.DataError, match=message):
            load(wrong)
