"""Stores of other programs as they lie on a disk, made of a few small models."""

import hashlib
import json
import shutil
from pathlib import Path

MODEL_LAYER = "application/vnd.ollama.image.model"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class OllamaStore:
    """`~/.ollama/models`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "manifests").mkdir(parents=True)
        (folder / "blobs").mkdir()

    def put(self, name: str, model: Path, *, host: str = "registry.ollama.ai", space: str = "library") -> Path:
        """Pull `name` ("deepseek-r1:8b"); gives the blob."""
        digest = sha256(model)
        blob = self.folder / "blobs" / f"sha256-{digest}"
        shutil.copy(model, blob)
        self.manifest(name, [self.layer(digest, model.stat().st_size)], host=host, space=space)
        return blob

    def layer(self, digest: str, size: int, media: str = MODEL_LAYER) -> dict[str, object]:
        return {"mediaType": media, "digest": f"sha256:{digest}", "size": size}

    def manifest(self, name: str, layers: object, *, host: str = "registry.ollama.ai", space: str = "library") -> Path:
        model, _, tag = name.partition(":")
        path = self.folder / "manifests" / host / space / model / tag
        path.parent.mkdir(parents=True, exist_ok=True)
        more = [self.layer("ab" * 32, 11, "application/vnd.ollama.image.template")]
        whole = [*more, *layers] if isinstance(layers, list) else layers
        path.write_text(json.dumps({"schemaVersion": 2, "layers": whole}))
        return path


def hub_snapshot(hub: Path, repo: str, commit: str, files: dict[str, Path], *, links: bool = True) -> Path:
    """A repository in the hub cache: blobs named by their sha256 and links to them, or (Windows) the files."""
    home = hub / f"models--{repo.replace('/', '--')}"
    snapshot = home / "snapshots" / commit
    for name, model in files.items():
        target = snapshot / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not links:
            shutil.copy(model, target)
            continue
        blob = home / "blobs" / sha256(model)
        blob.parent.mkdir(exist_ok=True)
        if not blob.exists():
            shutil.copy(model, blob)
        target.symlink_to(blob)
    (home / "refs").mkdir(exist_ok=True)
    (home / "refs" / "main").write_text(commit)
    return snapshot


def put(model: Path, *where: Path | str) -> Path:
    """A copy of `model` there, its folders made."""
    target = Path(*where)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, target)
    return target
