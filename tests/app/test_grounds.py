"""What an answer stands on, as it is shown: places called what they are, verdicts only where one was made."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app import document_words
from app.application import Application
from app.grounds import grounds, marks
from app.lists.messages import MessageList
from app.widgets.message import make
from app.widgets.sources import Sources
from app.widgets.xray_page import XRayPage
from backends.chat import evidence, passages
from backends.chat.xray import FoundPassage, XRay
from tests.kit import grounded_scenes, libraries, looks


def test_passages_that_are_the_answer_need_no_verdict(qtbot: QtBot) -> None:
    shown = evidence.without_a_model(libraries.found("en"))
    text, cited = passages.written(shown, "en")
    _, row = grounded_scenes.rows("en", text=text, sources=shown.sources, citations=cited, model="")
    messages = MessageList()
    answers = [make(one, messages, None) for one in (row, replace(row, model="A model"))]  # type: ignore[arg-type]
    for answer in answers:
        qtbot.addWidget(answer)
        answer.show()
    looks.settle()
    assert [looks.texts(answer).count("The source says so") for answer in answers] == [0, 5]
    assert "Handbook of Heat Pumps" in looks.texts(answers[0])
    assert {mark.verdict for mark in marks(text, shown.sources, cited, quoted=True)} == {"unread"}


def test_a_source_whose_quotes_are_erased_has_a_name_in_words(qtbot: QtBot, qapp: Application) -> None:
    (first, *others) = grounded_scenes.sources("en")
    erased = replace(first, title="", name="", known_as="", label="", text="")
    listed = Sources()
    qtbot.addWidget(listed)
    listed.show_grounds(grounds((erased, *others), (), {first.document_id}), "", explained=False)
    listed.show()
    looks.settle()
    assert looks.texts(listed).count("A document that is erased") == 1
    assert "Source deleted" not in looks.texts(listed), "said once"
    qapp.follow("light", "zh")
    looks.settle()
    assert "已清除的文档" in looks.texts(listed)


@pytest.mark.parametrize(
    ("name", "label", "en", "zh"),
    [
        ("a.pdf", "", "Page 3", "第 3 页"),
        ("a.docx", "", "Page 3", "第 3 页"),
        ("a.PPSX", "", "Slide 3", "第 3 张幻灯片"),
        ("a.odp", "", "Slide 3", "第 3 张幻灯片"),
        ("a.epub", "", "Chapter 3", "第 3 章"),
        ("a.ods", "", "Sheet 3", "第 3 个工作表"),
        ("a.xlsm", "offers!A1:C14", "offers!A1:C14", "offers!A1:C14"),
    ],
)
def test_a_place_is_called_what_it_is(qapp: Application, name: str, label: str, en: str, zh: str) -> None:
    assert document_words.place_in(name, 3, label) == en
    qapp.follow("light", "zh")
    assert document_words.place_in(name, 3, label) == zh
    assert document_words.place_in(name, 0) == ""


def test_an_xray_names_the_places_and_its_long_prompt_scrolls(qtbot: QtBot) -> None:
    page = XRayPage()
    qtbot.addWidget(page)
    found = [FoundPassage(n, n, f"{n}", 3, 1.0, (), None, "…", name) for n, name in enumerate(("a.pptx", "b.epub"))]
    prompt = "\n".join(f"line {number} of what the model was given" for number in range(20_000))
    page.show_xray(XRay("Why?", found=tuple(found), prompt=(("user", prompt),)))
    looks.show(page, 900, 700)
    assert looks.misfits(page) == []
    assert "Slide 3" in looks.texts(page)
    assert "Chapter 3" in looks.texts(page)
    assert page._prompt.height() < 600
    assert page._prompt.verticalScrollBar().maximum() > 10_000
    assert page._prompt.toPlainText().endswith("line 19999 of what the model was given")
    page.show_xray(XRay("Why?", prompt=(("user", "Short."),)))
    looks.settle()
    assert page._prompt.height() < 80
    assert page._prompt.verticalScrollBar().maximum() == 0


def test_xrays_of_before_have_pages(qtbot: QtBot) -> None:
    page = XRayPage()
    qtbot.addWidget(page)
    page.show_xray(XRay("Why?", found=(FoundPassage(1, 1, "Handbook", 3, 1.0, (), None, "…"),)))
    assert "Page 3" in looks.texts(page)
