"""Stories of the window run on Qt's offscreen platform, with the real Application around them."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from app.__main__ import Session
from app.application import Application
from backends.core.owner import Owner
from backends.core.paths import Paths
from tests.kit.desk import Desk
from tests.kit.hub import HubServer

MINUTE = 60_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the offscreen platform says of itself."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


class PatientBot(QtBot):
    """Waits as long as it may take on a machine that is busy with other tests, where nobody says how long."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = MINUTE) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = MINUTE, **options: Any) -> SignalBlocker:
        return super().waitSignal(signal, timeout=timeout, **options)

    def waitExposed(self, widget: Any, *, timeout: int = MINUTE) -> Any:
        return super().waitExposed(widget, timeout=timeout)


@pytest.fixture
def qtbot(qapp: Application, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture(scope="session")
def qapp_cls() -> type:
    return Application


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["deskseek"]


@pytest.fixture(autouse=True)
def _garbage_dies_here() -> Iterator[None]:
    """As in the app (`app.garbage`): a widget in a cycle that another thread collects is a crash."""
    gc.disable()
    yield
    gc.collect(1)  # the young ones: what this test has made


@pytest.fixture(autouse=True)
def _english_and_light(qapp: Application) -> Iterator[None]:
    qapp.follow("light", "en")
    yield
    qapp.follow("light", "en")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths.under(tmp_path / "home")
    paths.make()
    return paths


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """An empty one; files of tests have their own."""
    with HubServer() as hub:
        yield hub


@pytest.fixture
def desk(qtbot: QtBot, paths: Paths, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(paths.data)
    desk = Desk(qtbot, paths, hub.endpoint)
    yield desk
    hub.release()
    desk.close()


Start = Callable[..., Session]


@pytest.fixture
def start(qapp: Application, qtbot: QtBot, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start the app in `paths`, as a process would; a second call is the next start, after the first has ended."""
    monkeypatch.chdir(paths.data)  # the services go there themselves; afterwards we come back
    sessions: list[Session] = []

    def start(*files: Path) -> Session:
        owner = Owner.acquire(paths)
        assert owner is not None
        session = Session(qapp, paths, owner, files)
        sessions.append(session)
        session.window.show()
        session.open()
        crashes = paths.state / "crashes"
        qtbot.waitUntil(lambda: session.desk is not None or crashes.exists(), timeout=MINUTE)
        return session

    yield start
    for session in sessions:
        if not session.ended:
            end(qtbot, session)
    assert not list((paths.state / "crashes").glob("*"))


def end(qtbot: QtBot, session: Session) -> None:
    """Close the window, and the process after it."""
    session.window.close()
    session.close()
    session.deleteLater()
    qtbot.wait(1)
