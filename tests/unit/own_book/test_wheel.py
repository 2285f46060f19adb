"""A wheel holds what a reader's book is made of, and nothing that was built."""

import zipfile

import pytest

from medalliance.paths import PROJECT


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    build = pytest.importorskip("hatchling.build")
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        name = build.build_wheel(str(folder))
    with zipfile.ZipFile(folder / name) as wheel:
        return set(wheel.namelist())


def test_the_wheel_holds_the_book_and_the_data(packed):
    for folder, inside in (("book", "_book"), ("data", "_data")):
        for path in (PROJECT / folder).rglob("*"):
            place = path.relative_to(PROJECT / folder)
            kept = path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(place.parts)
            if kept:
                assert f"medalliance/{inside}/{place.as_posix()}" in packed
    for path in (PROJECT / "src" / "medalliance").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(PROJECT / "src").as_posix() in packed


def test_the_wheel_holds_nothing_that_was_built(packed):
    assert not [n for n in packed if "/build/" in n or "__pycache__" in n or n.endswith(".html")]
