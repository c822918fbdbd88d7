"""The machine goes to sleep and wakes up: what computes stops between two steps and goes on; what is lost is said."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.sleep import PowerEvents, Sleep, SystemPower
from app.wiring import Desk
from backends.engine.lost import device_lost
from backends.engine.protocol import GenerateRequest, LoadRequest, Sampling, TextDelta, Turn
from tests.kit.ggufs import Script, scripted_model

ROOT = Path(__file__).resolve().parents[2]
LONG = Script("", " ".join(f"n{number}" for number in range(300)), word="count")


def heard(sleep: Sleep) -> list[str]:
    said: list[str] = []
    sleep.going_to_sleep.connect(lambda: said.append("sleeps"))
    sleep.woken.connect(lambda: said.append("awake"))
    return said


def test_what_the_system_says_twice_is_said_once(qtbot: QtBot) -> None:
    sleep = Sleep()
    said = heard(sleep)
    for asleep in (False, True, True, False, False, True):
        sleep.tell(asleep)
    assert said == ["sleeps", "awake", "sleeps"]
    sleep.stopped()
    sleep.close()


def test_what_windows_says(qtbot: QtBot) -> None:
    sleep = Sleep()
    said, events = heard(sleep), PowerEvents(sleep.tell)
    for message, what in ((0x218, 0xA), (0x219, 0x4), (0x218, 0x4), (0x218, 0x12), (0x218, 0x7)):
        events.take(message, what)  # the power line was pulled; a device came; sleep; awake; and somebody is there
    assert said == ["sleeps", "awake"]
    assert events.nativeEventFilter(b"xcb_generic_event_t", 0) == (False, 0)
    events.close()


def test_what_macos_says_and_when_it_may_sleep(qtbot: QtBot) -> None:
    sleep = Sleep()
    said, allowed = heard(sleep), list[int]()
    power = SystemPower(sleep.tell, allowed.append, lambda: allowed.append(-1))
    power.take(0xE0000270, 7)
    assert (said, allowed) == ([], [7])
    power.take(0xE0000280, 8)
    assert (said, allowed) == (["sleeps"], [7])  # it waits for us
    power.stopped()
    power.stopped()
    assert allowed == [7, 8]
    power.take(0xE0000320, 9)  # the disks turn again
    power.take(0xE0000300, 10)
    assert said == ["sleeps", "awake"]
    power.close()
    assert allowed == [7, 8, -1]


LOGIND = """if True:
    import os, sys
    from PySide6.QtCore import ClassInfo, QCoreApplication, QObject, QTimer, Slot
    from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusUnixFileDescriptor
    from app.sleep import Sleep
    app = QCoreApplication([])
    PATH, MANAGER = "/org/freedesktop/login1", "org.freedesktop.login1.Manager"

    @ClassInfo({"D-Bus Interface": MANAGER})
    class Logind(QObject):
        asked = 0

        @Slot(str, str, str, str, result=QDBusUnixFileDescriptor)
        def Inhibit(self, what, who, why, mode):
            self.asked += 1
            self.ours, theirs = os.pipe()
            os.set_blocking(self.ours, False)
            held = QDBusUnixFileDescriptor(theirs)
            os.close(theirs)
            print(what, who, mode, flush=True)
            then(self.say_it)
            return held

        def say_it(self):
            say(True) if self.asked == 1 else app.quit()

        @property
        def held(self):
            try:
                return os.read(self.ours, 1) != b""
            except BlockingIOError:
                return True

    def then(call, when=lambda: True):  # when what is on its way on the bus has arrived
        QTimer.singleShot(300, lambda: call() if when() else then(call, when))

    def say(asleep):
        message = QDBusMessage.createSignal(PATH, MANAGER, "PrepareForSleep")
        message.setArguments([asleep])
        server.send(message)

    def on_sleep():
        print("sleeps, held", logind.held, flush=True)
        sleep.stopped()
        then(on_stopped, lambda: not logind.held)

    def on_stopped():
        print("held", logind.held, flush=True)
        say(False)

    logind = Logind()
    server = QDBusConnection.connectToBus(QDBusConnection.BusType.SessionBus, "logind")
    assert server.registerService("org.freedesktop.login1")
    assert server.registerObject(PATH, logind, QDBusConnection.RegisterOption.ExportAllSlots)
    sleep = Sleep()
    sleep.going_to_sleep.connect(on_sleep)
    sleep.woken.connect(lambda: print("awake", flush=True))
    sleep.watch(QDBusConnection.sessionBus())
    QTimer.singleShot(60_000, app.quit)
    app.exec()
    sleep.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="systemd-logind")
def test_what_logind_says_on_a_bus_of_its_own() -> None:
    """It waits with sleep as long as we hold its lock, which we get back when the machine is awake."""
    try:
        done = subprocess.run(
            ["dbus-run-session", "--", sys.executable, "-c", LOGIND],
            cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("no dbus-run-session here")
    lines = done.stdout.splitlines()
    lock = "sleep DeskSeek delay"
    assert lines == [lock, "sleeps, held True", "held False", "awake", lock], done.stderr


@pytest.fixture
def desk(start: Callable[..., Session], qtbot: QtBot) -> Desk:
    session = start()
    qtbot.waitUntil(lambda: session.desk is not None, timeout=60_000)
    assert session.desk is not None
    return session.desk


def test_an_answer_goes_on_when_the_machine_is_awake(desk: Desk, tmp_path: Path) -> None:
    engine = desk.services.engine
    list(engine.load(LoadRequest(scripted_model(tmp_path / "m.gguf", scripts=[LONG]), 2048, gpu_layers=0)))
    desk.sleep.tell(True)
    stream = engine.generate(GenerateRequest([Turn("user", "count")], Sampling(temperature=0)))
    engine.suspend().wait()  # the engine has seen the question
    assert stream.drain() == []
    desk.sleep.tell(False)
    said = "".join(event.text for event in stream if isinstance(event, TextDelta))
    assert said == LONG.answer


def test_a_card_that_is_gone_is_said_with_the_processor_in_its_place(desk: Desk) -> None:
    desk._on_device_lost(device_lost(["CUDA0"]))
    notices = [banner.notice for banner in desk.window.notices.banners]
    (notice,) = [notice for notice in notices if notice.key == "error:device_lost"]
    assert "CUDA0" in str(notice.message)
    assert [str(button.text) for button in notice.buttons] == ["Load on the processor"]
