"""The page of the API: what it shows in each state, and, with the real services, what its buttons do."""

import itertools
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import httpx
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.api_examples import CLIENTS, Client, example
from app.api_picture import ApiPicture
from app.application import Application
from app.bridge import Pump
from app.controllers.settings import SettingsController
from app.lists.requests import BLOCK, RequestList
from app.tab_order import stops
from app.widgets.api_page import ApiPage
from app.widgets.main_window import MainWindow
from app.wiring_api import ApiDesk
from backends.api.calls import Call
from backends.api.routes import ROUTES
from backends.core.paths import Paths
from backends.core.phrase import Language, Phrase
from backends.core.settings import Settings
from backends.services import Services
from backends.services.api import Serving
from tests.kit import api_scenes, looks
from tests.kit.set_up import closed_port

LONG = 60_000
PLACES = ("connect", "keys", "requests", "options")


def page_of(qtbot: QtBot, picture: ApiPicture, place: str = "connect", rows: int = 30) -> ApiPage:
    requests = RequestList()
    requests.show_newest(api_scenes.entries(rows))
    page = ApiPage(requests)
    qtbot.addWidget(page)
    page.show_settings(Settings())
    page.show_picture(picture)
    page.show_place(place)
    return page


# ---- how it looks


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("width", "language"), [(600, "zh"), (600, "en"), (1060, "en")])
def test_every_place_fits_and_is_named(
    qapp: Application, qtbot: QtBot, place: str, width: int, language: Language
) -> None:
    qapp.follow("dark", language)
    for picture in (api_scenes.made(language), api_scenes.FAILED, api_scenes.OPEN, api_scenes.OFF):
        page = page_of(qtbot, picture, place)
        page.keys.ask()
        api_scenes.opened(page)
        looks.show(page, width)
        assert looks.misfits(page) == []
        assert looks.nameless(page) == []
        assert looks.unreachable(page) == []
        assert looks.rich(page) == []
        page.hide()


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (api_scenes.OFF, "Off"),
        (replace(api_scenes.OFF, stage="starting"), "Starting…"),
        (api_scenes.ON, "On\nhttp://127.0.0.1:8642"),
        (replace(api_scenes.ON, stage="ending"), "Ending what runs…"),
        (api_scenes.FAILED, "Could not start"),
        (api_scenes.FAILED, "Port 8642 is used by another program.\nChoose another port, or end that program."),
        (api_scenes.OPEN, "No key is needed: every program on this computer can ask."),
        (replace(api_scenes.ON, beyond=True), "Other computers can ask too, if they have a key."),
    ],
    ids=["off", "starting", "on", "ending", "failed", "why", "open", "beyond"],
)
def test_the_state_is_said(qtbot: QtBot, picture: ApiPicture, said: str) -> None:
    page = page_of(qtbot, picture)
    assert said in looks.texts(page.switch)
    only_here = "Only this computer can ask, with a key." in looks.texts(page.switch)
    assert only_here != (picture.open_to_all or picture.beyond)


def test_a_switch_that_is_moved_asks_and_one_that_is_shown_does_not(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.OFF)
    asked = QSignalSpy(page.switched)
    page.show_picture(api_scenes.ON)
    assert page.switch.switch.isChecked()
    assert asked.count() == 0
    page.switch.switch.click()
    assert asked.at(0) == [False]
    for enabled in (False, True):  # for good, or because it moves to another port
        page.show_picture(replace(api_scenes.ON, stage="ending", enabled=enabled))
        assert page.switch.switch.isChecked() == enabled
    assert asked.count() == 1


def test_keys_say_what_they_may(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.busy(), "keys")
    said = looks.texts(page.keys)
    for words in (
        "models: r1-*, qwen3*  ·  60 requests a minute",
        "50,000 tokens a minute  ·  only: docs.read",
        "Counters only",
        "Revoked",
        "Expired",
        "never used",
    ):
        assert words in said
    assert {"Revoke Editor", "Erase Old laptop from the list"} <= looks.names(page)
    assert "Revoke Old laptop" not in looks.names(page)


def test_a_key_is_revoked_after_a_question(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.busy(), "keys")
    looks.show(page, 900)
    revoked, erased = QSignalSpy(page.revoke_requested), QSignalSpy(page.erase_key_requested)
    first, *_, old, _ = api_scenes.keys()
    row = page.keys.rows[first.id]
    looks.button(row, "Revoke Editor").click()
    assert "What runs for it ends." in looks.texts(row.confirm)
    looks.button(row.confirm, "Keep").click()
    assert revoked.count() == 0
    looks.button(row, "Revoke Editor").click()
    looks.button(row.confirm, "Revoke").click()
    assert revoked.at(0) == [first.id]
    looks.button(page, "Erase Old laptop from the list").click()
    assert erased.at(0) == [old.id]


