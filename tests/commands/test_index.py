"""`index` and `forget`: documents come and go, and every event is a line."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Inside
from tests.kit.shell import Shell

CATS = "A cat sleeps for most of the day and hunts mice at night. Whiskers tell it how wide a hole is."


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    shelf = tmp_path / "shelf"
    (shelf / "deep").mkdir(parents=True)
    (shelf / "cats.txt").write_text(CATS, encoding="utf-8")
    (shelf / "deep" / "猫.md").write_text("# 猫\n\n猫夜里捕鼠。", encoding="utf-8")
    (shelf / "nothing.txt").write_bytes(b"")
    return shelf


def lines(path: Path, *documents: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in documents), encoding="utf-8")
    return path


def listed(inside: Inside, *argv: str) -> dict[str, str]:
    found = inside.run("documents", "--json", *argv).json["documents"]
    return {each["document"]: each["status"] for each in found}


def test_events_and_then_what_it_came_to(inside: Inside, shelf: Path) -> None:
    outcome = inside.run("index", "--json", str(shelf))
    *events, last = outcome.events
    assert (outcome.code, outcome.err) == (0, "")
    assert (last["documents"], last["chunks"]) == (2, 2)
    assert [(each["path"], each["code"]) for each in last["failed"]] == [(str(shelf / "nothing.txt"), "empty")]
    assert last["failed"][0]["message"]
    assert last["seconds"] >= 0
    assert {str(shelf / "cats.txt"), str(shelf / "deep" / "猫.md")} == {
        event["stored"]["path"] for event in events if "stored" in event
    }
    again = inside.run("index", "--json", str(shelf)).events
    assert again[-1]["chunks"] == 0
    assert all(event["stored"]["unchanged"] for event in again if "stored" in event)


def test_in_words(inside: Inside, shelf: Path) -> None:
    outcome = inside.run("index", str(shelf))
    assert outcome.out.startswith("2 documents, 2 new passages in ")
    assert outcome.out.endswith("1 failed.\n")
    assert "nothing.txt: " in outcome.err
    assert "已收录 2 个文档" in inside.run("index", str(shelf), language="zh").out


def test_relative_paths_and_paths_that_are_not_there(inside: Inside, shelf: Path) -> None:
    inside.cwd = shelf
    outcome = inside.run("index", "--json", "cats.txt", "gone.txt")
    assert outcome.code == 0
    assert [each["path"] for each in outcome.events[-1]["failed"]] == [str(shelf / "gone.txt")]
    assert listed(inside)[str(shelf / "cats.txt")] == "ready"
    assert inside.run("index", "--json", "gone.txt").code == 1  # nothing at all came of it


def test_lines_of_jsonl_are_documents(inside: Inside, tmp_path: Path) -> None:
    file = lines(tmp_path / "p.jsonl", {"id": "p1", "title": "Cats", "text": CATS}, {"id": 2, "text": "a train"})
    with file.open("a", encoding="utf-8") as more:
        more.write("no json\n")
    last = inside.run("index", "--json", "--jsonl", str(file), "--collection", "Animals").events[-1]
    assert (last["documents"], last["chunks"]) == (2, 2)
    assert [each["code"] for each in last["failed"]] == ["bad_line"]
    assert listed(inside, "--collection", "animals") == {"p1": "ready", "2": "ready"}
    missing = inside.run("index", "--json", "--jsonl", str(tmp_path / "none.jsonl"))
    assert (missing.code, missing.events[-1]["error"]["code"]) == (1, "gone")


@pytest.mark.parametrize("argv", [["index"], ["search"], ["search", "x", "--queries", "f"], ["forget"]])
def test_what_is_missing_is_said(inside: Inside, argv: list[str]) -> None:
    assert inside.run(*argv).code == 2


def test_forget_leaves_nothing(inside: Inside, shelf: Path, tmp_path: Path) -> None:
    inside.run("index", str(shelf), "--jsonl", str(lines(tmp_path / "p.jsonl", {"id": "p1", "text": "Quince jelly."})))
    assert inside.run("forget", "--json", str(shelf / "cats.txt"), "p1").json == {
        "forgotten": [str(shelf / "cats.txt"), "p1"]
    }
    assert str(shelf / "cats.txt") not in listed(inside)
    data = inside.services.paths.data
    left = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file() and path.name.startswith("library"))
    assert b"Whiskers" not in left
    assert b"Quince" not in left
    assert inside.run("search", "--json", "whiskers quince").json["hits"] == []
    assert (shelf / "cats.txt").exists()
    gone = inside.run("forget", "--json", "p1")
    assert (gone.code, gone.json["error"]["code"]) == (1, "no_document")


def test_forget_takes_a_folder(inside: Inside, shelf: Path) -> None:
    inside.run("index", str(shelf))
    inside.cwd = shelf.parent
    assert "Erased: 3 documents." in inside.run("forget", "shelf").out
    assert listed(inside) == {}


def test_in_a_process_of_its_own_and_the_next_one_finds_it(shell: Shell, shelf: Path) -> None:
    assert shell.run("index", "--json", str(shelf)).code == 0
    found = shell.run("search", "--json", "whiskers").json
    assert [hit["document"] for hit in found["hits"]] == [str(shelf / "cats.txt")]
