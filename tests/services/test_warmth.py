"""What was read stays on the disk between two starts, unless the person does not want it."""

import queue
import struct
import zlib
from array import array
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from backends.core.errors import StorageError
from backends.engine.protocol import GenerateRequest, Sampling, Turn
from backends.engine.state_file import BLOCK, Head
from backends.engine.states import StateStore
from backends.models.types import LocalModel
from backends.services import Services
from tests.kit.answers import Heard, hear
from tests.kit.ggufs import scripted_model

Opened = Callable[[], AbstractContextManager[Services]]
DOCUMENT = "A document that takes its time to be read. " * 20


def ask(services: Services, conversation: int = 1) -> Heard:
    labels = frozenset({f"conversation:{conversation}"})
    question = Turn("user", f"{conversation}. {DOCUMENT}")
    return hear(
        services.engine.generate(GenerateRequest([question], Sampling(temperature=0), labels=labels, keep=True))
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return scripted_model(tmp_path / "greeter.gguf")


def state(number: int, size: int) -> bytes:
    """A file, as of another model."""
    data = bytes(size)
    head = Head("another model", array("i", [number]).tobytes(), frozenset(), size)
    blocks = [data[at : at + BLOCK] for at in range(0, size, BLOCK)]
    return head.packed(b"".join(struct.pack("<I", zlib.crc32(block)) for block in blocks)) + data


def loaded(services: Services, path: Path) -> LocalModel:
    model = next((one for one in services.library.models() if one.path == path), None) or services.library.add(path)
    services.settings.set("engine.try_first", False)
    list(services.loading.load(model))
    return model


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> "queue.Queue[int]":
    """Told, when a state is on the disk or given up."""
    told: queue.Queue[int] = queue.Queue()
    write = StateStore._write

    def tell(self: StateStore, save: Any, data: bytearray) -> None:
        write(self, save, data)
        told.put(save.head.length)

    monkeypatch.setattr(StateStore, "_write", tell)
    return told


def test_the_second_start_is_warm(opened: Opened, path: Path) -> None:
    with opened() as services:
        assert services.warmth.size() == 0
        loaded(services, path)
        assert ask(services).finished.timings.restored == 0
    with opened() as services:
        assert services.warmth.size() > 100_000
        assert services.warmth.folder.parent == services.paths.data
        loaded(services, path)
        assert ask(services).finished.timings.restored > len(DOCUMENT)


def test_what_is_forgotten_is_gone_with_and_without_a_model(
    opened: Opened, path: Path, written: "queue.Queue[int]"
) -> None:
    with opened() as services:
        loaded(services, path)
        for conversation in (1, 2, 3):
            ask(services, conversation)
            written.get(timeout=60)
        size = services.warmth.size()
        list(services.warmth.erase({"conversation:1"}))
        assert 0 < services.warmth.size() < size
        assert ask(services, 1).finished.usage.cached_tokens < 10
        list(services.warmth.erase({"conversation:1"}))
    with opened() as services:
        list(services.warmth.erase({"conversation:2"}))
        loaded(services, path)
        assert [ask(services, number).finished.timings.restored > 0 for number in (1, 2, 3)] == [False, False, True]
        list(services.warmth.erase(None))
        assert services.warmth.size() == 0
        assert ask(services, 3).finished.usage.cached_tokens == 0


def test_who_does_not_want_it(opened: Opened, path: Path) -> None:
    """Also while a model is loaded: it is forgotten at once, and nothing is saved any more."""
    with opened() as services:
        loaded(services, path)
        ask(services)
    with opened() as services:
        assert services.warmth.size() > 0
        loaded(services, path)
        assert ask(services).finished.timings.restored > 0
        services.settings.set("engine.warm", False)
        list(services.warmth.erase({"nothing"}))  # behind what the setting has begun
        assert services.warmth.size() == 0
        assert ask(services).finished.usage.cached_tokens == 0
    with opened() as services:
        assert services.warmth.size() == 0
        loaded(services, path)
        assert ask(services).finished.timings.restored == 0


def test_no_more_than_the_person_gives(opened: Opened, path: Path) -> None:
    with opened() as services:
        services.settings.set("engine.warm_budget", 0.1)
        services.warmth.folder.mkdir()
        for number in range(3):
            (services.warmth.folder / f"{number}.state").write_bytes(state(number, 40_000_000))
        loaded(services, path)
        ask(services)
    with opened() as services:
        assert 80_000_000 < services.warmth.size() < 100_000_000


def test_what_a_killed_process_left_unfinished_goes_at_the_start(opened: Opened) -> None:
    with opened() as services:
        services.warmth.folder.mkdir()
        (services.warmth.folder / "0a.unfinished").write_bytes(b"secret")
    with opened() as services:
        assert list(services.warmth.folder.iterdir()) == []


def test_a_file_that_cannot_be_removed_is_told(services: Services, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(services, path)
    ask(services)
    list(services.engine.unload())
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "in use")))
    with pytest.raises(StorageError):
        list(services.warmth.erase({"conversation:1"}))
