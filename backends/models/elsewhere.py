"""GGUFs that other programs on this computer hold already: used where they lie, never moved, never deleted.

    LM Studio   ~/.lmstudio/models/publisher/repository/file.gguf (before: ~/.cache/lm-studio), or where it is told to
    Ollama      ~/.ollama/models, on Linux also the service's own store, or OLLAMA_MODELS   (`ollama`)
    Jan         <data folder>/llamacpp/models/…/model.gguf, or where the model.yml there says
    hub cache   ~/.cache/huggingface/hub/models--org--name/snapshots/<commit>/…: links to blobs named by their sha256,
                or the files themselves (Windows)
    llama.cpp   its cache folder: org_name_file.gguf and manifest=org=name=tag.json; lately in the hub cache

`Places` says where to look; it is made from an environment and a home, which a test makes too. Nothing here raises:
what cannot be read holds nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backends.core.phrase import NOTHING, Phrase
from backends.models import ollama
from backends.models.quants import is_model, part_of, stem_of
from backends.models.types import Origin
from backends.models.walk import Budget, files, follows, models, text

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_YAML_LINE = re.compile(r"""^(model_path|name):\s*(['"]?)(.+?)\2\s*$""", re.MULTILINE)
_REPO_PART = re.compile(r"[A-Za-z0-9_][\w.-]{0,95}")
_JAN = ("Jan", "jan.ai.app")


@dataclass(frozen=True, slots=True)
class Found:
    """A model of another program. `name` and `source` (a repository on the hub) only where that program tells."""

    path: Path
    origin: Origin
    name: str = ""
    source: str = ""
    file: str = ""  # the path inside that repository
    sha256: str | None = None
    version: str = ""
    size: int = 0  # only where the file itself cannot say it
    problem: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Places:
    """The folders in which each program may keep models; most of them are not there."""

    lm_studio: tuple[Path, ...] = ()
    ollama: tuple[Path, ...] = ()
    jan: tuple[Path, ...] = ()
    hub: tuple[Path, ...] = ()
    llama_cpp: tuple[Path, ...] = ()

    @classmethod
    def of(cls, home: Path, environment: Mapping[str, str], platform: str, root: Path = Path("/")) -> "Places":
        """`platform` as `sys.platform` says it. Reads the settings files of those programs."""
        settings = _settings_folder(home, environment, platform)
        cache = _cache_folder(home, environment, platform)
        hub = _hub(home, environment)
        llama = _folder(environment, "LLAMA_CACHE", home) or cache / "llama.cpp"
        return cls(
            lm_studio=_each_once([*_lm_studio(home, settings)]),
            ollama=_ollama(home, environment, platform, root),
            jan=_each_once([*_jan(home, environment, platform, settings)]),
            hub=_each_once([hub, llama]),
            llama_cpp=(llama,),
        )


def find(places: Places) -> tuple[Found, ...]:
    """Everything that looks like a model, each file once: the same path, the same sha256 or the same file on the disk
    (a hard link) is the same."""
    found: list[Found] = []
    for folders, look in (
        (places.lm_studio, lm_studio),
        (places.jan, jan),
        (places.hub, hub_cache),
        (places.llama_cpp, llama_cpp),
        (places.ollama, in_ollama),
    ):
        budget = Budget()
        for folder in folders:
            found += look(folder, budget)
    return tuple(_each_file_once(found))


# ---- what each program holds


def lm_studio(folder: Path, budget: Budget) -> Iterator[Found]:
    for path in models(folder, 4, budget):
        names = path.relative_to(folder).parts
        repo = "/".join(names[:2]) if len(names) > 2 and all(map(_REPO_PART.fullmatch, names[:2])) else ""
        yield Found(path, "lm-studio", source=repo, file="/".join(names[2:]) if repo else "")


def in_ollama(store: Path, budget: Budget) -> Iterator[Found]:
    for blob in ollama.models(store, budget):
        yield Found(
            blob.path, "ollama", blob.name, blob.source, sha256=blob.sha256, size=blob.size, problem=blob.problem
        )


def jan(data: Path, budget: Budget) -> Iterator[Found]:
    """`data` is Jan's data folder. Its files are all called model.gguf: the folder tells the name."""
    for shelf in (data / "llamacpp" / "models", data / "models"):
        described: dict[Path, str] = {}
        plain: list[Path] = []
        for path in files(shelf, 4, budget):
            if path.name in ("model.yml", "model.yaml"):
                said = {match[1]: match[3] for match in _YAML_LINE.finditer(text(path) or "")}
                if said.get("model_path"):
                    described[data / said["model_path"]] = said.get("name") or path.parent.relative_to(shelf).as_posix()
            elif is_model(path.name):
                plain.append(path)
        there = {str(path) for path in plain}
        for path in plain:
            if path not in described and not follows(path, there):
                folder = path.parent.relative_to(shelf).as_posix()
                described[path] = folder if stem_of(path.name) == "model" else ""
        for path, name in sorted(described.items()):
            if path.is_file():
                yield Found(path, "jan", "" if name == "." else name)


def hub_cache(folder: Path, budget: Budget) -> Iterator[Found]:
    """Every snapshot of every repository; of those with the same bytes the one that `refs/main` names."""
    for repo in _listed(folder):
        names = repo.name.split("--")
        if names[0] != "models" or len(names) != 3 or not all(map(_REPO_PART.fullmatch, names)):
            continue
        main = (text(repo / "refs" / "main") or "").strip()
        snapshots = [each for each in _listed(repo / "snapshots") if _COMMIT.fullmatch(each.name)]
        for snapshot in sorted(snapshots, key=lambda each: (each.name != main, each.name)):
            for path in models(snapshot, 3, budget):
                yield Found(
                    path,
                    "hub-cache",
                    source=f"{names[1]}/{names[2]}",
                    file=path.relative_to(snapshot).as_posix(),
                    sha256=_blob_name(path),
                    version=snapshot.name[:8],
                )


def llama_cpp(folder: Path, budget: Budget) -> Iterator[Found]:
    known = [repo for repo in map(_manifest, _listed(folder)) if repo]
    for path in models(folder, 0, budget):
        repo = next((repo for repo in known if path.name.startswith(repo.replace("/", "_") + "_")), "")
        yield Found(path, "llama.cpp", source=repo, file=path.name[len(repo) + 1 :] if repo else "")


def described(path: Path) -> tuple[Found, ...]:
    """What a folder holds that a person points to, be it another program's: `()` if it is nobody's."""
    budget = Budget()
    store = ollama.store_of(path)
    if store is not None:
        return tuple(_each_file_once(list(in_ollama(store, budget))))
    hub = next((each for each in (path, path / "hub") if any(_listed(each, "models--*"))), None)
    if hub is not None:
        return tuple(_each_file_once(list(hub_cache(hub, budget))))
    if (path / "llamacpp" / "models").is_dir():
        return tuple(_each_file_once(list(jan(path, budget))))
    if path.name in (".lmstudio", "lm-studio") and (path / "models").is_dir():
        return tuple(_each_file_once(list(lm_studio(path / "models", budget))))
    return ()


# ---- where they keep them


def _lm_studio(home: Path, settings: Path) -> Iterator[Path]:
    pointer = (text(home / ".lmstudio-home-pointer") or "").strip()
    own = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    homes = [Path(pointer), *own] if pointer and Path(pointer).is_absolute() else own
    for file in (*(each / "settings.json" for each in homes), settings / "LM Studio" / "settings.json"):
        chosen = _entry(file, "downloadsFolder")
        if chosen and Path(chosen).is_absolute():
            yield Path(chosen)
    yield from (each / "models" for each in homes)


def _ollama(home: Path, environment: Mapping[str, str], platform: str, root: Path) -> tuple[Path, ...]:
    if chosen := _folder(environment, "OLLAMA_MODELS", home):
        return (chosen,) if ollama.is_store(chosen) else ()
    stores = [home / ".ollama" / "models"]
    if platform.startswith("linux"):  # the service has a user of its own
        stores += [root / "usr/share/ollama/.ollama/models", root / "var/lib/ollama/models", root / "var/lib/ollama"]
    return _each_once([store for store in stores if ollama.is_store(store)])


def _jan(home: Path, environment: Mapping[str, str], platform: str, settings: Path) -> Iterator[Path]:
    data = settings
    if platform.startswith("linux"):
        data = _folder(environment, "XDG_DATA_HOME", home) or home / ".local" / "share"
    for folder in (settings, data):
        for name in _JAN:
            chosen = _entry(folder / name / "settings.json", "data_folder")
            if chosen and Path(chosen).is_absolute():
                yield Path(chosen)
            yield folder / name / "data"
    yield home / "jan"


def _hub(home: Path, environment: Mapping[str, str]) -> Path:
    for variable, below in (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub")):
        if chosen := _folder(environment, variable, home):
            return chosen / below
    return (_folder(environment, "XDG_CACHE_HOME", home) or home / ".cache") / "huggingface" / "hub"


def _settings_folder(home: Path, environment: Mapping[str, str], platform: str) -> Path:
    if platform == "win32":
        return _folder(environment, "APPDATA", home) or home / "AppData" / "Roaming"
    if platform == "darwin":
        return home / "Library" / "Application Support"
    return _folder(environment, "XDG_CONFIG_HOME", home) or home / ".config"


def _cache_folder(home: Path, environment: Mapping[str, str], platform: str) -> Path:
    if platform == "win32":
        return _folder(environment, "LOCALAPPDATA", home) or home / "AppData" / "Local"
    if platform == "darwin":
        return home / "Library" / "Caches"
    return _folder(environment, "XDG_CACHE_HOME", home) or home / ".cache"


def _folder(environment: Mapping[str, str], variable: str, home: Path) -> Path | None:
    """The folder that a variable names; None if it names none, or one that depends on where we stand."""
    chosen = environment.get(variable, "").strip()
    if chosen.startswith("~"):
        chosen = str(home) + chosen[1:]
    return Path(chosen) if chosen and Path(chosen).is_absolute() else None


# ---- details


def _entry(file: Path, key: str) -> str:
    content = text(file)
    if content is None:
        return ""
    try:
        value: Any = json.loads(content)[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


def _manifest(path: Path) -> str:
    """`org/name` of `manifest=org=name=tag.json`; "" of any other file."""
    names = path.name.split("=")
    fits = len(names) == 4 and names[0] == "manifest" and all(map(_REPO_PART.fullmatch, names[1:3]))
    return f"{names[1]}/{names[2]}" if fits else ""


def _listed(folder: Path, pattern: str = "*") -> list[Path]:
    try:
        return sorted(folder.glob(pattern))[:5000]
    except OSError:
        return []


def _blob_name(path: Path) -> str | None:
    """The sha256 that the cache knows a single file by: the name of the blob that it is a link to."""
    if part_of(path.name):
        return None
    try:
        name = path.resolve(strict=True).name
    except (OSError, RuntimeError):
        return None
    return name if name != path.name and _SHA256.fullmatch(name) else None


def _each_once(folders: list[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(folders))


def _each_file_once(found: list[Found]) -> Iterator[Found]:
    """The first of each; a name that says more than `latest` comes first."""
    seen: set[object] = set()
    for model in sorted(found, key=lambda each: each.origin == "ollama" and each.name.endswith(":latest")):
        marks = same_marks(model.path, model.sha256)
        if not marks & seen:
            seen |= marks
            yield replace(model, path=model.path.absolute())


def same_marks(path: Path, sha256: str | None) -> set[object]:
    """By what two entries are known to be one file."""
    marks: set[object] = {str(path.absolute())}
    try:
        status = path.stat()
    except OSError:
        return marks | ({sha256} if sha256 else set())
    if status.st_ino:
        marks.add((status.st_dev, status.st_ino))
    return marks | ({sha256} if sha256 else set())
