"""What happens on the page of the API: on and off, keys, requests that run, requests that are over.

Everything out of a database is read on a thread of its own, one reading at a time, and only while somebody looks on.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.api_picture import ApiPicture, AskedKey, MadeKey, Stage
from app.bridge import Pump
from app.lists.requests import BLOCK, RequestList
from app.notices import NoticeBoard, NoticeButton, error_notice
from backends.api.request_log import Logged
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Phrase
from backends.core.settings import SettingsStore
from backends.core.stream import Runner
from backends.governance.keys import Key
from backends.services.api import ApiServices, ApiState

T = TypeVar("T")

PAUSE_MS = 500  # between two looks at what comes without end
TICK_MS = 500  # seconds and tokens of what runs
_NOTICE = "api"
_SHOW = Phrase("Show", "查看")


class ApiController(QObject):
    """`refused(why)`: such a key cannot be made."""

    picture_changed = Signal()
    refused = Signal(object)  # Phrase
    page_wanted = Signal()

    def __init__(
        self,
        api: ApiServices,
        settings: SettingsStore,
        pump: Pump,
        requests: RequestList,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._api, self._settings = api, settings
        self._pump, self._requests, self._board = pump, requests, board
        self._runner = Runner("api-page")
        self._looking = self._again = False
        self._shown = False
        self._told: BackendError | None = None  # the problem that a notice was posted of
        self._wanted: tuple[bool, int] | None = None
        self._seen = api.state
        self._left: ApiState | None = None  # the server that is being ended
        self._pause = _timer(self, PAUSE_MS, self.look)
        self._pause.setSingleShot(True)
        self._tick = _timer(self, TICK_MS, self._look_at_live)
        self.picture = ApiPicture()
        requests.more_wanted.connect(self._on_more_wanted)

    def start(self) -> None:
        """On, if the settings say so."""
        self._api.begin()
        self._look_at_state()

    def close(self) -> None:
        self._pause.stop()
        self._tick.stop()
        self._runner.close()

    def on_changes(self, changes: Sequence[str]) -> None:
        if "api" in changes or "settings" in changes:
            self._look_at_state()
        if "requests" in changes and self._shown and not self._pause.isActive():
            self._pause.start()

    def set_shown(self, shown: bool) -> None:
        """Whether somebody looks on."""
        self._shown = shown
        if shown:
            self._board.withdraw(_NOTICE)
            self.look()

    def show_model(self, model_id: str) -> None:
        self._draw(model=model_id)

    # ---- looking

    @Slot()
    def look(self) -> None:
        """Read what the page shows. What is asked for meanwhile is one more look."""
        self._look_at_live()
        if self._looking:
            self._again = True
            return
        self._looking = True
        api = self._api

        def read() -> tuple[tuple[Key, ...], dict[str, float], tuple[Logged, ...]]:
            return api.keys.all(), api.log.last_used(), api.log.entries(BLOCK)

        self._pump.call(self._runner, read, then=self._on_read, on_error=self._on_not_read)

    def _on_read(self, found: tuple[tuple[Key, ...], dict[str, float], tuple[Logged, ...]]) -> None:
        self._looking = False
        keys, last_used, newest = found
        self._requests.show_newest(newest)
        self._draw(keys=keys, last_used=last_used, trouble=NOTHING)
        if self._again:
            self._again = False
            self._pause.start()

    def _on_not_read(self, error: BackendError) -> None:
        self._looking = self._again = False
        self._draw(keys=None, trouble=error.message)

    @Slot(int)
    def _on_more_wanted(self, before: int) -> None:
        api = self._api

        def read() -> tuple[Logged, ...]:
            return api.log.entries(BLOCK, before=before)

        self._call(read, then=self._requests.add_older)

    @Slot()
    def _look_at_live(self) -> None:
        live = self._api.running()
        self._draw(live=live)
        if live and self._shown:
            self._tick.start()
        else:
            self._tick.stop()

    def _look_at_state(self) -> None:
        state, settings = self._api.state, self._settings.current.api
        wanted = (settings.enabled, settings.port)
        if self._wanted not in (None, wanted) and state is self._seen and state.address:
            self._left = state  # and not one that was started for it already
        if self._left is not state:
            self._left = None
        self._wanted, self._seen = wanted, state
        problem = state.problem if settings.enabled else None
        stage: Stage = "off"
        if problem is not None:
            stage = "failed"
        elif self._left is not None:
            stage = "ending"
        elif state.address:
            stage = "on"
        elif settings.enabled:
            stage = "starting"
        self._draw(
            stage=stage,
            enabled=settings.enabled,
            address=state.address,
            message=problem.message if problem else NOTHING,
            hint=problem.hint if problem else NOTHING,
            port=settings.port,
            port_taken=problem is not None and problem.code == "port_in_use",
            open_to_all=state.open_to_all,
            beyond=state.beyond,
        )
        self._tell(problem)

    def _tell(self, problem: BackendError | None) -> None:
        """Where the page is not seen, a notice says it."""
        if problem is None:
            self._board.withdraw(_NOTICE)
        elif problem is not self._told and not self._shown:
            notice = error_notice(problem, NoticeButton(_SHOW, self.page_wanted.emit))
            self._board.post(replace(notice, key=_NOTICE))
        self._told = problem

    # ---- what a person does

    @Slot(bool)
    def switch(self, on: bool) -> None:
        if not on and not self._settings.current.api.enabled:  # a command has switched it on
            self._left = self._api.state
            self._pump.follow(self._api.stop(), lambda _: None, on_error=self._board.post_error)
            self._look_at_state()
        else:
            self._set("api.enabled", on)

    @Slot()
    def try_again(self) -> None:
        self._pump.follow(self._api.as_set(), lambda _: None, on_error=self._board.post_error)

    @Slot()
    def use_next_port(self) -> None:
        self._set("api.port", self.picture.next_port)

    @Slot(object)
    def make_key(self, asked: AskedKey) -> None:
        api = self._api

        def make() -> tuple[Key, str]:
            return api.keys.add(
                asked.name,
                asked.role,
                models=asked.models,
                requests_per_minute=asked.requests_per_minute,
                tokens_per_minute=asked.tokens_per_minute,
                expires=asked.expires,
            )

        def made(found: tuple[Key, str]) -> None:
            self._draw(made=MadeKey(*found))
            self.look()

        def refused(error: BackendError) -> None:
            self.refused.emit(Phrase(str(error), f"{error.message.zh}{error.hint.zh}"))

        self._pump.call(self._runner, make, then=made, on_error=refused)

    @Slot()
    def forget_secret(self) -> None:
        """It was copied."""
        self._draw(made=None)

    @Slot(str)
    def revoke_key(self, key_id: str) -> None:
        self._forget(key_id)
        self._call(lambda: self._api.revoke(key_id), then=lambda _: self.look())

    @Slot(str)
    def erase_key(self, key_id: str) -> None:
        self._forget(key_id)
        self._call(lambda: self._api.keys.erase(key_id), then=lambda _: self.look())

    @Slot(str)
    def cancel(self, call_id: str) -> None:
        self._api.live.cancel(call_id)

    @Slot()
    def erase_requests(self) -> None:
        def erase() -> None:
            for _ in self._api.log.erase():
                pass

        self._call(erase, then=lambda _: self.look())

    def _forget(self, key_id: str) -> None:
        if self.picture.made is not None and self.picture.made.key.id == key_id:
            self.forget_secret()

    # ---- common to them

    def _set(self, key: str, value: object) -> None:
        try:
            self._settings.set(key, value)
        except BackendError as error:
            self._board.post_error(error)
            self.picture_changed.emit()  # the switch goes back

    def _call(self, function: Callable[[], T], then: Callable[[T], None]) -> None:
        self._pump.call(self._runner, function, then=then, on_error=self._board.post_error)

    def _draw(self, **changed: Any) -> None:
        picture = replace(self.picture, **changed)
        if picture != self.picture:
            self.picture = picture
            self.picture_changed.emit()


def _timer(parent: QObject, milliseconds: int, rung: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setInterval(milliseconds)
    timer.timeout.connect(rung)
    return timer
