"""Conversations become files that other programs read, whole or not at all, labelled or noted as not labelled."""

import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import jsonschema
import pytest
from docx.oxml.ns import qn
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

from backends.chat.export.copied import copied, plain
from backends.chat.export.files import file_name, free
from backends.chat.export.html import written
from backends.chat.export.parsed import closed
from backends.chat.export.reading import Reader
from backends.chat.export.task import FORMATS, export
from backends.chat.export.types import ExportFinished, ExportProgress, Extent, Head, Manner, Selection, Told
from backends.chat.store import ChatStore
from backends.chat.types import EDITED, Citation, Message, Source
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.paths import resource
from backends.governance.labels import Unlabelled

ANSWER = """Two ways, **both *fine***:

1. one
2. two
   - deep

| a | b |
|---|--:|
| 中文 | 2 |

```python
def f():
    return "x"  # why
```

> quoted

The mass \\(E=mc^2\\) costs $20, and

$$\\frac{a}{b}$$

See [the page](https://example.org/?a=1&b=2), ![a picture](http://example.org/p.png), <script>alert(1)</script> [1]"""


class Made:
    """A conversation with two answers, one of them out of a document; and where exports go."""

    def __init__(self, store: ChatStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.reader = Reader(store._database, store)
        self.log = Unlabelled(folder / "state" / "unlabelled.jsonl")
        self.conversation = store.create("Lists: sets? 去重")
        self.question = store.add_message(self.conversation.id, "user", "Which *one*?\n<b>now</b>")
        self.first = self.answer("Short.", "tiny")
        self.second = self.answer(ANSWER, "r1:Q4_K_M", "I *think*.")
        store.sourced.save_sources(self.second.id, [Source(1, 7, "Report", "r.pdf", 3, "Chapter 2", 0, 9, "the quote")])
        store.sourced.save_citations(self.second.id, [Citation(1, 7, 4, 0, 9, "the quote", 0, 8, True)])

    def answer(self, text: str, model: str, thought: str = "", reason: str = "stop") -> Message:
        begun = self.store.add_message(
            self.conversation.id, "assistant", "", parent=self.question.id, model=model, status="streaming"
        )
        return self.store.finish(begun.id, "done", reasoning=thought, content=text, finish_reason=reason)

    def write(self, form: str, extent: Extent = "conversation", *ids: int, **manner: Any) -> Path:
        """The only one if no `ids`."""
        path = free(self.folder / f"made.{form}")
        selection = Selection(extent, ids or (() if extent == "all" else (self.conversation.id,)))
        events = list(self.task(form, selection, path, Manner(**manner)))
        assert isinstance(events[-1], ExportFinished)
        assert isinstance(events[0], ExportProgress)
        return path

    def task(self, form: str, selection: Selection, path: Path, manner: Manner | None = None, **more: Any) -> Any:
        more.setdefault("cancel", CancelToken())
        make = more.pop("make", FORMATS[form])
        return export(self.reader, self.log, selection, path, form, make, manner or Manner(), **more)

    @property
    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.path.read_text().splitlines()] if self.log.path.exists() else []

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.is_file() and path.name != "chats.db")


@pytest.fixture
def made(open_store: Callable[[], ChatStore], tmp_path: Path) -> Made:
    folder = tmp_path / "out"
    folder.mkdir()
    return Made(open_store(), folder)


def the(page: LexborHTMLParser | LexborNode, selector: str) -> LexborNode:
    found = page.css_first(selector)
    assert found is not None, selector
    return found


def aigc(text: str) -> None:
    assert json.loads(text).keys() == {
        *("Label", "ContentProducer", "ProduceID", "ReservedCode1"),
        *("ContentPropagator", "PropagateID", "ReservedCode2"),
    }
    assert json.loads(text)["Label"] == "1"


def test_markdown_is_read_by_others_as_it_was_written(made: Made) -> None:
    text = made.write("md").read_text(encoding="utf-8")
    front = text.split("---\n")[1].splitlines()
    assert json.loads(front[0].removeprefix("title: ")) == "Lists: sets? 去重"
    aigc(front[1].removeprefix("AIGC: "))
    assert ANSWER in text
    assert text.count("**AI-generated**") == 2
    assert "\\[1\\] Report, Chapter 2, p. 4: “the quote”" in text
    assert "message 3: variant 2 of 2, follows message 1" in text
    tokens = MarkdownIt("commonmark").enable("table").parse(text.split("---\n", 2)[2])
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings == ["Lists: sets? 去重", "You", "tiny", "r1:Q4\\_K\\_M"]
    assert "I *think*." in text
    assert "I *think*." not in made.write("md", thinking=False).read_text(encoding="utf-8")


