"""The window itself: narrow and wide, by keyboard, where it was; a second start, a bad start."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import window_state
from app.__main__ import Session
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList
from app.model_state import ModelState
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import SMALLEST, MainWindow
from app.window_state import WindowState
from backends.core.crashes import CrashJournal
from backends.core.owner import CommandRequest, Owner, forward
from backends.core.paths import Paths
from tests.app.conftest import MINUTE, Start, end
from tests.kit import looks, scenes, shots
from tests.kit.ggufs import scripted_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    window = MainWindow()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def page(window: MainWindow) -> ChatPage:
    conversations = ConversationList()
    conversations.show(scenes.conversations("en"))
    page = ChatPage(conversations, MessageList())
    window.add_page("chat", page)
    window.show_page("chat")
    window.resize(1200, 800)
    window.show()
    return page


def test_what_an_empty_chat_says_is_not_seen_behind_a_conversation(window: MainWindow) -> None:
    """Whatever the model does meanwhile."""
    messages = MessageList()
    page = ChatPage(ConversationList(), messages)
    window.add_page("chat", page)
    window.show_page("chat")
    window.show()
    messages.reset(scenes.finished("en"))
    for state in (ModelState("empty"), shots.READY, ModelState("starting"), shots.READY):
        page.show_state(state)
        assert not page.empty.isVisible()
        assert page.transcript.isVisible()


def test_the_panel_folds_away_when_there_is_no_room(window: MainWindow, page: ChatPage) -> None:
    assert page.panel.isVisible()
    window.resize(*SMALLEST)
    assert not page.panel.isVisible()
    page.set_panel_open(True)
    assert page.panel.isVisible()
    assert window.width() == SMALLEST[0]
    window.resize(1200, 800)
    assert page.panel.isVisible()
    page.set_panel_open(False)
    window.resize(800, 600)
    window.resize(1200, 800)
    assert not page.panel.isVisible()


def test_nothing_is_cut_off_in_the_smallest_window(window: MainWindow, page: ChatPage) -> None:
    window.resize(*SMALLEST)
    for widget in (page.composer, page.composer.chip, window.rail, page.empty):
        area = widget.rect().translated(widget.mapTo(window, widget.rect().topLeft()))
        assert window.rect().contains(area), widget
        assert area.height() >= widget.minimumSizeHint().height()


def test_a_window_that_comes_up_has_its_keys_on_the_page(window: MainWindow, page: ChatPage) -> None:
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused is page or page.isAncestorOf(focused)


def test_every_place_is_reached_by_tab(qtbot: QtBot, window: MainWindow, page: ChatPage) -> None:
    page.focus_composer()
    seen: list[QWidget] = []
    for _ in range(60):
        focused = QApplication.focusWidget()
        if focused in seen:
            break
        assert focused is not None
        seen.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    names = {widget.accessibleName() for widget in seen}
    assert {"Your question", "Conversations", "Models", "Settings", "Menu", "New chat"} <= names | {
        page.panel.new_button.text() if page.panel.new_button in seen else ""
    }


def test_shortcuts_stand_in_the_menu(window: MainWindow, page: ChatPage) -> None:
    actions = [action for action in window.actions_.menu.actions() if not action.isSeparator()]
    assert len(actions) >= 12
    assert all(action.text() for action in actions)
    keys = [action.shortcut().toString() for action in actions if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys)) >= 10


def test_the_keyboard_works_the_list(qtbot: QtBot, page: ChatPage) -> None:
    panel = page.panel
    opened, deleted = QSignalSpy(panel.conversation_requested), QSignalSpy(panel.menu.delete_requested)
    panel.list.setFocus()
    panel.show_current(2)
    qtbot.keyClick(panel.list, Qt.Key.Key_Down)
    assert opened.count() == 0
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert opened.at(0) == [3]
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert deleted.at(0) == [(3,)]


def test_a_file_dropped_anywhere_is_handed_on(window: MainWindow, page: ChatPage) -> None:
    dropped = QSignalSpy(window.files_dropped)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/models/own.gguf"), QUrl("https://example.org/x.gguf")])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    assert dropped.at(0)[0] == [Path("/models/own.gguf")]


def test_where_the_window_was_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    state = WindowState("desk", [10, 20, 900, 700, 4, 4], True, 300, False, 7, "models", [1])
    window_state.save(path, state)
    assert window_state.load(path) == state
    wrong = {"panel_width": "wide", "panel_open": 1, "place": [1.5], "last_conversation": "7", "geometry": "AAAA"}
    for damaged in (b"", b"[1]", b"{", b"\xff\xfe", json.dumps(wrong).encode()):
        path.write_bytes(damaged)
        assert window_state.load(path) == WindowState()
    window_state.save(tmp_path / "missing" / "window.json", state)


def test_a_damaged_place_is_no_place(window: MainWindow) -> None:
    size = window.size()
    for place in ([], [1], [0] * 6, [0, 0, -900, 700, 0, 0], [0, 0, 900, 700]):
        assert not window_state.restore(window, WindowState(place=place))
    assert window.size() == size


SCREENS = """if True:
    import gc

    from app import window_state
    from app.application import Application
    from app.widgets.main_window import MainWindow
    from app.window_state import WindowState, with_place

    app = Application([])
    gc.disable()  # as in the app (see app.garbage): not while Qt is being asked for its screens

    def shown(**state):
        window = MainWindow()
        window_state.restore(window, WindowState(**state))
        window.show()
        app.sendPostedEvents()
        kept = with_place(WindowState(), window)
        whole = window.screen().availableGeometry().contains(window.frameGeometry())
        print(kept.screen, kept.place[:4], kept.maximized, whole)

    shown(screen="right", place=[100, 50, 900, 700, 4, 4])  # as it was
    shown(screen="gone", place=[100, 50, 900, 700, 4, 4])  # onto the first one
    shown(screen="right", place=[-400, 600, 900, 700, 4, 4])  # partly outside: brought in
    shown(screen="right", place=[100, 50, 4000, 3000, 4, 4])  # of a greater screen
    shown(screen="right", place=[100, 50, 900, 700, 4, 4], maximized=True)
