"""What a repository has for us: its models among all its files, the one that is meant, and the same one elsewhere.

The words of a listing come from outside. A file whose name cannot be one on every system is not offered (SEC-24), nor
is one of impossible size.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.models.quants import is_model, is_raw_part, model_files, preferred
from backends.models.remote import RemoteFile, check_file
from backends.models.types import ModelFile

_OTHER_ENGINE = re.compile(r"ik[_-]?llama")


def models_in(
    repo: str, files: Mapping[str, tuple[int, str | None]], tags: Iterable[str] = (), *, host: str
) -> list[ModelFile]:
    """The models among `{path: (size, sha256)}`, the smallest first.

    Left out: what llama.cpp does not load as a model (projectors, drafts, importance matrices, raw slices).
    Raises InvalidInput (`foreign_fork`) for a repository made for another engine, NotFound (`raw_parts`, `no_gguf`)
    for one that has nothing to offer; the message says what it has instead.
    """
    if any(_OTHER_ENGINE.match(tag.lower()) for tag in tags):
        raise InvalidInput(
            Phrase(
                f"{repo} is made for another engine (ik_llama.cpp) and does not run here.",
                f"{repo} 是为其他引擎（ik_llama.cpp）制作的，无法在此运行。",
            ),
            Phrase("Choose another publisher's GGUF of this model.", "请选择其他发布者提供的该模型 GGUF。"),
            code="foreign_fork",
        )
    if found := model_files({path: said for path, said in files.items() if _possible(path)}):
        return found
    raise _nothing(repo, host, files)


def choose(files: Iterable[ModelFile], wanted: str, repo: str) -> ModelFile:
    """The file with the quant (or of the name) `wanted`; without one Q4_K_M or the nearest good quant.

    NotFound (`quant_not_found`) tells what there is; InvalidInput (`ambiguous_quant`) if several files have it.
    """
    files = list(files)
    low = wanted.lower()
    tests: tuple[Callable[[ModelFile], bool], ...] = (
        lambda f: low in (f.file.lower(), f.file.rpartition("/")[2].lower()),
        lambda f: any(low in (p.lower(), p.rpartition("/")[2].lower()) for p in f.parts),
        lambda f: f.quant.lower() == low,
        lambda f: f.quant.lower() == f"ud-{low}",
    )
    if not wanted:
        best = preferred(files)
        same = [f for f in files if best and f.quant == best.quant]
    else:
        same = next((found for test in tests if (found := [f for f in files if test(f)])), [])
    if len(same) == 1:
        return same[0]
    if same:
        names = _some([f.file for f in same])
        raise InvalidInput(
            Phrase(f"{repo} has several files of that kind.", f"{repo} 中有多个符合的文件。"),
            Phrase(f"Name one of them: {names}.", f"请指定其中一个：{names}。"),
            code="ambiguous_quant",
        )
    if is_raw_part(wanted):
        raise _raw(repo)
    there = _some(list(dict.fromkeys(f.quant or f.file for f in files)))
    raise NotFound(
        Phrase(f"{repo} has no {wanted}.", f"{repo} 中没有 {wanted}。"),
        Phrase(f"It has: {there}.", f"现有：{there}。"),
        code="quant_not_found",
    )


def same_file(one: ModelFile, other: ModelFile) -> bool:
    """Whether another source's entry may be the file `one`: as far as both publish sizes and sha256, they are equal.

    Where one of them publishes no sha256 the bytes decide in the end: what came is compared with the first published.
    """
    names = (one.parts or (one.file,)) == (other.parts or (other.file,))
    sizes = one.size == other.size or one.approximate or other.approximate
    return names and sizes and all(map(_agree, _sha256s(one), _sha256s(other)))


def accepts(first: RemoteFile, other: RemoteFile) -> bool:
    """Whether bytes from `other` may go into the file that `first` describes."""
    return first.size == other.size and _agree(first.sha256, other.sha256)


def _agree(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def _sha256s(file: ModelFile) -> tuple[str | None, ...]:
    count = max(1, len(file.parts))
    return (file.sha256s or ((file.sha256,) if count == 1 else (None,) * count))[:count]


def _possible(path: str) -> bool:
    try:
        return bool(check_file(path))
    except InvalidInput:
        return False


def _nothing(repo: str, host: str, files: Iterable[str]) -> BackendError:
    ggufs = [path for path in files if ".gguf" in path.lower() and _possible(path)]
    if any(map(is_raw_part, ggufs)):
        return _raw(repo)
    if ggufs and not any(map(is_model, ggufs)):
        names = _some(ggufs)
        return NotFound(
            Phrase(
                f"{repo} holds GGUF files, but no model that runs by itself: {names}.",
                f"{repo} 中有 GGUF 文件，但没有可独立运行的模型：{names}。",
            ),
            Phrase("Look for the repository of the model itself.", "请查找模型本身的仓库。"),
            code="no_gguf",
        )
    if ggufs:
        return NotFound(
            Phrase(f"Of the models in {repo} on {host}, parts are missing.", f"{host} 上 {repo} 中的模型缺少分卷。"),
            Phrase("Try again later, or another publisher's.", "请稍后再试，或选择其他发布者。"),
            code="no_gguf",
        )
    return NotFound(
        Phrase(f"{repo} holds no GGUF model.", f"{repo} 中没有 GGUF 模型。"),
        Phrase("Look for a repository whose name ends in -GGUF.", "请查找名称以 -GGUF 结尾的仓库。"),
        code="no_gguf",
    )


def _raw(repo: str) -> NotFound:
    return NotFound(
        Phrase(
            f"The models in {repo} are cut into raw pieces, which llama.cpp does not load.",
            f"{repo} 中的模型被切成原始片段，llama.cpp 无法加载。",
        ),
        Phrase(
            "Choose another publisher's GGUF, or join the pieces yourself and import the file.",
            "请选择其他发布者的 GGUF，或自行拼接后导入该文件。",
        ),
        code="raw_parts",
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:12])
    return f"{shown}, …" if len(names) > 12 else shown