def test_the_form_of_a_new_key(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.ON, "keys")
    looks.show(page, 900)
    asked = QSignalSpy(page.key_asked)
    looks.button(page.keys, "New key…").click()
    form = page.keys.form
    assert "Asks models, searches, adds and deletes documents." in looks.texts(form)
    form.role.setCurrentIndex(form.role.findData("metrics"))
    form.role.activated.emit(form.role.currentIndex())
    assert "Reads the counters at /metrics, nothing else." in looks.texts(form)
    form.name.setText("Board")
    form.models.setText(" r1-* ,, qwen3 ")
    form.requests.setValue(30)
    qtbot.keyClick(form.name, Qt.Key.Key_Return)
    (wanted,) = asked.at(0)
    assert (wanted.name, wanted.role, wanted.models) == ("Board", "metrics", ("r1-*", "qwen3"))
    assert (wanted.requests_per_minute, wanted.tokens_per_minute, wanted.expires) == (30, 0, None)
    form.show_refused(Phrase("A key needs a name.", "密钥需要一个名称。"))
    assert "A key needs a name." in looks.texts(form)
    qtbot.keyClick(form, Qt.Key.Key_Escape)
    assert form.isHidden()
    page.keys.ask()
    assert form.name.text() == ""
    assert "A key needs a name." not in looks.texts(form)


def test_a_secret_is_shown_with_a_warning_and_copied(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.ON, "keys")
    looks.show(page, 900)
    page.keys.ask()
    picture = api_scenes.made()
    assert picture.made is not None
    page.show_picture(picture)
    assert page.keys.form.isHidden()
    assert "cannot be shown again" in looks.texts(page.keys.secret)
    looks.button(page.keys.secret, "Copy the key").click()
    assert QGuiApplication.clipboard().text() == picture.made.secret == page.keys.secret.text.text()
    done = QSignalSpy(page.secret_seen)
    looks.button(page.keys.secret, "Done").click()
    assert done.count() == 1
    page.show_picture(replace(picture, made=None))
    assert page.keys.secret.isHidden()
    assert page.keys.secret.text.text() == ""


@pytest.mark.parametrize("client", CLIENTS)
def test_examples_have_the_address_the_model_and_the_key(qtbot: QtBot, client: Client) -> None:
    page = page_of(qtbot, api_scenes.ON)
    page.examples.show_client(client)
    text = page.examples.code.text
    assert all(one in text for one in ("http://127.0.0.1:8642", api_scenes.MODEL, "YOUR_KEY"))
    picture = api_scenes.made()
    assert picture.made is not None
    page.show_picture(picture)
    text = page.examples.code.text
    assert picture.made.secret in text
    assert "YOUR_KEY" not in text
    looks.button(page.examples.code, "Copy the code").click()
    assert QGuiApplication.clipboard().text() == text


def test_a_strange_name_of_a_model_breaks_no_example() -> None:
    name = "o\"d'd $(rm) 模型"
    assert f"model={json.dumps(name, ensure_ascii=False)}" in example("python", "http://h", name, "k").text
    body = example("curl", "http://h", name, "k").text.partition("-d ")[2]
    shell = body.replace("'\"'\"'", "\0").strip("'").replace("\0", "'")
    assert json.loads(shell)["model"] == name
    compile(example("ollama", "http://h", name, "k").text, "example", "exec")


# ---- the list of what is over


def numbers(requests: RequestList) -> list[int]:
    return [entry.number for row in range(requests.rowCount()) if (entry := requests.entry(row))]


def test_older_requests_come_as_somebody_scrolls_and_newer_ones_by_themselves() -> None:
    requests = RequestList()
    asked = QSignalSpy(requests.more_wanted)
    requests.show_newest(api_scenes.entries(BLOCK))
    none = QModelIndex()
    assert requests.canFetchMore(none)
    requests.fetchMore(none)
    assert asked.at(0) == [300 - BLOCK + 1]
    assert not requests.canFetchMore(none), "it is asked for once"
    requests.add_older([api_scenes.logged(number) for number in range(200, 150, -1)])
    assert numbers(requests) == list(range(300, 150, -1))
    assert not requests.canFetchMore(none)
    resets = QSignalSpy(requests.modelReset)
    requests.show_newest([api_scenes.logged(number) for number in range(303, 203, -1)])
    assert numbers(requests) == list(range(303, 150, -1))
    assert resets.count() == 0, "nobody is thrown out of his place"
    requests.show_newest([api_scenes.logged(number) for number in range(900, 800, -1)])
    assert numbers(requests) == list(range(900, 800, -1)), "no gap is hidden"
    requests.show_newest([api_scenes.logged(901)])
    assert numbers(requests) == [901], "the others were erased"
    requests.show_newest(())
    assert numbers(requests) == []


