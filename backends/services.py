"""Services: the one composition root. Builds every room, marries them where one needs another, closes everything.

    with Services.open(Paths.find()) as services:
        for event in services.pull("r1-0528-qwen3-8b"): ...
        model = services.library.find("r1-0528-qwen3-8b:Q4_K_M")
        for event in services.load(model): ...

Everything slow is a Stream. Threads: `probe` and `files` one each, `load` one, `chat` the answers, `download` four, and
the engine's own. Whoever opens Services owns the data folder (see `core.owner`).
"""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeVar

from backends.chat.answer import AnswerEvent, regenerate
from backends.chat.store import MIGRATIONS, ChatStore
from backends.core.cancel import CancelToken
from backends.core.crashes import CrashJournal
from backends.core.errors import NotFound, ResourceError, StorageError, Unavailable
from backends.core.network import Network, NetworkOptions
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.core.secrets import Secrets
from backends.core.settings import Settings, SettingsStore
from backends.core.stream import Runner, Stream
from backends.core.turns import Turns
from backends.engine.loader import NativeEngine, engine_info
from backends.engine.protocol import EngineInfo, LoadEvent, LoadRequest, Sampling
from backends.hardware.probe import probe
from backends.hardware.types import Machine
from backends.models import advisor, download, gguf, sources
from backends.models.advisor import Budget, Wish
from backends.models.catalog import Catalog
from backends.models.download import DownloadEvent, DownloadNotice, PendingDownload
from backends.models.library import Library
from backends.models.types import Advice, CatalogModel, Choice, LocalModel
from backends.storage.database import Database

log = logging.getLogger(__name__)

E = TypeVar("E")

Change = Literal["settings", "library", "model"]

BACKUP_HOURS = 24
TOKEN = "token:"  # secrets are named after the host that they belong to: "token:huggingface.co"


