"""Broken files, nonsense and wrong arguments: answered in words, inputs untouched, nothing half.

Every mutation is drawn from a fixed seed. ``main`` has a last net for faults of ours, which writes
a log file; here it stays empty.
"""

import hashlib
import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from medalliance.__main__ import FAULT, main
from medalliance.simulate import simulate_panel

ANSWERS = (0, 1, 2, 3)
RULES = """id: rules
kind: case
name: {en: Our county, zh: 我县}
place: {en: Our county, zh: 我县}
currency: CNY
parameters:
  surplus_retention_share: [{value: 0.6, status: documented, source: "通知 12, article 7"}]
  overspend_sharing_share: [{value: 0.4, status: documented, source: "Notice 12, article 8"}]
steps:
  - {op: share, side: surplus, rate: surplus_retention_share}
  - {op: round, side: surplus}
  - {op: share, side: deficit, rate: overspend_sharing_share}
  - {op: round, side: deficit}
"""
LEDGER = "alliance,year,budget_yuan,spending_yuan\nA,2020,1000.00,900.00\nB,2020,500,700.5\n"
MAP = "columns:\n  县代码: county_code\n  年份: year\n  支出: {to: spending, unit: 元}\n"
JUNK = (
    *("1e308", "-1e308", "nan", "inf", "=1+1", "1_000", "９９", "1,2,3", '"', "x" * 5000, "\x00"),
    *("是", "#REF!", "0x10", "-0", "99999999999999999999", "٣", "1e-320", "None", "{}"),
)


@pytest.fixture(scope="module")
def frame():
    drawn = simulate_panel(20, 6, seed=3, rules="split_631", channels=False).panel.frame
    kept = ["county_code", "prefecture_code", "year", "cohort", "insured_n", "budget",
            "notional_budget", "spending", "visits_village", "visits_township", "visits_county",
            "visits_out", "rural_share"]  # fmt: skip
    return drawn[kept].assign(budget=drawn["budget"].fillna(drawn["notional_budget"]))


