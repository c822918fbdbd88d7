"""The settings of a chat: they hold at once, for this chat alone, and are kept as presets."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QLineEdit, QMenu, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.application import Application
from app.option_picture import OptionPicture
from app.widgets.chat_options import OptionSheet
from app.widgets.model_chip import ModelChip
from app.wiring import Desk
from backends.chat.options import Options
from backends.chat.presets import Presets
from backends.core.paths import Paths
from backends.core.phrase import Language
from backends.core.settings import SettingsStore
from tests.app.conftest import MINUTE, Start, end
from tests.kit import looks, option_scenes
from tests.kit.ggufs import scripted_model

FIRST, OTHER = "From the first.", "And by the other one."


@pytest.fixture
def models(paths: Paths) -> None:
    scripted_model(paths.models / "first.gguf", "", FIRST, name="First")
    scripted_model(paths.models / "other.gguf", "", OTHER, name="Other")
    settings = SettingsStore(paths.config / "settings.json")
    settings.set("models.default_model", "first")
    settings.set("engine.try_first", False)


class Person:
    """At the window, with the sheet open."""

    def __init__(self, qtbot: QtBot, session: Session) -> None:
        self.qtbot, self.session = qtbot, session
        assert session.desk is not None
        self.desk: Desk = session.desk
        self.page, self.sheet = session.chat_page, session.chat_page.options
        session.window.resize(1280, 800)
        self.until(lambda: session.state.stage == "ready" and len(self.picture.models) == 2)

    @property
    def picture(self) -> OptionPicture:
        return self.desk.options.options.picture

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=MINUTE)

    def opens(self) -> None:
        self.session.window.actions_.chat_options.trigger()
        assert self.page.options_open

    def enters(self, name: str, text: str) -> None:
        """Into a field, and Enter."""
        field = self.sheet.rows[name].field
        assert isinstance(field, QLineEdit)
        field.setFocus()
        field.clear()
        self.qtbot.keyClicks(field, text)
        self.qtbot.keyClick(field, Qt.Key.Key_Return)

    def chooses(self, model: str) -> None:
        box = self.sheet.rows["model"].field
        assert isinstance(box, QComboBox)
        box.setCurrentIndex(box.findData(model))
        box.activated.emit(box.currentIndex())

    def asks(self, text: str, answers: int = 1) -> str:
        self.page.composer.box.setFocus()
        self.qtbot.keyClicks(self.page.composer.box, text)
        self.qtbot.keyClick(self.page.composer.box, Qt.Key.Key_Return)
        rows = self.session.messages
        self.until(lambda: len(rows.rows) == 2 * answers and rows.rows[-1].live is None)
        return rows.rows[-1].text

    def shows(self, conversation: int | None) -> None:
        self.until(lambda: self.picture.conversation == conversation)

    def presses(self, name: str) -> None:
        """Once it is there."""
        self.until(lambda: name in looks.names(self.page))
        looks.button(self.page, name).click()

    def sees(self, *words: str) -> None:
        """On the page of the chat."""
        self.until(lambda: all(one in looks.texts(self.page) for one in words))

    def kept(self, conversation: int | None) -> Options:
        assert conversation is not None
        return self.desk.services.chats.organised.options(conversation)


@pytest.fixture
def person(qtbot: QtBot, start: Start, models: None) -> Person:
    return Person(qtbot, start())


def test_two_chats_have_models_of_their_own_and_so_has_one_that_has_not_begun(person: Person) -> None:
    person.opens()
    person.chooses("other")
    person.until(lambda: person.picture.options.model == "other")
    person.sees("Other")
    assert person.asks("Hello") == OTHER
    first = person.desk.chat.current
    assert first is not None
    person.shows(first.id)
    assert person.kept(first.id) == Options(model="other")
    assert person.session.messages.rows[-1].model == "other"

    person.session.window.actions_.new_chat.trigger()
    person.shows(None)
    assert person.picture.options == Options()  # the next one begins anew
    assert person.asks("Hello") == FIRST
    second = person.desk.chat.current
    assert second is not None
    assert person.kept(second.id) == Options()
    person.page.panel.conversation_requested.emit(first.id)
    person.shows(first.id)
    assert person.asks("Again", answers=2) == OTHER


def test_the_chip_names_the_model_of_this_chat_and_chooses_for_it_or_for_all(
    qtbot: QtBot, start: Start, person: Person
) -> None:
    chip = person.page.composer.chip
    assert chip.text() == "First"
    assert picks(chip) == ["For all chats", "✓ First", "Other", "Only for this chat", "Unload", "All models…"]
    picks(chip, "Only for this chat", "Other")
    person.until(lambda: chip.text() == "Other")
    assert "Only in this chat" in chip.accessibleDescription()
    assert "Loads when you ask" in chip.accessibleDescription()
    assert person.asks("Hello") == OTHER
    person.until(lambda: "Runs on" in chip.accessibleDescription())
    first = person.desk.chat.current
    assert first is not None
    person.desk.chat.new()
    person.until(lambda: chip.text() == "First")  # though the other one is loaded
    picks(chip, "Only for this chat", "Other")
    person.until(lambda: person.picture.options.model == "other")
    person.page.panel.conversation_requested.emit(first.id)
    person.shows(first.id)
    person.desk.chat.new()
    person.shows(None)
    assert person.picture.options.model == "other"  # it waits for the chat to begin
    picks(chip, "First")  # for all, of which this is one
    person.until(lambda: person.picture.options == Options() and chip.text() == "First")
    person.until(lambda: person.session.state.model is not None and person.session.state.model.id == "first")
    assert person.asks("Hello") == FIRST
    person.page.panel.conversation_requested.emit(first.id)
    person.until(lambda: chip.text() == "Other")
    picks(chip, "Other")
    person.until(
        lambda: (
            person.kept(first.id) == Options() and person.desk.services.settings.current.models.default_model == "other"
        )
    )
    person.desk.chat.new()
    person.shows(None)
    picks(chip, "Only for this chat", "First")
    person.until(lambda: person.desk.services.chats.organised.new_options() == Options(model="first"))
    end(qtbot, person.session)
    again = Person(qtbot, start())
    again.until(lambda: again.picture.options == Options(model="first"))
    assert again.asks("Hello") == FIRST
    again.until(lambda: again.desk.services.chats.organised.new_options() is None)


def picks(chip: ModelChip, *names: str) -> list[str]:
    """Entries of its menu, one below the other; all entries, with a mark at those that are chosen."""
    chip.menu().aboutToShow.emit()
    menu = chip.menu()
    listed = [("✓ " if action.isChecked() else "") + action.text() for action in menu.actions() if action.text()]
    for name in names[:-1]:
        below = entry(menu, name).menu()
        assert isinstance(below, QMenu)
        menu = below
    if names:
        entry(menu, names[-1]).trigger()
    return listed


def test_what_is_typed_holds_at_once_and_what_cannot_be_stays_to_be_corrected(person: Person) -> None:
    person.asks("Hello")
    conversation = person.desk.chat.current
    assert conversation is not None
    person.shows(conversation.id)
    person.opens()
    person.enters("temperature", "0,2")
    person.enters("seed", "7")
    person.enters("top_k", "40")
    person.until(lambda: person.kept(conversation.id) == Options(temperature=0.2, seed=7, top_k=40))
    person.sees("3 changed")
    person.enters("top_p", "1.5")
    person.sees("“Top-p” takes a number from 0 to 1.")
    assert person.sheet.rows["top_p"].field.property("text") == "1.5"
    assert person.kept(conversation.id).top_p is None
    person.presses("As usual again: Top-p")
    assert person.sheet.rows["top_p"].field.property("text") == ""

    lines = person.sheet.rows["instructions"].field
    assert isinstance(lines, QPlainTextEdit)
    lines.setFocus()
    person.qtbot.keyClicks(lines, "Be brief.")  # nobody presses anything: it is saved a moment later
    person.until(lambda: person.kept(conversation.id).instructions == "Be brief.")
    person.presses("As usual again: Seed")
    person.until(lambda: person.kept(conversation.id).seed is None)
    person.presses("All as usual again")
    person.until(lambda: person.kept(conversation.id) == Options())
    person.until(lambda: lines.toPlainText() == "")
    person.sees("Publisher's" if person.picture.usual.published else "Usual: 0.6")


def test_what_was_being_written_goes_to_the_chat_it_was_written_for(person: Person) -> None:
    person.asks("Hello")
    conversation = person.desk.chat.current
    assert conversation is not None
    person.shows(conversation.id)
    person.opens()
    lines = person.sheet.rows["instructions"].field
    assert isinstance(lines, QPlainTextEdit)
    lines.setPlainText("Only here.")
    person.desk.chat.new()
    person.shows(None)
    person.until(lambda: person.kept(conversation.id).instructions == "Only here.")
    assert person.picture.options == Options()
    assert lines.toPlainText() == ""


def test_standing_instructions_can_be_left_out(person: Person) -> None:
    person.desk.services.settings.set("chat.system_prompt", "Standing words.")
    person.opens()
    person.until(lambda: person.picture.usual.options.instructions == "Standing words.")
    lines = person.sheet.rows["instructions"].field
    assert isinstance(lines, QPlainTextEdit)
    assert "Standing words." in lines.placeholderText()
    person.presses("Use none in this chat")
    person.until(lambda: person.picture.options.instructions == "")
    assert "Standing words." not in lines.placeholderText()
    person.asks("Hello")
    current = person.desk.chat.current
    assert current is not None
    assert person.kept(current.id) == Options(instructions="")


def test_a_model_that_has_gone_is_named_in_the_head_and_by_a_notice(person: Person) -> None:
    person.desk.options.options.change(None, "model", "gone:Q4_K_M")
    person.sees("gone:Q4_K_M is missing")
    assert person.asks("Hello") == FIRST
    person.sees("gone:Q4_K_M is not on this computer any more.", "First answers instead.")


def test_presets_are_kept_applied_renamed_deleted_and_brought_back(person: Person, paths: Paths) -> None:
    person.opens()
    person.enters("temperature", "0")
    person.presses("Keep these settings as a preset")
    person.qtbot.keyClicks(person.sheet.presets._name, "Exact")
    person.qtbot.keyClick(person.sheet.presets._name, Qt.Key.Key_Return)
    person.until(lambda: person.picture.preset == "Exact")
    file = paths.config / "presets" / "Exact.preset.json"
    assert json.loads(file.read_text())["options"] == {"temperature": 0}

    person.presses("All as usual again")
    person.until(lambda: person.picture.options == Options() and person.picture.preset == "")
    person.presses("Use in this chat: Exact")
    person.until(lambda: person.picture.options == Options(temperature=0))

    entry(person.sheet.presets.menu_of("Exact"), "Use for new chats").trigger()
    person.until(lambda: person.picture.for_new == "Exact")
    person.sheet.presets.renamed.emit("Exact", "Precise")
    person.until(lambda: person.picture.presets == ("Precise",) and person.picture.for_new == "Precise")
    entry(person.sheet.presets.menu_of("Precise"), "Delete").trigger()
    person.until(lambda: person.picture.presets == () and person.picture.for_new == "")
    person.presses("Undo")
    person.until(lambda: person.picture.presets == ("Precise",) and person.picture.for_new == "Precise")


def test_a_new_chat_begins_with_the_preset_for_new_ones(person: Person, paths: Paths) -> None:
    Presets(paths.config / "presets").save("Other's", Options(model="other"))
    person.desk.services.settings.set("chat.preset", "Other's")
    person.until(lambda: person.picture.options == Options(model="other"))
    assert person.asks("Hello") == OTHER
    person.desk.chat.new()
    person.shows(None)
    person.until(lambda: person.picture.options == Options(model="other"))


def test_a_file_of_a_preset_that_is_dropped_is_taken_in_and_a_broken_one_is_named(
    person: Person, tmp_path: Path
) -> None:
    good, bad, newer = (tmp_path / name for name in ("good.json", "bad.preset.json", "newer.json"))
    good.write_text('{"deskseek_preset": 1, "name": "From a friend", "options": {"top_k": 5}}')
    bad.write_text("{")
    newer.write_text('{"deskseek_preset": 99, "name": "From tomorrow"}')
    person.session.window.files_dropped.emit([good])
    person.until(lambda: person.picture.presets == ("From a friend",))
    person.sees("The preset “From a friend” was added.")
    person.presses("Use it in this chat")
    person.until(lambda: person.picture.options == Options(top_k=5))
    person.session.window.files_dropped.emit([bad])
    person.sees("bad.preset.json cannot be used: it is no JSON.")
    person.session.window.files_dropped.emit([newer])
    person.sees("newer.json was made by a newer DeskSeek.")
    assert person.picture.presets == ("From a friend",)


def test_the_sheet_stands_beside_the_chat_where_there_is_room_and_over_it_where_not(person: Person) -> None:
    person.opens()
    person.until(lambda: person.page.composer.geometry().right() > 0 and not covered(person))
    person.session.window.resize(760, 520)
    person.until(lambda: covered(person))
    person.qtbot.keyClick(person.sheet, Qt.Key.Key_Escape)
    assert not person.page.options_open
    for leave in (
        lambda: person.qtbot.keyClick(person.page.composer.box, Qt.Key.Key_Escape),
        lambda: person.qtbot.mouseClick(beside(person), Qt.MouseButton.LeftButton),
    ):
        person.opens()
        leave()
        assert not person.page.options_open
    assert beside(person) is not person.page  # what is below can be clicked again


def beside(person: Person) -> QWidget:
    """What a click hits at the left of the chat, above its composer."""
    main = person.sheet.parentWidget()
    assert main is not None
    found = main.childAt(40, main.height() // 2)
    assert found is not None
    return found


def covered(person: Person) -> bool:
    composer = person.page.composer
    right = composer.mapTo(person.page, composer.rect().topRight()).x()
    return person.sheet.mapTo(person.page, person.sheet.rect().topLeft()).x() < right


def entry(menu: QMenu, text: str) -> QAction:
    return next(action for action in menu.actions() if action.text() == text)


@pytest.mark.parametrize("name", ["usual", "differing"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_state_fits_and_is_named(qapp: Application, qtbot: QtBot, name: str, language: Language) -> None:
    qapp.follow("dark", language)
    sheet = OptionSheet()
    qtbot.addWidget(sheet)
    sheet.show_picture({"usual": option_scenes.usual, "differing": option_scenes.differing}[name](language))
    sheet.resize(sheet.width(), 700)
    sheet.show()
    looks.settle()
    assert looks.misfits(sheet.page) == []
    assert looks.nameless(sheet) == []
    assert looks.unreachable(sheet) == []
    assert looks.rich(sheet) == []