class Services:
    """Every room of one running DeskSeek. Made by `open`; one a process."""

    def __init__(self, paths: Paths, journal: CrashJournal, settings: SettingsStore) -> None:
        self.paths = paths
        self.journal = journal
        self.settings = settings
        self.secrets = Secrets()
        self.network = Network(_network_options(self.settings.current), paths.state / "connections.log")
        self.catalog = Catalog.load()
        self.library = Library(self.models_folder, self.catalog, paths.data / "library.json")
        self.database = Database(paths.data / "chats.db", MIGRATIONS)
        self.chats = ChatStore(self.database)
        self.engine = NativeEngine(journal)
        self.turns = Turns()  # of those who load a model and ask it, so that nobody loads another one in between
        self._probe_runner = Runner("probe")
        self._files = Runner("files")
        self._loads = Runner("load")
        self._answers = Runner("chat")
        self._downloads = Runner("download", threads=4)
        self._listeners: list[Stream[Change]] = []
        self.settings.subscribe(self._on_settings)
        self._files.start(self._back_up)

    @classmethod
    def open(
        cls, paths: Paths, *, journal: CrashJournal | None = None, settings: SettingsStore | None = None
    ) -> "Services":
        """Open everything. The engine's library is loaded only when something needs it.

        `settings`: those that were read already; only their first reader knows what was wrong with the file.
        The working directory becomes the data folder (SEC-28: no library is ever found in a folder of documents).
        Raises StorageError if the folders or databases cannot be used.
        """
        paths.make()
        os.chdir(paths.data)
        settings = settings or SettingsStore(paths.config / "settings.json")
        return cls(paths, journal or CrashJournal(paths.state), settings)

    def __enter__(self) -> "Services":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what runs, join the threads, free the model on its thread, close the database."""
        for runner in (self._downloads, self._answers, self._loads):
            runner.close()
        self.engine.close()
        for runner in (self._files, self._probe_runner):
            runner.close()
        self.network.close()
        self.database.close()

    def _back_up(self, *, cancel: CancelToken) -> Iterator[None]:
        """A copy of the conversations once a day, from which a damaged database is restored."""
        try:
            self.database.backup_if_older(BACKUP_HOURS)
        except StorageError as error:
            log.warning("no copy of the conversations was made: %s", error)
        yield None

    @property
    def notices(self) -> Sequence[Phrase]:
        """What went wrong while opening and was mended: shown once."""
        return [*self.settings.notices, *self.database.notices, *self.library.notices]

    def changes(self) -> Stream[Change]:
        """Says what has changed, whoever changed it (the window, a command in this process), until it is cancelled."""
        stream: Stream[Change] = Stream("changes")
        self._listeners.append(stream)
        return stream

    def _changed(self, what: Change) -> None:
        self._listeners = [stream for stream in self._listeners if not stream.cancelled]
        for stream in self._listeners:
            stream.put(what)

    def _on_settings(self, settings: Settings) -> None:
        self.network.configure(_network_options(settings))
        self._changed("settings")

    @property
    def models_folder(self) -> Path:
        chosen = self.settings.current.models.folder
        return Path(chosen).expanduser() if chosen else self.paths.models

    # ---- the machine and what suits it

    def probe(self) -> Stream[Machine]:
        """What this machine has, as far as the engine can use it. One event."""
        return self._probe_runner.start(self._machine)

    def _machine(self, *, cancel: CancelToken) -> Iterator[Machine]:
        for machine in probe(self.models_folder, cancel=cancel):
            yield _usable(machine, engine_info()) if machine.gpus else machine

    def advise(self, machine: Machine, wish: Wish | None = None) -> Advice:
        """What this machine should run, now. Milliseconds."""
        return advisor.advise(self.catalog, Budget.from_machine(machine), wish or self.wish)

    @property
    def wish(self) -> Wish:
        models = self.settings.current.models
        return Wish(context=models.context, min_speed=models.min_speed or None)

    def choice_for(self, model: LocalModel, machine: Machine) -> Choice:
        """How to load this file on this machine, now."""
        header = gguf.check(model.path)
        return advisor.choice_for(header, Budget.from_machine(machine), self.wish)

    # ---- downloads

    def pull(self, ref: str, endpoint: str | None = None) -> Stream[DownloadEvent]:
        """Download `CATALOGUE-ID[:QUANT]` or `REPO[:QUANT]`; goes on where an earlier try stopped. Cancel is pause."""
        return self._downloads.start(self._pull, ref, endpoint)

    def _pull(self, ref: str, endpoint: str | None, *, cancel: CancelToken) -> Iterator[DownloadEvent]:
        hub = self.hub(endpoint)
        asked = sources.parse_ref(ref)
        if not asked.is_repo and not asked.wanted:
            model = self.catalog.find(asked.name)
            ref = f"{model.id}:{self._quant_for(model, cancel)}"
        repo, file = sources.locate(hub, self.catalog, ref, cancel=cancel)
        if hub.notice.en:
            yield DownloadNotice(hub.notice)
        yield from download.download(self.network, hub, repo, file, self.models_folder, cancel=cancel)
        self.library.rescan()
        self._changed("library")

    def _quant_for(self, model: CatalogModel, cancel: CancelToken) -> str:
        machine = next(self._machine(cancel=cancel))
        return advisor.choice_for(model, Budget.from_machine(machine), self.wish).file.quant

    def hub(self, endpoint: str | None = None) -> sources.Hub:
        """The hub of the settings, or another one; each host has its own token."""
        endpoint = endpoint or self.settings.current.network.endpoint
        hub = sources.Hub(self.network, endpoint)
        token = self.secrets.get(TOKEN + hub.host)
        return sources.Hub(self.network, endpoint, token) if token else hub

    def pending_downloads(self) -> list[PendingDownload]:
        """Downloads that were paused or cut off."""
        return download.pending(self.models_folder)

    def discard(self, pending: PendingDownload) -> None:
        """Give up a paused download and delete what has arrived of it."""
        download.discard(self.models_folder, pending.path)

    # ---- models on this disk

    def rescan(self) -> Stream[tuple[LocalModel, ...]]:
        """Look through the model folder."""

        def scan(*, cancel: CancelToken) -> Iterator[tuple[LocalModel, ...]]:
            yield self.library.rescan()

        return self._files.start(scan)

    def add_file(self, path: Path) -> Stream[LocalModel]:
        """Take a GGUF of the person's own into the library, in place."""

        def add(*, cancel: CancelToken) -> Iterator[LocalModel]:
            model = self.library.add(path)
            self._changed("library")
            yield model

        return self._files.start(add)

    def remove_model(self, model: LocalModel) -> Stream[None]:
        """Delete a downloaded model, or forget a file of the person's own."""

        def remove(*, cancel: CancelToken) -> Iterator[None]:
            if self.engine.model is not None and self.engine.model.path == model.path:
                for _ in self.engine.unload():
                    pass
            self.library.remove(model.id)
            self._changed("library")
            yield None

        return self._files.start(remove)

    # ---- the model that answers

    def load(
        self, model: LocalModel, *, context: int | None = None, safe: bool = False, remember: bool = True
    ) -> Stream[LoadEvent]:
        """Check the file, plan for this machine as it is now, load.

        `safe`: on the CPU alone (after a crash). `remember`: it is the model that answers from now on.
        """
        return self._loads.start(self._load, model, context, safe, remember)

    def _load_unless_loaded(self, model: LocalModel, *, cancel: CancelToken) -> Iterator[LoadEvent]:
        if self.engine.model is None:  # another load may have come first while this one waited its turn
            yield from self._load(model, None, False, True, cancel=cancel)

    def _load(
        self, model: LocalModel, context: int | None, safe: bool, remember: bool, *, cancel: CancelToken
    ) -> Iterator[LoadEvent]:
        header = gguf.check(model.path)  # what makes llama.cpp abort never gets near it
        if self.engine.model is not None:
            for _ in _within(self.engine.unload(), cancel):  # its memory counts as free for the plan
                pass
        machine = next(self._machine(cancel=cancel))
        wish = replace(self.wish, context=context) if context else self.wish
        choice = advisor.choice_for(header, Budget.from_machine(machine), wish)
        if choice.verdict == "too_large":
            raise _too_large(model, choice, machine)
        request = self._load_request(model, choice, context, safe)
        yield from _within(self.engine.load(request), cancel)
        if remember and self.engine.model is not None:
            self.settings.set("models.default_model", model.id)

    def _load_request(self, model: LocalModel, choice: Choice, context: int | None, safe: bool) -> LoadRequest:
        engine = self.settings.current.engine
        layers = engine.gpu_layers if engine.gpu_layers >= 0 else choice.gpu_layers
        return LoadRequest(
            path=model.path,
            context=context or choice.context,
            kv_type=choice.kv_type if engine.kv_type == "auto" else engine.kv_type,
            gpu_layers=0 if safe else layers,
            expert_layers_on_cpu=choice.expert_layers_on_cpu,
            threads=engine.threads,
            alias=model.id,
        )

    def unload(self) -> Stream[None]:
        return self.engine.unload()

    def default_model(self) -> LocalModel | None:
        """The model to load when nobody names one: the last one used, else the largest that can be loaded."""
        models = [model for model in self.library.models() if not model.problem.en]
        chosen = self.settings.current.models.default_model
        for model in models:
            if model.id == chosen:
                return model
        return max(models, key=lambda model: model.size, default=None)

    def catalog_model(self) -> CatalogModel | None:
        """What the catalogue knows about the loaded model; None for a file of the person's own."""
        loaded = self.engine.model
        if loaded is None:
            return None
        try:
            local = self.library.find(loaded.alias)
            return self.catalog.find(local.catalog_id) if local.catalog_id else None
        except NotFound:
            return None

    # ---- answers

    def regenerate(self, conversation_id: int, message_id: int) -> Stream[AnswerEvent | LoadEvent]:
        """Answer a question that is stored already, or once more beside the old answer `message_id`.

        Loads the default model first if none is loaded.
        """
        return self._answers.start(self._regenerate, conversation_id, message_id)

    def _regenerate(
        self, conversation_id: int, message_id: int, *, cancel: CancelToken
    ) -> Iterator[AnswerEvent | LoadEvent]:
        with self.turns.mine(cancel):
            yield from self._ensure_model(cancel)
            model, sampling, instructions = self._how_to_answer()
            yield from regenerate(
                self.chats,
                self.engine,
                model,
                sampling,
                conversation_id,
                message_id,
                cancel=cancel,
                instructions=instructions,
            )

    def _ensure_model(self, cancel: CancelToken) -> Iterator[LoadEvent]:
        if self.engine.model is not None:
            return
        model = self.default_model()
        if model is None:
            raise Unavailable(
                Phrase("There is no model on this computer yet.", "这台电脑上还没有模型。"),
                Phrase("Download one on the Models page.", "请在“模型”页面下载一个。"),
                code="no_model",
            )
        yield from _within(self._loads.start(self._load_unless_loaded, model), cancel)

    def _how_to_answer(self) -> tuple[CatalogModel | None, Sampling, str]:
        model = self.catalog_model()
        sampling = Sampling(temperature=model.temperature, top_p=model.top_p) if model else Sampling()
        return model, sampling, self.settings.current.chat.system_prompt


