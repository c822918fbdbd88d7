"""`search`: passages with their documents, one question or thousands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Inside, opened

TITLES = ["Eiffel Tower", "Big Ben", "Kölner Dom", "东方明珠塔", "Space Needle"]
HEIGHTS = [330, 96, 157, 468, 184]


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """Some towers in a collection of their own, and a book."""
    folder = tmp_path_factory.mktemp("stocked")
    towers = [
        {"id": f"t{number}", "title": title, "text": f"It is {height} metres high. 高{height}米。"}
        for number, (title, height) in enumerate(zip(TITLES, HEIGHTS, strict=True))
    ]
    (folder / "towers.jsonl").write_text("\n".join(map(json.dumps, towers)), encoding="utf-8")
    (folder / "book.txt").write_text("Chapter one.\n\nA tower of cards fell.", encoding="utf-8")
    with opened(folder / "home") as inside:
        inside.run("index", "--jsonl", str(folder / "towers.jsonl"), "--collection", "Towers")
        inside.run("index", str(folder / "book.txt"))
        yield inside


def test_a_hit_says_where_it_is(stocked: Inside) -> None:
    outcome = stocked.run("search", "--json", "how high is the Eiffel Tower")
    hit = outcome.json["hits"][0]
    assert (outcome.code, outcome.err) == (0, "")
    assert set(hit) == {"document", "title", "page", "start", "end", "text", "score", "ranks"}
    assert (hit["document"], hit["title"], hit["page"]) == ("t0", "Eiffel Tower", 0)
    assert hit["text"] == "It is 330 metres high. 高330米。"
    assert (hit["start"], hit["end"]) == (0, len(hit["text"]))
    assert hit["ranks"]["text"] == 1
    assert 0 < hit["score"] <= 1


def test_only_in_a_collection_and_so_many(stocked: Inside) -> None:
    every = stocked.run("search", "--json", "tower").json["hits"]
    assert {Path(hit["document"]).name for hit in every} == {"t0", "book.txt"}
    assert [
        hit["document"] for hit in stocked.run("search", "--json", "--collection", "TOWERS", "tower").json["hits"]
    ] == ["t0"]
    assert len(stocked.run("search", "--json", "--limit", "2", "metres high").json["hits"]) == 2
    missing = stocked.run("search", "--json", "--collection", "none", "tower")
    assert (missing.code, missing.json["error"]["code"]) == (1, "no_collection")


def test_in_words(stocked: Inside) -> None:
    said = stocked.run("search", "東方明珠塔有多高").out
    assert said.startswith("1  东方明珠塔\n")
    assert "高468米" in said
    assert stocked.run("search", "zzzz").out == "Nothing was found.\n"
    assert stocked.run("search", "zzzz", language="zh").out == "没有找到。\n"


def test_an_empty_library_says_how_to_fill_it(inside: Inside) -> None:
    assert "deskseek index PATH" in inside.run("search", "cats").out
    assert inside.run("search", "--json", "cats").json["hits"] == []
    assert "deskseek index PATH" in inside.run("documents").err
    assert inside.run("documents", "--json").json == {"documents": []}


def test_many_questions_are_answered_in_one_go(stocked: Inside, tmp_path: Path) -> None:
    questions = [{"id": number, "text": f"How high is {title}?"} for number, title in enumerate(TITLES)]
    file = tmp_path / "questions.jsonl"
    file.write_text("\ufeff" + "\n\n".join(json.dumps(each) for each in questions) + "\n", encoding="utf-8")
    outcome = stocked.run("search", "--json", "--queries", str(file), "--collection", "Towers", "--limit", "3")
    assert outcome.code == 0
    assert [answer["id"] for answer in outcome.events] == [0, 1, 2, 3, 4]
    for number, answer in enumerate(outcome.events):
        documents = [hit["document"] for hit in answer["hits"]]
        assert documents[0] == f"t{number}"
        assert len(set(documents)) == len(documents) <= 3
    improved = stocked.run("search", "--json", "--queries", str(file), "--improve")
    assert [answer["id"] for answer in improved.events] == [0, 1, 2, 3, 4]
    plain = stocked.run("search", "--queries", str(file), "--collection", "Towers")
    assert plain.out.splitlines()[1].split("\t")[:2] == ["1", "t1"]


@pytest.mark.parametrize(
    ("text", "code"),
    [('{"id": 1}', "bad_line"), ("[]", "bad_line"), ("\xff", "bad_line"), ('{"id": 1, "text": 5}', "bad_line")],
)
def test_a_line_that_is_no_question_is_named(stocked: Inside, tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(b'{"id": "a", "text": "tower"}\n' + text.encode("latin-1"))
    outcome = stocked.run("search", "--json", "--queries", str(file))
    assert (outcome.code, outcome.events[-1]["error"]["code"]) == (1, code)
    assert outcome.events[0]["id"] == "a"
    assert "Line 2" in outcome.events[-1]["error"]["message"]


def test_a_file_of_questions_that_is_not_there(stocked: Inside, tmp_path: Path) -> None:
    outcome = stocked.run("search", "--json", "--queries", str(tmp_path / "none.jsonl"))
    assert (outcome.code, outcome.json["error"]["code"]) == (1, "no_file")
