"""What the library remembers between starts: `library.json`.

The places of the person's own files, which can be found nowhere else, and what the headers of all files said. Written
to a new file that takes the old one's place; a damaged one is put aside, and the library begins anew.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backends import __version__
from backends.core.phrase import NOTHING, Phrase
from backends.models.space import disk_errors

VERSION = 1
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file said when it was last read, and by which it is known to be the same still."""

    stamp: tuple[tuple[int, int], ...]  # of each part: size, time of change in ns
    name: str = ""
    architecture: str = ""
    quant: str = ""
    context_train: int = 0
    problem: Phrase = NOTHING


class Index:
    """Read when it is made; `save` writes it if anything changed. `notice` says if it had to begin anew."""

    def __init__(self, path: Path) -> None:
        self.own: list[Path] = []
        self.seen: dict[Path, Seen] = {}
        self.notice = NOTHING
        self._path = path
        self._saved = ""
        self._read()

    def save(self) -> None:
        """Raises StorageError (`folder_not_writable`, `disk_failed`) or ResourceError (`disk_full`)."""
        seen = {str(path): asdict(entry) for path, entry in sorted(self.seen.items())}
        own = [str(path) for path in self.own]
        text = json.dumps({"version": VERSION, "checked_by": __version__, "own": own, "seen": seen}, indent=1)
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

    def _read(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
            data = json.loads(text)
            if data["version"] != VERSION or not isinstance(data["own"], list):
                raise ValueError("not of this version")
            own = [Path(place) for place in data["own"]]
            fresh = data["checked_by"] == __version__  # another version may judge a file in another way
            seen = {Path(path): _seen(entry) for path, entry in data["seen"].items()} if fresh else {}
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the index %s cannot be used: %s", self._path, error)
            self._put_aside()
        else:
            self.own, self.seen, self._saved = own, seen, text

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
        stamp=tuple((int(size), int(changed)) for size, changed in entry["stamp"]),
        name=entry["name"],
        architecture=entry["architecture"],
        quant=entry["quant"],
        context_train=int(entry["context_train"]),
        problem=problem,
    )
    texts = (seen.name, seen.architecture, seen.quant, problem.en, problem.zh)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not text")
    return seen
