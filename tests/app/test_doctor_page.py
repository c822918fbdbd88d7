"""The doctor's page with real services: what is wrong, and buttons that mend it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.bridge import Pump
from app.controllers.doctor import COMMAND, DoctorController
from app.doctor_picture import DoctorPicture
from app.notices import NoticeBoard
from app.widgets.doctor_page import DoctorPage
from app.widgets.settings_page import SettingsPage
from backends.core.cancel import CancelToken
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.core.secrets import Secrets
from backends.doctor.types import Finding
from backends.services import Services
from tests.app.conftest import MINUTE, Start
from tests.kit import doctor_scenes, looks
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.shelves import ENGLISH, put


@dataclass
class Room:
    """The page, and who stands behind it."""

    qtbot: QtBot
    services: Services
    page: DoctorPage
    doctor: DoctorController

    def until_done(self) -> DoctorPicture:
        self.qtbot.waitUntil(lambda: self.doctor.picture.stage == "done", timeout=MINUTE)
        looks.settle()
        return self.doctor.picture

    def found(self, code: str) -> Finding:
        return next(one for one in self.doctor.picture.findings if one.code == code)

    def press(self, name: str) -> None:
        looks.button(self.page, name).click()


@pytest.fixture
def room(qtbot: QtBot, paths: Paths, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.chdir(paths.data)
    with Services.open(paths) as services:
        services.secrets = Secrets(candidates=())
        services.settings.set("network.endpoint", hub.endpoint)
        board = NoticeBoard()
        qtbot.addWidget(board)
        pump = Pump(board.post_error)
        page = DoctorPage()
        qtbot.addWidget(page)
        doctor = DoctorController(services, pump, page.notices)
        page.examine_requested.connect(doctor.examine)
        page.stop_requested.connect(doctor.stop)
        page.deep_switched.connect(doctor.set_deep)
        page.copy_requested.connect(doctor.copy)
        page.repair_requested.connect(doctor.repair)
        doctor.picture_changed.connect(lambda: page.show_picture(doctor.picture))
        looks.show(page, 900)
        yield Room(qtbot, services, page, doctor)
        pump.close()
        doctor.close()


def test_opening_the_page_looks_at_this_machine_and_asks_nobody_outside(room: Room, hub: HubServer) -> None:
    room.doctor.begin()
    assert "Looking…" in looks.texts(room.page)
    picture = room.until_done()
    assert {one.topic for one in picture.findings} >= {"driver", "libraries", "databases", "disk", "port", "settings"}
    assert hub.requests == []
    shown = looks.texts(room.page)
    assert "The sources of models were not asked." in shown
    assert all(one.what.en in shown for one in picture.findings)
    room.doctor.begin()  # looked at again: nothing is asked twice
    assert room.doctor.picture.stage == "done"

    room.press("Ask the sources: The sources of models were not asked.")
    room.until_done()
    assert room.found("source_ok").verdict == "ok"
    assert len(hub.requests) == 1


def test_offline_is_ended_by_a_button(room: Room, hub: HubServer) -> None:
    room.services.settings.set("network.offline", True)
    room.doctor.begin()
    room.until_done()
    room.doctor.repair(room.found("offline"))
    assert room.services.settings.current.network.offline is False
    room.until_done()
    assert room.found("source_ok").verdict == "ok"


def test_a_damaged_search_index_is_made_anew_by_a_button(room: Room) -> None:
    documents = room.services.documents
    put(documents.store, "minutes.txt", ENGLISH)
    for _ in documents.index.catch_up(cancel=CancelToken()):
        pass
    piece = next((room.services.paths.data / "search" / "text").glob("*/*.idx"))
    piece.write_bytes(os.urandom(piece.stat().st_size))
    room.doctor.begin()
    picture = room.until_done()
    assert "index_damaged" in [one.code for one in picture.wrong]
    assert "What needs you" in looks.texts(room.page)
    room.press("Make it anew: The search index of the documents is damaged.")
    assert room.doctor.picture.rebuilding is not None
    room.qtbot.waitUntil(lambda: room.doctor.picture.rebuilding is None, timeout=MINUTE)
    picture = room.until_done()
    assert room.found("index_ok").verdict == "ok"
    assert documents.index.behind == 0


def test_each_repair_goes_to_who_knows_how(room: Room) -> None:
    asked: list[tuple[str, str]] = []
    room.doctor.page_wanted.connect(lambda name: asked.append(("page", name)))
    room.doctor.setting_wanted.connect(lambda key: asked.append(("setting", key)))
    room.doctor.removal_wanted.connect(lambda path: asked.append(("remove", path)))
    room.doctor.download_wanted.connect(lambda path: asked.append(("download", path)))
    room.doctor.quit_wanted.connect(lambda: asked.append(("quit", "")))
    words = Phrase("It is so.", "如此。")

    def repair(action: str, target: str = "") -> None:
        room.doctor.repair(Finding("models", "made", "fail", words, action=action, target=target))  # type: ignore[arg-type]

    repair("free_disk")
    repair("settings_api")
    repair("settings_network", "network.proxy")
    repair("remove_model", "/a.gguf")
    repair("download_again", "/b.gguf")
    repair("restore_database")
    assert asked == [
        ("page", "models"),
        ("setting", "api.port"),
        ("setting", "network.proxy"),
        ("remove", "/a.gguf"),
        ("download", "/b.gguf"),
        ("quit", ""),
    ]
    repair("engine_for_gpu")
    assert QGuiApplication.clipboard().text() == COMMAND
    assert COMMAND in looks.texts(room.page)


def test_the_report_is_copied_and_saved(room: Room, tmp_path: Path) -> None:
    room.doctor.begin()
    room.until_done()
    room.press("Copy report")
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("DeskSeek doctor")
    room.doctor.save(tmp_path / "report.txt")
    room.qtbot.waitUntil(lambda: "report.txt" in looks.texts(room.page), timeout=MINUTE)
    saved = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert json.loads("{" + saved.partition("\n{\n")[2])["findings"]
    room.doctor.save(tmp_path)  # a folder
    room.qtbot.waitUntil(lambda: str(tmp_path) in looks.texts(room.page), timeout=MINUTE)


def test_a_look_can_be_stopped_and_begun_again(room: Room) -> None:
    room.doctor.examine()
    room.press("Stop")
    room.qtbot.waitUntil(lambda: room.doctor.picture.stage == "stopped", timeout=MINUTE)
    assert "Stopped." in looks.texts(room.page)
    room.press("Check again")
    assert room.doctor.picture.stage == "looking"
    room.until_done()


def test_a_row_that_stays_keeps_the_focus(qtbot: QtBot) -> None:
    page = DoctorPage()
    qtbot.addWidget(page)
    wrong = doctor_scenes.WRONG
    page.show_picture(DoctorPicture("looking", wrong[1:3]))
    looks.show(page, 900)
    page.activateWindow()
    kept = looks.button(page, f"Repair: {wrong[1].what.en}")
    kept.setFocus()
    qtbot.waitUntil(kept.hasFocus, timeout=MINUTE)
    page.show_picture(DoctorPicture("done", wrong))
    assert looks.button(page, f"Repair: {wrong[1].what.en}") is kept
    assert kept.hasFocus()
    page.show_picture(DoctorPicture("done", doctor_scenes.WELL))
    assert page.wrong.isHidden()
    assert "All is well." in looks.texts(page)


def test_verdicts_are_told_by_words_too(qtbot: QtBot) -> None:
    page = DoctorPage()
    qtbot.addWidget(page)
    page.show_picture(DoctorPicture("done", (*doctor_scenes.WRONG, *doctor_scenes.WELL)))
    looks.show(page, 900)
    rows = [*page.wrong.rows.values(), *page.well.rows.values()]
    assert {row.accessibleName().partition(":")[0] for row in rows} == {"Problem", "Attention", "In order"}
    assert "3 problems were found." in looks.texts(page)


def test_a_setting_is_brought_into_sight(qtbot: QtBot) -> None:
    page = SettingsPage()
    qtbot.addWidget(page)
    looks.show(page, 800, 500)
    page.point_to("api.port")
    row = page.rows["api.port"]
    qtbot.waitUntil(lambda: row.field.widget.hasFocus(), timeout=MINUTE)
    top = row.mapTo(page.viewport(), row.rect().topLeft()).y()
    assert 0 <= top < page.viewport().height()


def test_in_the_window_a_broken_file_is_found_and_taken_off_the_list(
    start: Start, qtbot: QtBot, paths: Paths, tmp_path: Path
) -> None:
    """From the menu to the model that is gone from the list; the file itself stays."""
    mine = scripted_model(tmp_path / "mine.gguf")
    whole = mine.read_bytes()
    session = start()
    desk = session.desk
    assert desk is not None
    desk.services.secrets = Secrets(candidates=())
    desk.services.library.add(mine)
    mine.write_bytes(whole[:-4096])
    desk.models.rescan()
    qtbot.waitUntil(lambda: any(one.path == mine for one in desk.models.picture.local or ()), timeout=MINUTE)

    session.window.actions_.doctor.trigger()
    assert session.window.page == "doctor"
    doctor, page = desk.doctor.doctor, desk.doctor.page
    qtbot.waitUntil(lambda: doctor.picture.stage == "done", timeout=MINUTE)
    looks.settle()
    broken = next(one for one in doctor.picture.wrong if one.subject == "mine.gguf")
    assert "mine.gguf" not in doctor.report()
    looks.button(page, f"Take off the list: {broken.what.en}").click()
    assert session.window.page == "models"
    qtbot.waitUntil(lambda: all(one.path != mine for one in desk.models.picture.local or ()), timeout=MINUTE)
    assert mine.exists()

    desk.about_page.doctor_requested.emit()
    assert session.window.page == "doctor"
    doctor.setting_wanted.emit("api.port")
    assert session.window.page == "settings"
    qtbot.waitUntil(desk.settings_page.rows["api.port"].field.widget.hasFocus, timeout=MINUTE)
