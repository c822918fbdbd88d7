"""Ollama's store: what a manifest calls `deepseek-r1:8b` lies as a GGUF among its blobs, named by its sha256.

    manifests/registry.ollama.ai/library/deepseek-r1/8b      JSON: layers, each with mediaType, digest, size
    blobs/sha256-6340dc32…                                   the layer of `application/vnd.ollama.image.model` is a GGUF

A digest becomes part of a path only if it is 64 hexadecimal digits (SEC-24). Templates and parameters beside the
weights are not used.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.phrase import NOTHING, Phrase
from backends.models.walk import Budget, files, text

MODEL_LAYER = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_OWN_HOST = "registry.ollama.ai"
_HUBS = {"hf.co", "huggingface.co"}
log = logging.getLogger(__name__)


def is_store(folder: Path) -> bool:
    return (folder / "manifests").is_dir() and (folder / "blobs").is_dir()


def store_of(folder: Path) -> Path | None:
    """The store that a person means by `folder`: itself, or the `models` in it (`~/.ollama`)."""
    return next((place for place in (folder, folder / "models", folder / ".ollama/models") if is_store(place)), None)


@dataclass(frozen=True, slots=True)
class Blob:
    """A model of the store: where its GGUF is (or should be), and what it is called."""

    name: str  # "deepseek-r1:8b"
    path: Path
    size: int
    sha256: str
    source: str  # the repository on the hub it was pulled from, if it was one
    problem: Phrase


def models(store: Path, budget: Budget) -> Iterator[Blob]:
    """The models of a store, by name. A manifest that makes no sense is left out."""
    manifests = store / "manifests"
    for manifest in files(manifests, 3, budget):
        names = manifest.relative_to(manifests).parts
        if len(names) != 4 or not budget.take(1):
            continue
        layer = _layer(manifest)
        if layer is None:
            continue
        digest, size = layer
        name, path = _called(*names), _blob(store, digest)
        yield Blob(name, path, size, digest, _source(*names[:3]), _wrong(name, path, size))


def _layer(manifest: Path) -> tuple[str, int] | None:
    """The digest and size of the weights."""
    content = text(manifest)
    if content is None:
        return None
    try:
        layers: Any = json.loads(content)["layers"]
        for layer in layers:
            if layer["mediaType"] == MODEL_LAYER:
                digest, size = _DIGEST.fullmatch(layer["digest"]), layer["size"]
                if digest and type(size) is int and size > 0:
                    return digest[1], size
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        log.warning("Ollama's manifest %s makes no sense: %s", manifest, error)
    return None


def _blob(store: Path, digest: str) -> Path:
    path, former = store / "blobs" / f"sha256-{digest}", store / "blobs" / f"sha256:{digest}"
    return former if former.exists() and not path.exists() else path


def _wrong(name: str, path: Path, size: int) -> Phrase:
    try:
        there = path.stat().st_size
    except OSError:
        return Phrase(
            f"Ollama lists {name}, but its file is not there. Fetch it again: ollama pull {name}",
            f"Ollama 中列有 {name}，但文件不存在。请重新获取：ollama pull {name}",
        )
    if there == size:
        return NOTHING
    return Phrase(
        f"The file of {name} in Ollama's store is not whole. Fetch it again: ollama pull {name}",
        f"Ollama 中 {name} 的文件不完整。请重新获取：ollama pull {name}",
    )


def _called(host: str, space: str, model: str, tag: str) -> str:
    """As `ollama list` says it."""
    if host == _OWN_HOST:
        return f"{model}:{tag}" if space == "library" else f"{space}/{model}:{tag}"
    return f"{host}/{space}/{model}:{tag}"


def _source(host: str, space: str, model: str) -> str:
    return f"{space}/{model}" if host in _HUBS else ""
