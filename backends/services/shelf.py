"""The models on this disk: looked for, taken in, checked, switched, deleted and put back."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.engine.protocol import Adapter, LoadEvent
from backends.models import download, partial, taking_in, verify
from backends.models.download import DownloadEvent, DownloadOptions
from backends.models.newer import newer
from backends.models.sources import parse_ref
from backends.models.taking_in import ImportEvent, ImportLink
from backends.models.types import Deleted, LocalAdapter, LocalModel, ModelFile
from backends.models.verify import VerifyEvent
from backends.services.foundation import Foundation
from backends.services.hubs import HubServices
from backends.services.loading import LoadingServices, within


class ShelfServices:
    """Its threads: `files`, and `repair`, which may take as long as a download."""

    def __init__(self, foundation: Foundation, runner: Runner, hubs: HubServices, loading: LoadingServices) -> None:
        self._base = foundation
        self._runner = runner
        self._hubs = hubs
        self._loading = loading
        self._repairs = Runner("repair")
        self._finds_others = foundation.settings.current.models.find_others

    def close(self) -> None:
        self._repairs.close()

    # ---- what there is

    def rescan(self) -> Stream[tuple[LocalModel, ...]]:
        """Look through the model folder, and what other programs have."""

        def scan(*, cancel: CancelToken) -> Iterator[tuple[LocalModel, ...]]:
            yield self._base.library.rescan()

        return self._runner.start(scan)

    def tidy(self) -> Stream[int]:
        """At a start: erase what was deleted a day ago, and what copies that were cut short have left. One event: the
        bytes that are free now."""

        def tidy(*, cancel: CancelToken) -> Iterator[int]:
            taking_in.sweep(self._base.library.folder)
            yield self._base.library.sweep(time.time())

        return self._runner.start(tidy)

    def on_settings(self) -> None:
        """Look again if the person has decided otherwise about other programs' models."""
        finds = self._base.settings.current.models.find_others
        if finds != self._finds_others:
            self._finds_others = finds
            self._runner.start(self._look_again)

    def _look_again(self, *, cancel: CancelToken) -> Iterator[None]:
        self._base.library.rescan()
        self._base.changed("library")
        yield None

    # ---- taking in

    def add_file(self, path: Path) -> Stream[LocalModel]:
        """Take a GGUF of the person's own into the library, in place."""

        def add(*, cancel: CancelToken) -> Iterator[LocalModel]:
            model = self._base.library.add(path)
            self._base.changed("library")
            yield model

        return self._runner.start(add)

    def import_(self, source: str | Path, *, copy: bool = False) -> Stream[ImportEvent]:
        """Take in a file, a folder, a stick, another program's store; the events are those of `taking_in.take_in`.

        A link is not fetched here: the one event is `ImportLink`, with what to hand to `downloads.pull`.
        """
        return self._runner.start(self._import, source, copy)

    def _import(self, source: str | Path, copy: bool, *, cancel: CancelToken) -> Iterator[ImportEvent]:
        if isinstance(source, str) and "://" in source:
            parse_ref(source, self._base.settings.current.network.sources)
            yield ImportLink(source.strip())
            return
        try:
            yield from taking_in.take_in(self._base.library, Path(source), copy=copy, cancel=cancel)
        finally:
            self._base.changed("library")

    # ---- is it whole, is there a newer one

    def verify(self, model: LocalModel) -> Stream[VerifyEvent]:
        """Read every byte and compare; the last event is `VerifyFinished`."""
        return self._runner.start(self._verify, model)

    def _verify(self, model: LocalModel, *, cancel: CancelToken) -> Iterator[VerifyEvent]:
        yield from verify.verify(self._base.library, model, cancel=cancel)
        self._base.changed("library")

    def repair(self, model: LocalModel) -> Stream[DownloadEvent]:
        """Fetch again what is damaged of a downloaded model, and nothing else; events and errors as of `pull`.

        NotFound (`no_receipt`) for any other file.
        """
        return self._repairs.start(self._repair, model)

    def _repair(self, model: LocalModel, *, cancel: CancelToken) -> Iterator[DownloadEvent]:
        if model.origin != "downloaded":
            raise NotFound(
                Phrase(
                    f"{model.name} was not downloaded by DeskSeek, so nobody knows where to mend it from.",
                    f"{model.name} 不是由 DeskSeek 下载的，无法得知从何处修复。",
                ),
                Phrase("Fetch it again where it came from.", "请从其来源重新获取。"),
                code="no_receipt",
            )
        self._unload(model)
        receipt = partial.read_record(model.path, partial.RECEIPT)
        sources = self._hubs.sources(receipt.endpoint if receipt else None)
        options = DownloadOptions(connections=self._base.settings.current.network.connections)
        folder = self._base.library.folder
        try:
            yield from download.repair(self._base.network, sources, folder, model.path, cancel=cancel, options=options)
        finally:
            self._base.library.rescan()
            self._base.changed("library")

    def newer(self, model: LocalModel) -> Stream[ModelFile | None]:
        """Ask the hub that a model came from whether it has newer bytes under this name. One event; None: no."""

        def ask(*, cancel: CancelToken) -> Iterator[ModelFile | None]:
            versions = self._base.library.versions(model.id)
            receipts = [partial.read_record(each.path, partial.RECEIPT) for each in versions]
            here = [receipt for receipt in receipts if receipt is not None and receipt.origin == "downloaded"]
            source = self._hubs.source(here[0].endpoint) if here else None
            yield newer(here, source, cancel=cancel) if source is not None else None

        return self._runner.start(ask)

    # ---- versions

    def use(self, model: LocalModel) -> Stream[LoadEvent]:
        """Let this version of a model be the one that its id means; if another version was loaded, load this one."""
        return self._runner.start(self._use, model)

    def _use(self, model: LocalModel, *, cancel: CancelToken) -> Iterator[LoadEvent]:
        library, loaded = self._base.library, self._base.engine.model
        others = {each.path for each in library.versions(model.id) if each.path != model.path}
        now = library.use(model.id, model.version)
        self._base.changed("library")
        if loaded is not None and loaded.path in others:
            yield from within(self._loading.load(now), cancel)

    # ---- away, and back

    def remove(self, model: LocalModel) -> Stream[Deleted]:
        """Delete a model that is ours; any other is only taken off the list. `put_back` undoes either."""
        return self._runner.start(self._remove, model)

    def _remove(self, model: LocalModel, *, cancel: CancelToken) -> Iterator[Deleted]:
        self._unload(model)
        deleted = self._base.library.delete(model.id)
        if self._base.settings.current.models.default_model == model.id:
            self._base.settings.reset("models.default_model")  # nobody is to wonder where it has gone
        self._base.changed("library")
        yield deleted

    def _unload(self, model: LocalModel) -> None:
        """Nobody changes or moves the file that the engine computes with."""
        engine = self._base.engine
        if engine.model is not None and engine.model.path == model.path:
            for _ in engine.unload():
                pass

    def put_back(self, key: str) -> Stream[LocalModel | None]:
        """Undo `remove`."""

        def undo(*, cancel: CancelToken) -> Iterator[LocalModel | None]:
            model = self._base.library.undelete(key)
            self._base.changed("library")
            yield model

        return self._runner.start(undo)

    def deleted(self) -> tuple[Deleted, ...]:
        """What can be put back. Reads a few small files."""
        return self._base.library.deleted()

    def erase(self, key: str) -> Stream[int]:
        """Erase one that was deleted, for good. One event: the bytes that are free now."""

        def erase(*, cancel: CancelToken) -> Iterator[int]:
            yield self._base.library.erase(key)
            self._base.changed("library")

        return self._runner.start(erase)

    def empty_trash(self) -> Stream[int]:
        """Erase what was deleted, for good. One event: the bytes that are free now."""

        def empty(*, cancel: CancelToken) -> Iterator[int]:
            yield self._base.library.empty_trash()
            self._base.changed("library")

        return self._runner.start(empty)

    # ---- adapters

    def add_adapter(self, path: Path) -> Stream[LocalAdapter]:
        """Take a LoRA adapter into the library, in place."""

        def add(*, cancel: CancelToken) -> Iterator[LocalAdapter]:
            adapter = self._base.library.add_adapter(path)
            self._base.changed("library")
            yield adapter

        return self._runner.start(add)

    def remove_adapter(self, adapter: LocalAdapter) -> Stream[None]:
        """Take an adapter off the list and off every model; its file stays."""

        def remove(*, cancel: CancelToken) -> Iterator[None]:
            self._base.library.remove_adapter(adapter.id)
            self._base.changed("library")
            yield None

        return self._runner.start(remove)

    def adapters_of(self, model: LocalModel) -> tuple[tuple[LocalAdapter, float], ...]:
        """The adapters that are switched on for a model, and how strong."""
        return self._base.library.adapters_of(model.id)

    def set_adapters(
        self, model: LocalModel, worn: Sequence[tuple[LocalAdapter, float]]
    ) -> Stream[tuple[tuple[LocalAdapter, float], ...]]:
        """Switch these adapters on, and no others: now, if the model is loaded, and whenever it is. One event."""
        return self._runner.start(self._set_adapters, model, tuple(worn))

    def _set_adapters(
        self, model: LocalModel, worn: tuple[tuple[LocalAdapter, float], ...], *, cancel: CancelToken
    ) -> Iterator[tuple[tuple[LocalAdapter, float], ...]]:
        self._base.library.set_adapters(model.id, worn)
        loaded = self._base.engine.model
        if loaded is not None and loaded.path == model.path:
            for _ in within(
                self._base.engine.set_adapters([Adapter(each.path, scale) for each, scale in worn]), cancel
            ):
                pass
            self._base.changed("model")
        self._base.changed("library")
        yield self._base.library.adapters_of(model.id)
