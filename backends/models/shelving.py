"""What a file on this disk is to a person: its header, its receipt and its place put together."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from backends.core.phrase import NOTHING, Phrase
from backends.models import partial
from backends.models.catalog import Catalog
from backends.models.elsewhere import Found
from backends.models.index import Index
from backends.models.names import Shelved
from backends.models.partial import Record
from backends.models.quants import stem_of
from backends.models.seen import Seen, look
from backends.models.types import CatalogModel, Kind, LocalAdapter, LocalModel, Origin

_WORTH_SAYING = {"", "damaged_file", "truncated_file", "missing_part", "file_not_readable"}
_DIFFERS = Phrase(
    "The bytes of this file are not those that its publisher gave. Repair it, or download it again.",
    "该文件的内容与发布者提供的不一致。请修复或重新下载。",
)


@dataclass(frozen=True, slots=True)
class Shelver:
    """Looks at files. What headers said is taken from the index, and kept there."""

    index: Index
    catalog: Catalog

    def ours(self, path: Path, *, in_folder: bool) -> Shelved | LocalAdapter:
        """A file of the models folder, with its receipt if it has one; or one that the person added."""
        seen = look(path, self.index.seen)
        if seen.kind == "adapter":
            return _adapter(path, seen)
        receipt = partial.read_record(path, partial.RECEIPT) if in_folder else None
        if receipt is None:
            return Shelved(self._model(path, seen, self.catalog.match("", path.name), Found(path, "own")))
        found = Found(
            path,
            cast("Origin", receipt.origin),
            source=receipt.repo,
            file=receipt.parts[0].file,
            sha256=receipt.sha256,
            version=version_of(receipt) if receipt.origin == "downloaded" else "",
        )
        known = self.catalog.match(receipt.repo, receipt.parts[0].file)
        model = self._model(path, seen, known, found, receipt)
        return Shelved(model, key_of(found), _changed(seen))

    def other(self, found: Found) -> Shelved | LocalAdapter | None:
        """A file of another program; None if it is nothing for this engine, and a person need not hear of it."""
        if found.problem != NOTHING:
            seen = Seen(((found.size, 0),), problem=found.problem)
        else:
            seen = look(found.path, self.index.seen)
        if seen.kind == "adapter":
            return _adapter(found.path, seen)
        if seen.code not in _WORTH_SAYING:
            return None
        known = self.catalog.match(found.source, found.file or found.path.name) or self._by_hash(found.sha256)
        return Shelved(self._model(found.path, seen, known, found), key_of(found), _changed(seen))

    def _model(
        self, path: Path, seen: Seen, known: CatalogModel | None, found: Found, receipt: Record | None = None
    ) -> LocalModel:
        if known is not None and seen.architecture not in ("", known.shape.architecture):
            known = None  # a name alone does not make it that model
        quant = receipt.quant if receipt and receipt.quant else seen.quant
        name = found.name or stem_of(path.name)
        checked = self.index.checked.get(path)
        if checked is not None and checked.stamp != seen.stamp:
            checked = None
        whole = receipt is not None and receipt.verified and receipt.size == seen.size
        return LocalModel(
            id=f"{known.id}:{quant}" if known and quant else name.rpartition("/")[2] if found.origin == "jan" else name,
            name=known.name if known else found.name or seen.name or name,
            path=path,
            size=seen.size,
            architecture=seen.architecture,
            quant=quant,
            context_train=seen.context_train,
            catalog_id=known.id if known else None,
            sha256=found.sha256,
            source=found.source,
            verified=checked.verdict == "matches" if checked and checked.verdict != "remembered" else whole,
            problem=_DIFFERS if checked and checked.verdict == "differs" and seen.problem == NOTHING else seen.problem,
            kind=cast("Kind", seen.kind),
            origin=found.origin,
            version=found.version,
        )

    def _by_hash(self, sha256: str | None) -> CatalogModel | None:
        models = self.catalog.models if sha256 else ()
        return next((model for model in models if any(file.sha256 == sha256 for file in model.files)), None)


def version_of(receipt: Record) -> str:
    return receipt.version or partial.version_of(receipt.commit) or (receipt.sha256 or "")[:8]


def key_of(found: Found) -> str:
    """What all versions of a model have in common: the file of a repository."""
    return f"{found.source.lower()}/{found.file}" if found.version and found.source else ""


def hidden_key(path: Path) -> str:
    return f"hidden-{hashlib.sha256(str(path).encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _adapter(path: Path, seen: Seen) -> LocalAdapter:
    return LocalAdapter(
        stem_of(path.name), seen.name or stem_of(path.name), path, seen.size, seen.architecture, seen.problem
    )


def _changed(seen: Seen) -> int:
    return seen.stamp[0][1] if seen.stamp else 0
