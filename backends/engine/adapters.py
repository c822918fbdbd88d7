"""LoRA adapters of a loaded model: loaded, scaled, switched on and off without loading the model again."""

import ctypes
import math
import os
from collections import Counter
from collections.abc import Sequence
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
_Key = tuple[Path, int, int]


class Adapters:
    """Those of one model and context. llama.cpp frees them with the model.

    An adapter that is new here is tried in a child process first: llama.cpp checks less in an adapter than in a model,
    and what it finds too late ends the process. `isolated`: this is such a process.
    """

    def __init__(self, path: Path, model: native.Model, context: Context, *, isolated: bool) -> None:
        self._path, self._model, self._context, self._isolated = path, model, context, isolated
        self._llama = native.library().llama
        self._loaded: dict[_Key, Any] = {}
        self._used: list[tuple[Any, float]] = []

    def use(self, adapters: Sequence[Adapter], cancel: CancelToken) -> bool:
        """Compute with these from now on, and no others; scale 0 keeps one loaded and off. False: that is as it was.

        InvalidInput `bad_adapter`, NotFound `file_missing`, EngineError `out_of_memory`, Cancelled: the same are in
        use as before. What was in the cache of the context may be gone, whatever comes of it.
        """
        wanted = {_key(adapter): adapter for adapter in _checked(adapters)}
        new = {key: adapter for key, adapter in wanted.items() if key not in self._loaded}
        if new and not self._isolated:
            attempt_adapters(self._path, list(new.values()), cancel=cancel)
        cancel.check()
        found: dict[_Key, Any] = {}
        try:
            for key, adapter in new.items():
                found[key] = self._load(adapter)
            changed = self._apply(list(wanted.values()), [(self._loaded | found)[key] for key in wanted])
        except InvalidInput:
            self._free(found.values())
            raise
        self._loaded |= found
        self._free([self._loaded.pop(key) for key in list(self._loaded) if key not in wanted])
        return changed

    def _load(self, adapter: Adapter) -> Any:
        with native.library().log.keep() as told:
            handle = self._llama.llama_adapter_lora_init(self._model.handle, os.fsencode(adapter.path))
        if not handle:
            words = told.reason.replace(str(adapter.path.parent), "…").removeprefix("failed to apply lora adapter: ")
            raise refused_adapter([adapter], _said(words or "no reason given"))
        if self._llama.llama_adapter_get_alora_n_invocation_tokens(handle):
            self._free([handle])
            raise refused_adapter(
                [adapter],
                Phrase("It wants to be called by certain words (aLoRA).", "它需要特定词语触发（aLoRA）。"),
            )
        return handle

    def _apply(self, adapters: Sequence[Adapter], handles: Sequence[Any]) -> bool:
        used = [(handle, adapter.scale) for adapter, handle in zip(adapters, handles, strict=True) if adapter.scale]
        if _same(used, self._used):
            return False
        self._set(used)
        try:
            numbers = self._context.logits(max(self._model.vocabulary.bos, 0), _CHECKED)
        except RuntimeError as error:
            self._set(self._used)
            raise refused_adapter(adapters, _said(str(error))) from error
        if used and not all(map(math.isfinite, numbers)):
            self._set(self._used)
            raise refused_adapter(
                adapters, Phrase("It computes nonsense: it is damaged.", "计算结果无意义：文件已损坏。")
            )
        self._used = used
        return True

    def _set(self, used: Sequence[tuple[Any, float]]) -> None:
        handles = (ctypes.POINTER(ctypes.c_void_p) * len(used))(*(handle for handle, _ in used))
        scales = (ctypes.c_float * len(used))(*(scale for _, scale in used))
        self._llama.llama_set_adapters_lora(self._context.handle, handles, len(used), scales)

    def _free(self, handles: Any) -> None:
        for handle in handles:
            self._llama.llama_adapter_lora_free(handle)


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


def _key(adapter: Adapter) -> _Key:
    """A file that was replaced is another adapter."""
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


def _same(one: Sequence[tuple[Any, float]], other: Sequence[tuple[Any, float]]) -> bool:
    def plain(used: Sequence[tuple[Any, float]]) -> set[tuple[int | None, float]]:
        return {(ctypes.cast(handle, ctypes.c_void_p).value, scale) for handle, scale in used}

    return plain(one) == plain(other)


def _said(words: str) -> Phrase:
    return Phrase(f"The engine says: {words}.", f"引擎的说明：{words}。")
