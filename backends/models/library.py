"""The models on this disk: those that were downloaded, and files of the person's own, used where they lie.

Everything is read from the disk itself: a downloaded model has its receipt beside it (`partial`), a header says what a
file is. The index, `library.json`, remembers what cannot be found so, the places of the person's own files, and what
the headers said, so that a start reads none that has not changed. It may be lost at no other cost than that list.
A file that cannot be loaded stays in sight, with the reason in its `problem`.
"""

import logging
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.paths import safe_join
from backends.core.phrase import NOTHING, Phrase
from backends.models import gguf, partial
from backends.models.catalog import Catalog
from backends.models.index import Index, Seen
from backends.models.quants import is_model, part_of, stem_of
from backends.models.space import disk_errors
from backends.models.types import LocalModel

DEEPEST = 4  # folders under the models folder in which files are found
log = logging.getLogger(__name__)


class Library:
    """Models in `folder`, and those added from elsewhere. Any thread may use it.

    `notices` says what went wrong with the index or the folder, for a person to read.
    """

    def __init__(self, folder: Path, catalog: Catalog, index: Path) -> None:
        self.folder = folder
        self._catalog = catalog
        self._index = Index(index)
        self._lock = threading.RLock()
        self._models: tuple[LocalModel, ...] | None = None
        self._folder_notices: tuple[Phrase, ...] = ()

    @property
    def notices(self) -> tuple[Phrase, ...]:
        return (*filter(str, [self._index.notice]), *self._folder_notices)

    # ---- what there is

    def models(self) -> tuple[LocalModel, ...]:
        """By name; what has a problem comes last. Looks at the disk the first time, then only in `rescan`."""
        with self._lock:
            return self.rescan() if self._models is None else self._models

    def rescan(self) -> tuple[LocalModel, ...]:
        """Look at the disk. Reads only headers of files that are new or have changed."""
        with self._lock:
            self._folder_notices = ()
            partial.pending(self.folder)  # gives names to what was cut short in its last moment
            found = [self._local(path, own=False) for path in self._in_folder()]
            here = {model.path for model in found}
            found += [self._local(path, own=True) for path in self._index.own if path not in here]
            self._models = _named_apart(found)
            known = {model.path for model in found}
            self._index.seen = {path: seen for path, seen in self._index.seen.items() if path in known}
            self._remember()
            return self._models

    def find(self, wanted: str | Path) -> LocalModel:
        """By id (`r1-0528-qwen3-8b:Q4_K_M`, or without the quant if only one is here), or by the path of its file.

        Raises NotFound (`model_not_here`), with what there is as a hint.
        """
        models = self.models()
        text = str(wanted)
        there = _real(Path(text))
        same_path = [m for m in models if m.path == Path(text).absolute() or (there and _real(m.path) == there)]
        low = text.lower()
        tests = (
            same_path,
            [m for m in models if m.id == text],
            [m for m in models if m.id.lower() == low],
            [m for m in models if m.catalog_id == low],
            [m for m in models if low in (m.name.lower(), m.path.name.lower(), m.source.lower())],
        )
        for matches in tests:
            usable = [model for model in matches if model.problem == NOTHING] or matches
            if len(usable) == 1:
                return usable[0]
            if usable:
                raise _which_of(text, usable)
        raise _not_here(text, models)

    # ---- changing it

    def add(self, path: Path) -> LocalModel:
        """Take a GGUF of the person's own, where it lies; any part of a split stands for all of it.

        Raises InvalidInput (as `gguf.check`), NotFound, StorageError (the index cannot be written).
        """
        path = self._first_part(path.absolute())
        if path.is_dir():
            raise InvalidInput(
                Phrase(f"{path} is a folder.", f"{path} 是文件夹。"),
                Phrase("Choose a .gguf file in it.", "请选择其中的 .gguf 文件。"),
                code="not_a_file",
            )
        if _never_ends(path):
            raise InvalidInput(
                Phrase(f"{path} is a device or a pipe, not a file.", f"{path} 是设备或管道，不是文件。"),
                Phrase("Choose a .gguf file.", "请选择 .gguf 文件。"),
                code="not_a_file",
            )
        gguf.check(path)
        with self._lock:
            for model in self.models():
                if _real(model.path) == _real(path):
                    return model if model.problem == NOTHING else self._after(self.rescan(), model.path)
            self._index.own.append(path)
            try:
                self._index.save()
            except BackendError:
                self._index.own.remove(path)
                raise
            return self._after(self.rescan(), path)

    def remove(self, model_id: str) -> None:
        """Forget a file of the person's own, which stays where it is; delete a downloaded one, all its parts.

        Raises NotFound, InvalidInput (`not_ours`) for a file that was put into the models folder by hand, and
        StorageError if the disk refuses.
        """
        with self._lock:
            model = next((model for model in self.models() if model.id == model_id), None)
            if model is None:
                raise _not_here(model_id, self.models())
            if model.path in self._index.own:
                self._index.own.remove(model.path)
                self._index.save()
            elif partial.read_record(model.path, partial.RECEIPT) is None:
                raise InvalidInput(
                    Phrase(
                        f"{model.path.name} was not downloaded by DeskSeek, so DeskSeek does not delete it.",
                        f"{model.path.name} 不是由 DeskSeek 下载的，因此不会将其删除。",
                    ),
                    Phrase(f"Delete it yourself: {model.path}", f"如需删除，请手动操作：{model.path}"),
                    code="not_ours",
                )
            else:
                self._delete(model.path)
            self.rescan()

    def _delete(self, path: Path) -> None:
        safe_join(self.folder, *path.relative_to(self.folder).parts)
        with disk_errors(path.parent), partial.claim(self.folder, path):
            for part in reversed(_parts(path)):  # the first last: without it the others are no model
                part.unlink(missing_ok=True)
                partial.part_path(part).unlink(missing_ok=True)
            for suffix in (partial.RECORD, partial.RECEIPT):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()

    # ---- looking

    def _in_folder(self) -> list[Path]:
        """The first files of the models under the folder."""

        def failed(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                log.warning("the models folder cannot be read: %s", error)
                self._folder_notices += (
                    Phrase(
                        f"The folder {error.filename} cannot be read: {error.strerror}.",
                        f"无法读取文件夹 {error.filename}：{error.strerror}。",
                    ),
                )

        found = []
        for here, folders, files in os.walk(self.folder, onerror=failed):
            depth = len(Path(here).relative_to(self.folder).parts)
            folders[:] = sorted(f for f in folders if not f.startswith(".")) if depth < DEEPEST else []
            there = set(files)
            found += [Path(here) / name for name in files if is_model(name) and not _follows(name, there)]
        return sorted(path for path in found if not _never_ends(path))

    def _local(self, path: Path, *, own: bool) -> LocalModel:
        seen = self._look(path)
        receipt = None if own else partial.read_record(path, partial.RECEIPT)
        repo = receipt.repo if receipt else ""
        known = self._catalog.match(repo, receipt.parts[0].file if receipt else path.name)
        if known is not None and seen.architecture not in ("", known.shape.architecture):
            known = None  # a name alone does not make it that model
        quant = receipt.quant if receipt and receipt.quant else seen.quant
        size = sum(size for size, _ in seen.stamp)
        return LocalModel(
            id=f"{known.id}:{quant}" if known and quant else stem_of(path.name),
            name=known.name if known else seen.name or stem_of(path.name),
            path=path,
            size=size,
            architecture=seen.architecture,
            quant=quant,
            context_train=seen.context_train,
            catalog_id=known.id if known else None,
            sha256=receipt.sha256 if receipt else None,
            source=repo,
            verified=receipt is not None and receipt.verified and receipt.size == size,
            problem=seen.problem,
        )

    def _look(self, path: Path) -> Seen:
        """What the header says, from memory if the file is still the same."""
        stamp = _stamp(path)
        seen = self._index.seen.get(path)
        if seen is not None and stamp and seen.stamp == stamp:
            return seen
        if not stamp:
            gone = Phrase(
                f"The file is not there any more: {path}. If it is on another disk, connect that.",
                f"文件已不存在：{path}。如果它在其他磁盘上，请连接该磁盘。",
            )
            return replace(seen, problem=gone) if seen else Seen((), problem=gone)
        try:
            header = gguf.check(path)
        except InvalidInput as error:
            seen = Seen(stamp, problem=_sentence(error))
        except BackendError as error:  # of the disk, not of the file: not to be remembered
            return Seen(stamp, problem=_sentence(error))
        else:
            seen = Seen(stamp, header.name, header.architecture, header.quant, header.context_train)
        self._index.seen[path] = seen
        return seen

    @staticmethod
    def _first_part(path: Path) -> Path:
        part = part_of(path.name)
        return path if part is None else path.with_name(part.name(1))

    @staticmethod
    def _after(models: Iterable[LocalModel], path: Path) -> LocalModel:
        return next(model for model in models if model.path == path)

    def _remember(self) -> None:
        """Keep what the headers said; a memory that cannot be kept costs time only."""
        try:
            self._index.save()
        except BackendError as error:
            log.warning("%s", error)


def _real(path: Path) -> Path | None:
    """Where the file really is; None if there is none."""
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError):
        return None


