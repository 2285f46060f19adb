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


@pytest.mark.parametrize(
    "command",
    [
        ["template", "-o", "{}.xlsx"],
        ["new", "twin", "-o", "{}.csv"],
        ["simulate", "--counties", "10", "-o", "{}.csv"],
        ["settle", "two_sided_corridor", "ledger.csv", "-o", "{}.csv"],
        ["check", "panel.csv", "--html", "{}.html"],
        ["check", "panel.csv", "--write-mapping", "{}.yaml"],
    ],
)
def test_commands_refuse_where_they_may_not_write_before_they_read(command, tmp_path, capsys):
    *rest, pattern = command
    taken = tmp_path / pattern.format("taken")
    taken.write_text("mine")
    assert main([*rest, str(taken)]) == 3
    assert f"{taken} exists. " in capsys.readouterr().err
    assert taken.read_text() == "mine"
    assert main([*rest, str(tmp_path / "nowhere" / taken.name)]) == 3
    assert f"{tmp_path / 'nowhere'} is no folder. Make it first." in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == [taken.name]


def test_claims_are_not_written_beside_a_panel_of_their_name(tmp_path, capsys):
    (tmp_path / "claims.panel.csv").write_text("mine")
    assert main(["new", "claims", "-o", str(tmp_path / "claims")]) == 3
    assert "claims.panel.csv exists. Remove it, or name another folder." in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == ["claims.panel.csv"]
