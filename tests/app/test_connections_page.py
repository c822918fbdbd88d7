"""What leaves this computer, in the window: listed as it happens, found, exported, erased; the switch that stops it."""

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.application import Application
from app.lists.connections import ConnectionList
from app.parts import Switch
from app.widgets.connections_page import ConnectionsPage
from backends.core.connections import Connection
from backends.core.gate import GATE, UNKNOWN, Attempt
from backends.core.phrase import Language
from backends.core.settings import Settings
from tests.app.conftest import MINUTE, Start
from tests.kit import looks
from tests.kit.connection_scenes import connections

MARK = "Offline: nothing leaves this computer"


@pytest.fixture
def page(qtbot: QtBot) -> ConnectionsPage:
    page = ConnectionsPage(ConnectionList())
    qtbot.addWidget(page)
    page.show_settings(Settings())
    looks.show(page, 900)
    return page


def shown(page: ConnectionsPage) -> list[str]:
    model = page.view.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def the_list(page: ConnectionsPage) -> ConnectionList:
    model = page.view.model()
    assert isinstance(model, ConnectionList)
    return model


def offline_page(session: Session) -> ConnectionsPage:
    assert session.desk is not None
    return session.desk.outside.page


def test_a_day_with_the_offline_switch(start: Start, qtbot: QtBot) -> None:
    session = start()
    desk, window = session.desk, session.window
    assert desk is not None
    assert session.services is not None
    page = desk.outside.page
    window.show_page("settings")
    looks.button(desk.settings_page, "Connections").click()
    assert window.page == "connections"
    assert "Nothing has left this computer" in looks.texts(page)
    assert MARK not in looks.names(window.rail)
    looks.button(page, "Stay offline").click()
    qtbot.waitUntil(lambda: MARK in looks.names(window.rail), timeout=MINUTE)
    assert GATE.offline
    search = session.services.hubs.search("deepseek")
    qtbot.waitUntil(lambda: search.wait(0), timeout=MINUTE)
    qtbot.waitUntil(lambda: shown(page) == ["huggingface.co:443"], timeout=MINUTE)
    GATE.tell(Attempt(UNKNOWN + "some.library", "stats.example:443", "offline"))
    qtbot.waitUntil(lambda: shown(page) == ["stats.example:443", "huggingface.co:443"], timeout=MINUTE)
    window.show_page("chat")
    looks.button(window.rail, MARK).click()
    assert window.page == "connections"
    looks.button(page, "Stay offline").click()
    qtbot.waitUntil(lambda: MARK not in looks.names(window.rail), timeout=MINUTE)
    assert not GATE.offline


def test_the_list_is_exported_and_erased(
    start: Start, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = start()
    assert session.services is not None
    page, window = offline_page(session), session.window
    session.services.network.log.add("model listing", "hub.example:443", "200")
    window.actions_.connections.trigger()
    assert shown(page) == ["hub.example:443"]
    chosen = tmp_path / "list.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(chosen), ""))
    looks.button(page, "Export CSV…").click()
    qtbot.waitUntil(lambda: "saved as list.csv" in looks.texts(page), timeout=MINUTE)
    (row,) = csv.DictReader(chosen.read_text(encoding="utf-8-sig").splitlines())
    assert (row["host"], row["purpose"]) == ("hub.example:443", "What a model consists of")
    looks.button(page, "Erase the list").click()
    assert shown(page)
    looks.button(page, "Erase").click()
    qtbot.waitUntil(lambda: shown(page) == [], timeout=MINUTE)
    assert "Nothing has left this computer" in looks.texts(page)
    assert not list(session.paths.state.glob("connections.log*"))


def test_what_one_looks_for_is_found_by_host_purpose_and_outcome(page: ConnectionsPage) -> None:
    the_list(page).show_connections(connections())
    whole = len(connections())
    assert len(shown(page)) == whole
    for typed, count in (("XETHUB", 3), ("looking for", 4), ("refused", 2), ("nowhere", 0), ("", whole)):
        page.box.setText(typed)
        assert len(shown(page)) == count, typed
    page.segments.buttons["refused"].click()
    assert shown(page) == ["stats.example", "huggingface.co:443", "mirror.example:443"]
    page.box.setText("mirror")
    assert shown(page) == ["mirror.example:443"]


def test_what_comes_leaves_the_row_where_one_is(page: ConnectionsPage) -> None:
    first = [Connection(float(n), "model listing", f"host-{n}:443", "206") for n in range(20)]
    model = the_list(page)
    model.show_connections(first)
    page.view.setCurrentIndex(model.index(3, 0))
    over = Connection(19.0, "model listing", "host-19:443", "206", 5_000_000, 300, 2.0)
    model.show_connections((*first[:-1], over, Connection(30.0, "model search", "new:443", "200")))
    assert page.view.currentIndex().row() == 4
    assert page.view.currentIndex().data() == "host-16:443"
    assert "5.0\u00a0MB" in model.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    model.show_connections(())
    assert shown(page) == []


def test_a_full_list_whose_oldest_go_leaves_the_row_where_one_is(page: ConnectionsPage) -> None:
    many = [Connection(float(n), "model listing", f"host-{n}:443", "206", 0, 0, 1.0) for n in range(1200)]
    model = the_list(page)
    model.show_connections(many[:1000])
    page.view.setCurrentIndex(model.index(3, 0))
    model.show_connections(many[2:1002])
    assert (page.view.currentIndex().row(), page.view.currentIndex().data()) == (5, "host-996:443")
    assert (len(shown(page)), shown(page)[-1]) == (1000, "host-2:443")
    model.show_connections(many[-3:])
    assert shown(page) == ["host-1199:443", "host-1198:443", "host-1197:443"]


def test_what_has_left_is_never_said_not_to_be_there(page: ConnectionsPage) -> None:
    model = the_list(page)
    model.show_connections([Connection(1.0, "model search", "stats.example:443", "offline", 0, 0, 1.0)])
    page.segments.buttons["refused"].click()
    model.show_connections(())
    assert "Nothing has left this computer" in looks.texts(page)
    model.show_connections([Connection(2.0, "model search", "hub.example:443", "200", 0, 0, 1.0)])
    assert "Nothing like that" in looks.texts(page)
    assert "Nothing has left this computer" not in looks.texts(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_fits_and_is_named_and_reached_in_both_languages(
    qapp: Application, page: ConnectionsPage, language: Language
) -> None:
    qapp.follow("light", language)
    the_list(page).show_connections(connections())
    for width in (520, 900):
        looks.show(page, width)
        assert looks.misfits(page) == []
    assert looks.nameless(page) == []
    assert looks.unreachable(page) == []
    assert looks.rich(page) == []


def test_a_switch_that_cannot_be_saved_says_so(start: Start, qtbot: QtBot) -> None:
    session = start()
    assert session.services is not None
    page = offline_page(session)
    session.window.show_page("connections")
    (session.paths.config / "settings.json").mkdir(parents=True)  # in the way
    switch = looks.button(page, "Stay offline")
    assert isinstance(switch, Switch)
    switch.click()
    qtbot.waitUntil(lambda: "settings.json" in looks.texts(page), timeout=MINUTE)
    assert not switch.isChecked()
    assert not GATE.offline