def test_a_fence_that_was_never_closed_ends_with_its_message() -> None:
    assert closed("a\n```py\nx = 1") == "a\n```py\nx = 1\n```"
    assert closed("````\n```\n") == "````\n```\n\n````"
    for text in ("a ``` b", "```\nx\n```", "~~~\n```\n~~~", ""):
        assert closed(text) == text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_html_is_one_file_that_fetches_and_runs_nothing(made: Made, language: str) -> None:
    page = LexborHTMLParser(made.write("html", language=language).read_text(encoding="utf-8"))
    assert page.css("script, img, link, iframe, object, embed, form, [src], [onclick]") == []
    assert the(page, 'meta[http-equiv="Content-Security-Policy"]').attributes["content"] == (
        "default-src 'none'; style-src 'unsafe-inline'"
    )
    aigc(the(page, 'meta[name="AIGC"]').attributes["content"] or "")
    style = the(page, "style").text()
    assert "prefers-color-scheme:dark" in style
    assert "url(" not in style
    assert "@import" not in style
    answer = page.css("article")[2]
    assert the(answer, "ol > li").text().strip() == "one"
    assert [one.text() for one in answer.css("td")] == ["中文", "2"]
    assert the(answer, "b strong, strong em").text() == "fine"
    assert the(answer, "pre").text() == 'def f():\n    return "x"  # why'
    assert the(answer, 'pre span[style="color:var(--keyword)"]').text().strip() == "def"
    assert [one.attributes["alttext"] for one in answer.css("math")] == ["E=mc^2", "\\frac{a}{b}"]
    assert [one.attributes["href"] for one in answer.css("a")] == [
        "https://example.org/?a=1&b=2",
        "http://example.org/p.png",
    ]
    assert "<script>alert(1)</script>" in answer.text()
    assert [one.text() for one in page.css(".label")] == [{"en": "AI-generated", "zh": "人工智能生成"}[language]] * 2
    assert page.css("article")[0].css(".label") == []
    assert the(page, ".asked").text() == "Which *one*?\n<b>now</b>"
    assert the(page, "details").text().split() == [{"en": "Thinking", "zh": "思考过程"}[language], "I", "think."]


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,hi)",
        "[x](file:///etc/passwd)",
        "[x](\\\\server\\share)",
        "![x](file:///etc/passwd)",
        "<img src=x onerror=alert(1)>",
        "$\\href{javascript:alert(1)}{x}$",
        "$\\style{background:url(http://a)}{x}$",
        "$$\\unknown{$$",
        "$" + "{" * 900 + "}" * 900 + "$",
        "\\(\\text{<script>alert(1)</script>}\\)",
        "> " * 3000,
    ],
    ids=range(12),
)
def test_nothing_a_model_writes_becomes_more_than_text(text: str) -> None:
    page = LexborHTMLParser(written(text))
    assert page.css("script, img, iframe, [onerror], [onclick], [src], [href]") == []


def test_word_reads_headings_lists_tables_code_and_links(made: Made) -> None:
    path = made.write("docx", language="zh")
    read = docx.Document(str(path))
    styles = [(one.style.name, one.text) for one in read.paragraphs if one.style is not None]
    assert ("Heading 1", "Lists: sets? 去重") in styles
    assert ("Heading 2", "您") in styles
    assert ("List Number", "one") in styles
    assert ("List Bullet 2", "deep") in styles
    assert ("Quote", "quoted") in styles
    assert ("Code", 'def f():\n    return "x"  # why') in styles
    assert [[cell.text for cell in row.cells] for row in read.tables[0].rows] == [["a", "b"], ["中文", "2"]]
    runs = {run.text: run for one in read.paragraphs for run in one.runs}
    assert (runs["fine"].bold, runs["fine"].italic) == (True, True)
    fonts = qn("w:eastAsia")
    assert read.styles["Normal"].element.rPr.rFonts.get(fonts) == "Microsoft YaHei"
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        body = file.read("word/document.xml").decode()
        custom = file.read("docProps/custom.xml").decode()
    assert "HYPERLINK &quot;https://example.org/?a=1&amp;b=2&quot;" in body
    assert body.count("人工智能生成") >= 3
    aigc(custom.split("<vt:lpwstr>")[1].split("</vt:lpwstr>")[0].replace("&quot;", '"'))
    assert read.core_properties.keywords == "人工智能生成"
    assert read.core_properties.title == "Lists: sets? 去重"


def test_each_numbered_list_of_a_word_file_begins_anew(made: Made) -> None:
    made.answer("1. a\n2. b\n\ntext\n\n7. c\n8. d", "m")
    read = docx.Document(str(made.write("docx")))
    numbers = {
        one.text: one._p.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val
        for one in read.paragraphs
        if one.style is not None and one.style.name == "List Number"
    }
    assert numbers["a"] == numbers["b"] != numbers["c"] == numbers["d"] != numbers["one"]
    listed = {one.numId: one for one in read.part.numbering_part.element.num_lst}
    assert listed[numbers["c"]].lvlOverride_lst[0].startOverride.val == 7