"""


def test_the_window_comes_back_to_its_screen_or_to_one_that_is_there(tmp_path: Path) -> None:
    usual = {"logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    screens = [
        {"name": "left", "x": 0, "y": 0, "width": 1440, "height": 900, **usual},
        {"name": "right", "x": 1440, "y": 0, "width": 1280, "height": 1024, **usual},
    ]
    (tmp_path / "desk.json").write_text(json.dumps({"screens": screens}))
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen:configfile=desk.json", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCREENS], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines() == [
        "right [100, 50, 900, 700] False True",
        "left [100, 50, 900, 700] False True",
        "right [0, 320, 900, 700] False True",
        "right [0, 0, 1276, 1020] False True",
        "right [100, 50, 900, 700] True True",
    ], done.stderr


# ---- starts


def in_thread(paths: Paths, *argv: str) -> tuple[threading.Thread, list[int | None], io.StringIO]:
    """A command as another process would send it."""
    codes: list[int | None] = []
    said = io.StringIO()

    def send() -> None:
        codes.append(forward(paths, CommandRequest(argv, str(paths.data), "en"), said, said))

    thread = threading.Thread(target=send)
    thread.start()
    return thread, codes, said


def test_a_second_start_brings_its_files(qtbot: QtBot, start: Start, paths: Paths, tmp_path: Path) -> None:
    session = start()
    assert Owner.acquire(paths) is None
    own = scripted_model(tmp_path / "second.gguf", "", "mine")
    session.window.showMinimized()
    thread, codes, _ = in_thread(paths, "activate", str(own))
    qtbot.waitUntil(lambda: session.state.stage == "ready", timeout=MINUTE)
    thread.join()
    assert codes == [0]
    assert not session.window.isMinimized()


def test_a_command_runs_inside_the_open_window(qtbot: QtBot, start: Start, paths: Paths) -> None:
    session = start()
    thread, codes, said = in_thread(paths, "models", "--json")
    qtbot.waitUntil(lambda: bool(codes), timeout=MINUTE)
    thread.join()
    assert codes == [0]
    json.loads(said.getvalue())
    assert session.window.isVisible()


def test_a_data_folder_that_cannot_be_opened_is_said_with_a_way_out(
    qtbot: QtBot, qapp: QApplication, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(paths.data)
    blocked = paths.data / "chats.db"
    blocked.mkdir()
    owner = Owner.acquire(paths)
    assert owner is not None
    session = Session(qapp, paths, owner, [])  # type: ignore[arg-type]
    session.window.show()
    session.open()
    qtbot.waitUntil(lambda: bool(session.window.notices.banners), timeout=MINUTE)
    (banner,) = session.window.notices.banners
    assert session.desk is None
    assert session.window.isVisible()
    blocked.rmdir()
    banner.press(0)
    qtbot.waitUntil(lambda: session.desk is not None, timeout=MINUTE)
    assert not session.window.notices.banners
    end(qtbot, session)


def test_after_a_crash_in_native_code_nothing_is_loaded_by_itself(qtbot: QtBot, start: Start, paths: Paths) -> None:
    scripted_model(paths.models / "scripted.gguf", "", "still here")
    last = CrashJournal(paths.state)
    last.start()
    last.begin("load", "scripted")  # and then the process was gone
    session = start()
    qtbot.waitUntil(lambda: session.state.stage == "idle", timeout=MINUTE)
    qtbot.waitUntil(lambda: not session.pump.active, timeout=MINUTE)
    assert session.state.stage == "idle"
    (banner,) = session.window.notices.banners
    assert "scripted" in banner.accessibleName()
    looks.button(banner, "Check this machine").click()
    assert session.window.page == "doctor"
    assert session.window.notices.banners == [banner], "the report is still to be had"
    banner.press(0)
    qtbot.waitUntil(lambda: session.state.stage == "ready", timeout=MINUTE)
    assert session.state.device == "CPU"
    end(qtbot, session)
    again = start()
    assert not again.window.notices.banners


def test_after_a_bug_the_machine_can_be_checked(qtbot: QtBot, start: Start, paths: Paths) -> None:
    session = start()
    qtbot.waitUntil(lambda: session.state.stage != "starting", timeout=MINUTE)
    written = session._crashes.report(ValueError("nobody thought of that"))
    assert written is not None
    (banner,) = session.window.notices.banners
    looks.button(banner, "Check this machine").click()
    assert session.window.page == "doctor"
    assert session.window.notices.banners == [banner]
    written.unlink()