def test_texts_are_shown_where_they_were_kept(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.busy(), "requests", rows=3)
    looks.show(page, 900)
    api_scenes.opened(page)
    assert "What was asked and answered is not kept." in looks.texts(page.requests.detail)
    seen = page.requests.detail.visibleRegion
    qtbot.waitUntil(lambda: not seen().isEmpty(), timeout=LONG)
    page.requests.detail.show_entry(api_scenes.logged(1, asked="user: <b>Why?</b>", answered="Because."))
    said = looks.texts(page.requests.detail)
    assert "user: <b>Why?</b>" in said
    assert "Because." in said
    qtbot.keyClick(page.requests.view, Qt.Key.Key_Escape)
    assert page.requests.detail.isHidden()


def test_each_request_that_runs_has_its_cancel(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.busy(), "requests")
    cancelled = QSignalSpy(page.cancel_requested)
    assert "Requests (3)" in looks.names(page)
    row = page.requests.live["req_3"]
    assert "reads\nPOST /v1/messages" in looks.texts(row)
    button = looks.button(row, "Cancel: Editor, /v1/messages")
    button.click()
    assert cancelled.at(0) == ["req_3"]
    assert not button.isEnabled()
    page.show_picture(api_scenes.ON)
    assert "No program is asking." in looks.texts(page.requests)


# ---- with the real services


class Room:
    """The page in a window, with everything behind it."""

    def __init__(self, qtbot: QtBot, paths: Paths) -> None:
        self.qtbot = qtbot
        self.services = Services.open(paths)
        self.services.settings.set("api.port", closed_port())
        self.window = MainWindow()
        self.window.add_page("chat", QWidget())
        qtbot.addWidget(self.window)
        self.pump = Pump(self.window.notices.post_error)
        self.settings = settings = SettingsController(self.services)
        self.desk = ApiDesk(self.window, self.services, settings, self.pump)
        self.pump.listen(self.services.changes(), self.tell)
        self.page = self.desk.page
        self.window.show()

    def tell(self, changes: Sequence[str]) -> None:
        self.settings.on_changes(changes)
        self.desk.on_changes(changes)

    def close(self) -> None:
        self.pump.close()
        self.desk.close()
        self.services.close()

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=LONG)

    def until_stage(self, stage: str) -> ApiPicture:
        self.until(lambda: self.desk.api.picture.stage == stage)
        return self.desk.api.picture

    def makes_key(self, name: str) -> str:
        self.page.show_place("keys")
        looks.button(self.page.keys, "New key…").click()
        self.page.keys.form.name.setText(name)
        looks.button(self.page.keys.form, "Make the key").click()
        self.until(lambda: self.desk.api.picture.made is not None)
        return self.page.keys.secret.text.text()


