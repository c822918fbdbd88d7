"""How models on this disk are called: ids that no two share, versions of one model, and what a person may say.

r1-0528-qwen3-8b:Q4_K_M              a model of the catalogue
r1-0528-qwen3-8b:Q4_K_M@1a2b3c4d     a version of it: the first digits of the publisher's commit
my-model@lm-studio                   another file of the same name
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import NOTHING, Phrase
from backends.models.index import Chosen
from backends.models.types import LocalModel


@dataclass(frozen=True, slots=True)
class Shelved:
    """A model with what tells its versions apart: `key` is the same for all of them ("" for a file without any)."""

    model: LocalModel
    key: str = ""
    changed: int = 0  # when its file came, in ns since 1970


def arranged(shelved: Iterable[Shelved], chosen: Mapping[str, Chosen]) -> tuple[LocalModel, ...]:
    """All models with ids of their own: those with a problem last, former versions after the current ones."""
    taken: set[str] = set()
    named = []
    for versions in _groups(shelved):
        current = _current(versions, chosen)
        own_id = next(name for name in _ids(current.model) if name not in taken)
        taken.add(own_id)
        for each in versions:
            is_current = each is current
            model_id = own_id if is_current else _version_id(own_id, each.model, taken)
            taken.add(model_id)
            named.append(replace(each.model, id=model_id, current=is_current))
    return tuple(sorted(named, key=_order))


def newest(shelved: Iterable[Shelved]) -> Shelved:
    return max(shelved, key=lambda each: (each.changed, each.model.version))


def matching(text: str, models: tuple[LocalModel, ...]) -> LocalModel:
    """The model a person means; NotFound (`model_not_here`), InvalidInput (`ambiguous_model`)."""
    if not text.strip():
        raise not_here(text, models)
    there = real(Path(text))
    same_path = [m for m in models if m.path == Path(text).absolute() or (there and real(m.path) == there)]
    low = text.lower()
    name, _, version = low.rpartition("@")
    tests = (
        same_path,
        [m for m in models if m.id == text],
        [m for m in models if m.id.lower() == low],
        [m for m in models if name and m.version and m.version.startswith(version) and plain_id(m).lower() == name],
        [m for m in models if m.catalog_id == low],
        [m for m in models if low in (m.name.lower(), m.path.name.lower(), m.source.lower())],
    )
    for matches in tests:
        usable = [model for model in matches if model.problem == NOTHING] or matches
        usable = [model for model in usable if model.current] or usable
        if len(usable) == 1:
            return usable[0]
        if usable:
            raise _which_of(text, usable)
    raise not_here(text, models)


def plain_id(model: LocalModel) -> str:
    """The id without the version: what all versions of a model have in common."""
    return model.id if model.current else model.id.removesuffix(f"@{model.version}")


def real(path: Path) -> Path | None:
    """Where the file really is; None if there is none."""
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None


def not_here(text: str, models: tuple[LocalModel, ...]) -> NotFound:
    ids = ", ".join(model.id for model in models)
    if not ids:
        hint = Phrase("No model is here yet. Download one first.", "本机还没有模型，请先下载一个。")
    else:
        hint = Phrase(f"Here are: {ids}.", f"现有：{ids}。")
    return NotFound(Phrase(f"The model “{text}” is not here.", f"本机没有模型“{text}”。"), hint, code="model_not_here")


def _groups(shelved: Iterable[Shelved]) -> Iterator[list[Shelved]]:
    """The versions of each model together, in the order of the first of them."""
    groups: dict[object, list[Shelved]] = defaultdict(list)
    for each in shelved:
        groups[(each.key, each.model.quant) if each.key else id(each)].append(each)
    for versions in groups.values():
        by_version: dict[str, Shelved] = {}
        for each in versions:
            by_version.setdefault(each.model.version, each)
        yield list(by_version.values())
        for each in versions:  # the same version in another program's folder is a model of its own
            if by_version[each.model.version] is not each:
                yield [each]


def _current(versions: list[Shelved], chosen: Mapping[str, Chosen]) -> Shelved:
    whole = [each for each in versions if each.model.problem == NOTHING] or versions
    latest, choice = newest(whole), chosen.get(versions[0].key)
    if choice is None or choice.newest != newest(versions).model.version:
        return latest
    return next((each for each in whole if each.model.version == choice.version), latest)


def _order(model: LocalModel) -> tuple[bool, bool, str, int, str]:
    return model.problem != NOTHING, not model.current, model.name.lower(), model.size, model.id


def _version_id(own_id: str, model: LocalModel, taken: set[str]) -> str:
    base = f"{own_id}@{model.version}"
    several = (base, f"{base}-{model.origin}", *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in several if name not in taken)


def _ids(model: LocalModel) -> Iterator[str]:
    """Of several with one id the first (downloaded before own, own before others') keeps it; the next are called by
    the program or the folder that holds them too, then by number."""
    yield model.id
    ours = model.origin in ("downloaded", "own", "quantised")
    by_folder = f"{model.id}@{model.path.parent.name if ours else model.origin}"
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
