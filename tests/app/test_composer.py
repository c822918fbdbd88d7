"""Writing a question: Enter, lines, and above all Chinese input methods."""

import pytest
from PySide6.QtCore import QLocale, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QInputMethodEvent
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.application import Application
from app.widgets.composer import Composer
from backends.chat.fit import Fit
from backends.chat.organised import SavedPrompt
from backends.core.errors import Problem
from backends.core.phrase import Language, Phrase
from tests.kit import looks

TOO_LONG = Problem(
    "context_too_long",
    Phrase("3,000 tokens long; it may have 2,000.", "长 3,000；最多 2,000。"),
    Phrase("Shorten it.", "请缩短。"),
)


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    composer = Composer()
    qtbot.addWidget(composer)
    composer.resize(700, 120)
    composer.set_ready(True)
    composer.show()
    return composer


def compose(composer: Composer, preedit: str, commit: str = "") -> None:
    """What an input method sends: text being composed, or text that is typed now."""
    event = QInputMethodEvent(preedit, [])
    if commit:
        event.setCommitString(commit)
    QApplication.sendEvent(composer.box, event)


def test_enter_belongs_to_the_input_method_while_it_composes(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    compose(composer, "n")
    compose(composer, "ni h")
    compose(composer, "ni hao")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    qtbot.keyClick(composer.box, Qt.Key.Key_Enter)
    composer.submit()
    assert sent.count() == 0
    assert composer.text() == ""
    compose(composer, "", commit="你好")
    assert composer.text() == "你好"
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)  # of the same stroke: some methods let it through
    assert (sent.count(), composer.text()) == (0, "你好")
    QApplication.processEvents()
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert [sent.at(n)[0] for n in range(sent.count())] == ["你好"]


