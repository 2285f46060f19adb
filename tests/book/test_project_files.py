"""The files around the package agree with each other and name no package index."""

import os
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


def supported() -> list[str]:
    """List the Python versions that the package says it runs on, oldest first."""
    named = "Programming Language :: Python :: "
    said = [name.removeprefix(named) for name in project()["classifiers"] if named in name]
    return sorted((name for name in said if "." in name), key=lambda name: int(name[2:]))


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


def test_all_files_agree_on_the_pythons():
    """The package, the search for Python, the lock and the type checker name the same ones."""
    wanted = SpecifierSet(project()["requires-python"])
    first, last = (int(version[2:]) for version in (supported()[0], supported()[-1]))
    assert [minor for minor in range(20) if f"3.{minor}.0" in wanted] == list(
        range(first, last + 1)
    )
    search = (PROJECT / "tools" / "find_python.sh").read_text(encoding="utf-8")
    assert f"first={first} last={last}\n" in search
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["mypy"]["python_version"] == f"3.{first}"
    for name in ("requirements.lock", "spark.lock", "benchmarks/peers.lock"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        for package in ("numpy", "pandas", "matplotlib"):
            assert len(re.findall(rf"^{package}==", text, re.MULTILINE)) == 1, "one for all"
    assert f"--universal --python-version 3.{first} " in (PROJECT / "Makefile").read_text()


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


def test_the_launch_files_have_the_form_that_binder_reads():
    script = PROJECT / "postBuild"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/bash\n") and "set -eu" in text
    assert "pip install --no-deps ." in text, "the lock brings every package but this one"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    packages = (PROJECT / "apt.txt").read_text(encoding="utf-8").splitlines()
    assert packages and all(re.fullmatch("[a-z0-9][a-z0-9.+-]+", name) for name in packages)
    notebooks = {"ipykernel", "hatchling"}
    assert notebooks <= locked().keys(), "what a kernel and the build of the package need"


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


def readme() -> str:
    return (PROJECT / "README.md").read_text(encoding="utf-8")


def replication() -> str:
    return (PROJECT / "REPLICATION.md").read_text(encoding="utf-8")


DOCUMENTS = ("README.md", "REPLICATION.md", "CONTRIBUTING.md", "EXHIBITS.md", "data/README.md")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", readme(), re.MULTILINE | re.DOTALL)


def test_the_readme_leads_on_within_1200_words():
    assert 300 < len(readme().split()) < 1200
    sections = re.findall(r"^## (.+)$", readme(), re.MULTILINE)
    assert sections == ["Two commands", "Data", "Where things are", "Licences and citation"]
    for name in ("REPLICATION.md", "CONTRIBUTING.md", "EXHIBITS.md", "CHANGELOG.md"):
        assert f"[{name}]({name}" in readme()
    assert max(len(line) for line in readme().splitlines()) < 400, "long tables stand elsewhere"


def test_the_replication_page_has_what_a_data_editor_looks_for():
    sections = re.findall(r"^## (.+)$", replication(), re.MULTILINE)
    assert sections == [
        "Data availability and provenance",
        "Computational requirements",
        "Instructions to replicators",
        "Tables and figures",
        "References for the data that are not ours",
    ]
    for said in ("the right to use", "Controlled randomness", "How to get what is not included"):
        assert said in replication()
    assert f"Python {supported()[0]} to {supported()[-1]} and " in replication()
    assert f"Python {supported()[0]} to {supported()[-1]} with" in readme()
    assert f"the {len(locked())} packages" in replication()


def test_every_command_of_the_documents_exists():
    from medalliance.__main__ import command_line

    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    app = command_line()
    names = {command.name for command in app.registered_commands}
    names |= {group.name for group in app.registered_groups}
    for name in DOCUMENTS:
        text = (PROJECT / name).read_text(encoding="utf-8")
        made = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
        assert made and made <= targets, name
        assert set(re.findall(r"`medalliance ([a-z]+)", text)) <= names, name


def test_every_link_of_the_documents_leads_to_a_file():
    for name in DOCUMENTS:
        text = (PROJECT / name).read_text(encoding="utf-8")
        for target in set(re.findall(r"\]\(([^)#][^)#]*)", text)):
            assert (PROJECT / name).parent.joinpath(target).exists(), f"{name}: {target}"
        for anchor in re.findall(r"\]\(#([^)]+)\)", text):
            headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            assert anchor in {re.sub(r"\W+", "-", head.lower()) for head in headings}


def test_the_readmes_example_runs(capsys):
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    assert "95 %" in capsys.readouterr().out


def test_the_picture_says_in_words_what_it_shows():
    (alt, path) = re.search(r"!\[([^]]+)\]\(([^)]+)\)", readme()).groups()
    picture = (PROJECT / path).read_text(encoding="utf-8")
    assert len(alt) > 60 and "<title" in picture and "<desc" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_the_workflow_runs_the_readmes_two_commands():
    commands = [line.split("#")[0].strip() for line in blocks("")[0].splitlines()]
    text = (PROJECT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["test"]
    steps = job["steps"]
    ran = [line for step in steps for line in step.get("run", "").splitlines()]
    assert commands == ["make book", "make test"]
    assert [line for line in ran if line.startswith("make ")] == commands
    asked = [step["with"]["python-version"] for step in steps if "setup-python" in str(step)]
    assert asked == ["${{ matrix.python }}"]
    assert job["env"] == {"PYTHON": "python${{ matrix.python }}"}
    assert job["strategy"]["matrix"]["python"] == [supported()[0], supported()[-1]]


def test_the_citation_is_complete():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    needed = {"message", "title", "authors", "version", "license", "abstract", "keywords"}
    assert needed <= set(citation) and all(citation[name] for name in needed)
    assert citation["license"] == ["MIT", "CC-BY-4.0"]


def test_contributing_names_every_room():
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    package = PROJECT / "src" / "medalliance"
    rooms = {path.parent.name for path in package.glob("*/__init__.py")}
    rooms |= {path.stem for path in package.glob("*.py") if not path.stem.startswith("_")}
    assert {room for room in rooms if not re.search(rf"\b{room}\b", text)} == set()
