"""The monitor in the real window: it looks while somebody looks, keeps what it saw, and says what is beyond a limit."""

import csv
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.controllers.alerts import AlertController
from app.controllers.courses import series_of
from app.monitor_lines import MEMORY_USED
from app.notices import NoticeBoard
from app.widgets.monitor_cards import TransferCard
from app.wiring_monitor import MonitorDesk
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.monitor.types import Alert, Traffic
from backends.services.monitoring import MonitorServices
from tests.app.conftest import MINUTE, Start
from tests.app.test_chat_story import ask, ready, wait_for_answer
from tests.kit import looks, monitor_scenes
from tests.kit.ggufs import scripted_model


def desk_of(session: Session) -> MonitorDesk:
    assert session.desk is not None
    return session.desk.monitor


def monitoring_of(session: Session) -> MonitorServices:
    assert session.services is not None
    return session.services.monitoring


def opened(qtbot: QtBot, session: Session) -> MonitorDesk:
    """Its page, with a first sample."""
    desk = desk_of(session)
    session.window.actions_.monitor.trigger()
    qtbot.waitUntil(lambda: desk.page.tiles.isVisible(), timeout=MINUTE)
    return desk


def test_it_looks_while_somebody_looks(qtbot: QtBot, start: Start) -> None:
    session = start()
    ready(qtbot, session)
    monitoring = monitoring_of(session)
    assert monitoring.latest is None
    desk = opened(qtbot, session)
    assert session.window.rail._buttons["monitor"].isChecked()
    assert monitoring.latest is not None
    qtbot.waitUntil(lambda: "In use" in desk.page.processor.use.words(), timeout=MINUTE)  # there is none in the first
    assert "This program" in desk.page.memory.memory.words()
    assert not desk.gauge.isVisible()  # nothing works
    session.window.show_page("chat")
    qtbot.waitUntil(lambda: monitoring.latest is None, timeout=MINUTE)
    session.window.show_page("monitor")
    qtbot.waitUntil(lambda: monitoring.latest is not None, timeout=MINUTE)
    session.window.hide()
    qtbot.waitUntil(lambda: monitoring.latest is None, timeout=MINUTE)
    qtbot.waitUntil(lambda: not session.pump.active, timeout=MINUTE)


def test_an_answer_is_seen_counted_and_exported(qtbot: QtBot, start: Start, paths: Paths, tmp_path: Path) -> None:
    scripted_model(paths.models / "scripted.gguf", "", "One two three four.")
    session = start()
    ready(qtbot, session)
    desk = desk_of(session)
    ask(qtbot, session, "Count.")
    wait_for_answer(qtbot, session)
    qtbot.waitUntil(desk.gauge.isVisible, timeout=MINUTE)
    assert "tokens/s" in desk.gauge.accessibleName() or "Idle" in desk.gauge.accessibleName()
    qtbot.mouseClick(desk.gauge, Qt.MouseButton.LeftButton)
    assert session.window.page == "monitor"
    page = desk.page
    qtbot.waitUntil(page.engine.isVisible, timeout=MINUTE)
    assert session.state.model is not None
    assert page.engine.title.text() == session.state.model.name
    qtbot.waitUntil(lambda: page.days.list.rowCount() == 1, timeout=MINUTE)
    assert not page.days.table.isHidden()

    path = tmp_path / "figures.csv"
    desk.monitor.export(path, 0.0, 4e9)
    qtbot.waitUntil(lambda: "Exported to figures.csv." in looks.texts(page.notices), timeout=MINUTE)
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) >= 2
    assert any("engine" in name for name in rows[0])

    assert session.services is not None
    session.services.settings.set("monitor.gauge", False)
    qtbot.waitUntil(lambda: not desk.gauge.isVisible(), timeout=MINUTE)
    session.services.settings.set("monitor.gauge", True)
    qtbot.waitUntil(desk.gauge.isVisible, timeout=MINUTE)


