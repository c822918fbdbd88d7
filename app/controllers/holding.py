"""What holds the model back, looked up while it is shown; the button that helps, carried out; what came of it."""

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.bridge import Pump
from app.controllers.loads import Loads
from app.holding_picture import HoldingPicture, Work
from app.notices import NoticeBoard
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING
from backends.core.stream import Stream
from backends.engine.protocol import LoadedModel
from backends.hardware.samples import Program
from backends.monitor.outcome import outcome
from backends.monitor.types import Limit, Sample
from backends.services import Services
from backends.services.holding import LOADS

EVERY_MS = 2000  # a sentence that changes more often is not read
_SETTINGS = {"unused_gpu": "engine.gpu_layers", "waiting": "engine.parallel"}  # that help, by the kind of a limit


class HoldingController(QObject):
    """`picture_changed` with a HoldingPicture. `page_wanted`: models or doctor."""

    picture_changed = Signal(object)
    page_wanted = Signal(str)
    setting_wanted = Signal(str)  # its key

    def __init__(
        self, services: Services, pump: Pump, loads: Loads, board: NoticeBoard, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._services, self._pump, self._loads, self._board = services, pump, loads, board
        self.picture = HoldingPicture()
        self._before: LoadedModel | None = None  # a load that is to help is on its way
        self._watch: Stream[Sample] | None = None
        self._look: Stream[tuple[Limit, ...]] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.look)
        loads.changed.connect(self._on_loads)

    def close(self) -> None:
        self.set_shown(False)

    # ---- looking

    @property
    def watching(self) -> bool:
        return self._timer.isActive()

    @Slot(bool)
    def set_shown(self, shown: bool) -> None:
        """Whether anybody can look. If not, nothing is sampled for this, and no timer runs."""
        if shown and self._watch is None:
            self._watch = self._services.monitoring.watch()
            self._timer.start()
            self.look()
        elif not shown and self._watch is not None:
            self._timer.stop()
            self._watch.cancel()
            self._watch = None
            self._draw(programs=None, result=NOTHING)

    @Slot()
    def look(self) -> None:
        if self._watch is not None:
            self._watch.drain()  # what was sampled is asked of the services
        if self._look is None and not self._loads.is_busy:
            self._look = self._services.holding.look()
            self._pump.follow(self._look, self._on_limits, self._on_looked, self._on_unknown)

    def _on_limits(self, found: list[tuple[Limit, ...]]) -> None:
        limits = found[-1]
        asked = self.picture.programs is not None and any(one.remedy == "unload_others" for one in limits)
        self._draw(limits=limits, programs=self._programs() if asked else None)

    def _on_looked(self) -> None:
        self._look = None

    def _on_unknown(self, error: BackendError) -> None:
        """The file of the model has gone or is damaged: that is told when it is needed."""
        self._draw(limits=(Limit("unknown", error.message, "choose_model"),))

    def _programs(self) -> tuple[Program, ...]:
        latest = self._services.monitoring.latest
        found: dict[str, Program] = {}
        for card in latest.hardware.gpus if latest is not None else ():
            for one in card.programs:
                before = found.get(one.name)
                sizes = [each.memory for each in (one, before) if each is not None and each.memory is not None]
                found[one.name] = Program(one.name, sum(sizes) if sizes else None)
        return tuple(sorted(found.values(), key=lambda one: -(one.memory or 0)))

    # ---- what helps

    @Slot(object)
    def carry_out(self, limit: Limit) -> None:
        """What the button of a limit stands for."""
        match limit.remedy:
            case "choose_model":
                self.page_wanted.emit("models")
            case "doctor":
                self.page_wanted.emit("doctor")
            case "settings_engine":
                self.setting_wanted.emit(_SETTINGS[limit.kind])
            case "unload_others":
                self._draw(programs=self._programs())
            case remedy if remedy in LOADS:
                self._load(limit)

    def _load(self, limit: Limit) -> None:
        if self._loads.is_busy:
            return
        try:
            model = self._services.holding.model()
        except BackendError as error:
            self._board.post_error(error)
            return
        self._before = self._services.engine.model
        self._draw(work=Work(), result=NOTHING, programs=None)
        self._loads.follow(self._services.holding.carry_out(limit), model)

    @Slot()
    def cancel(self) -> None:
        self._loads.cancel()

    @Slot()
    def _on_loads(self) -> None:
        """A load has moved on: ours, if one is on its way."""
        before, after, loading = self._before, self._loads.loaded, self._loads.loading
        if before is None:
            return
        if loading is not None:
            self._draw(work=Work(loading.fraction or None))
            return
        self._before = None
        self._draw(work=None, result=NOTHING if after is None or after is before else outcome(before, after))

    def _draw(self, **changes: object) -> None:
        picture = replace(self.picture, **changes)
        if picture != self.picture:
            self.picture = picture
            self.picture_changed.emit(picture)
