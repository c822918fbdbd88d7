"""Ask everything at once, and wait for nobody too long.

Each reader runs on a thread of its own. Whoever says nothing for `patience` seconds is left behind with a note (a
driver can hang in a call that nothing can interrupt; its thread dies with the process), and what it had said until
then counts. Every card found is a sign of life, so many slow cards are not one that hangs.

This is the one place of the backends where any exception of a reader is caught: a vendor's library may fail in
ways that nobody foresaw, and the person still wants to know what the rest of the machine is.
"""

import logging
import os
import platform
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.hardware import amd, apple, cpu, disk, dxgi, intel, memory, nvidia
from backends.hardware.types import Absent, Cpu, Disk, Finding, Gpu, Machine, Memory

log = logging.getLogger(__name__)

PATIENCE = 3.0  # seconds

_TITLES = {
    "cpu": Phrase("the processor", "处理器"),
    "memory": Phrase("the memory", "内存"),
    "disk": Phrase("the disk of the model folder", "模型文件夹所在的磁盘"),
    "nvidia": Phrase("NVIDIA's driver", "NVIDIA 驱动"),
    "amd": Phrase("AMD's driver", "AMD 驱动"),
    "intel": Phrase("Intel's driver", "Intel 驱动"),
    "dxgi": Phrase("the graphics system of Windows", "Windows 图形系统"),
    "apple": Phrase("the graphics of macOS", "macOS 图形系统"),
}

Reader = Callable[[], Iterable[Any]]


@dataclass(slots=True)
class _Heard:
    """What one reader said, and how it ended: done, failed, or silent."""

    items: list[Any] = field(default_factory=list)
    error: Exception | None = None
    done: bool = False


def probe(
    folder: Path, *, cancel: CancelToken, root: Path = Path("/"), patience: float = PATIENCE
) -> Iterator[Machine]:
    """What this machine is, with the disk that `folder` lies on (it need not exist). Yields exactly one Machine.

    Raises nothing but `Cancelled`. What could not be found out is 0, empty or None, and a note says why.
    """
    system = platform.system()
    basics: dict[str, Reader] = {
        "cpu": lambda: [cpu.read(root, system)],
        "memory": lambda: [memory.read(root)],
        "disk": lambda: [disk.read(folder)],
    }
    heard = _listen(basics, patience, cancel)
    its_cpu = _first(heard["cpu"], Cpu("", os.cpu_count() or 1, os.cpu_count() or 1, (), platform.machine()))
    its_memory = _first(heard["memory"], Memory(0, 0))
    vendors = _listen(_vendors(system, its_memory, root), patience, cancel)
    findings = [finding for said in vendors.values() for finding in said.items]
    gpus = tuple(finding for finding in findings if isinstance(finding, Gpu))
    notes = [finding for finding in findings if isinstance(finding, Phrase)]
    notes += [note for name, said in (heard | vendors).items() if (note := _complaint(name, said, patience))]
    if not gpus:
        notes += [finding.sentence for finding in findings if isinstance(finding, Absent)]
    yield Machine(its_cpu, its_memory, _first(heard["disk"], Disk(str(folder), 0, 0)), gpus, system, tuple(notes))


def cards(*, cancel: CancelToken, root: Path = Path("/"), patience: float = PATIENCE) -> dict[str, tuple[Finding, ...]]:
    """What each driver says of its cards, by its name (nvidia, amd, intel, apple; dxgi of Windows). One that fails or
    falls silent says so by a sentence."""
    its_memory = _first(_listen({"memory": lambda: [memory.read(root)]}, patience, cancel)["memory"], Memory(0, 0))
    heard = _listen(_vendors(platform.system(), its_memory, root), patience, cancel)
    complaints = {name: _complaint(name, said, patience) for name, said in heard.items()}
    return {name: (*said.items, *filter(None, [complaints[name]])) for name, said in heard.items()}


def _vendors(system: str, its_memory: Memory, root: Path) -> dict[str, Reader]:
    if system == "Darwin":
        return {"apple": partial(apple.read, its_memory)}
    readers: dict[str, Reader] = {"nvidia": partial(nvidia.read, its_memory, root)}
    if system == "Windows":
        return readers | {"dxgi": partial(dxgi.read, its_memory)}
    return readers | {"amd": partial(amd.read, its_memory, root), "intel": partial(intel.read, its_memory, root)}


def _listen(readers: dict[str, Reader], patience: float, cancel: CancelToken) -> dict[str, _Heard]:
    """Run all readers at once and collect what they say until each has ended or fallen silent."""
    mouth: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    for name, reader in readers.items():
        threading.Thread(target=_speak, args=(name, reader, mouth), name=f"probe-{name}", daemon=True).start()
    forget = cancel.on_cancel(lambda: mouth.put(("", None)))
    heard = {name: _Heard() for name in readers}
    deadlines = dict.fromkeys(readers, time.monotonic() + patience)
    try:
        while deadlines:
            try:
                name, said = mouth.get(timeout=max(0.0, min(deadlines.values()) - time.monotonic()))
            except queue.Empty:
                now = time.monotonic()
                deadlines = {name: deadline for name, deadline in deadlines.items() if deadline > now}
                continue
            cancel.check()
            if name in deadlines:
                _note_down(heard[name], said)
                deadlines[name] = time.monotonic() + patience
                if heard[name].done:
                    del deadlines[name]
    finally:
        forget()
    return heard


_END = object()


def _speak(name: str, reader: Reader, mouth: "queue.SimpleQueue[tuple[str, Any]]") -> None:
    try:
        for item in reader():
            mouth.put((name, item))
    except Exception as error:
        log.warning("probing %s failed", name, exc_info=True)
        mouth.put((name, error))
    else:
        mouth.put((name, _END))


def _note_down(heard: _Heard, said: Any) -> None:
    heard.done = said is _END or isinstance(said, Exception)
    if isinstance(said, Exception):
        heard.error = said
    elif not heard.done:
        heard.items.append(said)


def _first(heard: _Heard, otherwise: Any) -> Any:
    return heard.items[0] if heard.items else otherwise


def _complaint(name: str, heard: _Heard, patience: float) -> Phrase | None:
    title = _TITLES[name]
    if heard.error:
        reason = f"{type(heard.error).__name__}: {heard.error}"
        return Phrase(
            f"Asking {title.en} failed ({reason}). DeskSeek goes on without it.",
            f"查询{title.zh}时出错（{reason}）。DeskSeek 将在没有它的情况下继续。",
        )
    if not heard.done:
        log.warning("probing %s: no answer within %.1f s", name, patience)
        return Phrase(
            f"DeskSeek asked {title.en} and had no answer for {patience:g} seconds. It goes on without it; restarting "
            "the computer often helps.",
            f"DeskSeek 查询{title.zh}，等待 {patience:g} 秒仍无响应，将在没有它的情况下继续。重启电脑通常可以解决。",
        )
    return None