def _parts(path: Path) -> list[Path]:
    part = part_of(path.name)
    return [path] if part is None else [path.with_name(part.name(number)) for number in range(1, part.count + 1)]


def _never_ends(path: Path) -> bool:
    """A pipe, a device, a socket: whoever opens or reads it may wait for ever."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _follows(name: str, there: set[str]) -> bool:
    """Whether a file is a part of a split of which an earlier one is there."""
    part = part_of(name)
    return part is not None and any(part.name(number) in there for number in range(1, part.number))


def _stamp(path: Path) -> tuple[tuple[int, int], ...]:
    """Of every part that is there; empty if the first is not."""
    found = []
    for part in _parts(path):
        try:
            status = part.stat()
        except OSError:
            if part == path:
                return ()
            continue
        found.append((status.st_size, status.st_mtime_ns))
    return tuple(found)


def _sentence(error: BackendError) -> Phrase:
    """What is wrong and what to do, in one."""
    if error.hint == NOTHING:
        return error.message
    return Phrase(f"{error.message.en} {error.hint.en}", f"{error.message.zh}{error.hint.zh}")


def _named_apart(models: list[LocalModel]) -> tuple[LocalModel, ...]:
    """Give each its own id: of several with one, the first (downloaded before own) keeps it, the others are called by
    their folder too, then by number."""
    taken: set[str] = set()
    named = []
    for model in models:
        own_id = next(name for name in _ids(model) if name not in taken)
        taken.add(own_id)
        named.append(replace(model, id=own_id))
    return tuple(sorted(named, key=lambda model: (model.problem != NOTHING, model.name.lower(), model.size, model.id)))


def _ids(model: LocalModel) -> Iterator[str]:
    yield model.id
    by_folder = f"{model.id}@{model.path.parent.name}"
    yield by_folder
    number = 2
    while True:
        yield f"{by_folder}-{number}"
        number += 1


def _which_of(text: str, models: list[LocalModel]) -> InvalidInput:
    ids = ", ".join(model.id for model in models)
    return InvalidInput(
        Phrase(f"“{text}” may be several of the models here.", f"“{text}”对应本机多个模型。"),
        Phrase(f"Name one of them: {ids}.", f"请指定其中一个：{ids}。"),
        code="ambiguous_model",
    )


def _not_here(text: str, models: tuple[LocalModel, ...]) -> NotFound:
    ids = ", ".join(model.id for model in models)
    if not ids:
        hint = Phrase("No model is here yet. Download one first.", "本机还没有模型，请先下载一个。")
    else:
        hint = Phrase(f"Here are: {ids}.", f"现有：{ids}。")
    return NotFound(Phrase(f"The model “{text}” is not here.", f"本机没有模型“{text}”。"), hint, code="model_not_here")