def test_json_fits_its_schema_and_keeps_everything(made: Made) -> None:
    read = json.loads(made.write("json").read_text(encoding="utf-8"))
    jsonschema.validate(read, json.loads(resource("chats.schema.json").read_text(encoding="utf-8")))
    aigc(json.dumps(read["AIGC"]))
    (conversation,) = read["conversations"]
    assert conversation["shown"] == made.second.id
    assert [(one["id"], one["parent"]) for one in conversation["messages"]] == [
        (made.question.id, None),
        (made.first.id, made.question.id),
        (made.second.id, made.question.id),
    ]
    assert [one.get("label") for one in conversation["messages"]] == [None, "AI-generated", "AI-generated"]
    assert conversation["messages"][2]["citations"][0]["quote"] == "the quote"
    assert (
        "reasoning" not in json.loads(made.write("json", thinking=False).read_text())["conversations"][0]["messages"][2]
    )


def test_what_is_chosen_is_what_is_written(made: Made) -> None:
    said = made.store.add_message(made.conversation.id, "user", "And then?")
    other = made.store.add_message(made.store.create("Other").id, "user", "Alone")

    def contents(extent: Extent, *ids: int) -> list[str]:
        read = json.loads(made.write("json", extent, *ids).read_text(encoding="utf-8"))
        return [message["content"][:9] for one in read["conversations"] for message in one["messages"]]

    assert contents("message", made.second.id) == ["Two ways,"]
    assert contents("branch", made.first.id) == ["Which *on", "Short."]
    assert contents("shown") == ["Which *on", "Two ways,", "And then?"]
    assert contents("conversation") == ["Which *on", "Short.", "Two ways,", "And then?"]
    assert contents("all") == [*contents("conversation"), "Alone"]
    made.store.tree.delete(said.id)
    made.store.delete(other.conversation_id)
    assert contents("all") == ["Which *on", "Short.", "Two ways,"]
    with pytest.raises(BackendError) as refused:
        contents("branch", said.id)
    assert refused.value.code == "no_message"


def test_only_what_a_model_wrote_is_labelled(made: Made) -> None:
    edited = made.answer("My own words.", "tiny", reason=EDITED)
    passages = made.answer("> from a document [1]", "")
    made.store.sourced.save_sources(passages.id, [Source(1, 7, "Report", "r.pdf", 3, "", 0, 9, "the quote")])
    labels = {
        one["content"]: one.get("label")
        for one in json.loads(made.write("json").read_text())["conversations"][0]["messages"]
    }
    assert labels[made.question.content] is None
    assert labels[passages.content] is None
    assert labels[edited.content] == "AI-generated, edited"
    assert "AIGC" not in made.write("md", "message", made.question.id).read_text()
    assert "AI-generated" not in made.write("html", "message", made.question.id).read_text()


def test_what_goes_out_without_a_label_is_noted_and_nothing_else(made: Made) -> None:
    for form in FORMATS:
        made.write(form)
        made.write(form, "message", made.question.id, label=False)
    assert made.logged == []
    for form in FORMATS:
        path = made.write(form, label=False)
        with zipfile.ZipFile(path) if form == "docx" else path.open("rb") as file:
            text = b"".join(file.read(one) for one in file.namelist()) if form == "docx" else file.read()  # type: ignore[union-attr]
        assert b"AIGC" not in text
        assert b"AI-generated" not in text
    assert [(one["what"], one["format"], one["answers"]) for one in made.logged] == [
        ("conversation", form, 2) for form in FORMATS
    ]
    assert all(set(one) == {"time", "what", "format", "answers"} for one in made.logged)


def test_without_the_note_nothing_goes_out_unlabelled(made: Made) -> None:
    made.log.path.mkdir(parents=True)
    with pytest.raises(BackendError):
        made.write("md", label=False)
    assert made.left == []


# ---- the disk says no


def test_a_file_stands_there_whole_or_not_at_all(made: Made) -> None:
    path, cancel = made.folder / "chat.md", CancelToken()

    class Refusing(FORMATS["md"]):  # type: ignore[misc]
        def message(self, told: Told, number: int, after: int) -> None:
            cancel.cancel()
            super().message(told, number, after)

    with pytest.raises(Cancelled):
        list(made.task("md", Selection("conversation", (made.conversation.id,)), path, make=Refusing, cancel=cancel))
    assert made.left == []


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is of Linux")
@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_is_said_and_leaves_nothing(made: Made, form: str) -> None:
    def full(path: Path, head: Head) -> Any:
        path.unlink()
        path.symlink_to("/dev/full")
        return FORMATS[form](path, head)

    with pytest.raises(BackendError) as refused:
        list(made.task(form, Selection("conversation", (made.conversation.id,)), made.folder / "a", make=full))
    assert refused.value.code == "disk_full"
    assert made.left == []


