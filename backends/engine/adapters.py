"""LoRA adapters of a loaded model: loaded, scaled, switched on and off without loading the model again.

Some are on for all; a request may name others for itself. What is computed, and what lies in the cache, is told apart
by the `Key` of those it was computed with.
"""

import ctypes
import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.context import Context
from backends.engine.protocol import Adapter
from backends.engine.trial import attempt_adapters, refused_adapter

_CHECKED = 8  # tokens computed with new adapters before anybody else's are
_KEPT = 4  # files that stay loaded though nobody uses them now
_File = tuple[Path, int, int]  # size in bytes, time of change: a file that was replaced is another adapter
Key = tuple[tuple[_File, float], ...]  # with scales, none of them 0, in order


class Adapters:
    """Those of one model and context. llama.cpp frees them with the model.

    An adapter that is new here is tried in a child process first: llama.cpp checks less in an adapter than in a model,
    and what it finds too late ends the process. `isolated`: this is such a process.
    """

    def __init__(self, path: Path, model: native.Model, context: Context, *, isolated: bool) -> None:
        self._path, self._model, self._context, self._isolated = path, model, context, isolated
        self._llama = native.library().llama
        self._loaded: dict[_File, Any] = {}
        self._tried: set[_File] = set()
        self._held: Counter[_File] = Counter()  # by answers
        self._now: Key = ()  # llama.cpp computes with these
        self._on: list[_File] = []  # for all, with scale 0 too
        self.key: Key = ()
        """Of those that are on for all."""

    def use(self, adapters: Sequence[Adapter], cancel: CancelToken) -> bool:
        """Compute with these from now on, and no others, for all; scale 0 keeps one loaded and off. Between answers
        only. False: that is as it was.

        InvalidInput `bad_adapter`, NotFound `file_missing`, EngineError `out_of_memory`, Cancelled: the same are in
        use as before. What was in the cache of the context may be gone, whatever comes of it.
        """
        if new := self.untried(adapters):
            attempt_adapters(self._path, new, cancel=cancel)
        cancel.check()
        key = _key(adapters)
        before = set(self._loaded)
        files = [_file(adapter) for adapter in adapters]
        try:
            for file, adapter in zip(files, adapters, strict=True):
                self._need(file, adapter)
            if changed := key != self.key:
                self._prove(key, adapters)
        except InvalidInput:
            self._free(set(self._loaded) - before)
            raise
        self.key, self._on = key, files
        self._tried |= set(files)
        self._free(file for file in [*self._loaded] if file not in files and not self._held[file])
        return changed

    # ---- for one answer

    def untried(self, adapters: Sequence[Adapter]) -> list[Adapter]:
        """Those that are to be tried first (`attempt_adapters`). Raises as `use` does."""
        files = [_file(adapter) for adapter in _checked(adapters)]
        known = self._tried | set(self._loaded)
        return [a for a, file in zip(adapters, files, strict=True) if file not in known and not self._isolated]

    def hold(self, adapters: Sequence[Adapter]) -> Key:
        """Adapters that were tried stay loaded until `release`. Raises as `use` does."""
        key = _key(_checked(adapters))
        for adapter in adapters:
            self._need(_file(adapter), adapter)
        self._tried |= {_file(adapter) for adapter in adapters}
        self._held.update(file for file, _ in key)
        return key

    def release(self, key: Key) -> None:
        self._held.subtract(file for file, _ in key)
        unused = [file for file in self._loaded if self._held[file] <= 0 and file not in self._on]
        self._free(unused[: max(0, len(unused) - _KEPT)])

    def switch(self, key: Key) -> None:
        """Compute with these, which are held or on for all, from the next step on."""
        if key != self._now:
            self._set(key)

    # ---- one by one

    def _need(self, file: _File, adapter: Adapter) -> None:
        if file not in self._loaded:
            self._loaded[file] = self._load(adapter)

    def _load(self, adapter: Adapter) -> Any:
        with native.library().log.keep() as told:
            handle = self._llama.llama_adapter_lora_init(self._model.handle, os.fsencode(adapter.path))
        if not handle:
            words = told.reason.replace(str(adapter.path.parent), "…").removeprefix("failed to apply lora adapter: ")
            raise refused_adapter([adapter], _said(words or "no reason given"))
        if self._llama.llama_adapter_get_alora_n_invocation_tokens(handle):
            self._llama.llama_adapter_lora_free(handle)
            raise refused_adapter(
                [adapter],
                Phrase("It wants to be called by certain words (aLoRA).", "它需要特定词语触发（aLoRA）。"),
            )
        return handle

    def _prove(self, key: Key, adapters: Sequence[Adapter]) -> None:
        """Compute with them. InvalidInput, and all is as it was, if that fails or gives nonsense."""
        before, refused = self._now, None
        self._set(key)
        try:
            numbers = self._context.logits(max(self._model.vocabulary.bos, 0), _CHECKED)
            if key and not all(map(math.isfinite, numbers)):
                refused = Phrase("It computes nonsense: it is damaged.", "计算结果无意义：文件已损坏。")
        except RuntimeError as error:
            refused = _said(str(error))
        if refused is not None:
            self._set(before)
            raise refused_adapter(adapters, refused)

    def _set(self, key: Key) -> None:
        handles = (ctypes.POINTER(ctypes.c_void_p) * len(key))(*(self._loaded[file] for file, _ in key))
        scales = (ctypes.c_float * len(key))(*(scale for _, scale in key))
        self._llama.llama_set_adapters_lora(self._context.handle, handles, len(key), scales)
        self._now = key

    def _free(self, files: Iterable[_File]) -> None:
        files = list(files)
        if any(file in files for file, _ in self._now):
            self._set(self.key)
        for file in files:
            self._llama.llama_adapter_lora_free(self._loaded.pop(file))


def _checked(adapters: Sequence[Adapter]) -> Sequence[Adapter]:
    for path, count in Counter(adapter.path for adapter in adapters).items():
        if count > 1:
            raise InvalidInput(
                Phrase(f"The adapter {path.name} is there twice.", f"适配器 {path.name} 出现了两次。"),
                Phrase("Name it once, with one scale.", "请只列出一次，并使用一个强度值。"),
                code="bad_adapter",
            )
    for adapter in adapters:
        if not math.isfinite(adapter.scale):
            raise InvalidInput(
                Phrase(
                    f"{adapter.scale} is no scale for the adapter {adapter.path.name}.",
                    f"{adapter.scale} 不能作为适配器 {adapter.path.name} 的强度。",
                ),
                Phrase(
                    "Give a number; 1 is as the adapter was made, 0 is off.", "请给出数字；1 为原始强度，0 为关闭。"
                ),
                code="bad_adapter",
            )
    return adapters


def _key(adapters: Sequence[Adapter]) -> Key:
    return tuple(sorted((_file(adapter), adapter.scale) for adapter in adapters if adapter.scale))


def _file(adapter: Adapter) -> _File:
    try:
        stat = adapter.path.stat()
    except OSError as error:
        raise NotFound(
            Phrase(
                f"The adapter file {adapter.path.name} is not there any more.",
                f"适配器文件 {adapter.path.name} 已不存在。",
            ),
            Phrase("Add it again, or go on without it.", "请重新添加，或不使用它。"),
            code="file_missing",
        ) from error
    return adapter.path, stat.st_size, stat.st_mtime_ns


def _said(words: str) -> Phrase:
    return Phrase(f"The engine says: {words}.", f"引擎的说明：{words}。")
