"""What the library remembers between starts: `library.json`.

The places of the person's own files, which can be found nowhere else, what was hidden, chosen and checked, and what
the headers of all files said. Written to a new file that takes the old one's place; a damaged one is put aside, and
the library begins anew.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from backends import __version__
from backends.core.phrase import NOTHING, Phrase
from backends.models.seen import Seen, Stamp
from backends.models.space import disk_errors

VERSION = 1
Verdict = Literal["matches", "differs", "remembered", "changed"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """The last time all bytes of a model were read: the sha256 of each part then, and what it proved.

    `matches` and `differs`: compared with what the publisher gave. `remembered`: nobody publishes any, so these are
    what the next time is compared with; `changed`: they are others than then.
    """

    stamp: Stamp
    sha256s: tuple[str, ...]
    when: float  # seconds since 1970
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Chosen:
    """The version that a person went back to, and the newest there was then: a newer one is used again."""

    version: str
    newest: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A file that is not ours to delete, taken off the list."""

    name: str
    when: float  # seconds since 1970


class Index:
    """Read when it is made; `save` writes it if anything changed. `notice` says if it had to begin anew."""

    def __init__(self, path: Path) -> None:
        self.own: list[Path] = []
        self.folders: list[Path] = []  # stores of other programs that the person pointed to
        self.seen: dict[Path, Seen] = {}
        self.hidden: dict[Path, Hidden] = {}
        self.chosen: dict[str, Chosen] = {}
        self.checked: dict[Path, Checked] = {}
        self.worn: dict[str, list[tuple[Path, float]]] = {}  # the adapters of a model, and how strong
        self.notice = NOTHING
        self._path = path
        self._saved = ""
        self._read()

    def save(self) -> None:
        """Raises StorageError (`folder_not_writable`, `disk_failed`) or ResourceError (`disk_full`)."""
        text = json.dumps(self._as_data(), indent=1)
        if text == self._saved:
            return
        with disk_errors(self._path.parent):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path.with_name(self._path.name + ".new")
            with fresh.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        self._saved = text

    def _as_data(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "checked_by": __version__,
            "own": [str(path) for path in self.own],
            "folders": [str(path) for path in self.folders],
            "hidden": {str(path): asdict(hidden) for path, hidden in sorted(self.hidden.items())},
            "chosen": {key: asdict(chosen) for key, chosen in sorted(self.chosen.items())},
            "checked": {str(path): asdict(checked) for path, checked in sorted(self.checked.items())},
            "worn": {model: [[str(path), scale] for path, scale in each] for model, each in sorted(self.worn.items())},
            "seen": {str(path): asdict(entry) for path, entry in sorted(self.seen.items())},
        }

    def _read(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
            data = json.loads(text)
            if data["version"] != VERSION or not isinstance(data["own"], list):
                raise ValueError("not of this version")
            own = [Path(place) for place in data["own"]]
            folders = [Path(place) for place in data.get("folders", [])]
            hidden = {Path(path): _hidden(entry) for path, entry in data.get("hidden", {}).items()}
            chosen = {str(key): _chosen(entry) for key, entry in data.get("chosen", {}).items()}
            checked = {Path(path): _checked(entry) for path, entry in data.get("checked", {}).items()}
            worn = {
                str(model): [(Path(path), float(scale)) for path, scale in each]
                for model, each in data.get("worn", {}).items()
            }
            fresh = data["checked_by"] == __version__  # another version may judge a file in another way
            seen = {Path(path): _seen(entry) for path, entry in data["seen"].items()} if fresh else {}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("the index %s cannot be used: %s", self._path, error)
            self._put_aside()
        else:
            self.own, self.seen, self.hidden, self.chosen = own, seen, hidden, chosen
            self.checked, self.worn, self.folders, self._saved = checked, worn, folders, text

    def _put_aside(self) -> None:
        aside = self._path.with_name(self._path.name + ".broken")
        try:
            self._path.replace(aside)
        except OSError as error:
            log.warning("it cannot be put aside either: %s", error)
        self.notice = Phrase(
            "The list of models was damaged and is built anew. Please add the files of your own again; "
            f"the old list is {aside}.",
            f"模型列表已损坏并已重建。请重新添加您自己的文件；旧列表保存在 {aside}。",
        )


def _seen(entry: Mapping[str, Any]) -> Seen:
    """ValueError, KeyError or TypeError if it is not what `save` wrote."""
    problem = Phrase(**entry["problem"])
    seen = Seen(
        stamp=_stamp(entry),
        name=entry["name"],
        architecture=entry["architecture"],
        quant=entry["quant"],
        context_train=int(entry["context_train"]),
        problem=problem,
        code=entry.get("code", ""),
        kind=entry.get("kind", "chat"),
        width=int(entry.get("width", 0)),
    )
    texts = (seen.name, seen.architecture, seen.quant, problem.en, problem.zh, seen.code)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not text")
    if seen.kind not in ("chat", "embedding", "reranking", "adapter"):
        raise ValueError("no kind of model")
    return seen


def _checked(entry: Mapping[str, Any]) -> Checked:
    hashes = tuple(entry["sha256s"])
    if not all(isinstance(text, str) for text in hashes) or entry["verdict"] not in get_args(Verdict):
        raise TypeError("not what was written")
    return Checked(_stamp(entry), hashes, float(entry["when"]), entry["verdict"])


def _hidden(entry: Mapping[str, Any]) -> Hidden:
    return Hidden(str(entry["name"]), float(entry["when"]))


def _chosen(entry: Mapping[str, Any]) -> Chosen:
    version, newest = entry["version"], entry["newest"]
    if not isinstance(version, str) or not isinstance(newest, str):
        raise TypeError("not text")
    return Chosen(version, newest)


def _stamp(entry: Mapping[str, Any]) -> Stamp:
    return tuple((int(size), int(changed)) for size, changed in entry["stamp"])
