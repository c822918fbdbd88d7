"""What open cards show of files on this disk: plans, measurements, versions, adapters.

A plan is made when a card is opened, and again when another model is loaded or the settings change: what is free is
another then.
"""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import NoticeBoard
from app.picture import Details, Smaller
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Phrase
from backends.core.stream import Runner, Stream
from backends.models.planner import Asked
from backends.models.quantize import QuantisePlan
from backends.models.types import LocalAdapter, LocalModel, Plan
from backends.services import Services
from backends.services.machine import PlanStep


class DetailsController(QObject):
    """`all` are the cards that are open; they have changed when `changed` says so."""

    changed = Signal()

    def __init__(
        self, services: Services, pump: Pump, runner: Runner, board: NoticeBoard, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._runner = runner
        self._board = board
        self._open: dict[Path, Details] = {}
        self._models: dict[Path, LocalModel] = {}
        self._plans: dict[Path, Stream[PlanStep | Plan]] = {}
        self._smaller: dict[Path, Stream[QuantisePlan]] = {}

    @property
    def all(self) -> tuple[Details, ...]:
        return tuple(self._open.values())

    @Slot(object, bool)
    def show(self, model: LocalModel, is_open: bool) -> None:
        """Open or close a card."""
        if is_open:
            self._models[model.path] = model
            self._draw(Details(model.path))
            self._look(model)
        else:
            self._forget(model.path)

    def refresh(self) -> None:
        """The library has changed: look again at what is open, and close what is gone."""
        there = {model.path: model for model in self._services.library.models()}
        for path in list(self._open):
            if path in there:
                self._models[path] = there[path]
                self._look(there[path])
            else:
                self._forget(path)

    @Slot()
    def look_at_measured(self) -> None:
        """There may be something new: an answer came to its end."""
        for path, model in self._models.items():
            self._pump.call(self._runner, self._known, model, then=lambda known, path=path: self._on_known(path, known))

    def note_checked(self, path: Path, said: Phrase) -> None:
        if path in self._open:
            self._draw(replace(self._open[path], checked=said))

    def _forget(self, path: Path) -> None:
        for streams in (self._plans, self._smaller):
            if stream := streams.pop(path, None):
                stream.cancel()
        self._models.pop(path, None)
        if self._open.pop(path, None) is not None:
            self.changed.emit()

    def _look(self, model: LocalModel) -> None:
        path = model.path
        self._pump.call(self._runner, self._known, model, then=lambda known: self._on_known(path, known))
        if before := self._plans.pop(path, None):
            before.cancel()
        asked = Asked(wanted_context=self._services.machine.wish.context)
        stream = self._plans[path] = self._services.machine.plan(path, asked=asked)
        self._pump.follow(
            stream,
            lambda events: self._on_plan(path, stream, events),
            on_error=lambda error: self._on_trouble(path, stream, error),
        )

    def _known(self, model: LocalModel) -> Details:
        """What needs no planning. On the worker: some of it reads small files."""
        library = self._services.library
        worn = {adapter.id: scale for adapter, scale in self._services.shelf.adapters_of(model)}
        fitting = [one for one in library.adapters() if one.architecture in ("", model.architecture)]
        measured = [one for one in self._services.experience.entries() if one.name == model.name]
        return Details(
            model.path,
            measured=tuple(measured),
            versions=library.versions(model.id),
            adapters=tuple((adapter, worn.get(adapter.id, 0.0)) for adapter in fitting),
            quants=self._services.quantising.offered(model),
        )

    def _on_known(self, path: Path, known: Details) -> None:
        if path in self._open:
            now = self._open[path]
            self._draw(
                replace(
                    now,
                    measured=known.measured,
                    versions=known.versions,
                    adapters=known.adapters,
                    quants=known.quants,
                )
            )

    def _on_plan(self, path: Path, stream: Stream[PlanStep | Plan], events: list[PlanStep | Plan]) -> None:
        if self._plans.get(path) is stream and isinstance(events[-1], Plan):
            self._draw(replace(self._open[path], plan=events[-1], trouble=NOTHING))

    def _on_trouble(self, path: Path, stream: Stream[PlanStep | Plan], error: BackendError) -> None:
        if self._plans.get(path) is stream:
            self._draw(replace(self._open[path], trouble=error.message))

    # ---- a smaller version, before it is made

    @Slot(object, str)
    def plan_smaller(self, model: LocalModel, quant: str) -> None:
        path = model.path
        if path not in self._open:
            return
        if before := self._smaller.pop(path, None):
            before.cancel()
        self._draw(replace(self._open[path], smaller=Smaller(quant)))
        stream = self._smaller[path] = self._services.quantising.plan(model, quant)
        self._pump.follow(
            stream,
            lambda plans: self._on_smaller(path, stream, plans[-1]),
            on_error=lambda error: self._on_not_smaller(path, stream, error),
        )

    def _on_smaller(self, path: Path, stream: Stream[QuantisePlan], plan: QuantisePlan) -> None:
        if self._smaller.get(path) is stream:
            made = Smaller(
                plan.quant,
                plan.size,
                plan.memory.total if plan.memory else None,
                plan.disk_needed,
                plan.disk_free,
                plan.loss,
            )
            self._draw(replace(self._open[path], smaller=made))

    def _on_not_smaller(self, path: Path, stream: Stream[QuantisePlan], error: BackendError) -> None:
        details = self._open.get(path)
        if self._smaller.get(path) is stream and details is not None and details.smaller is not None:
            said = Phrase(f"{error.message.en} {error.hint.en}".strip(), f"{error.message.zh}{error.hint.zh}")
            self._draw(replace(details, smaller=replace(details.smaller, message=said)))

    # ---- adapters

    @Slot(object, object, float)
    def scale_adapter(self, model: LocalModel, adapter: LocalAdapter, scale: float) -> None:
        """On, off (0), or another strength: holds at once if the model is loaded."""
        details = self._open.get(model.path)
        if details is None:
            return
        adapters = tuple((one, scale if one.id == adapter.id else old) for one, old in details.adapters)
        self._draw(replace(details, adapters=adapters))
        worn = [(one, value) for one, value in adapters if value > 0]
        self._pump.follow(
            self._services.shelf.set_adapters(model, worn), lambda _: None, on_error=self._on_adapter_refused
        )

    def _on_adapter_refused(self, error: BackendError) -> None:
        self._board.post_error(error)
        self.refresh()  # the switch goes back to what holds

    @Slot(object, str)
    def add_adapter(self, model: LocalModel, path: str) -> None:
        self._pump.follow(
            self._services.shelf.add_adapter(Path(path)),
            lambda added: self.scale_added(model, added[-1]),
        )

    def scale_added(self, model: LocalModel, adapter: LocalAdapter) -> None:
        """One that was just chosen for this model is switched on."""
        details = self._open.get(model.path)
        if details is not None and adapter.architecture in ("", model.architecture) and not adapter.problem.en:
            known = tuple(one for one in details.adapters if one[0].id != adapter.id)
            self._draw(replace(details, adapters=(*known, (adapter, 0.0))))
            self.scale_adapter(model, adapter, 1.0)

    @Slot(object)
    def remove_adapter(self, adapter: LocalAdapter) -> None:
        self._pump.follow(self._services.shelf.remove_adapter(adapter), lambda _: self.refresh())

    def _draw(self, details: Details) -> None:
        if self._open.get(details.path) != details:
            self._open[details.path] = details
            self.changed.emit()
