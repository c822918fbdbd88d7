"""Which adapters the person uses with which model: `adapters.json`, so that they come back with the model."""

import json
import logging
import threading
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from backends.core.errors import StorageError
from backends.core.files import put_aside, write_file
from backends.engine.protocol import Adapter

_log = logging.getLogger(__name__)


class AdapterChoices:
    """Any thread may use it. A damaged file is put aside; the choices are then made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._chosen: dict[str, tuple[Adapter, ...]] = self._read()

    def of(self, model_id: str) -> tuple[Adapter, ...]:
        with self._lock:
            return self._chosen.get(model_id, ())

    def remember(self, model_id: str, adapters: Sequence[Adapter]) -> None:
        """StorageError if the disk refuses; it holds until the program ends all the same."""
        with self._lock:
            self._chosen.pop(model_id, None)
            if adapters:
                self._chosen[model_id] = tuple(adapters)
            data = {
                model: [{"path": str(one.path), "scale": one.scale} for one in chosen]
                for model, chosen in self._chosen.items()
            }
            write_file(self._path, json.dumps(data, indent=1).encode())

    def _read(self) -> dict[str, tuple[Adapter, ...]]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            return {model: tuple(_adapter(**one) for one in chosen) for model, chosen in data.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            _log.warning("%s cannot be used: %s", self._path, error)
        try:
            put_aside(self._path)
        except StorageError as error:
            _log.warning("it cannot be put aside either: %s", error)
        return {}


def _adapter(path: str, scale: float) -> Adapter:
    if not isinstance(path, str) or not isfinite(scale):
        raise ValueError("no adapter")
    return Adapter(Path(path), float(scale))
