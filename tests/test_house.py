"""The house keeps its rules: file sizes, what an import may load, what is never used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("backends/**/*.py"), *ROOT.glob("installers/*.py")])
OURS = [path for path in SOURCES if "installers" not in path.parts]

BROAD_EXCEPT = {"backends/core/stream.py", "app/crash.py", "backends/hardware/probe.py"}
SOLE_IMPORTERS = {
    "llama_cpp": {"backends/engine/native.py"},
    "pynvml": {"backends/hardware/nvidia.py", "backends/hardware/nvml.py"},
    "httpx2": {"backends/core/network.py", "backends/core/transport.py"},
    "keyring": {"backends/core/secrets.py"},
    "huggingface_hub": {"backends/core/network.py", "backends/core/transport.py", "backends/models/hub.py"},
    "sqlite3": {"backends/storage", "backends/chat/store.py"},
}
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "diskcache", "dill", "torch"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_file_holds_two_nouns(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", OURS, ids=name)
def test_what_is_never_used(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not imports(tree) & FORBIDDEN_IMPORTS
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec"}, f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"processEvents", "moveToThread", "terminateThread"}, f"line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            last = node.body[-1]
            passed_on = isinstance(last, ast.Raise) and last.exc is None
            assert not broad or passed_on or name(path) in BROAD_EXCEPT, f"line {node.lineno} catches everything"
            assert not isinstance(node.body[0], ast.Pass), f"line {node.lineno} swallows an error"


@pytest.mark.parametrize(("library", "owners"), SOLE_IMPORTERS.items())
def test_foreign_libraries_have_one_door(library: str, owners: set[str]) -> None:
    importers = {name(path) for path in OURS if library in imports(ast.parse(path.read_text(encoding="utf-8")))}
    assert all(any(one == owner or one.startswith(f"{owner}/") for owner in owners) for one in importers), importers


def test_qt_stays_above_its_line() -> None:
    for path in OURS:
        if path.is_relative_to(ROOT / "backends"):
            found = imports(ast.parse(path.read_text(encoding="utf-8")))
            assert not found & {"PySide6", "shiboken6", "app"}, name(path)


@pytest.mark.parametrize("module", ["backends", "backends.services", "backends.__main__"])
def test_an_import_is_light(module: str) -> None:
    """Neither Qt, llama.cpp nor numpy comes along, nor the HTTP client; others' code is bounded."""
    heavy = ("PySide6", "llama_cpp", "numpy", "httpx2", "huggingface_hub", "keyring", "pynvml")
    code = f"import {module}, sys; print(*[m for m in {heavy!r} if m in sys.modules], "
    code += "sum(not m.startswith('backends.') for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *loaded, count = done.stdout.split()
    assert not loaded
    assert int(count) < 250


def test_the_tree_is_clean() -> None:
    """No lock of a tool that records hosts, no weights, no index lines."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for path in tracked:
        assert Path(path).name not in {"uv.lock", "poetry.lock", "package-lock.json"}
        assert not path.endswith((".gguf", ".safetensors"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--index-url" not in lock
    assert "://" not in lock
