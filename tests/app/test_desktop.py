"""DeskSeek among other windows: asked in between, heard from when it is done, closed into the tray, come back to."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.controllers.notifying import NotifyingController
from app.notifications import Notifications
from app.tray import Tray
from app.widgets.main_window import MainWindow
from app.wiring_desktop import DesktopDesk
from backends.core.paths import Paths
from backends.core.settings import SettingsStore
from tests.app.conftest import MINUTE, Start, end
from tests.app.test_chat_story import ask, ready, wait_for_answer
from tests.kit import looks
from tests.kit.ggufs import Script, scripted_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def model(paths: Paths) -> Path:
    scripts = [Script("", "Canberra.", "capital"), Script("", "on and on", "long", endless=True)]
    return scripted_model(paths.models / "scripted.gguf", "", "All is well.", scripts=scripts)


@pytest.fixture
def with_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desktop that has one; the platform of the tests has none."""
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))


def desk_of(qtbot: QtBot, session: Session) -> DesktopDesk:
    ready(qtbot, session)
    assert session.desk is not None
    session.desk.settings.set("chat.name_chats", False)  # chats are known by their questions here
    return session.desk.desktop


def titles(session: Session) -> list[str]:
    return [conversation.title for conversation in session.conversations.conversations]


def ask_quickly(qtbot: QtBot, desktop: DesktopDesk, text: str) -> None:
    desktop.window.actions_.quick_question.trigger()
    qtbot.keyClicks(desktop.quick.box, text)
    qtbot.keyClick(desktop.quick.box, Qt.Key.Key_Return)


def until_answered(qtbot: QtBot, desktop: DesktopDesk, answer: str) -> None:
    qtbot.waitUntil(lambda: desktop.quick._text.plain_text() == answer and not desktop.asking.busy, timeout=MINUTE)


# ---- a question in between


