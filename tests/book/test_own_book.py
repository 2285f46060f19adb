"""A reader's book from the real command: whole, private, repeatable, with files to take away."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from medalliance.paths import PACKAGE
from medalliance.simulate import simulate_panel

GUARD = """
import os, socket

def refuse(name):
    real = getattr(socket.socket, name)
    def guarded(self, *given):
        outside = not (name == "bind" and given[0][0] in ("127.0.0.1", "::1"))
        if self.family in (socket.AF_INET, socket.AF_INET6) and outside:
            with open(os.environ["GUARD_LOG"], "a") as log:
                log.write(f"{name} {given}\\n")
            raise OSError("no network in this test")
        return real(self, *given)
    setattr(socket.socket, name, guarded)

for name in ("connect", "connect_ex", "sendto", "bind"):
    refuse(name)
"""
RULES = """id: our_rules
kind: case
name: {en: Our county, zh: 我县}
place: {en: Our county, zh: 我县}
currency: CNY
parameters:
  surplus_retention_share: [{value: 0.6, status: documented, source: "Notice 12, article 7"}]
  overspend_sharing_share: [{value: 0.4, status: documented, source: "Notice 12, article 8"}]
  surplus_pay_share: [{value: 0.5, status: documented, source: "Notice 12, article 9"}]
  out_of_county: [{value: included, status: documented, source: "Notice 12, article 2"}]
  split_lead_share: [{value: 0.5, status: documented, source: "Notice 12, article 9"}]
  split_township_share: [{value: 0.5, status: documented, source: "Notice 12, article 9"}]
steps:
  - {op: share, side: surplus, rate: surplus_retention_share}
  - {op: round, side: surplus}
  - {op: split, side: surplus, among: {lead_hospital: split_lead_share, township: split_township_share}}
  - {op: split, side: surplus, uses: {pay: surplus_pay_share, development: rest}}
  - {op: share, side: deficit, rate: overspend_sharing_share}
  - {op: round, side: deficit}
