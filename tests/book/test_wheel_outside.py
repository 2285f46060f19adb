"""The wheel works by itself: outside the checkout, with the packages of its extras and no other."""

import email
import hashlib
import os
import re
import subprocess
import sys
import venv
import zipfile
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.requirements import Requirement
from test_project_files import project, readme, supported

from medalliance.paths import PROJECT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def described(wheel) -> Message:
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (name for name in packed.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(packed.read(name))


def closure(requirements: list[str], extra: str) -> set[str]:
    """Name the distributions that requirements bring, with those of an extra, at any depth."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(line), extra) for line in requirements]
    while waiting:
        asked, wanted = waiting.pop()
        if asked.marker and not asked.marker.evaluate({"extra": wanted}):
            continue
        for inner in ("", *asked.extras):
            if (asked.name, inner) not in found:
                found.add((asked.name, inner))
                lines = metadata.requires(asked.name) or []
                waiting += [(Requirement(line), inner) for line in lines]
    return {name for name, _ in found}


class Installed:
    """An environment of the wheel and of what it asks for, and an empty folder to work in."""

    def __init__(self, wheel: Path, lines: list[str], extra: str, folder: Path):
        venv.create(folder / "env", with_pip=False, symlinks=True)
        self.python = folder / "env" / "bin" / "python"
        (site,) = (folder / "env" / "lib").glob("python*/site-packages")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(site)
        for name in closure(lines, extra):
            self._link(site, metadata.distribution(name))
        self.package = site / "medalliance"
        self.place = folder / "empty"
        self.place.mkdir()

    @staticmethod
    def _link(site: Path, found: metadata.Distribution) -> None:
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            if not (site / top).exists() and not top.endswith(".pth"):
                (site / top).symlink_to(Path(str(found.locate_file(top))))

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command in the empty folder; return what it says."""
        known = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        known |= {"PYTHONDONTWRITEBYTECODE": "1", "MEDALLIANCE_SHARED": str(self.place / "none")}
        ran = subprocess.run(
            [self.python, *command],
            cwd=self.place, env=known, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def files(self) -> dict[str, str]:
        """Return the checksum of every file of the package."""
        return {
            str(path.relative_to(self.package)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.package.rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
def installed(wheel, described, tmp_path_factory):
    def install(extra: str) -> Installed:
        lines = described.get_all("Requires-Dist")
        return Installed(wheel, lines, extra, tmp_path_factory.mktemp(extra or "plain"))

    return install


def test_the_wheel_says_what_it_is(described):
    named = described.get_all("Classifier")
    assert {f"Programming Language :: Python :: {version}" for version in supported()} < set(named)
    assert set(project()["keywords"]) == set(described["Keywords"].split(","))
    assert set(described.get_all("Provides-Extra")) == {"book", "claims", "spark", "test"}
    tools = {"pytest", "nbval", "hypothesis", "ruff", "mypy", "hatchling"}
    brought = {
        re.split(r"[^\w.-]", line)[0]
        for line in described.get_all("Requires-Dist")
        if "'test'" not in line
    }
    assert brought.isdisjoint(tools)


def test_the_description_renders_without_the_checkout(described):
    assert described["Description-Content-Type"] == "text/markdown"
    text = described.get_payload()
    page = MarkdownIt("commonmark").enable("table").render(text)
    for heading in re.findall(r"^## (.+)$", readme(), re.MULTILINE):
        assert f"<h2>{heading}</h2>" in page
    assert page.count("<table>") >= 3 and "<img" not in page and "<!--" not in page
    targets = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert [target for target in targets if not target.startswith("https://")] == []
    assert "](" not in text


def test_without_extras_commands_work_or_say_what_is_missing(installed):
    """A panel is simulated, checked and settled; the book names its extra; nothing is written."""
    plain = installed("")
    before = plain.files()
    assert "_data/codebook.yaml" in before and "_book/_toc.yml" in before
    said = plain.run("-m", "medalliance", "build", code=1)
    assert re.fullmatch(
        r'DataError: [\w-]+ is not installed: run pip install "medalliance\[book\]"\.\n', said
    )
    (plain.place / "claims.csv").write_text("claim_id\n1\n", encoding="utf-8")
    said = plain.run("-m", "medalliance", "panel", "claims.csv", "-o", "p.csv", code=1)
    assert said.endswith('not installed: run pip install "medalliance[claims]".\n')
    plain.run("-m", "medalliance", "template", "-o", "t.xlsx")
    plain.run("-m", "medalliance", "simulate", "--counties", "20", "-o", "s.csv")
    assert "20 " in plain.run("-m", "medalliance", "check", "s.csv")
    ledger = plain.package / "_data" / "examples" / "ledger.csv"
    plain.run("-m", "medalliance", "settle", "two_sided_corridor", str(ledger), "-o", "paid.csv")
    for command in ("datapackage", "calibrate", "grade"):
        said = plain.run("-m", "medalliance", command, code=1)
        assert "belongs to the installed package, which no command changes." in said
    assert plain.files() == before
    assert {path.name for path in plain.place.iterdir()} == {
        "claims.csv", "t.xlsx", "s.csv", "s.truth.csv", "paid.csv",
    }  # fmt: skip


def test_with_its_extra_the_book_is_built_without_a_test_package(installed):
    book = installed("book")
    before = book.files()
    absent = "import importlib.util as u; print(*map(u.find_spec, ('nbval', 'pytest', 'ibis')))"
    assert book.run("-c", absent) == "None None None\n"
    book.run("-m", "medalliance", "build", "-o", "pages")
    page = (book.place / "pages" / "status.html").read_text(encoding="utf-8")
    assert "an installed package" in page
    assert (book.place / "pages" / "index.html").is_file()
    assert book.files() == before
