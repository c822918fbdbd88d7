"""What takes a while and is done with files on this disk: verifying, repairing, making smaller versions, copying.

Each is one Stream; the page shows it on the card of its file, and a notice says how it ended.
"""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import Notice, NoticeBoard, NoticeButton, error_notice
from app.picture import Work
from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.models.download import DownloadFinished, DownloadProgress, DownloadVerifying
from backends.models.taking_in import ImportEvent, ImportFinished, ImportFound, ImportLink, ImportProgress
from backends.models.types import LocalAdapter, LocalModel
from backends.models.verify import VerifyEvent, VerifyFinished, VerifyProgress
from backends.services import Services
from backends.services.quantising import QuantiseEvent, QuantiseFinished

_REPAIR = Phrase("Repair", "修复")
_COPY = Phrase("Copy to this computer", "复制到本机")
_IN_PLACE = Phrase("Use it where it is", "直接使用")


class Works(QObject):
    """`all` are at work now. `checked(path, said)`: a file was verified."""

    changed = Signal()
    checked = Signal(object, object)
    taken_in = Signal(object)  # LocalModel
    link_given = Signal(str)
    shelf_changed = Signal()

    def __init__(self, services: Services, pump: Pump, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._board = board
        self._works: dict[str, Work] = {}
        self._streams: dict[str, Stream[Any]] = {}

    @property
    def all(self) -> tuple[Work, ...]:
        return tuple(self._works.values())

    @Slot(str)
    def cancel(self, key: str) -> None:
        if stream := self._streams.get(key):
            stream.cancel()

    # ---- is it whole

    @Slot(object)
    def verify(self, model: LocalModel) -> None:
        self._begin(
            Work("verify", str(model.path), model.name),
            self._services.shelf.verify(model),
            lambda event: self._on_verify(model, event),
        )

    def _on_verify(self, model: LocalModel, event: VerifyEvent) -> None:
        match event:
            case VerifyProgress(fraction):
                self._show(Work("verify", str(model.path), model.name, fraction))
            case VerifyFinished(_, verdict, said, damaged):
                self.checked.emit(model.path, said)
                good = verdict in ("matches", "remembered")
                buttons = (NoticeButton(_REPAIR, lambda: self.repair(model)),) if damaged else ()
                key = f"verified:{model.path}"
                self._board.post(Notice(said, tone="success" if good else "danger", buttons=buttons, key=key))

    @Slot(object)
    def repair(self, model: LocalModel) -> None:
        """Fetch what is damaged again, and nothing else."""
        self._begin(
            Work("repair", str(model.path), model.name),
            self._services.shelf.repair(model),
            lambda event: self._on_repair(model, event),
        )

    def _on_repair(self, model: LocalModel, event: object) -> None:
        match event:
            case DownloadProgress(done, total, _, seconds_left):
                self._show(Work("repair", str(model.path), model.name, done / total if total else 0.0, seconds_left))
            case DownloadVerifying(fraction):
                self._show(Work("verify", str(model.path), model.name, fraction))
            case DownloadFinished():
                said = Phrase(f"{model.name} is whole again.", f"{model.name} 已修复。")
                self.checked.emit(model.path, said)
                self._board.post(Notice(said, tone="success", key=f"verified:{model.path}"))

    # ---- smaller

    @Slot(object, str)
    def quantise(self, model: LocalModel, quant: str) -> None:
        self._begin(
            Work("quantise", str(model.path), model.name),
            self._services.quantising.start(model, quant),
            lambda event: self._on_quantise(model, quant, event),
        )

    def _on_quantise(self, model: LocalModel, quant: str, event: QuantiseEvent | QuantiseFinished) -> None:
        match event:
            case QuantiseEvent(fraction, seconds_left):
                self._show(Work("quantise", str(model.path), model.name, fraction, seconds_left))
            case QuantiseFinished():
                said = Phrase(f"{model.name} in {quant} was made.", f"已生成 {model.name} 的 {quant} 版本。")
                self._board.post(Notice(said, tone="success", key=f"made:{model.path}:{quant}"))

    # ---- taking in

    def take_in(self, source: str, *, copy: bool = False) -> None:
        """A file, a folder, another program's store, or a link. From a stick: ask whether to copy."""
        name = Path(source).name or source
        self._begin(
            Work("copy", source, name),
            self._services.shelf.import_(source, copy=copy),
            lambda event: self._on_import(source, name, event, copy=copy),
            shown=copy,
        )

    def _on_import(self, source: str, name: str, event: ImportEvent, *, copy: bool) -> None:
        match event:
            case ImportFound(_, _, removable) if removable and not copy:
                self._ask_where(source, name)
            case ImportProgress(done, total):
                self._show(Work("copy", source, name, done / total if total else 0.0))
            case ImportLink(ref):
                self.link_given.emit(ref)
            case ImportFinished(models, adapters, skipped):
                self._on_taken_in(name, models, adapters, skipped)

    def _ask_where(self, source: str, name: str) -> None:
        said = Phrase(
            f"{name} lies on a disk that may be pulled out. A copy stays.",
            f"{name} 位于可移动磁盘上，复制后可长期使用。",
        )
        copy = NoticeButton(_COPY, lambda: self.take_in(source, copy=True))
        self._board.post(Notice(said, buttons=(copy,), key=f"removable:{source}"))

    def _on_taken_in(
        self,
        name: str,
        models: tuple[LocalModel, ...],
        adapters: tuple[LocalAdapter, ...],
        skipped: tuple[tuple[Path, Phrase], ...],
    ) -> None:
        self.shelf_changed.emit()
        if len(models) == 1 and not adapters and not skipped:
            self.taken_in.emit(models[0])
            return
        if len(adapters) == 1 and not models and not skipped:
            self._on_adapter(adapters[0])
            return
        en, zh = f"{name}: {_some(len(models), 'model')}", f"{name}：已加入 {len(models)} 个模型"
        if adapters:
            en, zh = f"{en}, {_some(len(adapters), 'adapter')}", f"{zh}、{len(adapters)} 个适配器"
        en = f"{en} taken in"
        if skipped:
            en, zh = f"{en}; {_some(len(skipped), 'file')} cannot be used", f"{zh}；{len(skipped)} 个文件无法使用"
        why = skipped[0][1] if skipped else Phrase("", "")
        hint = Phrase(f"{skipped[0][0].name}: {why.en}", f"{skipped[0][0].name}：{why.zh}") if skipped else why
        tone = "success" if models or adapters else "warning"
        self._board.post(Notice(Phrase(f"{en}.", f"{zh}。"), hint, tone, key=f"taken:{name}"))

    def _on_adapter(self, adapter: LocalAdapter) -> None:
        if adapter.problem.en:
            self._board.post(Notice(adapter.problem, tone="danger", key=f"adapter:{adapter.id}"))
            return
        said = Phrase(f"The adapter {adapter.name} was taken in.", f"已加入适配器 {adapter.name}。")
        hint = Phrase("Switch it on in the details of a model that it is for.", "请在适用模型的详细信息中启用。")
        self._board.post(Notice(said, hint, "success", key=f"adapter:{adapter.id}"))

    # ---- all of them

    def _begin(self, work: Work, stream: Stream[Any], on_event: Any, *, shown: bool = True) -> None:
        self.cancel(work.key)
        self._streams[work.key] = stream
        if shown:
            self._show(work)

        def on_events(events: list[Any]) -> None:
            if self._streams.get(work.key) is stream:
                for event in events:
                    on_event(event)

        def on_end() -> None:
            if self._streams.get(work.key) is stream:
                del self._streams[work.key]
                if self._works.pop(work.key, None) is not None:
                    self.changed.emit()

        self._pump.follow(stream, on_events, on_end, lambda error: self._on_error(work, error))

    def _on_error(self, work: Work, error: BackendError) -> None:
        said = error_notice(error)
        message = Phrase(f"{work.name}: {error.message.en}", f"{work.name}：{error.message.zh}")
        self._board.post(Notice(message, said.hint, "danger", key=f"work:{work.key}"))

    def _show(self, work: Work) -> None:
        if work.key in self._streams and self._works.get(work.key) != work:
            self._works[work.key] = work
            self.changed.emit()


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
