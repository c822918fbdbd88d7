"""Text and Markdown."""

from pathlib import Path

import pytest

from backends.documents.extract import plain
from backends.documents.extract.asked import Asked
from backends.documents.types import Opened, Reading, Section


def markdown(folder: Path, text: str) -> tuple[Opened, list[Section]]:
    (folder / "a.md").write_text(text, encoding="utf-8")
    opened, *events = plain.read(folder / "a.md", Asked("markdown"))
    assert isinstance(opened, Opened)
    return opened, [event for event in events if isinstance(event, Section)]


def told(sections: list[Section]) -> list[tuple[tuple[str, ...], str, str]]:
    return [(one.headings, one.kind, one.text.strip()) for one in sections]


def test_long_text_comes_in_sections_that_end_with_a_paragraph(tmp_path: Path) -> None:
    text = "".join(f"Paragraph {n}. " + "words and words " * 30 + "\r\n\r\n" for n in range(500))
    (tmp_path / "a.txt").write_bytes(text.encode())
    opened, *events = plain.read(tmp_path / "a.txt", Asked("text"))
    sections = [event.text for event in events if isinstance(event, Section)]
    assert opened == Opened("text")
    assert "".join(sections) == text.replace("\r\n", "\n")
    assert all(one.startswith("Paragraph") and one.endswith("\n\n") for one in sections)
    assert events[-1] == Reading(len(text), len(text))


def test_a_line_without_an_end(tmp_path: Path) -> None:
    text = "词" * 1_000_000
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    for name, format in (("a.txt", "text"), ("a.md", "markdown")):
        events = plain.read(tmp_path / name, Asked(format))
        assert sum(len(event.text.replace("\n", "")) for event in events if isinstance(event, Section)) == len(text)


def test_headings_are_the_path(tmp_path: Path) -> None:
    opened, sections = markdown(
        tmp_path, "# Book\n\nIntro.\n\n## One ##\ntext\n### Deep\n\nmore\n## 第二章\nend\n\nSetext\n======\nlast"
    )
    assert opened.title == "Book"
    assert told(sections) == [
        (("Book",), "text", "Book\n\nIntro."),
        (("Book", "One"), "text", "One\ntext"),
        (("Book", "One", "Deep"), "text", "Deep\n\nmore"),
        (("Book", "第二章"), "text", "第二章\nend"),
        (("Setext",), "text", "Setext\nlast"),
    ]


def test_code_is_code_and_its_comments_no_headings(tmp_path: Path) -> None:
    opened, sections = markdown(
        tmp_path, "```sh\n# not a title\n~~~\n```\n# Title\n~~~~\n~~~\nstill\n~~~~\nafter\n```\nopen"
    )
    assert opened.title == "Title"
    assert told(sections) == [
        ((), "code", "# not a title\n~~~"),
        (("Title",), "text", "Title"),
        (("Title",), "code", "~~~\nstill"),
        (("Title",), "text", "after"),
        (("Title",), "code", "open"),
    ]


def test_each_row_says_its_columns(tmp_path: Path) -> None:
    _, sections = markdown(
        tmp_path, "before\n\n| Region | 2021 |\n|:--|--:|\n| North | 1,024.50 |\n| a \\| b | |\n\nafter"
    )
    assert told(sections) == [
        ((), "text", "before"),
        ((), "table", "Region: North | 2021: 1,024.50\nRegion: a | b"),
        ((), "text", "after"),
    ]


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: '笔记'\ndate: 2024-03-05\n---\n",
        '+++\ntitle = "笔记"\ndate = 2024-03-05T00:00:00Z\n+++\n',
        "---\n标题: 笔记\n日期: 2024-03-05\n---\n",
    ],
)
def test_front_matter_names_title_and_date(tmp_path: Path, front: str) -> None:
    opened, sections = markdown(tmp_path, front + "# Heading\ntext")
    assert (opened.title, opened.dated) == ("笔记", 1709596800.0)
    assert told(sections) == [(("Heading",), "text", "Heading\ntext")]


def test_rules_and_lists_are_no_headings(tmp_path: Path) -> None:
    _, sections = markdown(tmp_path, "---\nnot front matter\n\n- a\n- b\n---\n\n***\n#tag\n    # indented\n")
    assert {one.headings for one in sections} == {()}
