"""What happens to the model that answers: loaded, in steps if it must, stopped, unloaded."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import Notice, NoticeBoard, NoticeButton, error_notice
from app.picture import Loading
from backends.chat.answer import ModelChosen
from backends.core.errors import BackendError, EngineError, ResourceError
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine.protocol import (
    LoadedModel,
    LoadEvent,
    LoadFinished,
    LoadProgress,
    LoadStepped,
    LoadTrying,
    LoadWaiting,
)
from backends.models.types import LocalModel
from backends.services import Services

_TRY_AGAIN = Phrase("Try again", "重试")
_ON_CPU = Phrase("Use the processor alone", "仅用处理器运行")
_WAITS = "load waits"
_LONGEST = 300  # characters of the engine's own words, which may be many lines


class Loads(QObject):
    """`loading` is what is being loaded, `loaded` what answers; either has changed when `changed` says so.

    `failed`: the file may be what is wrong.
    """

    changed = Signal()
    finished = Signal()
    failed = Signal()

    def __init__(self, services: Services, pump: Pump, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._board = board
        self._stream: Stream[LoadEvent] | None = None
        self.loading: Loading | None = None
        self.loaded: LoadedModel | None = services.engine.model
        self.has_gpu = False  # something else than the processor could be blamed

    @property
    def is_busy(self) -> bool:
        return self._stream is not None

    def load(self, model: LocalModel, *, safe: bool = False) -> None:
        """`safe`: on the processor alone."""
        self.cancel()
        self.follow(self._services.loading.load(model, safe=safe), model, safe=safe)

    def load_first(self, model: LocalModel) -> None:
        """Unless somebody's question, or a command, loads one before its turn comes."""
        self.follow(self._services.loading.load_unless_loaded(model), model)

    @Slot()
    def cancel(self) -> None:
        if self._stream is not None:
            self._stream.cancel()

    def follow(self, stream: Stream[LoadEvent], model: LocalModel, *, safe: bool = False) -> None:
        """A load that was begun by a switch of versions is one like any other."""
        for banner in self._board.banners:
            if banner.notice.key.startswith("stepped:"):
                banner.dismiss()  # of an earlier load
        self._board.withdraw("load")
        self._stream = stream
        self._draw(Loading(model, 0.0), None)
        self._pump.follow(
            stream,
            lambda events: self._on_events(stream, model, events),
            lambda: self._on_end(stream),
            lambda error: self._on_error(stream, model, error, safe),
        )

    def _on_events(self, stream: Stream[LoadEvent], model: LocalModel, events: list[LoadEvent]) -> None:
        if stream is not self._stream:
            return  # another one was asked for meanwhile
        for event in events:
            if not isinstance(event, LoadWaiting):
                self._board.withdraw(_WAITS)
            match event:
                case LoadWaiting(answers):
                    self._board.post(Notice(_waiting(answers), key=_WAITS))
                case LoadTrying():
                    self._draw(Loading(model, 0.0, trying=True), None)
                case LoadProgress(fraction):
                    before = self.loading or Loading(model, 0.0)
                    begun_anew = before.trying and fraction < before.fraction  # the trial went well
                    self._draw(Loading(model, fraction, trying=before.trying and not begun_anew), None)
                case LoadStepped():
                    self._draw(Loading(model, 0.0), None)
                    self._board.post(stepped(model.name, event))
                case LoadFinished(loaded):
                    self._on_finished(loaded)

    def _on_finished(self, loaded: LoadedModel) -> None:
        self._draw(None, loaded)
        self._board.withdraw("load")  # what an earlier try said is no longer so
        for note in loaded.notes:
            self._board.post(Notice(note, tone="warning", key="load"))
        self.finished.emit()

    def _on_end(self, stream: Stream[LoadEvent]) -> None:
        if stream is self._stream:
            self._stream = None
            self._board.withdraw(_WAITS)
            self._draw(None, self._services.engine.model)

    def _on_error(self, stream: Stream[LoadEvent], model: LocalModel, error: BackendError, safe: bool) -> None:
        if stream is not self._stream:
            return
        buttons: list[NoticeButton] = []
        if isinstance(error, EngineError | ResourceError):
            buttons.append(NoticeButton(_TRY_AGAIN, lambda: self.load(model, safe=safe)))
            if not safe and self.has_gpu:
                buttons.append(NoticeButton(_ON_CPU, lambda: self.load(model, safe=True)))
        self._board.post(replace(error_notice(error, *buttons), key="load"))
        self.failed.emit()

    @Slot()
    def look(self) -> None:
        """Another one was loaded, here or by a command."""
        self._draw(self.loading, self._services.engine.model)

    def _draw(self, loading: Loading | None, loaded: LoadedModel | None) -> None:
        if (loading, loaded) != (self.loading, self.loaded):
            self.loading, self.loaded = loading, loaded
            self.changed.emit()


def _waiting(answers: int) -> Phrase:
    if answers == 1:
        return Phrase("The model changes when the running answer is done.", "当前回答完成后切换模型。")
    return Phrase(
        f"The model changes when the {answers} running answers are done.", f"{answers} 个正在生成的回答完成后切换模型。"
    )


def stepped(name: str, event: LoadStepped) -> Notice:
    """It goes on in another way: what changed, what that costs and why, in the engine's own words."""
    why, change, cost = event.why, event.change, event.cost
    said = Phrase(f"{name}: {change.en}", f"{name}：{change.zh}")
    hint = Phrase(f"{cost.en} {_short(why.en)}".strip(), f"{cost.zh}{_short(why.zh)}")
    return Notice(said, hint, "warning", key=f"stepped:{change.en}")


def told(name: str, event: object) -> Notice | None:
    """What an answer by the model of this name has to say of its load: it went another way, or is not the one that its
    conversation asks for, which is there no more."""
    if isinstance(event, LoadStepped):
        return stepped(name, event)
    return _instead(event) if isinstance(event, ModelChosen) and event.gone else None


def _instead(event: ModelChosen) -> Notice:
    said = Phrase(f"{event.gone} is not on this computer any more.", f"这台电脑上已没有 {event.gone}。")
    hint = Phrase(
        f"{event.name} answers instead. Choose another one in the settings of this chat.",
        f"改由 {event.name} 回答。可在本对话的设置中另选模型。",
    )
    return Notice(said, hint, "warning", key=f"gone:{event.gone}")


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rstrip()}…"