def test_a_quick_question_is_answered_beside_what_is_on_the_page(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    ask(qtbot, session, "How are you?")
    wait_for_answer(qtbot, session)

    ask_quickly(qtbot, desktop, "What is the capital of Australia?")
    until_answered(qtbot, desktop, "Canberra.")
    assert "What is the capital of Australia?" in looks.texts(desktop.quick)
    assert desktop.quick.box.toPlainText() == ""
    assert [row.text for row in session.messages.rows] == ["How are you?", "All is well."]
    qtbot.waitUntil(lambda: len(titles(session)) == 2, timeout=MINUTE)

    qtbot.keyClicks(desktop.quick.box, "And the capital of that?")  # it goes on in the same conversation
    qtbot.keyClick(desktop.quick.box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "And the capital of that?" in looks.texts(desktop.quick), timeout=MINUTE)
    until_answered(qtbot, desktop, "Canberra.")
    looks.button(desktop.quick, "Open in DeskSeek").click()
    qtbot.waitUntil(lambda: len(session.messages.rows) == 4, timeout=MINUTE)
    assert session.messages.rows[0].text == "What is the capital of Australia?"
    assert not desktop.quick.isVisible()
    assert len(titles(session)) == 2


def test_esc_closes_it_and_the_next_question_is_another_chat(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    ask_quickly(qtbot, desktop, "first capital?")
    until_answered(qtbot, desktop, "Canberra.")
    qtbot.keyClick(desktop.quick.box, Qt.Key.Key_Escape)
    assert not desktop.quick.isVisible()

    ask_quickly(qtbot, desktop, "second capital?")
    until_answered(qtbot, desktop, "Canberra.")
    qtbot.waitUntil(lambda: titles(session) == ["second capital?", "first capital?"], timeout=MINUTE)


def test_an_answer_goes_on_while_its_small_window_is_closed_and_can_be_stopped(
    qtbot: QtBot, start: Start, model: Path
) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    ask_quickly(qtbot, desktop, "a long one")
    qtbot.waitUntil(lambda: "on and on" in desktop.quick._text.plain_text(), timeout=MINUTE)
    qtbot.keyClick(desktop.quick.box, Qt.Key.Key_Escape)
    desktop.window.actions_.quick_question.trigger()
    assert "a long one" in looks.texts(desktop.quick)  # it is still being answered
    looks.button(desktop.quick, "Stop the answer").click()
    qtbot.waitUntil(lambda: not desktop.asking.busy, timeout=MINUTE)
    assert looks.button(desktop.quick, "Send")


def test_half_written_chinese_is_not_asked(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    desktop.window.actions_.quick_question.trigger()
    asked = QSignalSpy(desktop.quick.question_asked)
    QApplication.sendEvent(desktop.quick.box, QInputMethodEvent("shou du", []))
    qtbot.keyClick(desktop.quick.box, Qt.Key.Key_Return)
    assert asked.count() == 0
    typed = QInputMethodEvent("", [])
    typed.setCommitString("首都")
    QApplication.sendEvent(desktop.quick.box, typed)
    qtbot.wait(1)
    qtbot.keyClick(desktop.quick.box, Qt.Key.Key_Return)
    assert asked.at(0) == ["首都"]
    qtbot.waitUntil(lambda: desktop.asking.conversation is not None and not desktop.asking.busy, timeout=MINUTE)


def test_without_a_model_it_says_so(qtbot: QtBot, start: Start) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    ask_quickly(qtbot, desktop, "Anybody there?")
    qtbot.waitUntil(lambda: desktop.quick._problem.isVisible() and bool(desktop.quick._problem.text()), timeout=MINUTE)


# ---- a word when it is done


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "in_front", "wanted", "told"),
    [(11, False, True, 1), (9, False, True, 0), (11, True, True, 0), (11, False, False, 0)],
    ids=["long", "short", "looking", "unwanted"],
)
def test_a_long_answer_is_told_by_its_title_to_who_looks_elsewhere(
    qtbot: QtBot, start: Start, model: Path, seconds: int, in_front: bool, wanted: bool, told: int
) -> None:
    session = start()
    desk_of(qtbot, session)
    assert session.desk is not None
    clock = Clock()
    notifying = NotifyingController(
        session.desk.chat.answers, session.conversations, lambda: in_front, session.desk, clock
    )
    notifying.wanted = wanted
    noticed = QSignalSpy(notifying.noticed)
    ask(qtbot, session, "the long capital?")
    qtbot.waitUntil(lambda: bool(titles(session)) and bool(session.messages.rows), timeout=MINUTE)
    clock.now += seconds
    session.window.actions_.stop.trigger()
    wait_for_answer(qtbot, session)
    assert noticed.count() == told
    if told:
        (one,) = [noticed.at(n) for n in range(told)]
        assert one[0] == session.conversations.conversations[0].id
        assert one[1] == "the long capital?"
        assert one[2] in ("The answer is done.", "There is no whole answer.")
        assert "on and on" not in "".join(map(str, one))


PORTAL = """if True:
    import sys
    from PySide6.QtCore import ClassInfo, QObject, QTimer, Slot
    from PySide6.QtDBus import QDBusConnection, QDBusMessage
    from PySide6.QtWidgets import QApplication
    from app.application import Application
    from app.notifications import Notifications
    from app.tray import Tray
    from app.widgets.main_window import MainWindow
    app = Application([])
    app.follow("light", "en")
    PATH, PORTAL = "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Notification"

    @ClassInfo({"D-Bus Interface": PORTAL})
    class Portal(QObject):
        @Slot(str, "QVariantMap")
        def AddNotification(self, key, what):
            print(key, sorted(what.items()), flush=True)
            for said in ((key, "app.other", []), ("other", "app.open", []), (key, "app.open", [])):
                message = QDBusMessage.createSignal(PATH, PORTAL, "ActionInvoked")
                message.setArguments(list(said))
                server.send(message)

        @Slot(str)
        def RemoveNotification(self, key):
            print("removed", key, flush=True)
            if key.endswith("heat"):
                app.quit()

    portal = Portal()
    server = QDBusConnection.connectToBus(QDBusConnection.BusType.SessionBus, "portal")
    assert server.registerService("org.freedesktop.portal.Desktop")
    assert server.registerObject(PATH, portal, QDBusConnection.RegisterOption.ExportAllSlots)
    window = MainWindow()
    said = Notifications(window, Tray(window))
    said.clicked.connect(lambda key: (print("clicked", key, flush=True), alert()))
    said.page_wanted.connect(lambda page: (print("page", page, flush=True), over()))

    def alert():
        said.say("monitor", "Hot", "Look at it.", "heat")

    def over():
        said.take_back("monitor", "disk", "There is room.", "")  # of which nothing was said
        said.say("monitor", "Full", "Make room.", "disk")
        said.take_back("monitor", "disk", "There is room.", "")
        said.page_wanted.disconnect()
        said.close()

    QTimer.singleShot(0, lambda: said.say(7, "Bread", "The answer is done."))
    QTimer.singleShot(20_000, app.quit)
    app.exec()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a bus of the desktop")
def test_a_desktop_without_a_tray_tells_it_and_a_click_comes_back() -> None:
    try:
        done = subprocess.run(
            ["dbus-run-session", "--", sys.executable, "-c", PORTAL],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("no dbus-run-session here")

    def added(key: str, title: str, body: str) -> str:
        return f"{key} [('body', '{body}'), ('default-action', 'app.open'), ('title', '{title}')]"

    assert done.stdout.splitlines() == [
        added("chat-7", "Bread", "The answer is done."),
        "clicked 7",
        added("page-monitor/heat", "Hot", "Look at it."),
        "page monitor",
        added("page-monitor/disk", "Full", "Make room."),
        "removed page-monitor/disk",
        "removed page-monitor/heat",
    ], done.stderr


@pytest.mark.qt_log_ignore("systemTrayWindowChanged", "This plugin does not support", extend=True)
@pytest.mark.usefixtures("with_tray")
def test_a_tray_tells_that_an_alert_is_over(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot take back what it said."""
    told: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "supportsMessages", staticmethod(lambda: True))
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda icon, title, *rest: told.append(title))
    window = MainWindow()
    qtbot.addWidget(window)
    tray = Tray(window)
    tray.show(True)
    said = Notifications(window, tray)
    said.say("monitor", "The disk is nearly full.", "Make room.", "disk")
    said.take_back("monitor", "disk", "The disk has room again.", "It is over.")
    said.say("monitor", "It is hot.", "Look at its fans.", "heat")
    said.take_back("monitor", "heat", "", "")  # somebody looks at the window
    said.close()
    assert told == ["The disk is nearly full.", "The disk has room again.", "It is hot."]
    tray.show(False)


