"""The core runs on five packages; what else is missing is one sentence."""

import subprocess
import sys

import pytest

from medalliance.__main__ import main
from medalliance.errors import DataError, need_extra, needed

BLOCK = """
import sys, importlib.abc, warnings
CORE = {"numpy", "scipy", "pandas", "yaml", "pydantic", "medalliance"}
# what these five import themselves
CORE |= {"pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "dateutil",
         "six", "tzdata"}
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in CORE or top in sys.stdlib_module_names or top.startswith("_"):
            return None
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
warnings.simplefilter("ignore")
import medalliance as ma
"""


def hidden(code: str) -> list[str]:
    """Run code where every other package is hidden; return the lines that it prints."""
    ran = subprocess.run(
        [sys.executable, "-c", BLOCK + code], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_the_hiding_hides():
    with pytest.raises(AssertionError, match="No module named 'matplotlib'"):
        hidden("import matplotlib")


def test_load_estimate_settle_and_respond_need_five_packages():
    code = """
panel = ma.load_panel()
outcome = "primary_care_visit_share"
for name in ("twfe", "att_gt", "did_imputation", "sun_abraham", "stacked_did", "lp_did", "etwfe"):
    effects = getattr(ma, name)(panel, outcome)
    assert effects.summary()
    print(name)
effects = ma.att_gt(panel, outcome).aggregate("event_time")
print(len(ma.pretrend_test(effects)), effects.overall.to_frame()["estimate"].notna().all())
assert ma.load_rules("two_sided_corridor") and ma.load_reforms() and ma.load_evidence()
assert ma.simulate_panel(20, 6, seed=1).panel.n_units == 20
"""
    said = hidden(code)
    assert said[:2] == ["twfe", "att_gt"] and len(said) == 8 and said[-1].endswith("True")


def test_what_is_missing_is_one_sentence(tmp_path):
    (tmp_path / "claims.csv").write_text("claim_id\n1\n", encoding="utf-8")
    code = f"""
import numpy as np
from medalliance.show.documents import excel, word
panel = ma.load_panel()
effects = ma.att_gt(panel, "primary_care_visit_share").aggregate("event_time")
codes = np.array([[1, 2, 1, 2.0], [1, 2, 2, 2]])
for call in (
    effects.plot,
    effects._repr_html_,
    lambda: ma.krippendorff_alpha(codes, level="nominal"),
    lambda: ma.panel_regression(panel, "log_spending_per_insured", ["insured_n"]),
    lambda: excel([], []),
    lambda: word([], title="t"),
    lambda: ma.build_panel_from_claims({str(tmp_path)!r}),
):
    try:
        call()
    except ma.DataError as refused:
        print(refused)
"""
    claims = 'ibis is not installed: run pip install "medalliance[claims]".'
    own = ("matplotlib", "great_tables", "krippendorff", "linearmodels", "openpyxl", "docx")
    whole = [f'{name} is not installed: run pip install "medalliance".' for name in own]
    assert hidden(code) == [*whole, claims]


def test_an_import_of_ours_that_fails_is_no_missing_package():
    with pytest.raises(ModuleNotFoundError, match=r"medalliance\.nowhere"), needed():
        import medalliance.nowhere  # noqa: F401
    with pytest.raises(DataError, match=r"^nowhere is not installed: run pip"), needed("book"):
        import nowhere.at_all  # noqa: F401
    need_extra("book")


def test_a_command_that_lacks_an_extra_says_which(monkeypatch, capsys):
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["gone>=1; extra == 'book'"])
    for command in (["notebooks"], ["build"], ["build", "--data", "mine.csv"]):
        assert main(command) == 1
        said = capsys.readouterr().err
        assert said == 'DataError: gone is not installed: run pip install "medalliance[book]".\n'


def test_a_command_that_lacks_a_package_says_which(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert main(["template", "-o", str(tmp_path / "mine.xlsx")]) == 1
    assert 'openpyxl is not installed: run pip install "medalliance".' in capsys.readouterr().err
