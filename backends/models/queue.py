"""Downloads in the order in which they are to come, kept in a file: a restart or a kill -9 forgets none of them."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from backends.core.errors import BackendError
from backends.core.files import put_aside, write_file
from backends.core.phrase import NOTHING, Phrase
from backends.models.progress import (
    DownloadEvent,
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadSource,
    DownloadVerifying,
    DownloadWaiting,
)

log = logging.getLogger(__name__)

State = Literal["waiting", "running", "retrying", "verifying", "paused", "failed", "finished"]
ACTIVE: tuple[State, ...] = ("running", "retrying", "verifying")
OFFLINE = "offline"  # the code of what rests because of that
_OFFLINE = Phrase("DeskSeek is offline.", "DeskSeek 处于离线模式。")
_GOES_ON = Phrase("It goes on by itself when that is switched off.", "关闭离线模式后会自动继续。")
_KEPT: tuple[State, ...] = ("paused", "failed")  # what a restart leaves as it is; the others wait again


@dataclass(frozen=True, slots=True)
class Queued:
    """One download. `ref` and `endpoint` are what `pull` takes; `done` and `total` bytes, 0 as long as nobody knows.

    `retrying`: something failed that may pass; it goes on at `next_try` on the clock of `time.monotonic`.
    `fraction`: of the verifying. `reason`, `hint`, `code`: why it retries, failed or rests. `notice`: the last
    thing a person should know.
    `source`: the host that the bytes come from, where it is not the first one. `path`: of a finished model.
    `repo`, `file`: what the hub calls it, once that is known.
    """

    ref: str
    endpoint: str = ""
    state: State = "waiting"
    position: int = 0
    done: int = 0
    total: int = 0
    bytes_per_s: float = 0.0
    seconds_left: float | None = None
    fraction: float = 0.0
    next_try: float = 0.0
    reason: Phrase = NOTHING
    hint: Phrase = NOTHING
    code: str = ""
    notice: Phrase = NOTHING
    source: str = ""
    path: Path | None = None
    repo: str = ""
    file: str = ""

    @property
    def left(self) -> int:
        """Bytes that it will still put on the disk, as far as that is known."""
        return 0 if self.state in ("failed", "finished") else max(0, self.total - self.done)


class Queue:
    """Any thread may use it. `notice` says what went wrong with the file at `path`, for a person to read."""

    def __init__(self, path: Path) -> None:
        self.notice = NOTHING
        self._path = path
        self._lock = threading.RLock()
        self._items: list[Queued] = self._read()
        self._saved = self._durable()

    def items(self) -> tuple[Queued, ...]:
        with self._lock:
            return tuple(replace(item, position=number) for number, item in enumerate(self._items))

    def find(self, ref: str) -> Queued | None:
        return next((item for item in self.items() if item.ref == ref), None)

    def add(self, item: Queued) -> Queued:
        """At the end; one that is there already stays where it is. Raises StorageError."""
        with self._lock:
            if self.find(item.ref) is None:
                self._items.append(item)
                self._save()
            found = self.find(item.ref)
            assert found is not None, "it was added"
            return found

    def change(self, ref: str, change: Callable[[Queued], Queued]) -> Queued | None:
        """Make another one of it; None if it is not there (any more). Only what must survive is written."""
        with self._lock:
            for number, item in enumerate(self._items):
                if item.ref == ref:
                    self._items[number] = changed = change(item)
                    self._save()
                    return changed
            return None

    def move(self, ref: str, position: int) -> None:
        """To this place, counted from 0."""
        with self._lock:
            item = next((item for item in self._items if item.ref == ref), None)
            if item is not None:
                self._items.remove(item)
                self._items.insert(max(0, position), item)
                self._save()

    def remove(self, ref: str) -> None:
        with self._lock:
            self._items = [item for item in self._items if item.ref != ref]
            self._save()

    def following(self) -> Queued | None:
        """The next one that waits."""
        return next((item for item in self.items() if item.state == "waiting"), None)

    # ---- the file

    def _durable(self) -> list[dict[str, object]]:
        return [_durable(item) for item in self._items if item.state != "finished"]

    def _save(self) -> None:
        """Write what a restart must know, if it has changed."""
        durable = self._durable()
        if durable != self._saved:
            write_file(self._path, json.dumps({"downloads": durable}, ensure_ascii=False, indent=1).encode())
            self._saved = durable

    def _read(self) -> list[Queued]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            items = [_item(entry) for entry in data["downloads"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the queue %s cannot be read: %s", self._path, error)
            self._put_aside()
            return []
        return list({item.ref: item for item in items}.values())

    def _put_aside(self) -> None:
        self.notice = Phrase(
            "The list of downloads was damaged. What had arrived of them is kept; continue them one by one.",
            "下载列表已损坏。已下载的部分仍然保留，请逐个继续。",
        )
        if self._path.is_file():
            put_aside(self._path)


def resting(item: Queued, state: State) -> Queued:
    return Queued(
        item.ref,
        item.endpoint,
        state,
        done=item.done,
        total=item.total,
        notice=item.notice,
        repo=item.repo,
        file=item.file,
    )


def failed(item: Queued, error: BackendError) -> Queued:
    return replace(resting(item, "failed"), reason=error.message, hint=error.hint, code=error.code)


def offline(item: Queued) -> Queued:
    """It rests until the program is online again, and then goes on by itself."""
    return replace(resting(item, "paused"), reason=_OFFLINE, hint=_GOES_ON, code=OFFLINE)


def told(item: Queued, event: DownloadEvent) -> Queued:
    """The same, after `event`."""
    match event:
        case DownloadProgress(done, total, speed, left):
            calm = replace(item, state="running", reason=NOTHING, fraction=0.0)
            return replace(calm, done=done, total=total, bytes_per_s=speed, seconds_left=left)
        case DownloadWaiting(reason, seconds):
            return replace(item, state="retrying", reason=reason, next_try=time.monotonic() + seconds)
        case DownloadVerifying(fraction):
            return replace(item, state="verifying", fraction=fraction)
        case DownloadNotice(message):
            return replace(item, notice=message)
        case DownloadSource(host, reason):
            return replace(item, source=host, notice=reason)
        case DownloadFinished():
            return replace(item, state="verifying", fraction=1.0)


def _durable(item: Queued) -> dict[str, object]:
    state = item.state if item.state in _KEPT else "waiting"
    kept: dict[str, object] = {"ref": item.ref, "endpoint": item.endpoint, "state": state}
    if item.repo:
        kept |= {"repo": item.repo, "file": item.file, "total": item.total}
    if state in _KEPT:
        kept["done"] = item.done
    if state == "failed" or (state == "paused" and item.code):
        reason, hint = item.reason, item.hint
        kept |= {"code": item.code, "reason": [reason.en, reason.zh], "hint": [hint.en, hint.zh]}
    return kept


def _item(entry: dict[str, object]) -> Queued:
    """Raises ValueError, KeyError, TypeError for what is no entry."""
    state, ref = entry["state"], entry["ref"]
    if state not in (*_KEPT, "waiting") or not isinstance(ref, str) or not ref:
        raise ValueError(f"not an entry: {entry!r}")
    texts = {name: str(entry.get(name, "")) for name in ("endpoint", "repo", "file", "code")}
    done, total = (value if type(value := entry.get(name)) is int and value > 0 else 0 for name in ("done", "total"))
    return Queued(
        ref,
        texts["endpoint"],
        state,
        done=min(done, total),
        total=total,
        reason=_phrase(entry.get("reason")),
        hint=_phrase(entry.get("hint")),
        code=texts["code"],
        repo=texts["repo"],
        file=texts["file"],
    )


def _phrase(pair: object) -> Phrase:
    if isinstance(pair, list) and len(pair) == 2:
        return Phrase(str(pair[0]), str(pair[1]))
    return NOTHING
