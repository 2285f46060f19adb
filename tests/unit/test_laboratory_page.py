"""The laboratory's page computes what the package computes: fields, contract text, warnings."""

import json
import subprocess

import pytest
from test_laboratory_model import _node

from medalliance.chapters import laboratory
from medalliance.chapters.contract_settings import fields_of, rules_of, settings_of
from medalliance.paths import PROJECT
from medalliance.press.contract_draft import plain_text, text_content

PAGE = PROJECT / "book" / "_static" / "laboratory" / "ui.mjs"
ADDRESSES = (
    "",
    "preset=corridor",
    "preset=rebased",
    "preset=tight_one_sided",
    "out_of_county=deducted_first&sides=two&loss_share=0.3&corridor=0.01&lead_share=0.35",
    "out_of_county=excluded&gain_share=0&lead_share=0",
    "gain_share=0.35&sides=two&loss_share=0.15&corridor=0.0075&cap=0.035&lead_share=0.45&growth=-0.015",
)


def run(expression, given):
    """Evaluate an expression of ``page`` and ``given`` under node."""
    code = (
        f"import * as page from {json.dumps(PAGE.as_uri())};"
        "import { readFileSync } from 'node:fs';"
        "const given = JSON.parse(readFileSync(0, 'utf8'));"
        f"process.stdout.write(JSON.stringify({expression}));"
    )
    done = subprocess.run(
        [_node(), "--input-type=module", "-e", code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_fields_of_a_setting_are_those_of_the_package():
    settings = [settings_of(address) for address in ADDRESSES]
    found = run("given.map(page.fieldsOf)", settings)
    for ours, theirs in zip(settings, found, strict=True):
        plain = {
            name: value if isinstance(value, str | int) else float(value)
            for name, value in fields_of(ours).items()
        }
        assert theirs.keys() == plain.keys()
        for name, value in plain.items():
            if isinstance(value, str):
                assert theirs[name] == value
            else:
                assert theirs[name] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_contract_of_a_setting_reads_alike(lang):
    settings = [settings_of(address) for address in ADDRESSES]
    given = {"settings": settings, "content": text_content(lang), "lang": lang}
    found = run(
        "given.settings.map((one) => page.contractText(one, given.content, given.lang))", given
    )
    for ours, theirs in zip(settings, found, strict=True):
        assert theirs == plain_text(rules_of(ours), lang)


def test_a_summary_is_worked_out_from_the_solved_setting():
    settings = laboratory.defaults(gain_share=0.8, sides="two", loss_share=0.5)
    found, data = laboratory.solve(settings), laboratory.page_data()
    said = run("page.summary(given.found, given.settings, given.data)",
               {"found": found, "settings": settings, "data": data})  # fmt: skip
    members = (1, settings["townships"], settings["villages"])
    choice = data["county"]["patients"]
    for k, count in enumerate(members):
        bonus = found["whole"]["pay"][k] / count
        cost = choice["visits"] * found["without"]["visits"][k] * choice["cost"][k]
        assert said["bonus"][k] == pytest.approx(bonus)
        assert said["wage"][k] == pytest.approx(bonus / (laboratory.WAGE_PART * cost / count))
    assert said["kept"] + said["fund"] == pytest.approx(found["surplus"])
    assert said["harm"] == pytest.approx(found["equilibria"][found["chosen"]]["harm"])


def test_warnings_come_where_a_setting_leaves_what_is_known():
    seen = laboratory.highest_seen()
    assert 0 < seen["gain_share"] < 1
    plain = {"surplus": 1, "budget": 1000, "steady": 1, "moved": 0.01, "wage": [0.1, 0.1, 0.1]}
    cases = [
        (plain, {}, []),
        (plain, {"gain_share": 1.0}, ["share"]),
        ({**plain, "surplus": -80}, {}, ["surplus"]),
        ({**plain, "moved": 0.2}, {}, ["visits"]),
        ({**plain, "wage": [0.1, 0.5, 0.1]}, {}, ["wage"]),
        ({**plain, "steady": 0}, {}, ["none"]),
        (plain, {"sides": "two", "loss_share": 0.5, "cap": 0.2}, ["loss"]),
        (plain, {"growth": -0.01}, ["one"]),
    ]
    given = [[now, laboratory.defaults(**change), seen] for now, change, _ in cases]
    found = run("given.map((one) => page.warningsOf(...one).map(([name]) => name))", given)
    assert found == [wanted for _, _, wanted in cases]
