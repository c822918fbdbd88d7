"""Both languages are complete, and the window changes from one to the other as it stands."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from pytestqt.qtbot import QtBot

from app import language
from app.application import Application
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import MainWindow
from backends.core.phrase import Phrase
from tests.kit import translations


def messages_of(path: Path) -> dict[tuple[str, str], ET.Element]:
    found: dict[tuple[str, str], ET.Element] = {}
    for context in ET.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            found[context.findtext("name", ""), message.findtext("source", "")] = translation
    return found


def test_every_sentence_is_translated_and_none_is_left_over(tmp_path: Path) -> None:
    collected = tmp_path / "now.ts"
    translations.collect(collected)
    wanted, there = messages_of(collected).keys(), messages_of(translations.SOURCE)
    assert wanted == there.keys(), "run python -m tests.kit.translations"
    unfinished = [key for key, translation in there.items() if translation.get("type") or not translation.text]
    assert not unfinished


def test_placeholders_survive_translation() -> None:
    marks = re.compile(r"\{\d\}|%\d|%n")
    for (_, source), translation in messages_of(translations.SOURCE).items():
        assert sorted(marks.findall(source)) == sorted(marks.findall(translation.text or "")), source


def test_chinese_sentences_have_chinese_punctuation() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?!gguf|\w)")
    for (_, source), translation in messages_of(translations.SOURCE).items():
        assert not half.search(translation.text or ""), source


def test_the_compiled_translations_are_those_of_the_source(tmp_path: Path) -> None:
    fresh = translations.compile(to=tmp_path / "fresh.qm")
    assert fresh.read_bytes() == translations.SOURCE.with_suffix(".qm").read_bytes()


def test_the_window_changes_its_language_as_it_stands(qapp: Application, qtbot: QtBot) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    page = ChatPage(ConversationList(), MessageList())
    window.add_page("chat", page)
    assert page.panel.new_button.text() == "New chat"
    qapp.follow("light", "zh")
    qtbot.waitUntil(lambda: page.panel.new_button.text() == "新对话")
    assert window.actions_.quit.text() == "退出"
    assert language.say(Phrase("yes", "是")) == "是"
    assert QLocale().language() is QLocale.Language.Chinese
    qapp.follow("light", "en")
    qtbot.waitUntil(lambda: page.panel.new_button.text() == "New chat")
    assert language.say(Phrase("yes", "是")) == "yes"


def test_the_system_decides_where_nobody_else_does(qapp: Application) -> None:
    qapp.follow("light", "system")
    assert qapp.languages.language == language.system_language()
    assert language.system_language() in ("en", "zh")


@pytest.mark.parametrize("wanted", ["en", "zh"])
def test_every_control_of_the_chat_has_a_name(qapp: Application, qtbot: QtBot, wanted: language.Wanted) -> None:
    from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QLineEdit, QTextEdit

    qapp.follow("light", wanted)
    window = MainWindow()
    qtbot.addWidget(window)
    page = ChatPage(ConversationList(), MessageList())
    window.add_page("chat", page)
    window.show()
    controls = (QAbstractButton, QAbstractItemView, QLineEdit, QTextEdit)
    found = [widget for kind in controls for widget in window.findChildren(kind)]
    assert len(found) > 10
    for widget in found:
        words = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
        assert words, widget
