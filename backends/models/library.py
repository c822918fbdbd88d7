"""The models on this disk: downloaded, made or copied here, the person's own, and those of other programs.

Everything is read from the disk itself: a downloaded model has its receipt beside it (`partial`), a header says what a
file is (`seen`), other programs have their customs (`elsewhere`). The index, `library.json`, remembers what cannot be
found so: the places of the person's own files, what was hidden, which version is used, and what the headers said, so
that a start reads none that has not changed. A file that cannot be loaded stays in sight, with the reason in its
`problem`. What is ours is deleted into the trash; everything else is only taken off the list.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.paths import safe_join
from backends.core.phrase import Phrase
from backends.models import gguf, partial, settling, trash
from backends.models.adapter_shelf import AdapterShelf
from backends.models.catalog import Catalog
from backends.models.elsewhere import Found, described, same_marks
from backends.models.index import Checked, Chosen, Hidden, Index
from backends.models.names import Shelved, arranged, matching, newest, not_here, plain_id, real
from backends.models.seen import KINDS, first_part, is_folder, never_ends, parts_of, stamp_of
from backends.models.shelving import Shelver, hidden_key
from backends.models.space import disk_errors
from backends.models.types import Deleted, LocalAdapter, LocalModel
from backends.models.walk import Budget, models

DEEPEST = 4  # folders under the models folder in which files are found
log = logging.getLogger(__name__)


class Library:
    """Models in `folder`, those added from elsewhere, and what `others` finds. Any thread may use it.

    `notices` says what went wrong with the index or the folder, for a person to read.
    """

    def __init__(
        self, folder: Path, catalog: Catalog, index: Path, others: Callable[[], Iterable[Found]] = tuple
    ) -> None:
        self.folder = folder
        self._others = others
        self._index = Index(index)
        self._shelver = Shelver(self._index, catalog)
        self._lock = threading.RLock()
        self._models: tuple[LocalModel, ...] | None = None
        self._shelved: dict[Path, Shelved] = {}
        self._folder_notices: tuple[Phrase, ...] = ()
        self._adapters = AdapterShelf(self._index)

    @property
    def notices(self) -> tuple[Phrase, ...]:
        return (*filter(str, [self._index.notice]), *self._folder_notices)

    # ---- what there is

    def models(self) -> tuple[LocalModel, ...]:
        """By name; former versions after the current ones, what has a problem last. Looks at the disk the first time,
        then only in `rescan`."""
        with self._lock:
            return self.rescan() if self._models is None else self._models

    def rescan(self) -> tuple[LocalModel, ...]:
        """Look at the disk. Reads only headers of files that are new or have changed."""
        with self._lock:
            self._folder_notices = ()
            settling.take_back_unsettled(self.folder)
            partial.pending(self.folder)  # gives names to what was cut short in its last moment
            trash.settle(self.folder)
            shelved, adapters = self._look()
            self._shelved = {each.model.path: each for each in shelved}
            self._models = arranged(shelved, self._index.chosen)
            self._adapters.here = adapters
            self._forget_gone({*self._shelved, *(adapter.path for adapter in adapters)})
            self._remember()
            return self._models

    def find(self, wanted: str | Path) -> LocalModel:
        """By id (`r1-0528-qwen3-8b:Q4_K_M`, or without the quant if only one is here; `ID@VERSION`), or by the path of
        its file.

        Raises NotFound (`model_not_here`), with what there is as a hint, InvalidInput (`ambiguous_model`).
        """
        return matching(str(wanted), self.models())

    # ---- versions

    def versions(self, model_id: str) -> tuple[LocalModel, ...]:
        """All versions of a model that are here, the newest first; raises as `find`."""
        with self._lock:
            shelf = self._versions(self.find(model_id))
            by_path = {model.path: model for model in self.models()}
            return tuple(by_path[each.model.path] for each in shelf)

    def use(self, model_id: str, version: str) -> LocalModel:
        """Let `model_id` mean this version, until a newer one than are here now comes; gives it.

        Raises as `find`, NotFound (`version_not_here`), StorageError.
        """
        with self._lock:
            model = self.find(model_id)
            shelf = self._versions(model)
            wanted = [each for each in shelf if version and each.model.version.startswith(version.lower())]
            if len(wanted) != 1 or not shelf[0].key:
                raise _no_such_version(model, version, shelf)
            self._index.chosen[shelf[0].key] = Chosen(wanted[0].model.version, newest(shelf).model.version)
            self._index.save()
            return self._after(self.rescan(), wanted[0].model.path)

    def _versions(self, model: LocalModel) -> list[Shelved]:
        here = self._shelved[model.path]
        shelf = [each for each in self._shelved.values() if here.key and each.key == here.key] or [here]
        return sorted(shelf, key=lambda each: (each.changed, each.model.version), reverse=True)

    # ---- adapters

    def adapters(self) -> tuple[LocalAdapter, ...]:
        """The LoRA adapters on this disk, by name; what has a problem comes last."""
        with self._lock:
            self.models()
            return self._adapters.listed()

    def add_adapter(self, path: Path) -> LocalAdapter:
        """Take an adapter, where it lies. Raises as `adapters.check_adapter`, and StorageError."""
        with self._lock:
            self.models()
            self._adapters.add(path.absolute())
            self.rescan()
            return self._adapters.find(path)

    def remove_adapter(self, adapter_id: str) -> None:
        """Take an adapter off the list and off every model; its file stays. NotFound (`adapter_not_here`)."""
        with self._lock:
            self.models()
            self._adapters.remove(adapter_id)
            self.rescan()

    def adapters_of(self, model_id: str) -> tuple[tuple[LocalAdapter, float], ...]:
        """The adapters that are switched on for a model, and how strong; those that are gone are left out."""
        with self._lock:
            return self._adapters.worn(plain_id(self.find(model_id)))

    def worn(self, model_id: str) -> tuple[tuple[Path, float], ...]:
        """The same by their files, those that are gone among them."""
        with self._lock:
            return tuple(self._index.worn.get(plain_id(self.find(model_id)), ()))

    def set_adapters(self, model_id: str, worn: Iterable[tuple[LocalAdapter, float]]) -> None:
        """Raises as `find`, InvalidInput (`adapter_does_not_fit`, `bad_scale`), StorageError."""
        with self._lock:
            model = self.find(model_id)
            self._adapters.wear(plain_id(model), model.path, worn)

    # ---- changing it

    def add(self, path: Path) -> LocalModel:
        """Take a GGUF of the person's own, where it lies; any part of a split stands for all of it.

        Raises InvalidInput (as `gguf.check`), NotFound, StorageError (the index cannot be written).
        """
        return self.add_all([path])[0]

    def add_all(self, paths: Sequence[Path]) -> list[LocalModel]:
        """`add` for several, with one look at the disk."""
        paths = [first_part(path.absolute()) for path in paths]
        for path in paths:
            check_file(path)
            gguf.check(path, KINDS)
        with self._lock:
            shown = [self._index.hidden.pop(path, None) for path in paths]
            known = {real(model.path): model for model in (self.rescan() if any(shown) else self.models())}
            own = dict.fromkeys(path for path in paths if real(path) not in known)
            if own:
                before = list(self._index.own)
                self._index.own = [*(each for each in before if each not in own), *own]
                try:
                    self._index.save()
                except BackendError:
                    self._index.own = before
                    raise
            if own or any(known[real(path)].problem.en for path in paths):
                known = {real(model.path): model for model in self.rescan()}
            return [known[real(path)] for path in paths]

    def add_folder(self, folder: Path) -> None:
        """Use what another program keeps in `folder` (an Ollama store, a hub cache, …), now and later. StorageError."""
        with self._lock:
            if folder not in self._index.folders:
                self._index.folders.append(folder)
                self._index.save()
            for found in described(folder):
                self._index.hidden.pop(found.path, None)
            self.rescan()

    def delete(self, model_id: str) -> Deleted:
        """Take a model away, to be put back with `undelete`: one that was downloaded, made or copied here is moved to
        the trash, all its parts; any other file is only taken off the list, and stays where it is.

        Raises NotFound, Unavailable (`download_running`), StorageError if the disk refuses.
        """
        with self._lock:
            model = next((model for model in self.models() if model.id == model_id), None)
            if model is None:
                raise not_here(model_id, self.models())
            deleted = self._delete(model) if self._is_ours(model.path) else self._hide(model)
            self.rescan()
            return deleted

    def undelete(self, key: str) -> LocalModel | None:
        """Put back what `delete` took away; None if there is no such model any more (a file of another program).

        Raises NotFound (`not_deleted`), InvalidInput (`place_taken`), StorageError.
        """
        with self._lock:
            path = next((path for path in self._index.hidden if hidden_key(path) == key), None)
            if path is None:
                path = trash.put_back(self.folder, key)
            else:
                del self._index.hidden[path]
                self._index.save()
            return next((model for model in self.rescan() if model.path == path), None)

    def deleted(self) -> tuple[Deleted, ...]:
        """What can be put back, the last first. `size`: bytes that erasing it would free."""
        with self._lock:
            hidden = [Deleted(hidden_key(p), each.name, 0, each.when, p.name) for p, each in self._index.hidden.items()]
            return tuple(sorted([*trash.listed(self.folder), *hidden], key=lambda each: -each.when))

    def erase(self, key: str) -> int:
        """Erase one that was deleted, for good; gives the bytes that are free now. NotFound (`not_deleted`)."""
        with self._lock:
            return trash.erase(self.folder, key)

    def empty_trash(self) -> int:
        """Erase what was deleted, for good; gives the bytes that are free now. Hidden files stay as they are."""
        with self._lock:
            return trash.erase_all(self.folder)

    def sweep(self, now: float) -> int:
        """Erase what was deleted more than a day before `now`; gives the bytes that are free now."""
        with self._lock:
            trash.settle(self.folder)
            return trash.erase_all(self.folder, before=now - trash.DAY)

    # ---- what was checked

    def checked(self, model: LocalModel) -> Checked | None:
        """When all bytes of this file were read last, and what that proved; None if never since it changed."""
        with self._lock:
            checked = self._index.checked.get(model.path)
            return checked if checked and checked.stamp == stamp_of(model.path) else None

    def checked_before(self, model: LocalModel) -> Checked | None:
        """The last check of this file, even if it has changed since."""
        with self._lock:
            return self._index.checked.get(model.path)

    def record_check(self, model: LocalModel, checked: Checked) -> LocalModel:
        """Keep what a check proved; gives the model as it is now."""
        with self._lock:
            self._index.checked[model.path] = checked
            self._index.save()
            return self._after(self.rescan(), model.path)

    # ---- inside

    def _look(self) -> tuple[list[Shelved], list[LocalAdapter]]:
        shelved: list[Shelved] = []
        adapters: list[LocalAdapter] = []
        marks: set[object] = set()
        hidden = self._index.hidden

        def keep(found: Shelved | LocalAdapter | None) -> None:
            if isinstance(found, Shelved):
                shelved.append(found)
            elif found is not None:
                adapters.append(found)

        in_folder = dict.fromkeys(self._in_folder())
        for path in (*in_folder, *(path for path in self._index.own if path not in in_folder)):
            if path not in hidden:
                found = self._shelver.ours(path, in_folder=path in in_folder)
                marks |= same_marks(path, found.model.sha256 if isinstance(found, Shelved) else None)
                keep(found)
        for other in (*self._others(), *(found for folder in self._index.folders for found in described(folder))):
            if other.path not in hidden and not marks & same_marks(other.path, other.sha256):
                marks |= same_marks(other.path, other.sha256)
                keep(self._shelver.other(other))
        return shelved, adapters

    def _in_folder(self) -> list[Path]:
        """The first files of the models under the folder."""
        budget = Budget(seconds=60.0)
        found = sorted(path for path in models(self.folder, DEEPEST, budget, self._unreadable) if not never_ends(path))
        if budget.spent:
            self._folder_notices += (
                Phrase(
                    f"The folder {self.folder} holds too much: not all of it was looked at.",
                    f"文件夹 {self.folder} 内容过多，未能全部查看。",
                ),
            )
        return found

    def _unreadable(self, folder: Path, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            return
        log.warning("the models folder cannot be read: %s", error)
        said = error.strerror or str(error)
        self._folder_notices += (
            Phrase(f"The folder {folder} cannot be read: {said}.", f"无法读取文件夹 {folder}：{said}。"),
        )

    def _is_ours(self, path: Path) -> bool:
        inside = path.is_relative_to(self.folder) and path not in self._index.own
        return inside and partial.read_record(path, partial.RECEIPT) is not None

    def _delete(self, model: LocalModel) -> Deleted:
        path = model.path
        safe_join(self.folder, *path.relative_to(self.folder).parts)
        receipt = path.with_name(path.name + partial.RECEIPT)
        with disk_errors(path.parent), partial.claim(self.folder, path):
            return trash.put(self.folder, model.name, [*parts_of(path), receipt])

    def _hide(self, model: LocalModel) -> Deleted:
        hidden = Hidden(model.name, time.time())
        self._index.hidden[model.path] = hidden
        try:
            self._index.save()
        except BackendError:
            del self._index.hidden[model.path]
            raise
        return Deleted(hidden_key(model.path), hidden.name, 0, hidden.when, model.path.name)

    def _forget_gone(self, known: set[Path]) -> None:
        """Headers of files that are no more; what other programs hold is looked at again only while it is there."""
        index = self._index
        index.seen = {path: seen for path, seen in index.seen.items() if path in known or path.exists()}

    @staticmethod
    def _after(found: Iterable[LocalModel], path: Path) -> LocalModel:
        return next(model for model in found if model.path == path)

    def _remember(self) -> None:
        """Keep what the headers said; a memory that cannot be kept costs time only."""
        try:
            self._index.save()
        except BackendError as error:
            log.warning("%s", error)


def check_file(path: Path) -> None:
    """InvalidInput (`not_a_file`) for what is there and is no file."""
    if is_folder(path):
        raise InvalidInput(
            Phrase(f"{path} is a folder.", f"{path} 是文件夹。"),
            Phrase("Choose a .gguf file in it.", "请选择其中的 .gguf 文件。"),
            code="not_a_file",
        )
    if never_ends(path):
        raise InvalidInput(
            Phrase(f"{path} is a device or a pipe, not a file.", f"{path} 是设备或管道，不是文件。"),
            Phrase("Choose a .gguf file.", "请选择 .gguf 文件。"),
            code="not_a_file",
        )


def _no_such_version(model: LocalModel, version: str, shelf: list[Shelved]) -> NotFound:
    there = ", ".join(each.model.version for each in shelf if each.model.version)
    return NotFound(
        Phrase(f"Of {model.name} there is no version {version}.", f"没有 {model.name} 的版本 {version}。"),
        Phrase(f"Here are: {there}.", f"现有：{there}。") if there else Phrase("It has only one.", "它只有一个版本。"),
        code="version_not_here",
    )