@pytest.fixture
def room(qtbot: QtBot, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.chdir(paths.data)
    room = Room(qtbot, paths)
    yield room
    room.close()


def ask(address: str, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.get(f"{address}/v1/models", headers=headers, trust_env=False, timeout=60).status_code


def test_on_a_key_a_question_revoked_off(room: Room) -> None:
    room.desk.start()
    room.window.show_page("api")
    room.until_stage("off")
    room.page.switch.switch.click()
    address = room.until_stage("on").address
    assert address.endswith(str(room.services.settings.current.api.port))
    secret = room.makes_key("Editor")
    assert secret in room.page.examples.code.text
    assert ask(address, secret) == 200
    assert ask(address, "wrong") == 401
    room.until(lambda: room.desk.requests.rowCount() == 2)
    (key,) = room.services.api.keys.all()
    room.until(lambda: key.id in room.desk.api.picture.last_used)
    row = room.page.keys.rows[key.id]
    looks.button(row, "Revoke Editor").click()
    looks.button(row.confirm, "Revoke").click()
    room.until(lambda: "Revoked" in looks.texts(row))
    assert ask(address, secret) == 401
    room.until(lambda: room.desk.requests.rowCount() == 3)  # it is noted when it has been answered
    assert room.page.keys.secret.isHidden(), "of no use any more"
    looks.button(row, "Erase Editor from the list").click()
    room.until(lambda: not room.page.keys.rows)
    room.page.show_place("requests")
    looks.button(room.page, "Erase the list").click()
    looks.button(room.page, "Erase").click()
    room.until(lambda: room.desk.requests.rowCount() == 0)
    room.page.switch.switch.click()
    room.until_stage("off")
    with pytest.raises(httpx.ConnectError):
        ask(address, secret)


def test_a_server_that_is_there_before_the_window_looks_is_on(room: Room) -> None:
    room.desk.start()
    room.services.settings.set("api.enabled", True)
    for _ in room.services.api.as_set():
        pass
    assert room.services.api.state.address
    room.until_stage("on")


def test_a_bad_name_is_refused_in_place(room: Room) -> None:
    room.desk.start()
    room.window.show_page("api")
    room.page.show_place("keys")
    looks.button(room.page.keys, "New key…").click()
    looks.button(room.page.keys.form, "Make the key").click()
    room.until(lambda: "A key needs a name" in looks.texts(room.page.keys.form))
    assert room.services.api.keys.all() == ()


def test_a_port_that_is_taken_is_said_and_another_one_helps(room: Room) -> None:
    port = closed_port()  # nobody else gets it when it is free again
    with closing(socket.create_server(("127.0.0.1", port))):
        room.services.settings.set("api.port", port)
        room.services.settings.set("api.enabled", True)
        room.desk.start()
        room.until(lambda: f"Port {port} is used by another program." in looks.texts(room.window.notices))
        looks.button(room.window.notices, "Show").click()
        assert room.window.page == "api"
        assert room.desk.api.picture.stage == "failed"
        assert room.page.switch.switch.isChecked()
        assert not room.window.notices.banners
        before = room.services.api.state.problem
        looks.button(room.page, "Try again").click()
        room.until(lambda: room.services.api.state.problem not in (None, before))
        room.until_stage("failed")
    looks.button(room.page, "Try again").click()
    assert room.until_stage("on").address.endswith(f":{port}")


def test_the_next_port_is_one_press_away(room: Room) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        room.services.settings.set("api.port", port)
        room.services.settings.set("api.enabled", True)
        room.window.show_page("api")
        room.desk.start()
        room.until_stage("failed")
        looks.button(room.page, f"Use port {room.desk.api.picture.next_port}").click()
        room.until(lambda: room.services.settings.current.api.port != port)
        room.until(lambda: room.page.rows["api.port"].field.value() != port)


def test_a_wrong_web_page_is_explained_in_place(room: Room) -> None:
    room.desk.start()
    room.window.show_page("api")
    room.page.show_place("options")
    row = room.page.rows["api.origins"]
    row.field.show_value("http://localhost:3000, nonsense")
    row.field.entered.emit()
    assert "addresses of web pages such as http://localhost:3000" in looks.texts(row)
    assert room.services.settings.current.api.origins == ""
    row.field.show_value("http://localhost:3000")
    row.field.entered.emit()
    assert room.services.settings.current.api.origins == "http://localhost:3000"


def test_what_a_command_opens_is_warned_of_and_can_be_closed(room: Room) -> None:
    room.desk.start()
    (address,) = room.services.api.start(Serving(port=0, no_auth=True))
    room.until_stage("on")
    assert "No key is needed" in looks.texts(room.page.switch)
    assert ask(address, "") == 200
    room.page.switch.switch.click()
    room.until_stage("off")
    assert room.services.api.state.address == ""


def test_many_requests_come_as_somebody_scrolls(room: Room) -> None:
    log = room.services.api.log
    for _ in range(BLOCK * 2 + 20):
        log.put(Call(ROUTES[4], status=200), texts=False)
    for _ in log.settle():
        pass
    room.desk.start()
    room.window.show_page("api")
    room.page.show_place("requests")
    rows, view = room.desk.requests, room.page.requests.view
    room.until(lambda: rows.rowCount() == BLOCK)

    def scrolled_to(count: int) -> bool:
        view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())  # which grows when the rows are laid out
        return rows.rowCount() == count

    for count in (BLOCK * 2, BLOCK * 2 + 20):
        room.until(lambda count=count: scrolled_to(count))
    assert numbers(rows) == list(range(BLOCK * 2 + 20, 0, -1))


def test_tab_goes_down_the_page(qtbot: QtBot) -> None:
    page = page_of(qtbot, api_scenes.busy(), "keys")
    page.keys.ask()
    looks.show(page, 900, 3000)
    inner = page.widget()
    assert inner is not None
    heights = [widget.mapTo(inner, widget.rect().topLeft()).y() for widget in stops(inner)]
    assert len(heights) > 12
    back = [(above, below) for above, below in itertools.pairwise(heights) if below < above - 40]
    assert back == []
