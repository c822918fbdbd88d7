"""The pages in the whole window: a file is dropped, answers, is unloaded; the language changes; a token is kept."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.wiring import Desk
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.core.settings import SettingsStore
from tests.kit import looks
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer

LONG = 60_000


def desk_of(session: Session) -> Desk:
    assert session.desk is not None
    return session.desk


def drop(page: looks.QScrollArea, file: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(page.viewport(), QDragEnterEvent(QPoint(9, 9), copy, mime, left, none))
    QApplication.sendEvent(page.viewport(), QDropEvent(QPointF(9, 9), copy, mime, left, none))


def test_a_model_file_is_dropped_on_the_first_page(start: Callable[..., Session], qtbot: QtBot, tmp_path: Path) -> None:
    file = scripted_model(tmp_path / "mine.gguf", "", "Hello.")
    session = start()
    desk = desk_of(session)
    qtbot.waitUntil(lambda: session.window.page == "first_run", timeout=LONG)
    qtbot.waitUntil(lambda: "Download and start" in looks.texts(desk.first_run), timeout=LONG)
    drop(desk.first_run, file)
    qtbot.waitUntil(lambda: session.window.page == "chat", timeout=LONG)
    session.window.show_page("models")
    card = desk.models_page.here.cards[str(file)]
    qtbot.waitUntil(lambda: "Runs on" in looks.texts(card), timeout=LONG)
    looks.button(card, "Unload").click()
    qtbot.waitUntil(lambda: "Runs on" not in looks.texts(card), timeout=LONG)
    combo = desk.settings_page.rows["models.default_model"].field.widget
    assert isinstance(combo, QComboBox)
    assert [combo.itemData(i) for i in range(combo.count())][1:] == [desk.models.picture.local[0].id]  # type: ignore[index]


def test_the_whole_window_changes_its_language(start: Callable[..., Session], qtbot: QtBot, paths: Paths) -> None:
    session = start()
    desk = desk_of(session)
    qtbot.waitUntil(lambda: desk.models.picture.advice is not None, timeout=LONG)
    session.window.show_page("settings")
    combo = desk.settings_page.rows["general.language"].field.widget
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findData("zh"))
    combo.activated.emit(combo.currentIndex())
    qtbot.waitUntil(lambda: "设置" in looks.texts(desk.settings_page), timeout=LONG)
    session.window.show_page("first_run")
    looks.settle()
    assert "欢迎使用 DeskSeek" in looks.texts(desk.first_run)
    assert SettingsStore(paths.config / "settings.json").current.general.language == "zh"


def test_a_mirror_and_a_token_are_set_beside_the_download(start: Callable[..., Session], qtbot: QtBot) -> None:
    session = start()
    desk = desk_of(session)
    desk.services.secrets = Secrets(candidates=())
    session.window.show_page("models")
    source = desk.models_page.source
    with HubServer() as hub:
        source.open()
        source._endpoint.setText(hub.endpoint)
        source._endpoint.editingFinished.emit()
        qtbot.waitUntil(lambda: source._token.isEnabled(), timeout=LONG)
        source._token.setText("hf_secret")
        looks.button(source, "Save the access token").click()
        host = hub.endpoint.removeprefix("http://")
        qtbot.waitUntil(lambda: f"There is one for {host}." in looks.texts(source), timeout=LONG)
        assert desk.services.downloads.hub().headers() == {"Authorization": "Bearer hf_secret"}
        source._endpoint.setText("nonsense")
        source._endpoint.editingFinished.emit()
        assert "takes an address such as" in looks.texts(source)
        assert desk.services.settings.current.network.endpoint == hub.endpoint


def test_the_page_about_the_program_names_the_engine(start: Callable[..., Session], qtbot: QtBot) -> None:
    session = start()
    desk = desk_of(session)
    session.window.show_page("about")
    qtbot.waitUntil(lambda: "llama-cpp-python 0." in looks.texts(desk.about_page), timeout=LONG)