def test_other_times_and_closer(qtbot: QtBot, start: Start) -> None:
    session = start()
    ready(qtbot, session)
    desk = opened(qtbot, session)
    page, courses = desk.page, desk.monitor.courses
    shown = {kind for kind, card in page.plots.cards.items() if not card.isHidden()}
    assert {"use", "memory", "moved"} <= shown
    assert courses.courses.end - courses.courses.start == pytest.approx(600)
    page.segments.buttons["minute"].click()
    assert courses.courses.end - courses.courses.start == pytest.approx(60)
    page.segments.buttons["day"].click()
    qtbot.waitUntil(lambda: courses.courses.end - courses.courses.start > 80_000, timeout=MINUTE)
    end = courses.courses.end
    page.plots.cards["use"].plot.zoomed.emit(end - 3_600, end)
    qtbot.waitUntil(lambda: courses.courses.zoomed, timeout=MINUTE)
    assert page.whole.isVisible()
    page.whole.click()
    qtbot.waitUntil(lambda: not courses.courses.zoomed, timeout=MINUTE)
    assert not page.whole.isVisible()
    before, monitoring = courses.courses.end, monitoring_of(session)
    session.window.show_page("chat")
    qtbot.waitUntil(lambda: monitoring.latest is None, timeout=MINUTE)
    session.window.show_page("monitor")  # the day is read anew, up to now
    qtbot.waitUntil(lambda: courses.courses.end > before, timeout=MINUTE)
    assert monitoring.latest is not None


def answered_once(qtbot: QtBot, start: Start, paths: Paths) -> Session:
    scripted_model(paths.models / "scripted.gguf", "", "One two three four.")
    session = start()
    ready(qtbot, session)
    assert session.desk is not None
    session.desk.settings.set("chat.name_chats", False)  # that would be counted, too
    ask(qtbot, session, "Count.")
    wait_for_answer(qtbot, session)
    return session


def test_what_was_recorded_is_erased_after_a_question(qtbot: QtBot, start: Start, paths: Paths) -> None:
    session = answered_once(qtbot, start, paths)
    desk = opened(qtbot, session)
    page, monitoring = desk.page, monitoring_of(session)
    qtbot.waitUntil(lambda: page.days.list.rowCount() == 1, timeout=MINUTE)
    qtbot.waitUntil(lambda: bool(desk.monitor.courses.courses.series), timeout=MINUTE)
    looks.button(page, "Erase what was recorded").click()
    looks.button(page, "Keep").click()
    assert page.days.list.rowCount() == 1
    assert monitoring.recent(MINUTE)

    first = monitoring.recent(MINUTE)[0].at
    looks.button(page, "Erase what was recorded").click()
    looks.button(page, "Erase").click()
    qtbot.waitUntil(lambda: page.days.list.rowCount() == 0, timeout=MINUTE)
    assert "Answers are counted here" in looks.texts(page.days)
    assert all(one.at > first for one in monitoring.recent(MINUTE))
    assert all(at > first for one in desk.monitor.courses.courses.series for at in one.at)
    assert list(monitoring.days()) == [()]


def test_what_a_command_erases_is_gone_from_the_page(qtbot: QtBot, start: Start, paths: Paths) -> None:
    session = answered_once(qtbot, start, paths)
    desk = opened(qtbot, session)
    desk.page.segments.buttons["day"].click()
    qtbot.waitUntil(lambda: desk.page.days.list.rowCount() == 1, timeout=MINUTE)
    monitoring_of(session).erase()
    qtbot.waitUntil(lambda: desk.page.days.list.rowCount() == 0, timeout=MINUTE)


def test_a_damaged_history_is_said_and_begun_anew(qtbot: QtBot, start: Start, paths: Paths) -> None:
    (paths.data / "monitor.db").write_bytes(b"this is no database, " * 4_096)
    session = start()
    ready(qtbot, session)
    desk = opened(qtbot, session)
    desk.page.segments.buttons["day"].click()
    qtbot.waitUntil(lambda: bool(desk.page.notices.banners), timeout=MINUTE)
    assert not desk.page.trouble.isVisible()


def test_a_damaged_history_is_said_whoever_finds_it(qtbot: QtBot, start: Start, paths: Paths) -> None:
    """Nobody reads days: the page is not even looked at."""
    (paths.data / "monitor.db").write_bytes(b"this is no database, " * 4_096)
    session = start()
    ready(qtbot, session)
    monitoring_of(session).names()
    qtbot.waitUntil(lambda: len(desk_of(session).page.notices.banners) == 1, timeout=MINUTE)
    desk = opened(qtbot, session)
    qtbot.waitUntil(lambda: desk.monitor.picture.days is not None, timeout=MINUTE)
    assert len(desk.page.notices.banners) == 1, "once"


