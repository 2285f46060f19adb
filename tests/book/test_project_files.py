"""The files around the package agree with each other and name no package index."""

import re
import subprocess
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from medalliance.paths import PROJECT

# pieces, so that this file does not hold what it looks for
HOSTS = [
    ".".join(parts)
    for parts in (
        ("files", "pythonhosted", "org"),
        ("py" + "pi", "org"),
        ("registry", "npm" + "js", "org"),
        ("npm" + "js", "com"),
        ("conda", "ana" + "conda", "org"),
        ("deb", "de" + "bian", "org"),
        ("crates", "io"),
        ("cran", "r-" + "project", "org"),
    )
]


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name]


def locked() -> dict[str, str]:
    text = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, re.MULTILINE))


def project() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_no_committed_file_names_a_package_index():
    named = {}
    for name in tracked():
        path = PROJECT / name
        if path.is_file():
            text = path.read_bytes().decode("utf-8", errors="ignore").lower()
            found = [host for host in HOSTS if host in text]
            if found:
                named[name] = found
    assert named == {}


def test_the_lock_holds_a_hash_for_every_package_and_no_option():
    text = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert not re.search(r"^-", text, re.MULTILINE)


def test_the_lock_meets_every_direct_dependency():
    pinned = {name.lower().replace("_", "-"): version for name, version in locked().items()}
    extras = project()["optional-dependencies"]
    asked = project()["dependencies"] + extras["book"] + extras["test"]
    unmet = []
    for requirement in map(Requirement, asked):
        version = pinned.get(requirement.name.lower().replace("_", "-"))
        if version is None or version not in requirement.specifier:
            unmet.append(f"{requirement} against {version}")
    assert unmet == []


def test_conda_gives_python_and_pip_and_reads_the_lock():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pip = [entry for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert sorted(re.split("=", entry)[0] for entry in conda) == ["pip", "python"]
    version = next(entry for entry in conda if entry.startswith("python")).split("=")[-1]
    assert f"{version}.0" in SpecifierSet(project()["requires-python"])
    assert pip == [{"pip": ["-r requirements.lock"]}]


def test_the_engine_of_the_book_stays_in_its_first_major_version():
    assert locked()["jupyter-book"].startswith("1.")


def test_no_minified_script_is_committed():
    scripts = [name for name in tracked() if name.endswith((".min.js", "tex-svg.js"))]
    assert scripts == []


def test_citation_licence_and_package_agree():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["title"].startswith("medalliance")
    assert citation["version"] == project()["version"]
    assert citation["authors"] == [{"name": "the medalliance developers"}]
    licence = (PROJECT / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in licence and "the medalliance developers" in licence
    assert "CC BY 4.0" in licence
    assert project()["license"] == "MIT"
    assert "## Numbers that changed" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
