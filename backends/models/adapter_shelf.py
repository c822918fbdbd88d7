"""The LoRA adapters on this disk, and which of them a model wears."""

import time
from collections.abc import Iterable
from math import isfinite
from pathlib import Path

from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.phrase import NOTHING, Phrase
from backends.models import gguf
from backends.models.adapters import LARGEST_SCALE, check_adapter, check_fits
from backends.models.index import Hidden, Index
from backends.models.names import real
from backends.models.seen import KINDS
from backends.models.types import LocalAdapter


class AdapterShelf:
    """`here`: those that the last look found. The library's lock guards it."""

    def __init__(self, index: Index) -> None:
        self.here: list[LocalAdapter] = []
        self._index = index

    def listed(self) -> tuple[LocalAdapter, ...]:
        found: list[LocalAdapter] = []
        taken: set[str] = set()
        for adapter in sorted(self.here, key=lambda each: (each.problem != NOTHING, each.name.lower(), each.path)):
            names = (adapter.id, f"{adapter.id}@{adapter.path.parent.name}", str(adapter.path))
            own_id = next(name for name in names if name not in taken)
            taken.add(own_id)
            found.append(
                LocalAdapter(own_id, adapter.name, adapter.path, adapter.size, adapter.architecture, adapter.problem)
            )
        return tuple(found)

    def find(self, wanted: str | Path) -> LocalAdapter:
        """By id, or by the path of its file; NotFound (`adapter_not_here`)."""
        there = real(Path(wanted))
        for adapter in self.listed():
            if str(wanted) == adapter.id or (there and real(adapter.path) == there):
                return adapter
        ids = ", ".join(adapter.id for adapter in self.listed())
        hint = Phrase(f"Here are: {ids}.", f"现有：{ids}。") if ids else Phrase("Add it first.", "请先添加。")
        raise NotFound(
            Phrase(f"The adapter “{wanted}” is not here.", f"本机没有适配器“{wanted}”。"), hint, code="adapter_not_here"
        )

    def add(self, path: Path) -> None:
        check_adapter(path)
        hidden = self._index.hidden.pop(path, None)
        known = any(real(adapter.path) == real(path) for adapter in self.here)
        if not known and path not in self._index.own and hidden is None:
            self._index.own.append(path)
        self._index.save()

    def remove(self, adapter_id: str) -> None:
        adapter = self.find(adapter_id)
        for model, worn in self._index.worn.items():
            self._index.worn[model] = [(path, scale) for path, scale in worn if path != adapter.path]
        if adapter.path in self._index.own:
            self._index.own.remove(adapter.path)
        else:
            self._index.hidden[adapter.path] = Hidden(adapter.name, time.time())
        self._index.save()

    def worn(self, model_id: str) -> tuple[tuple[LocalAdapter, float], ...]:
        by_path = {adapter.path: adapter for adapter in self.listed() if adapter.problem == NOTHING}
        kept = self._index.worn.get(model_id, [])
        return tuple((by_path[path], scale) for path, scale in kept if path in by_path)

    def wear(self, model_id: str, model: Path, worn: Iterable[tuple[LocalAdapter, float]]) -> None:
        """Reads the headers of the model and of the adapters: only what fits is kept."""
        worn = list(worn)
        header = gguf.check(model, KINDS) if worn else None
        for adapter, scale in worn:
            if not isfinite(scale) or abs(scale) > LARGEST_SCALE:
                raise InvalidInput(
                    Phrase(f"An adapter cannot be applied {scale} times.", f"适配器强度不能为 {scale}。"),
                    Phrase(
                        "Choose a number from 0 to 2; 1 is as it was made.", "请选择 0 到 2 之间的数，1 为原始强度。"
                    ),
                    code="bad_scale",
                )
            if header is not None:
                check_fits(check_adapter(adapter.path), header)
        before = self._index.worn.get(model_id)
        self._index.worn[model_id] = list({adapter.path: scale for adapter, scale in worn}.items())
        try:
            self._index.save()
        except BackendError:
            self._index.worn[model_id] = before or []
            raise