@pytest.fixture(scope="module")
def originals(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    frame.to_csv(folder / "p.csv", index=False)
    frame.to_excel(folder / "p.xlsx", index=False)
    frame.to_parquet(folder / "p.parquet")
    frame.to_stata(folder / "p.dta", write_index=False, version=118)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "ledger.csv").write_text(LEDGER)
    (folder / "map.yaml").write_text(MAP, encoding="utf-8")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def broken(content: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with one to three faults: cut, flipped, doubled, zeroed or random."""
    out = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if not out:
            break
        at = int(rng.integers(0, len(out)))
        match int(rng.integers(0, 7)):
            case 0:
                del out[at:]
            case 1:
                out[at] ^= int(rng.integers(1, 256))
            case 2:
                out[at:at] = out[at : at + 200]
            case 3:
                out[at : at + 20] = bytes(20)
            case 4:
                out[at:at] = rng.bytes(30)
            case 5:
                del out[at : at + int(rng.integers(1, 300))]
            case 6:
                out[at:at] = [b'"', b",", b"\n", b"\t", b"'", b"{", b"&a [*a]", b"\xef\xbb\xbf"][
                    at % 8
                ]
    return bytes(out)


def junk_cells(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    out = frame.astype(object)
    for _ in range(rng.integers(1, 4)):
        row, column = rng.integers(0, len(out)), rng.integers(0, out.shape[1])
        out.iloc[row, column] = JUNK[rng.integers(0, len(JUNK))]
    return out


def in_part(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a workbook one of whose parts is broken inside."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = sorted(parts)[rng.integers(0, len(parts))]
    parts[name] = broken(parts[name], rng)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for part, inside in parts.items():
            packed.writestr(part, inside)
    return made.getvalue()


def answered(arguments, inputs, outputs, capsys) -> int:
    """Run a command; return its code after the promises were checked."""
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in inputs}
    folder = inputs[0].parent
    there = set(folder.iterdir())
    code = main([str(item) for item in arguments])
    said = capsys.readouterr()
    words = said.out + said.err
    assert code != FAULT and code in ANSWERS, (arguments, code, said.err[-800:])
    assert "Traceback" not in words and "fault of the program" not in words
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in inputs} == before
    made = set(folder.iterdir()) - there
    assert made <= (set(outputs) if code == 0 else set()), made
    for path in made:
        path.unlink()
    return code


@pytest.mark.parametrize(
    ("name", "count"), [("p.csv", 60), ("p.xlsx", 45), ("p.parquet", 35), ("p.dta", 40)]
)
def test_broken_files_are_answered_in_words(name, count, originals, tmp_path, capsys):
    rng = np.random.default_rng(11)
    for k in range(count):
        path = tmp_path / f"{k}{name[1:]}"
        change = in_part if name == "p.xlsx" and k % 2 else broken
        path.write_bytes(change(originals[name], rng))
        answered(["check", path], [path], [], capsys)


def test_junk_in_cells_is_answered_in_words(frame, tmp_path, capsys):
    rng = np.random.default_rng(12)
    for k in range(45):
        path = tmp_path / f"{k}.csv"
        encoding = ("utf-8", "gb18030", "utf-16")[k % 3]
        path.write_text(junk_cells(frame, rng).to_csv(index=False), encoding=encoding)
        answered(["check", path], [path], [], capsys)


def test_broken_rules_maps_and_ledgers_are_answered_in_words(originals, tmp_path, capsys):
    rng = np.random.default_rng(13)
    panel = tmp_path / "p.csv"
    panel.write_bytes(originals["p.csv"])
    rules, ledger = tmp_path / "rules.yaml", tmp_path / "ledger.csv"
    plan, out = tmp_path / "map.yaml", tmp_path / "out.csv"
    for k in range(80):
        rules.write_bytes(
            originals["rules.yaml"] if k % 2 else broken(originals["rules.yaml"], rng)
        )
        ledger.write_bytes(
            broken(originals["ledger.csv"], rng) if k % 2 else originals["ledger.csv"]
        )
        answered(["settle", rules, ledger, "-o", out], [rules, ledger], [out], capsys)
    for _ in range(30):
        plan.write_bytes(broken(originals["map.yaml"], rng))
        answered(["check", panel, "--mapping", plan], [panel, plan], [], capsys)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le", "utf-8-sig"])
def test_rules_and_maps_are_read_as_an_editor_saved_them(encoding, originals, tmp_path, capsys):
    (tmp_path / "rules.yaml").write_text(RULES, encoding=encoding)
    (tmp_path / "ledger.csv").write_text(LEDGER)
    given = [tmp_path / "rules.yaml", tmp_path / "ledger.csv"]
    assert answered(["settle", *given, "-o", tmp_path / "o.csv"], given, [tmp_path / "o.csv"],
                    capsys) == 0  # fmt: skip
    (tmp_path / "map.yaml").write_text("columns: {支出: spending}\n", encoding=encoding)
    (tmp_path / "p.csv").write_text("支出\n1\n", encoding="utf-8")
    paths = [tmp_path / "p.csv", tmp_path / "map.yaml"]
    assert answered(["check", paths[0], "--mapping", paths[1]], paths, [], capsys) == 1


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_references_that_would_fill_the_memory_are_refused(originals, tmp_path, capsys):
    ledger, rules, panel = tmp_path / "l.csv", tmp_path / "rules.yaml", tmp_path / "p.csv"
    ledger.write_text(LEDGER)
    panel.write_bytes(originals["p.csv"])
    for text in (LAUGHS, "a: &a [*a]\n", "[" * 5000, "a: " + "{b: " * 3000):
        rules.write_text(text)
        assert answered(["settle", rules, ledger, "-o", tmp_path / "o"], [rules], [], capsys) == 1
        assert answered(["check", panel, "--mapping", rules], [rules, panel], [], capsys) == 1


def nonsense(frame):
    """Yield tables that no bureau can have meant."""
    half = frame["county_code"].isin(sorted(frame["county_code"].unique())[:10])
    yield "copied", frame.assign(spending=frame["budget"])
    yield (
        "slip",
        frame.assign(spending=frame["spending"].where(frame.index != 7, 1000 * frame["spending"])),
    )
    for name in ("budget", "insured_n"):
        yield (
            f"two units of {name}",
            frame.assign(**{name: frame[name].where(~half, frame[name] / 1e4)}),
        )
    yield "no budget", frame.assign(budget=0.0, notional_budget=0.0)
    yield "flags", frame.assign(budget=frame["budget"] > 0)
    yield "beyond", frame.assign(budget=frame["budget"].where(frame.index != 3, 1e308))
    yield "heads", frame.assign(insured_n=frame["insured_n"].where(frame.index != 3, 10**15))
    yield "shares", frame.assign(rural_share=1.7)
    yield "parts", frame.assign(out_of_county_spending=frame["spending"] * 0.7,
                                primary_care_spending=frame["spending"] * 0.7)  # fmt: skip
    yield "underscore", frame.assign(budget=frame["budget"].map(lambda x: f"{x:_.2f}"))
    yield "nothing", frame.assign(budget=0.0, notional_budget=0.0, spending=0.0)
    yield "nobody before", frame.assign(cohort=frame["year"].min())


def test_nonsense_is_an_error(frame, tmp_path, capsys):
    for name, table in nonsense(frame):
        path = tmp_path / "n.parquet" if name != "underscore" else tmp_path / "n.csv"
        table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
        code = main(["check", str(path)])
        said = capsys.readouterr().out
        assert code == 1, name
        assert "Nothing stops estimation" not in said, name


@pytest.mark.parametrize(
    "text",
    [
        "alliance,year,budget_yuan,spending_yuan\n",
        "alliance,year,budget_yuan,budget_yuan,spending_yuan\nA,2020,1,2,3\n",
        "alliance,year,budget_yuan,spending_yuan\nA,2020,1_000,900\n",
        "alliance,year,budget_yuan,spending_yuan\nA,2020,1e308,900\n",
        "alliance,year,budget_yuan,spending_yuan\nA,2020,-5,900\n",
        "alliance,year,budget_yuan,spending_yuan\nA,2020,5,900,7,8\n",
        "alliance,year,budget_yuan,spending_yuan\nA,2020,٣,900\n",
    ],
)
def test_a_ledger_of_nonsense_is_refused(text, tmp_path, capsys):
    rules, ledger, out = (tmp_path / n for n in ("rules.yaml", "l.csv", "o.csv"))
    rules.write_text(RULES, encoding="utf-8")
    ledger.write_text(text, encoding="utf-8")
    assert answered(["settle", rules, ledger, "-o", out], [rules, ledger], [out], capsys) == 1


def test_a_ledger_of_zeros_settles(tmp_path, capsys):
    rules, ledger, out = (tmp_path / n for n in ("rules.yaml", "l.csv", "o.csv"))
    rules.write_text(RULES, encoding="utf-8")
    ledger.write_text("alliance,year,budget_yuan,spending_yuan\nA,2020,0,0\n")
    answered(["settle", rules, ledger, "-o", out], [rules, ledger], [out], capsys)


@pytest.mark.parametrize("column", ["county_code", "budget", "year"])
def test_lists_in_parquet_are_refused(column, frame, tmp_path, capsys):
    path = tmp_path / "p.parquet"
    frame.assign(**{column: [[1, 2]] * len(frame)}).to_parquet(path)
    assert answered(["check", path], [path], [], capsys) == 1


ARGUMENTS = [
    *(["simulate", "--seed", value, "-o", "{out}"] for value in ("-1", "1e9", "x")),
    *(["simulate", "--counties", v, "-o", "{out}"] for v in ("0", "-5", "1", "2.5", "nan")),
    *(["simulate", "--years", v, "--counties", "20", "-o", "{out}"] for v in ("0", "-1", "1", "2")),
    *(["simulate", "--rule", v, "-o", "{out}"] for v in ("no_such_rule", "", "../../etc/passwd")),
    *(["simulate", "--threat", v, "-o", "{out}"] for v in ("no_such_threat", "")),
    *(["new", "twin", f"--{n}", v, "-o", "{out}"] for n in ("counties", "years", "seed")
      for v in ("-1", "0", "x")),
    *(["settle", v, "{panel}", "-o", "{out}"] for v in ("one_sided", "no_such", "", "{panel}")),
    *(["settle", "one_sided", "{ledger}", "-o", "{out}", "--assume", v]
      for v in ("x", "surplus_retention_share=1e308", "surplus_retention_share=nan", "=", "a=b=c",
                "surplus_retention_share=1_0")),
    *(["check", "{panel}", *more] for more in (
        ["--sheet", "x"], ["--mapping", "{panel}"], ["--mapping", "/dev/null"],
        ["--totals", "{ledger}"], ["--totals", "/dev/null"],
        ["--html", "/no/such/folder/x.html"], ["--write-mapping", "{panel}"])),
    *(["check", v] for v in ("", "/dev/null", "/dev/zero", "/", "no.csv", "no.xlsx")),
    *(["release", "{panel}", "-o", "{out}", f"--{n}", v] for n in ("threshold", "contributors", "p",
      "minimum-staff", "counties") for v in ("-1", "nan", "x")),
    ["build", "--data", "/dev/null", "-o", "{out}"],
    ["build", "--data", "{panel}", "--chapter", "no-such", "-o", "{out}"],
    ["build", "--data", "{panel}", "--rules", "{panel}", "-o", "{out}"],
    ["build", "--data", "{panel}", "-o", "{panel}"],
    ["no-such-command"], ["--no-such-option"], ["check"], ["settle"],
]  # fmt: skip


@pytest.mark.parametrize("given", ARGUMENTS, ids=" ".join)
def test_wrong_arguments_are_answered_in_words(given, originals, tmp_path, capsys):
    panel, ledger = tmp_path / "p.csv", tmp_path / "ledger.csv"
    panel.write_bytes(originals["p.csv"])
    ledger.write_bytes(originals["ledger.csv"])
    names = {"out": tmp_path / "out.csv", "panel": panel, "ledger": ledger}
    outputs = [tmp_path / "out.csv", tmp_path / "out.truth.csv"]
    answered([item.format(**names) for item in given], [panel, ledger], outputs, capsys)
