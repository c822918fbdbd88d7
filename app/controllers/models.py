"""What happens on the pages about models: probing, advice, files, loading.

The controller keeps the picture that every page draws (`picture`), and says when it has changed. Nothing here waits:
each wish becomes a Stream that the Pump follows, or a call on the controller's own worker. Downloads and the access
token have controllers of their own, `downloads` and `tokens`, which live here.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.controllers.details import DetailsController
from app.controllers.downloads import Downloads
from app.controllers.finding import Finding
from app.controllers.loads import Loads
from app.controllers.tokens import Tokens
from app.controllers.works import Works
from app.language import say
from app.notices import Notice, NoticeBoard, NoticeButton
from app.picture import Picture
from app.shelves import chosen
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Phrase
from backends.core.stream import Runner
from backends.engine.loader import engine_info
from backends.engine.protocol import EngineInfo
from backends.hardware.types import Machine
from backends.models.types import Deleted, LocalModel, ModelFile
from backends.services import Services

_LOAD = Phrase("Load", "加载")
_PUT_BACK = Phrase("Undo", "撤销")
_ERASE = Phrase("Free the space now", "立即释放空间")
_DOWNLOAD = Phrase("Download", "下载")


class ModelsController(QObject):
    """Follows the streams of Services and turns them into pictures."""

    picture_changed = Signal()
    model_loaded = Signal()
    first_model_arrived = Signal()
    token_refused = Signal(object)  # Phrase
    engine_known = Signal(str)

    def __init__(self, services: Services, pump: Pump, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._board = board
        self._runner = Runner("models")
        self.downloads = Downloads(services, pump, self._runner, board, self)
        self.tokens = Tokens(services, pump, self._runner, self)
        self.finding = Finding(services, pump, self)
        self.details = DetailsController(services, pump, self._runner, board, self)
        self.works = Works(services, pump, board, self)
        self.loads = Loads(services, pump, board, self)
        self._judged: Machine | None = None  # looked at while no model of ours held memory that the next one may have
        self._picture = Picture(
            loaded=self.loads.loaded,
            folder=services.models_folder,
            network=services.settings.current.network,
            token=self.tokens.token,
            use=services.settings.current.models.use,
        )
        self.finding.changed.connect(self._on_parts)
        self.details.changed.connect(self._on_parts)
        self.works.changed.connect(self._on_parts)
        self.works.checked.connect(self.details.note_checked)
        self.works.taken_in.connect(self._on_taken_in)
        self.works.link_given.connect(self.pull)
        self.works.shelf_changed.connect(self.rescan)
        self.downloads.changed.connect(self._on_downloads)
        self.downloads.arrived.connect(self._on_arrived)
        self.loads.changed.connect(self._on_loads)
        self.loads.finished.connect(self._on_loaded)
        self.loads.failed.connect(self.rescan)  # the file may be what is wrong, and its card says so
        self.tokens.changed.connect(self._on_token)
        self.tokens.refused.connect(self.token_refused)

    @property
    def picture(self) -> Picture:
        return self._picture

    def start(self) -> None:
        """Look at the machine, the disk, and what was left half done."""
        self.probe()
        self.rescan()
        self.downloads.take_up()

    def close(self) -> None:
        """Join the worker, unless a keyring keeps it."""
        self._runner.close(timeout=2)

    # ---- the machine

    @Slot()
    def probe(self) -> None:
        self._draw(trouble=NOTHING)
        self._pump.follow(self._services.machine.probe(), self._on_machine, on_error=self._on_trouble)

    def _on_machine(self, machines: list[Machine]) -> None:
        machine = machines[-1]
        if self._judged is None or (self._picture.loaded is None and not self.loads.is_busy):
            self._judged = machine
        self.loads.has_gpu = bool(machine.gpus)
        self._draw(machine=machine)
        self._advise()

    def _advise(self) -> None:
        """What this computer should run, and what beside it. Milliseconds."""
        if self._judged is None:
            return
        advice = self._services.machine.advise(self._judged)
        beside = chosen(replace(self._picture, advice=advice))
        found = self._services.machine.companions(self._judged, beside)
        self._draw(advice=advice, companions=tuple(filter(None, (found.embedder, found.reranker))))

    def _on_trouble(self, error: BackendError) -> None:
        self._draw(trouble=error.message)
        self._board.post_error(error)

    @Slot()
    def look_up_engine(self) -> None:
        """Which engine this is, and on what it can run: a line each, in `engine_known`."""
        self._pump.call(self._runner, engine_info, then=self._on_engine, on_error=self._on_no_engine)

    def _on_engine(self, info: EngineInfo) -> None:
        devices = [f"{device.name}: {device.description}" for device in info.devices]
        self.engine_known.emit("\n".join([f"llama-cpp-python {info.version}", *devices]))

    def _on_no_engine(self, error: BackendError) -> None:
        self.engine_known.emit(say(error.message))

    # ---- what is on the disk

    @Slot()
    def rescan(self) -> None:
        self._pump.follow(self._services.shelf.rescan(), self._on_library)

    def _on_library(self, found: list[tuple[LocalModel, ...]]) -> None:
        first = self._picture.local == () and bool(found[-1])
        self._draw(local=found[-1])
        self.details.refresh()
        self._pump.call(self._runner, self._services.shelf.deleted, then=lambda deleted: self._draw(deleted=deleted))
        if first:
            self.first_model_arrived.emit()

    @Slot(str)
    def add_file(self, path: str) -> None:
        """ "I have a file", or a folder: take in what is there; one model is loaded at once."""
        self.works.take_in(path)

    @Slot(object)
    def _on_taken_in(self, model: LocalModel) -> None:
        if model.problem.en:
            self._board.post(Notice(model.problem, tone="danger", key=f"problem:{model.id}"))
        elif model.kind == "chat":
            self.load(model)

    @Slot(object)
    def remove(self, model: LocalModel) -> None:
        """Delete a model that is ours; any other is taken off the list. Either can be undone."""
        self._pump.follow(self._services.shelf.remove(model), lambda deleted: self._on_removed(model, deleted[-1]))

    def _on_removed(self, model: LocalModel, deleted: Deleted) -> None:
        self.loads.look()
        self.rescan()
        self.probe()
        name = model.path.name
        said = Phrase(f"{name} is off the list. The file is where it was.", f"已从列表移除 {name}，文件仍在原处。")
        buttons = [NoticeButton(_PUT_BACK, lambda: self.put_back(deleted.key))]
        if deleted.size:
            said = Phrase(
                f"{model.name} was deleted. Its place on the disk becomes free tomorrow, or now if you want.",
                f"已删除 {model.name}。它占用的磁盘空间将于明天释放，也可立即释放。",
            )
            buttons.append(NoticeButton(_ERASE, lambda: self.erase(deleted.key)))
        self._board.post(Notice(said, buttons=tuple(buttons), key=f"removed:{name}"))

    @Slot(str)
    def put_back(self, key: str) -> None:
        self._pump.follow(self._services.shelf.put_back(key), lambda _: self.rescan())

    def erase(self, key: str) -> None:
        """Erase one for good."""
        self._pump.follow(self._services.shelf.erase(key), lambda _: self._on_erased())

    @Slot()
    def empty_trash(self) -> None:
        """Erase for good what was deleted."""
        self._pump.follow(self._services.shelf.empty_trash(), lambda _: self._on_erased())

    def _on_erased(self) -> None:
        self.rescan()
        self.probe()  # the disk has more room now

    # ---- versions

    @Slot(object)
    def use_version(self, model: LocalModel) -> None:
        """Let another version of a model be the one in use; it is loaded if the former one was."""
        self.loads.cancel()
        self.loads.follow(self._services.shelf.use(model), model)

    @Slot(object)
    def look_for_newer(self, model: LocalModel) -> None:
        self._pump.follow(self._services.shelf.newer(model), lambda found: self._on_newer(model, found[-1]))

    def _on_newer(self, model: LocalModel, file: ModelFile | None) -> None:
        key = f"newer:{model.path}"
        if file is None:
            said = Phrase(f"{model.name} is the newest there is.", f"{model.name} 已是最新版本。")
            self._board.post(Notice(said, tone="success", key=key))
            return
        said = Phrase(
            f"The publisher has a newer {model.name} ({model.quant}). This one stays beside it.",
            f"发布者提供了新版 {model.name}（{model.quant}），现有版本会保留。",
        )
        get = NoticeButton(_DOWNLOAD, lambda: self.pull(f"{model.source}:{file.file}"))
        self._board.post(Notice(said, buttons=(get,), key=key))

    # ---- downloads and the token

    @Slot(str)
    def pull(self, ref: str) -> None:
        """Begin, or go on with, a download; once it is here it is loaded if nothing else is."""
        self.tokens.when_kept(lambda: self.downloads.pull(ref))

    @Slot(str)
    def pause(self, ref: str) -> None:
        self.downloads.pause(ref)

    @Slot(str)
    def discard(self, ref: str) -> None:
        """Stop, and delete what has arrived."""
        self.downloads.discard(ref)

    @Slot(str, str)
    def try_source(self, address: str, ref: str) -> None:
        """Let another hub be asked when the first fails, and go on with what failed: a download, or else the search."""
        network = self._services.settings.current.network
        more = ", ".join(filter(None, (network.more_sources.strip().rstrip(","), address)))
        try:
            self._services.settings.set("network.more_sources", more)
        except BackendError as error:
            self._board.post_error(error)
            return
        if ref:
            self.downloads.pull(ref)
        else:
            self.finding.again()

    @Slot()
    def look_up_token(self) -> None:
        self.tokens.look_up()

    @Slot(str)
    def set_token(self, text: str) -> None:
        self.tokens.set(text)

    @Slot()
    def remove_token(self) -> None:
        self.tokens.remove()

    @Slot()
    def _on_parts(self) -> None:
        self._draw(search=self.finding.search, details=self.details.all, works=self.works.all)

    @Slot()
    def _on_downloads(self) -> None:
        self._draw(downloads=self.downloads.all)

    @Slot()
    def _on_token(self) -> None:
        self._draw(token=self.tokens.token)

    @Slot(str, object)
    def _on_arrived(self, ref: str, path: Path) -> None:
        self._pump.follow(self._services.shelf.rescan(), lambda found: self._on_arrived_in_library(ref, path, found))
        self.probe()

    def _on_arrived_in_library(self, ref: str, path: Path, found: list[tuple[LocalModel, ...]]) -> None:
        self._on_library(found)
        self.downloads.forget(ref)
        here = next((model for model in found[-1] if model.path == path), None)
        if here is None or here.problem.en:
            return
        if here.kind == "chat" and self._picture.loaded is None and not self.loads.is_busy:
            self.load(here)
            return
        said = Phrase(
            f"{here.name} ({here.quant}) is on this computer now.", f"{here.name}（{here.quant}）已下载完成。"
        )
        load = (NoticeButton(_LOAD, lambda: self.load(here)),) if here.kind == "chat" else ()
        self._board.post(Notice(said, tone="success", buttons=load, key=f"arrived:{here.id}"))

    # ---- the model that answers

    @Slot(object)
    def load(self, model: LocalModel, *, safe: bool = False) -> None:
        """`safe`: on the processor alone."""
        self.loads.load(model, safe=safe)

    @Slot()
    def cancel_load(self) -> None:
        self.loads.cancel()

    @Slot()
    def _on_loads(self) -> None:
        self._draw(loading=self.loads.loading, loaded=self.loads.loaded)

    @Slot()
    def _on_loaded(self) -> None:
        self.details.refresh()
        self._advise()  # something else is beside it now
        self.model_loaded.emit()

    @Slot()
    def unload(self) -> None:
        self._pump.follow(self._services.loading.unload(), lambda _: None, self._on_unloaded)

    def _on_unloaded(self) -> None:
        self.loads.look()
        self.probe()  # there is more memory now

    @Slot()
    def load_default(self) -> None:
        """Load what answered last time, if there is anything."""
        self._pump.call(self._runner, self._services.loading.default_model, then=self._on_default)

    def _on_default(self, model: LocalModel | None) -> None:
        if model is None and self._services.settings.current.models.default_model:
            self._board.post(Notice(self._services.loading.why_none(), tone="warning", key="no_model"))
        if model is not None and self._picture.loaded is None and not self.loads.is_busy:
            self.loads.load_first(model)

    # ---- changes made elsewhere in this process

    def on_changes(self, changes: Sequence[str]) -> None:
        if "library" in changes:
            self.rescan()
        if "model" in changes:
            self.loads.look()
        if "downloads" in changes:
            self.downloads.look()
        if "settings" in changes:
            self._advise()
            self._draw(
                folder=self._services.models_folder,
                network=self._services.settings.current.network,
                token=self.tokens.token,
                use=self._services.settings.current.models.use,
            )

    def _draw(self, **changes: object) -> None:
        picture = replace(self._picture, **changes)
        if picture != self._picture:
            self._picture = picture
            self.picture_changed.emit()