DISK = Alert(
    "disk", "/models", True, Phrase("The disk is nearly full.", "磁盘将满。"), Phrase("Delete a model.", "请删除模型。")
)


def test_alerts_come_and_go(qtbot: QtBot) -> None:
    board = NoticeBoard()
    qtbot.addWidget(board)
    board.show()
    alerts: Stream[Alert] = Stream("alerts")
    in_front = [True]
    noticed: list[tuple[str, str, str]] = []
    ended: list[tuple[str, str, str]] = []
    pages: list[bool] = []
    controller = AlertController(alerts, (DISK,), board, lambda: in_front[0])
    controller.noticed.connect(lambda *said: noticed.append(said))
    controller.ended.connect(lambda *said: ended.append(said))
    controller.page_wanted.connect(lambda: pages.append(True))
    looks.settle()
    assert "The disk is nearly full." in looks.texts(board)
    looks.button(board, "Open the monitor").click()
    assert pages == [True]
    assert not board.banners

    in_front[0] = False
    hot = replace(DISK, kind="temperature", subject="0", severity="danger")
    said = threading.Thread(target=lambda: [alerts.put(one) for one in (DISK, hot, hot)])
    said.start()
    said.join()
    qtbot.waitUntil(lambda: len(board.banners) == 2, timeout=MINUTE)
    assert len(noticed) == 3
    (disk, *said), heat = noticed[0], noticed[1][0]
    assert said == ["The disk is nearly full.", "Delete a model."]
    assert disk != heat
    room, over = Phrase("There is room again.", "空间充足。"), Phrase("It is over.", "已解除。")
    alerts.put(replace(DISK, over=False, message=room, hint=over))
    qtbot.waitUntil(lambda: len(board.banners) == 1, timeout=MINUTE)
    assert board.banners[0].notice.tone == "danger"
    assert ended == [(disk, "There is room again.", "It is over.")]
    in_front[0] = True
    alerts.put(replace(hot, over=False, message=room))
    qtbot.waitUntil(lambda: not board.banners, timeout=MINUTE)
    assert ended[1:] == [(heat, "", "")], "taken back, but nobody has to be told"
    alerts.put(DISK)
    alerts.put(replace(DISK, over=False))
    alerts.put(hot)
    qtbot.waitUntil(lambda: len(board.banners) == 1, timeout=MINUTE)
    assert len(ended) == 2, "what was not told elsewhere is not taken back there"
    controller.close()
    assert alerts.cancelled


def test_what_programs_send_and_get_stands_apart_from_the_net(qtbot: QtBot) -> None:
    card = TransferCard()
    qtbot.addWidget(card)
    card.show_sample(replace(monitor_scenes.sample(), traffic=Traffic(9.4e6, 2.1e4)))
    card.show()
    assert "To the net" in looks.texts(card)
    assert "programs" not in looks.texts(card), "none could ask"
    card.show_sample(replace(monitor_scenes.sample(), traffic=Traffic(9.4e6, 2.1e4, 0.0, 8.4e3)))
    told = looks.texts(card).splitlines()
    assert told[told.index("To programs") + 1] == "8.4 kB/s"
    assert told[told.index("From the net") + 1] == "9.4 MB/s"


def test_courses_go_by_the_clock_that_never_jumps() -> None:
    """The wall clock is set an hour back, then there is a pause."""
    first = monitor_scenes.sample()
    samples = [
        replace(first, at=10_000.0, clock=100.0, seconds=1.0),
        replace(first, at=6_401.0, clock=101.0, seconds=1.0),
        replace(first, at=6_500.0, clock=200.0, seconds=None),
    ]
    use, memory = series_of(samples, ["system.cpu", MEMORY_USED])
    assert list(use.at) == [6_400.0, 6_401.0, 6_450.5, 6_500.0]
    assert [value == value for value in use.mean] == [True, True, False, True]
    system = first.hardware.system
    assert system.memory_total is not None
    assert system.memory_available is not None
    assert memory.mean[0] == system.memory_total - system.memory_available
    assert series_of([], ["system.cpu"]) == ()