"""  # noqa: E501
PLACES = (
    "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Run the command twice, with watched folders in place of the reader's own."""
    root = tmp_path_factory.mktemp("own")
    theirs = root / "机密 data"
    for folder in (theirs, root / "guard", root / "here", root / "watched"):
        folder.mkdir()
    frame = simulate_panel(40, 9, seed=7, rules="split_631", channels=False).panel.frame
    kept = [n for n in frame if not n.startswith(("pay_", "fte_", "personnel", "revenue"))]
    frame = frame[kept].assign(county_name="Zzyzx " + frame["county_name"].astype(str))
    frame.to_csv(theirs / "panel.csv", index=False)
    (theirs / "our_rules.yaml").write_text(RULES, encoding="utf-8")
    (root / "guard" / "sitecustomize.py").write_text(GUARD)
    environment = {**os.environ, "GUARD_LOG": str(root / "guard" / "log")}
    environment["PYTHONPATH"] = os.pathsep.join([str(root / "guard"), str(PACKAGE.parent)])
    for name in PLACES:
        (root / "watched" / name).mkdir()
        environment[name] = str(root / "watched" / name)
    command = [sys.executable, "-m", "medalliance", "build", "--data", theirs / "panel.csv"]
    command += ["--rules", theirs / "our_rules.yaml", "-o", root / "mine"]
    command += ["--chapter", "estimate-visits", "--chapter", "estimate-pay"]
    runs, hashes = [], []
    for _ in range(2):
        ran = subprocess.run(
            [*apart(), *map(str, command)], cwd=root / "here", env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        runs.append(ran)
        hashes.append(json.loads((root / "mine" / "manifest.json").read_text(encoding="utf-8")))
    return root, runs[-1], hashes, frame


def apart() -> list[str]:
    """Return the start of a command that has no network, not even its own machine's."""
    words = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None:
        return []
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if tried.returncode == 0 else []


def texts(folder):
    """Yield every text in a folder, that inside Office files too."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if path.suffix in (".docx", ".xlsx", ".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                content = b"".join(packed.read(name) for name in packed.namelist())
        yield path, content


@pytest.mark.slow
def test_the_command_tells_its_progress_and_where_the_book_is(made):
    root, ran, _, _ = made
    assert ran.stdout.strip() == str(root / "mine" / "index.html")
    assert re.search(r"\[\d/3\] estimate-visits: \d+\.\d s, \d+ MB", ran.stderr)
    assert re.search(r"\[\d/3\] estimate-pay: not possible on this panel", ran.stderr)


@pytest.mark.slow
def test_pages_show_their_results_and_say_what_is_missing(made):
    mine = made[0] / "mine"
    shares = (mine / "estimate-visits.html").read_text(encoding="utf-8")
    assert shares.count('data-badge="YOURS"') >= 8 and "SYNTHETIC" not in shares
    pay = (mine / "estimate-pay.html").read_text(encoding="utf-8")
    assert "pay_T_… (physician, nurse, technical, administrative)" in pay
    assert "which your table lacks" in pay and "data-badge" not in pay
    contract = (mine / "your-contract.html").read_text(encoding="utf-8")
    assert "Notice 12, article 7" in contract and "settled under our_rules.yaml" in contract
    front = (mine / "index.html").read_text(encoding="utf-8")
    assert "40" in front and "not possible on this panel; the page says why" in front
    assert "teaching panel" not in shares + front


@pytest.mark.slow
def test_every_exhibit_has_its_files_and_every_link_leads_to_one(made):
    mine = made[0] / "mine"
    for page in ("estimate-visits", "your-contract"):
        text = (mine / f"{page}.html").read_text(encoding="utf-8")
        for block in re.findall(r'<figure class="exhibit .*?</figure>', text, re.DOTALL):
            kinds = {"table": {"xlsx", "docx"}, "figure": {"png", "pdf"}}
            kind = re.search(r"exhibit-(table|figure)", block)[1]
            links = re.findall(r'href="(exports/[^"]+)"', block)
            assert {link.rpartition(".")[2] for link in links} == kinds[kind], block[:200]
            assert all((mine / link).is_file() for link in links)
    starts = {"xlsx": b"PK", "docx": b"PK", "pdf": b"%PDF", "png": b"\x89PNG"}
    listed = (mine / "files.html").read_text(encoding="utf-8")
    for path in (mine / "exports").iterdir():
        assert path.read_bytes().startswith(starts[path.suffix[1:]])
        assert f'href="exports/{path.name}"' in listed
    assert (mine / "exports" / "all-tables.docx").is_file()


@pytest.mark.slow
def test_the_manifest_holds_what_went_in_and_two_runs_agree(made):
    root, _, (first, second), _ = made
    data = (root / "机密 data" / "panel.csv").read_bytes()
    assert hashlib.sha256(data).hexdigest() in first["inputs"]["data"]
    assert first["inputs"].keys() == {"data", "rules", "panel as read"}
    assert first["results sha256"] == second["results sha256"]
    assert first["files"] == second["files"]
    for name, told in first["files"].items():
        content = (root / "mine" / "exports" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == told
    assert first["libraries"]["pandas"] and first["seeds"]["wild_bootstrap"] == "0"


@pytest.mark.slow
def test_nothing_is_sent_and_nothing_of_theirs_is_written_elsewhere(made):
    root, _, _, frame = made
    assert not (root / "guard" / "log").exists()
    assert sorted(p.name for p in root.iterdir()) == [
        "guard",
        "here",
        "mine",
        "watched",
        "机密 data",
    ]
    assert list((root / "here").iterdir()) == []
    assert not (root / "mine" / ".building").exists()
    marks = ["Zzyzx", "panel.csv", "our_rules", "机密", *frame["county_code"].astype(str).unique()]
    for path, content in texts(root / "watched"):
        assert not any(mark.encode() in content for mark in marks), path
    assert sorted(p.name for p in (root / "机密 data").iterdir()) == ["our_rules.yaml", "panel.csv"]


@pytest.mark.slow
def test_no_page_holds_a_path_of_theirs(made):
    root = made[0]
    for path, content in texts(root / "mine"):
        assert str(root).encode() not in content, path