def test_nothing_is_written_over_unless_it_was_asked_for(made: Made) -> None:
    path = made.folder / "chat.md"
    path.write_text("mine")
    selection = Selection("conversation", (made.conversation.id,))
    with pytest.raises(BackendError) as refused:
        list(made.task("md", selection, path))
    assert (refused.value.code, path.read_text()) == ("name_taken", "mine")
    list(made.task("md", selection, path, overwrite=True))
    assert "AI-generated" in path.read_text()
    for wrong, code in ((made.folder, "is_a_folder"), (made.folder / "none" / "a.md", "no_folder")):
        with pytest.raises(BackendError) as refused:
            list(made.task("md", selection, wrong))
        assert refused.value.code == code
    with pytest.raises(BackendError) as refused:
        list(made.task("md", selection, made.folder / ("x" * 300)))
    assert refused.value.code == "name_too_long"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="who may do everything is refused nothing")
def test_a_folder_that_is_read_only(made: Made) -> None:
    made.folder.chmod(0o500)
    with pytest.raises(BackendError) as refused:
        list(made.task("md", Selection("conversation", (made.conversation.id,)), made.folder / "a.md"))
    made.folder.chmod(0o700)
    assert refused.value.code == "read_only"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Plain", "Plain.md"),
        ('a/b\\c:d*e?f"g<h>i|j', "a b c d e f g h i j.md"),
        ("..", "Chat.md"),
        ("   ", "Chat.md"),
        ("CON", "_CON.md"),
        ("lpt1.txt", "_lpt1.txt.md"),
        ("dots...", "dots.md"),
        ("a\u202egpj.exe\n\x00b", "a gpj.exe b.md"),
        ("\ud800half", "?half.md".replace("?", "")),
        ("去" * 100, "去" * 40 + ".md"),
    ],
    ids=range(10),
)
def test_any_title_is_a_file_name(tmp_path: Path, title: str, name: str) -> None:
    assert file_name(title, "md", "Chat") == name
    (tmp_path / name).write_text("there")
    assert free(tmp_path / name).name == f"{name.removesuffix('.md')} (2).md"


# ---- copies


def test_a_copy_says_what_it_is(made: Made) -> None:
    (told,) = made.reader.told((made.second.id,))
    text = copied(told, Manner(), "markdown").text
    assert text.startswith(ANSWER)
    assert text.endswith("**References**\n\n- [1] Report, Chapter 2, p. 4: “the quote”\n\n*AI-generated*")
    assert copied(told, Manner(label=False), "markdown").text.endswith("“the quote”")
    rich = copied(told, Manner("zh"), "rich")
    page = LexborHTMLParser(rich.html)
    aigc(the(page, 'meta[name="AIGC"]').attributes["content"] or "")
    assert page.css("img, script, [src], math") == []
    assert "\\(E=mc^2\\)" in page.text()
    assert "人工智能生成" in page.text()
    assert "I think" not in page.text()
    assert "var(" not in rich.html
    (question,) = made.reader.told((made.question.id,))
    assert copied(question, Manner(), "text").text == made.question.content


def test_plain_text_is_what_a_person_would_type() -> None:
    assert plain(ANSWER) == (
        "Two ways, both fine:\n\n1. one\n2. two\n  • deep\n\na\tb\n中文\t2\n\n"
        'def f():\n    return "x"  # why\n\nquoted\n\nThe mass \\(E=mc^2\\) costs $20, and\n\n\\[\\frac{a}{b}\\]\n\n'
        "See the page (https://example.org/?a=1&b=2), a picture, <script>alert(1)</script> [1]"
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("$$\nx + y\n$$", "\\[x + y\\]"),
        ("a $x$ b", "a \\(x\\) b"),
        ("it costs $5 and 10$ more", "it costs $5 and 10$ more"),
        ("$HOME:$PATH", "$HOME:$PATH"),
        ("\\begin{align}\na &= b\n\\end{align}", "\\begin{align}\na &= b\n\\end{align}"),
        ("\\[ never closed", "\\[ never closed"),
    ],
    ids=range(6),
)
def test_a_file_has_the_formulas_of_the_window(text: str, read: str) -> None:
    assert plain(text) == read


def test_what_is_nested_too_deep_is_not_left_out() -> None:
    assert plain("> " * 60 + "deep").endswith("deep")