def _usable(machine: Machine, engine: EngineInfo) -> Machine:
    """A card that the installed engine cannot use does not count, and a note says so: no silent CPU."""
    if any(device.kind in ("gpu", "igpu") for device in engine.devices):
        return machine
    names = ", ".join(gpu.name for gpu in machine.gpus)
    note = Phrase(
        f"{names}: this build of the engine cannot use it and runs on the processor. "
        "Set DeskSeek up again to get one that can.",
        f"{names}：当前安装的引擎无法使用它，将在处理器上运行。请重新安装 DeskSeek 以获得支持它的版本。",
    )
    return replace(machine, gpus=(), notes=(*machine.notes, note))


def _too_large(model: LocalModel, choice: Choice, machine: Machine) -> ResourceError:
    gib = 1 << 30
    needed, free = choice.memory.total / gib, machine.memory.available / gib
    cards = sum(gpu.memory_free or 0 for gpu in machine.gpus if not gpu.unified) / gib
    on_cards = (f" and {cards:.1f} GiB on the graphics card", f"，显卡上空闲 {cards:.1f} GiB") if cards else ("", "")
    return ResourceError(
        Phrase(
            f"{model.name} needs about {needed:.1f} GiB; {free:.1f} GiB of memory{on_cards[0]} are free.",
            f"{model.name} 约需 {needed:.1f} GiB；当前空闲内存 {free:.1f} GiB{on_cards[1]}。",
        ),
        Phrase(
            "Close other programs, choose a shorter context, or use a smaller model.",
            "请关闭其他程序、缩短上下文，或使用更小的模型。",
        ),
        code="out_of_memory",
    )


def _within(stream: Stream[E], cancel: CancelToken) -> Iterator[E]:
    """The events of a stream that is cancelled with us."""
    forget = cancel.on_cancel(stream.cancel)
    try:
        yield from stream
        cancel.check()
    finally:
        forget()


def _network_options(settings: Settings) -> NetworkOptions:
    network = settings.network
    return NetworkOptions(proxy=network.proxy, ca_file=network.ca_file, offline=network.offline)
