"""`deskseek chats`: conversations are listed, written to files, taken in and deleted from the command line."""

import json
from pathlib import Path

from tests.commands.conftest import Inside, opened


def told(inside: Inside, title: str = "Bread: how?") -> int:
    chats = inside.services.chats
    made = chats.create(title)
    chats.add_message(made.id, "user", "How long?")
    chats.add_message(made.id, "assistant", "An **hour**.", model="tiny")
    return made.id


def test_they_are_listed_exported_and_taken_in(inside: Inside, tmp_path: Path) -> None:
    assert inside.run("chats").out == "There are no conversations yet.\n"
    one, two = told(inside), told(inside, "Soup")
    inside.cwd = tmp_path
    assert [line.split(maxsplit=1)[0] for line in inside.run("chats").out.splitlines()] == [str(two), str(one)]
    assert inside.run("chats", "list", "--json").json["chats"][1]["title"] == "Bread: how?"

    done = inside.run("chats", "export", str(one))
    assert (done.code, done.out) == (0, f"{tmp_path / 'Bread how.md'}\n")
    assert "*AI-generated*" not in done.err
    assert "An **hour**." in (tmp_path / "Bread how.md").read_text()
    assert inside.run("chats", "export", str(one)).out == f"{tmp_path / 'Bread how (2).md'}\n"
    assert inside.run("chats", "export", "--all", language="zh").out == f"{tmp_path / '全部对话.md'}\n"

    made = inside.run("chats", "export", "--all", "--format", "json", "-o", "all.json", "--json").json
    assert made == {
        "path": str(tmp_path / "all.json"),
        "format": "json",
        "conversations": 2,
        "messages": 4,
        "labelled": True,
    }
    with opened(tmp_path / "other") as other:
        other.cwd = tmp_path
        assert other.run("chats", "import", "all.json").out == "Imported: 2 conversations.\n"
        assert {one["folder"] for one in other.run("chats", "--json").json["chats"]} == {"Imported"}
        answer = other.run("chats", "import", "none.json")
        assert (answer.code, answer.err) == (1, f"There is no file {tmp_path / 'none.json'}.\n")
        Path(tmp_path / "all.json").write_text("{")
        assert other.run("chats", "import", "all.json", language="zh").err == (
            "无法导入此文件：文件不完整。\n未更改任何内容。\n"
        )


def test_deleted_is_gone_for_good(inside: Inside) -> None:
    one, two = told(inside), told(inside)
    missing = inside.run("chats", "delete", str(one), "999")
    assert missing.code == 1
    assert len(inside.services.chats.conversations()) == 2  # all of them or none
    assert inside.run("chats", "delete", str(one), "--json").json == {"deleted": [one]}
    assert [each.id for each in inside.services.chats.conversations()] == [two]
    assert inside.services.chats.purge() == ()


def test_what_makes_no_sense_is_said(inside: Inside) -> None:
    assert inside.run("chats", "export").err == "Name conversations, or --all.\ndeskseek chats lists them.\n"
    assert inside.run("chats", "export", "1", "--all").code == 2
    assert inside.run("chats", "export", "bread").code == 2
    assert inside.run("chats", "export", "1", "--format", "pdf").err == (
        "The command line writes no PDF.\nThe window does: Export… in the menu of a chat.\n"
    )
    assert inside.run("chats", "export", "1", "--format", "odt").code == 2
    assert inside.run("chats", "export", "1").err == "This conversation is not there any more.\n"
    assert inside.run("chats", "export", "--all").err == "There is nothing to export yet.\n"
    assert inside.run("chats", "delete").code == 2


def test_without_labels_if_the_settings_say_so(inside: Inside, tmp_path: Path) -> None:
    told(inside)
    inside.services.settings.set("chat.label_ai", False)
    inside.run("chats", "export", "--all", "-o", str(tmp_path / "a.md"))
    assert "AI-generated" not in (tmp_path / "a.md").read_text()
    (line,) = inside.services.exporting.unlabelled.path.read_text().splitlines()
    assert json.loads(line)["what"] == "all"
