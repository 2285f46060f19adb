import os

import pytest

from medalliance.__main__ import main
from medalliance.cli._output import write_whole


def test_no_argument_prints_help_and_counts_as_wrong_usage(capsys):
    assert main([]) == 2
    assert "Commands" in capsys.readouterr().err


def test_every_command_has_help_with_an_example(capsys):
    from medalliance.__main__ import command_line

    app = command_line()
    names = [[command.name] for command in app.registered_commands]
    for group in app.registered_groups:
        names += [[group.name, c.name] for c in group.typer_instance.registered_commands]
    assert ["build"] in names
    for name in names:
        assert main([*name, "--help"]) == 0
        assert "Example:" in capsys.readouterr().out, name


def test_refused_input_exits_1_with_the_message(capsys):
    assert main(["notebooks", "nowhere.ipynb"]) == 1
    assert "no such notebook: nowhere.ipynb" in capsys.readouterr().err


def test_unknown_command_exits_2(capsys):
    assert main(["nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_write_whole_replaces_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "out.csv"
    assert write_whole(path, "a,b\n").read_text() == "a,b\n"
    write_whole(path, lambda draft: draft.write_bytes(b"new"))
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["out.csv"]


def test_write_whole_keeps_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fails(draft):
        draft.write_text("half")
        raise OSError(28, os.strerror(28))

    with pytest.raises(OSError, match="space"):
        write_whole(path, fails)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["out.csv"]
