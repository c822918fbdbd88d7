"""Every setting on its page: each kind works, a refused value is said in place, language and look switch at once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QLineEdit, QPlainTextEdit, QSpinBox
from pytestqt.qtbot import QtBot

from app.application import Application
from app.controllers.settings import SettingsController
from app.parts import Switch
from app.widgets.settings_page import SettingsPage
from backends.core.fields import FieldSpec
from backends.core.paths import Paths
from backends.core.phrase import Language
from backends.core.settings import FIELDS, GROUPS, Settings, SettingsStore
from backends.services import Services
from tests.kit import looks


@pytest.fixture
def services(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.chdir(paths.data)
    with Services.open(paths) as services:
        yield services


@pytest.fixture
def page(qapp: Application, qtbot: QtBot, services: Services) -> SettingsPage:
    """The page, wired to the real settings as the window wires it."""
    page = SettingsPage({"models.folder": "/home/lin/models"})
    qtbot.addWidget(page)
    controller = SettingsController(services, page)
    page.setting_changed.connect(controller.set)
    page.reset_requested.connect(controller.reset)
    controller.settings_changed.connect(page.show_settings)
    controller.settings_changed.connect(lambda now: qapp.follow(now.general.theme, now.general.language))
    controller.refused.connect(page.show_error)
    services.settings.subscribe(lambda _: controller.on_changes(["settings"]))
    page.show_settings(services.settings.current)
    looks.show(page, 900)
    return page


def choose(combo: QComboBox, value: str) -> None:
    """As a person does: open it, go there, press Enter."""
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def error_of(page: SettingsPage, key: str) -> str:
    label = page.rows[key]._error
    return label.text() if label.isVisible() else ""


def test_every_field_has_its_row_and_every_group_its_heading(page: SettingsPage) -> None:
    assert list(page.rows) == [spec.key for spec in FIELDS]
    said = looks.texts(page)
    for spec in FIELDS:
        assert spec.label.en in said
        assert spec.help.en in said
    for heading in GROUPS.values():
        assert heading.en in said


def test_a_new_setting_appears_by_itself(qtbot: QtBot) -> None:
    spec = replace(FIELDS[0], name="colour", label=replace(FIELDS[0].label, en="Colour"))
    page = SettingsPage(fields=(spec,))
    qtbot.addWidget(page)
    assert list(page.rows) == ["general.colour"]


def test_a_flag(page: SettingsPage, services: Services) -> None:
    switch = page.rows["chat.enter_sends"].field.widget
    assert isinstance(switch, Switch)
    assert switch.isChecked()
    switch.click()
    assert services.settings.current.chat.enter_sends is False


def test_a_choice(page: SettingsPage, services: Services) -> None:
    combo = page.rows["engine.kv_type"].field.widget
    assert isinstance(combo, QComboBox)
    assert [combo.itemText(i) for i in range(combo.count())] == ["Automatic", "Full (f16)", "Small (q8_0)"]
    choose(combo, "q8_0")
    assert services.settings.current.engine.kv_type == "q8_0"


def test_a_whole_number_counts_when_it_has_come_to_rest(page: SettingsPage, services: Services, qtbot: QtBot) -> None:
    spin = page.rows["models.context"].field.widget
    assert isinstance(spin, QSpinBox)
    writes: list[object] = []
    services.settings.subscribe(writes.append)
    for _ in range(4):
        spin.stepUp()
    assert writes == []
    qtbot.waitUntil(lambda: services.settings.current.models.context == 16384 + 4 * 1024)
    assert len(writes) == 1
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "8192")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert services.settings.current.models.context == 8192
    spin.stepDown()
    page.hide()
    assert services.settings.current.models.context == 8192 - 1024, "who leaves the page has decided"


def test_a_number(page: SettingsPage, services: Services, qtbot: QtBot) -> None:
    spin = page.rows["models.min_speed"].field.widget
    assert isinstance(spin, QDoubleSpinBox)
    spin.setFocus()
    spin.selectAll()
    qtbot.keyClicks(spin, "7.5")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert services.settings.current.models.min_speed == 7.5


def test_a_paragraph(page: SettingsPage, services: Services, qtbot: QtBot) -> None:
    text = page.rows["chat.system_prompt"].field.widget
    assert isinstance(text, QPlainTextEdit)
    text.setFocus()
    qtbot.keyClicks(text, "Answer in verse.")
    qtbot.keyClick(text, Qt.Key.Key_Return)
    qtbot.keyClicks(text, "Always.")
    assert services.settings.current.chat.system_prompt == ""
    qtbot.waitUntil(lambda: services.settings.current.chat.system_prompt == "Answer in verse.\nAlways.")
    assert text.textCursor().atEnd(), "the cursor stays where it writes"
    qtbot.keyClicks(text, " ")
    qtbot.keyClick(text, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is not text


def test_a_refused_value_is_said_in_place_and_can_be_corrected(
    page: SettingsPage, services: Services, qtbot: QtBot
) -> None:
    edit = page.rows["network.proxy"].field.widget
    assert isinstance(edit, QLineEdit)
    qtbot.keyClicks(edit, "ftp://x")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert "http://127.0.0.1:7890" in error_of(page, "network.proxy")
    assert services.settings.current.network.proxy == ""
    page.rows["chat.enter_sends"].field.widget.click()  # type: ignore[attr-defined]
    assert edit.text() == "ftp://x", "another setting does not take it away"
    assert error_of(page, "network.proxy")
    edit.clear()
    qtbot.keyClicks(edit, "http://127.0.0.1:8080")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert error_of(page, "network.proxy") == ""
    assert services.settings.current.network.proxy == "http://127.0.0.1:8080"


def test_what_was_refused_can_be_undone(page: SettingsPage, qtbot: QtBot) -> None:
    edit = page.rows["network.endpoint"].field.widget
    assert isinstance(edit, QLineEdit)
    edit.setText("ftp://x")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert error_of(page, "network.endpoint")
    looks.button(page, "Back to the default: Download from").click()
    assert edit.text() == "https://huggingface.co"
    assert error_of(page, "network.endpoint") == ""


def test_going_back_to_the_default(page: SettingsPage, services: Services, qtbot: QtBot) -> None:
    services.settings.set("models.context", 4096)
    looks.button(page, "Back to the default: Context length").click()
    assert services.settings.current.models.context == 16384
    assert not page.rows["models.context"]._reset.isVisible()


def test_a_setting_that_cannot_be_saved_is_taken_back(page: SettingsPage, services: Services, paths: Paths) -> None:
    file = paths.config / "settings.json"
    paths.config.rmdir()
    paths.config.write_text("a file where the folder should be")
    switch = page.rows["general.theme"].field.widget
    assert isinstance(switch, QComboBox)
    choose(switch, "dark")
    assert error_of(page, "general.theme")
    assert switch.currentData() == "system"
    assert services.settings.current.general.theme == "system"
    assert not file.exists()


def test_what_waits_for_the_next_start_says_so(page: SettingsPage, services: Services) -> None:
    row = page.rows["models.folder"]
    assert not row._restart.isVisible()
    services.settings.set("models.folder", "/mnt/models")
    assert row._restart.isVisible()
    services.settings.reset("models.folder")
    assert not row._restart.isVisible(), "as it was at the start"


def test_an_empty_folder_shows_where_models_lie(page: SettingsPage) -> None:
    edit = page.rows["models.folder"].field.widget
    assert isinstance(edit, QLineEdit)
    assert edit.placeholderText() == "/home/lin/models"


def test_models_can_be_chosen(page: SettingsPage, services: Services) -> None:
    combo = page.rows["models.default_model"].field.widget
    assert isinstance(combo, QComboBox)
    services.settings.set("models.default_model", "gone:Q4_K_M")
    page.offer_models([("a:Q4_K_M", "A (Q4_K_M)"), ("b:Q8_0", "B (Q8_0)")])
    offered = [combo.itemText(i) for i in range(combo.count())]
    assert offered == ["The last one used", "A (Q4_K_M)", "B (Q8_0)", "gone:Q4_K_M"]
    assert combo.currentText() == "gone:Q4_K_M", "what is set is shown, even if it is not here"
    choose(combo, "b:Q8_0")
    assert services.settings.current.models.default_model == "b:Q8_0"
    page.offer_models([("b:Q8_0", "B (Q8_0)")])
    assert combo.currentText() == "B (Q8_0)"


def test_the_wheel_scrolls_the_page_and_turns_no_value(page: SettingsPage) -> None:
    spin = page.rows["models.context"].field.widget
    assert isinstance(spin, QSpinBox)

    def turn() -> bool:
        """True if it is not left to the page."""
        none, nothing = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton
        at = QPointF(spin.rect().center())
        there, phase = QPointF(spin.mapToGlobal(at.toPoint())), Qt.ScrollPhase.NoScrollPhase
        wheel = QWheelEvent(at, there, QPoint(), QPoint(0, -120), nothing, none, phase, False)
        QApplication.sendEvent(spin, wheel)
        return wheel.isAccepted()

    assert not turn()
    assert spin.value() == 16384
    spin.setFocus()
    assert turn(), "who has gone there turns it"
    assert spin.value() < 16384


def test_language_and_look_change_at_once(qapp: Application, page: SettingsPage, qtbot: QtBot) -> None:
    language, theme = (page.rows[f"general.{name}"].field.widget for name in ("language", "theme"))
    assert isinstance(language, QComboBox)
    assert isinstance(theme, QComboBox)
    choose(theme, "dark")
    assert qapp.theme.tokens.scheme == "dark"
    choose(language, "zh")
    looks.settle()
    said = looks.texts(page)
    for spec in FIELDS:
        assert spec.label.zh in said
    assert theme.currentText() == "深色"
    assert language.currentText() == "简体中文"


def test_a_change_by_a_command_is_shown(page: SettingsPage, services: Services, paths: Paths) -> None:
    services.settings.set("engine.threads", 3)
    spin = page.rows["engine.threads"].field.widget
    assert isinstance(spin, QSpinBox)
    assert spin.value() == 3
    assert SettingsStore(paths.config / "settings.json").current.engine.threads == 3


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [560, 720, 1700])
def test_nothing_is_cut_off(qapp: Application, qtbot: QtBot, width: int, language: Language) -> None:
    qapp.follow("light", language)
    page = SettingsPage()
    qtbot.addWidget(page)
    page.show_settings(Settings())
    spec: FieldSpec = page.rows["network.endpoint"].spec
    with pytest.raises(Exception, match="takes") as refused:
        spec.check("ftp://x")
    page.show_error(spec.key, refused.value.message)  # type: ignore[attr-defined]
    looks.show(page, width)
    assert looks.misfits(page) == []


def test_the_page_is_made_for_keys_and_readers(page: SettingsPage) -> None:
    assert looks.nameless(page) == []
    assert looks.unreachable(page) == []
    assert looks.rich(page) == []
