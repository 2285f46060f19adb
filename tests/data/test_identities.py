import numpy as np
import pytest

from medalliance.evidence import failing_identities, identity_checks, load_evidence

EVIDENCE = load_evidence()
KEY = ["identity", "geography", "variable", "year"]


def keys(frame):
    return {tuple(row) for row in frame[KEY].itertuples(index=False)}


def test_failing_identities_are_the_committed_ones():
    failing, committed = failing_identities(EVIDENCE), EVIDENCE.identity_exceptions
    assert keys(failing) - keys(committed) == set(), (
        "a new identity fails: list it, or mend the row"
    )
    assert keys(committed) - keys(failing) == set(), "an exception holds now: take it off the list"


def test_committed_gaps_are_the_computed_ones():
    failing = failing_identities(EVIDENCE).set_index(KEY)
    for row in EVIDENCE.identity_exceptions.itertuples():
        computed = failing.loc[(row.identity, row.geography, row.variable, row.year)]
        assert computed["difference"] == pytest.approx(row.difference, rel=1e-6)
        assert row.left_value - row.right_value == pytest.approx(row.difference, rel=1e-6)
        assert abs(row.difference) > row.tolerance


def test_many_identities_are_checked_and_hold():
    checks = identity_checks(EVIDENCE)
    assert len(checks) > 180
    assert checks["holds"].mean() > 0.9
    assert np.isfinite(checks["difference"]).all()


def test_provinces_of_2011_sum_to_the_nation():
    checks = identity_checks(EVIDENCE).query("identity == 'provinces add up to the nation'")
    assert set(checks["variable"]) >= {"counties", "ncms_enrollees", "ncms_fund_raised"}
    assert checks["holds"].all()
    assert checks.query("variable == 'counties'")["left_value"].item() == 2853


def test_a_wrong_number_is_found():
    statistics = EVIDENCE.statistics.copy()
    row = statistics["row_id"] == "china:2021:residents_fund_spending"
    assert row.sum() == 1
    statistics.loc[row, "value"] *= 1.01
    spoiled = type(EVIDENCE)(**{**vars(EVIDENCE), "statistics": statistics})
    new = keys(failing_identities(spoiled)) - keys(EVIDENCE.identity_exceptions)
    assert {name for _, _, name, _ in new} >= {
        "residents_fund_current_balance",
        "all_schemes_fund_spending",
    }