def test_a_click_on_it_opens_the_conversation(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    ask(qtbot, session, "How are you?")
    wait_for_answer(qtbot, session)
    session.window.actions_.new_chat.trigger()
    session.window.show_page("settings")
    session.window.showMinimized()
    desktop.notifications.clicked.emit(session.conversations.conversations[0].id)
    qtbot.waitUntil(lambda: len(session.messages.rows) == 2, timeout=MINUTE)
    assert session.window.page == "chat"
    assert not session.window.isMinimized()


# ---- the tray


@pytest.mark.qt_log_ignore("systemTrayWindowChanged", "This plugin does not support", extend=True)
@pytest.mark.usefixtures("with_tray")
def test_closing_is_the_end_unless_somebody_wants_it_to_stay(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    assert session.desk is not None
    settings = session.desk.settings
    assert desktop.tray.shown
    assert not desktop.window.stays()

    settings.set("general.stay", True)
    qtbot.waitUntil(desktop.window.stays, timeout=MINUTE)
    assert not QApplication.quitOnLastWindowClosed()
    session.window.close()
    assert not session.window.isVisible()
    assert session.desk is not None
    desktop.tray.window_requested.emit()
    assert session.window.isVisible()

    session.window.close()
    settings.set("general.tray", False)  # with the icon goes the way back
    qtbot.waitUntil(session.window.isVisible, timeout=MINUTE)
    assert QApplication.quitOnLastWindowClosed()
    assert not desktop.window.stays()


@pytest.mark.qt_log_ignore("systemTrayWindowChanged", "This plugin does not support", extend=True)
@pytest.mark.usefixtures("with_tray")
def test_the_tray_has_a_menu_and_says_whether_the_api_is_on(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    desktop = desk_of(qtbot, session)
    entries = {entry.text(): entry for entry in desktop.tray.menu.actions() if entry.text()}
    assert list(entries) == ["Open DeskSeek", "Quick question", "New chat", "API: off", "Quit"]
    assert not entries["API: off"].isEnabled()
    entries["Quick question"].trigger()
    assert desktop.quick.isVisible()
    assert session.desk is not None
    session.desk.settings.set("general.language", "zh")
    qtbot.waitUntil(lambda: entries["Quit"].text() == "退出", timeout=MINUTE)


def test_without_a_tray_all_is_as_ever(qtbot: QtBot, start: Start, paths: Paths, model: Path) -> None:
    SettingsStore(paths.config / "settings.json").set("general.stay", True)
    session = start()
    desktop = desk_of(qtbot, session)
    assert not desktop.tray.shown
    assert not desktop.window.stays()
    assert not session.window.notices.banners


# ---- coming back


def test_where_one_was_is_there_again(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    desk_of(qtbot, session)
    ask(qtbot, session, "How are you?")
    wait_for_answer(qtbot, session)
    session.window.show_page("settings")
    end(qtbot, session)

    again = start()
    qtbot.waitUntil(lambda: len(again.messages.rows) == 2, timeout=MINUTE)
    assert again.window.page == "settings"
    assert again.desk is not None
    (conversation,) = again.conversations.conversations
    again.desk.chat_page.panel.menu.delete_requested.emit((conversation.id,))
    qtbot.waitUntil(lambda: not again.messages.rows, timeout=MINUTE)
    again.window.show_page("chat")
    end(qtbot, again)

    third = start()
    ready(qtbot, third)
    qtbot.waitUntil(lambda: not third.pump.active, timeout=MINUTE)
    assert not third.messages.rows
    assert not third.window.notices.banners


def test_the_next_chat_keeps_what_was_chosen_for_it(qtbot: QtBot, start: Start, model: Path) -> None:
    """A quick question is another chat."""
    session = start()
    desktop = desk_of(qtbot, session)
    assert session.desk is not None
    options = session.desk.options.options
    options.change(None, "instructions", "Answer as a pirate.")
    ask_quickly(qtbot, desktop, "first capital?")
    until_answered(qtbot, desktop, "Canberra.")
    organised = session.desk.services.chats.organised
    conversation = desktop.asking.conversation
    assert conversation is not None
    assert not organised.options(conversation).instructions
    ask(qtbot, session, "And this one?")
    wait_for_answer(qtbot, session)
    assert session.desk.chat.current is not None
    assert organised.options(session.desk.chat.current.id).instructions == "Answer as a pirate."