def test_a_half_typed_word_after_typed_text_is_not_sent(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    compose(composer, "", commit="你好")
    compose(composer, "shi j")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.count() == 0
    compose(composer, "")  # Escape: the input method lets go
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.at(0)[0] == "你好"


def test_enter_sends_and_shift_enter_makes_a_line(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    qtbot.keyClicks(composer.box, "one")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.box, "two")
    assert sent.count() == 0
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.at(0)[0] == "one\ntwo"


def test_the_other_way_round_by_the_setting(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    composer.set_enter_sends(False)
    qtbot.keyClicks(composer.box, "one")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    qtbot.keyClicks(composer.box, "two")
    assert sent.count() == 0
    qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert sent.at(0)[0] == "one\ntwo"


def test_nothing_is_sent_while_an_answer_comes_and_the_button_stops_it(qtbot: QtBot, composer: Composer) -> None:
    sent, stopped = QSignalSpy(composer.text_submitted), QSignalSpy(composer.stop_requested)
    composer.set_text("next question")
    composer.set_busy(True)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.count() == 0
    composer.press()
    assert stopped.count() == 1
    composer.set_busy(False)
    composer.press()
    assert sent.count() == 1
    composer.set_text("   \n ")
    composer.press()
    assert sent.count() == 1


def test_the_box_grows_with_its_text_and_then_scrolls(composer: Composer) -> None:
    one = composer.box.height()
    composer.set_text("a\nb\nc")
    three = composer.box.height()
    composer.set_text("line\n" * 50)
    many = composer.box.height()
    assert one < three < many < one * 12
    composer.clear()
    assert composer.box.height() == one


def test_ctrl_enter_while_it_composes_sends_nothing(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    compose(composer, "", commit="你好")
    compose(composer, "shi")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    composer.set_enter_sends(False)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert (sent.count(), composer.text()) == (0, "你好")


def test_a_composing_that_is_given_up_leaves_nothing(composer: Composer) -> None:
    compose(composer, "ni h")
    assert composer.box.composing
    compose(composer, "")
    assert not composer.box.composing
    assert composer.text() == ""


def test_the_placeholder_is_out_of_the_way_while_it_composes(composer: Composer) -> None:
    composer.box.setFocus()
    compose(composer, "n")
    with_placeholder = composer.box.grab().toImage()
    composer.box.setPlaceholderText("")
    assert composer.box.grab().toImage() == with_placeholder


def test_what_is_composed_is_typed_when_the_focus_goes(qtbot: QtBot, composer: Composer) -> None:
    """Where the method itself does not do it: nothing is lost, and Enter is not held back for ever."""
    sent = QSignalSpy(composer.text_submitted)
    composer.activateWindow()
    composer.box.setFocus()
    qtbot.waitUntil(composer.box.hasFocus)
    compose(composer, "ni hao")
    composer.chip.setFocus()
    assert not composer.box.composing
    assert composer.text() == "ni hao"
    QApplication.processEvents()
    composer.box.setFocus()
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.count() == 1


def test_the_button_types_what_is_composed_and_sends_it(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    compose(composer, "", commit="今天")
    compose(composer, "xia yu")
    send = looks.button(composer, "Send")
    assert send.isEnabled()
    qtbot.mouseClick(send, Qt.MouseButton.LeftButton)
    assert [sent.at(n)[0] for n in range(sent.count())] == ["今天xia yu"]


def test_the_button_can_be_pressed_for_the_very_first_syllables(composer: Composer) -> None:
    assert not looks.button(composer, "Send").isEnabled()
    compose(composer, "ni")
    assert looks.button(composer, "Send").isEnabled()
    compose(composer, "")
    assert not looks.button(composer, "Send").isEnabled()


# ---- what is pasted


def mime(text: str = "", html: str = "", *files: str) -> QMimeData:
    data = QMimeData()
    if html:
        data.setHtml(html)
    if text:
        data.setText(text)
    if files:
        data.setUrls([QUrl.fromLocalFile(file) for file in files])
    return data


def test_pasted_text_is_plain_and_files_are_left_to_the_window(composer: Composer) -> None:
    composer.box.insertFromMimeData(mime("bold", "<b>bold</b><img src='file:///etc/passwd'>"))
    assert composer.text() == "bold"
    assert not composer.box.canInsertFromMimeData(mime("", "", "/tmp/model.gguf"))


def test_lines_and_tabs_of_a_paste_stay_and_it_is_undone_in_one_step(composer: Composer) -> None:
    composer.set_text("before ")
    composer.box.insertFromMimeData(mime("a\tb\r\nc\rd\u2028e\n\n  f"))
    assert composer.text() == "before a\tb\nc\nd\ne\n\n  f"
    composer.box.undo()
    assert composer.text() == "before "
    composer.clear()
    composer.box.insertFromMimeData(mime("", "<p>one</p><p>two <b>three</b><img src='x.png'></p>"))
    assert composer.text() == "one\ntwo three"


def test_the_address_of_a_page_is_text(composer: Composer) -> None:
    page = mime("https://example.org/a")
    page.setUrls([QUrl("https://example.org/a")])
    assert composer.box.canInsertFromMimeData(page)
    composer.box.insertFromMimeData(page)
    assert composer.text() == "https://example.org/a"


def test_a_picture_is_refused_in_words(composer: Composer) -> None:
    refused = QSignalSpy(composer.unusable_pasted)
    picture = QMimeData()
    picture.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    assert composer.box.canInsertFromMimeData(picture)
    composer.box.insertFromMimeData(picture)
    assert (refused.count(), composer.text()) == (1, "")


@pytest.mark.parametrize("what", ["text", "files", "picture"])
def test_what_is_dropped_on_the_box(composer: Composer, what: str) -> None:
    """Text is written, files are left to the window, anything else is refused in words."""
    refused = QSignalSpy(composer.unusable_pasted)
    data = {"text": mime("dropped"), "files": mime("", "", "/tmp/a.pdf"), "picture": QMimeData()}[what]
    if what == "picture":
        data.setImageData(QImage(4, 4, QImage.Format.Format_RGB32))
    place, copy, left = composer.box.viewport().rect().center(), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(place, copy, data, left, none)
    QApplication.sendEvent(composer.box.viewport(), entering)
    assert entering.isAccepted() == (what != "files")
    if entering.isAccepted():
        QApplication.sendEvent(composer.box.viewport(), QDropEvent(QPointF(place), copy, data, left, none))
    assert composer.text() == ("dropped" if what == "text" else "")
    assert refused.count() == (what == "picture")


def test_a_long_paste_may_be_a_document_instead(composer: Composer) -> None:
    wanted = QSignalSpy(composer.document_requested)
    long = "A sentence that is pasted.\n" * 600
    composer.set_text("Summarise: ")
    composer.box.insertFromMimeData(mime(long))
    composer.box.insertPlainText("typed behind")
    assert composer.text() == f"Summarise: {long}typed behind"
    assert f"{QLocale().toString(16_200)} characters" in looks.texts(composer)
    looks.button(composer, "Add as a document instead").click()
    assert wanted.at(0)[0] == long
    assert composer.text() == "Summarise: typed behind"
    assert "characters" not in looks.texts(composer)


@pytest.mark.parametrize("shape", ["lines", "line"])
def test_two_megabytes_are_not_written_but_kept_for_a_document(composer: Composer, shape: str) -> None:
    wanted = QSignalSpy(composer.document_requested)
    huge = "x" * 99 + "\n" if shape == "lines" else "x" * 100
    huge *= 20_000
    composer.set_text("What is this?")
    composer.box.insertFromMimeData(mime(huge))
    assert composer.text() == "What is this?"
    assert f"{QLocale().toString(2_000_000)} characters" in looks.texts(composer)
    looks.button(composer, "Add as a document").click()
    assert wanted.at(0)[0] == huge
    assert composer.text() == "What is this?"


def test_a_paste_that_was_deleted_again_is_no_document(composer: Composer) -> None:
    composer.box.insertFromMimeData(mime("words\n" * 4000))
    assert composer.paste_line.isVisible()
    composer.box.selectAll()
    composer.box.cut()
    assert not composer.paste_line.isVisible()
    composer.box.insertFromMimeData(mime("words\n" * 4000))
    looks.button(composer, "Leave it as it is").click()
    assert not composer.paste_line.isVisible()
    assert composer.text() == "words\n" * 4000


# ---- what fits


def test_the_count_stands_where_the_keys_were_explained(composer: Composer) -> None:
    assert "Shift+Enter for a new line" in looks.texts(composer)
    composer.set_text("a question")
    composer.show_fit(Fit(1234))
    assert f"{QLocale().toString(1234)} tokens" in looks.texts(composer)
    composer.show_fit(Fit(3, exact=False))
    assert "about 3 tokens" in looks.texts(composer)
    composer.clear()
    assert "tokens" not in looks.texts(composer)


def test_what_will_be_left_out_is_said_before_sending(qapp: Application, qtbot: QtBot, composer: Composer) -> None:
    composer.set_text("a question")
    composer.show_fit(Fit(3, left_out=4, first="How do I sort?", last="Use sorted()."))
    words = "The oldest 4 messages have no room and will not be sent: from “How do I sort?” to “Use sorted().”."
    assert words in looks.texts(composer)
    assert looks.button(composer, "Send").isEnabled()
    qapp.follow("light", "zh")
    qtbot.waitUntil(lambda: "最早的 4 条消息" in looks.texts(composer))
    qapp.follow("light", "en")
    qtbot.waitUntil(lambda: "The oldest 4" in looks.texts(composer))
    composer.show_fit(Fit(3, not_whole=("The log",), passages=5, wanted=12))
    assert "Too long to be read whole: “The log”. About 5 passages" in looks.texts(composer)
    composer.show_fit(Fit(3, passages=0, wanted=12))
    assert "There is no room for passages" in looks.texts(composer)
    composer.show_fit(Fit(3, passages=12, wanted=12))
    assert "passages" not in looks.texts(composer)


def test_a_question_that_is_too_long_cannot_be_sent(qtbot: QtBot, composer: Composer) -> None:
    sent, wanted = QSignalSpy(composer.text_submitted), QSignalSpy(composer.document_requested)
    composer.set_text("word " * 3000)
    composer.show_fit(Fit(3000, problem=TOO_LONG))
    assert "3,000 tokens long; it may have 2,000. Shorten it." in looks.texts(composer)
    assert not looks.button(composer, "Send").isEnabled()
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.count() == 0
    qtbot.keyClick(composer.box, Qt.Key.Key_Backspace)
    assert looks.button(composer, "Send").isEnabled()  # perhaps it fits now
    composer.show_fit(Fit(2999, problem=TOO_LONG))
    looks.button(composer, "Add as a document instead").click()
    assert wanted.count() == 1
    assert composer.text() == ""
    composer.box.undo()
    assert composer.text().startswith("word word")


# ---- saved prompts


@pytest.fixture
def prompting(composer: Composer) -> Composer:
    composer.box.setFocus()
    composer.resize(700, 500)
    composer.show_prompts((SavedPrompt(1, "Letter", "Write a letter to"), SavedPrompt(2, "翻译", "翻译成中文：")))
    return composer


def test_a_slash_opens_the_saved_prompts_and_what_follows_filters_them(qtbot: QtBot, prompting: Composer) -> None:
    box, listed = prompting.box, prompting.prompts
    qtbot.keyClicks(box, "/")
    assert listed.isVisible()
    assert listed.names == ["Letter", "翻译"]
    compose(prompting, "fan")
    assert listed.names == ["Letter", "翻译"]
    compose(prompting, "", commit="翻")
    assert listed.names == ["翻译"]
    QApplication.processEvents()
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert prompting.text() == "翻译成中文："
    assert not listed.isVisible()
    assert prompting.focusWidget() is box
    box.undo()
    assert prompting.text() == "/翻"
    assert not listed.isVisible()


def test_the_list_goes_by_keys(qtbot: QtBot, prompting: Composer) -> None:
    box, listed = prompting.box, prompting.prompts
    qtbot.keyClicks(box, "/")
    assert listed.current == "Letter"
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert listed.current == "翻译"
    qtbot.keyClick(box, Qt.Key.Key_Up)
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert listed.current == "Change saved prompts…"
    qtbot.keyClick(box, Qt.Key.Key_Down)
    qtbot.keyClick(box, Qt.Key.Key_Tab)
    assert prompting.text() == "Write a letter to"


def test_escape_closes_the_list_and_a_path_is_no_command(qtbot: QtBot, prompting: Composer) -> None:
    sent = QSignalSpy(prompting.text_submitted)
    qtbot.keyClicks(prompting.box, "/")
    qtbot.keyClick(prompting.box, Qt.Key.Key_Escape)
    assert not prompting.prompts.isVisible()
    qtbot.keyClicks(prompting.box, "le")
    assert not prompting.prompts.isVisible()
    prompting.clear()
    qtbot.keyClicks(prompting.box, "/etc/hosts")
    assert not prompting.prompts.isVisible()
    qtbot.keyClick(prompting.box, Qt.Key.Key_Return)
    assert sent.at(0)[0] == "/etc/hosts"
    prompting.set_text("/le")  # a draft that came back
    assert not prompting.prompts.isVisible()


def test_a_chinese_keyboard_has_another_slash_and_the_mouse_chooses_too(qtbot: QtBot, prompting: Composer) -> None:
    compose(prompting, "", commit="、")
    view = prompting.prompts.view
    assert prompting.prompts.isVisible()
    looks.settle()
    place = view.visualRect(view.model().index(0, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert prompting.text() == "Write a letter to"


def test_what_was_copied_stands_in_a_prompt(qtbot: QtBot, prompting: Composer) -> None:
    QApplication.clipboard().setText("copied words")
    prompting.show_prompts((SavedPrompt(1, "Sum", "Sum up: {clipboard}!"),))
    qtbot.keyClicks(prompting.box, "/")
    qtbot.keyClick(prompting.box, Qt.Key.Key_Return)
    assert prompting.text() == "Sum up: copied words!"


def test_without_any_there_are_three_suggestions_in_the_language(
    qapp: Application, qtbot: QtBot, prompting: Composer
) -> None:
    prompting.show_prompts(())
    qtbot.keyClicks(prompting.box, "/")
    assert prompting.prompts.names == ["Explain simply", "Summarise", "Improve my text"]
    assert "Suggestions" in looks.texts(prompting)
    qapp.follow("light", "zh")
    qtbot.waitUntil(lambda: prompting.prompts.names == ["通俗解释", "总结要点", "润色文字"])


def test_prompts_are_changed_in_place(qtbot: QtBot, prompting: Composer) -> None:
    saved, deleted = QSignalSpy(prompting.prompt_saved), QSignalSpy(prompting.prompt_deleted)
    qtbot.keyClicks(prompting.box, "/")
    qtbot.keyClick(prompting.box, Qt.Key.Key_Up)
    qtbot.keyClick(prompting.box, Qt.Key.Key_Return)
    editor = prompting.editor
    assert editor.isVisible()
    assert prompting.text() == ""
    looks.button(editor, "Change: Letter").click()
    name, text = editor.findChild(QLineEdit), editor.findChild(QPlainTextEdit)
    assert isinstance(name, QLineEdit)
    assert isinstance(text, QPlainTextEdit)
    assert (name.text(), text.toPlainText()) == ("Letter", "Write a letter to")
    name.setText("Brief")
    text.setPlainText("")
    assert not looks.button(editor, "Save").isEnabled()
    text.setPlainText("Dear")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert saved.at(0) == ["Brief", "Dear", 1]
    looks.button(editor, "Delete: 翻译").click()
    assert deleted.at(0)[0] == SavedPrompt(2, "翻译", "翻译成中文：")
    looks.button(editor, "Use: Letter").click()
    assert prompting.text() == "Write a letter to"
    assert not editor.isVisible()


def test_what_is_written_is_saved_as_a_prompt(qtbot: QtBot, prompting: Composer) -> None:
    saved = QSignalSpy(prompting.prompt_saved)
    prompting.set_text("Explain the following law to a child")
    prompting.editor.write(prompting.text())
    qtbot.keyClick(prompting.editor, Qt.Key.Key_Escape)
    assert not prompting.editor.isVisible()
    assert prompting.focusWidget() is prompting.box
    prompting.editor.write(prompting.text())
    looks.button(prompting.editor, "Save").click()
    assert saved.at(0) == ["Explain the following law to a child", "Explain the following law to a child", None]
    assert prompting.text() == "Explain the following law to a child"


@pytest.mark.parametrize(("width", "language"), [(430, "zh"), (430, "en"), (760, "en")])
def test_every_state_fits_and_is_named(qapp: Application, prompting: Composer, width: int, language: Language) -> None:
    qapp.follow("dark", language)
    prompting.box.insertFromMimeData(mime("words\n" * 4000))
    prompting.show_fit(Fit(4000, left_out=12, first="字" * 40, last="w" * 60, not_whole=("a",), passages=3, wanted=9))
    prompting.prompts.open("")
    for opened in (prompting.prompts, prompting.editor):
        prompting.editor.open() if opened is prompting.editor else None
        prompting.resize(width, 900)
        looks.settle()
        assert looks.cut_off(prompting, width) == []
        assert looks.nameless(prompting) == []
        assert looks.rich(prompting) == []
