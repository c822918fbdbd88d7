"""The table of what memories can do, against small models of every architecture in the real llama.cpp."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.engine.abilities import abilities
from tests.kit.deepseeks import small_deepseek
from tests.kit.ggufs import Shape, random_model

ROOT = Path(__file__).resolve().parents[2]
MODELS: dict[str, Callable[[Path], Path]] = {
    "qwen2": lambda path: random_model(path, "qwen2"),
    "qwen3": lambda path: random_model(path, "qwen3"),
    "llama": lambda path: random_model(path, "llama"),
    "deepseek2": lambda path: random_model(path, "deepseek2"),
    "deepseek2 of before April 2025": lambda path: random_model(path, "deepseek2", shape=Shape(mla=False)),
    "deepseek32": lambda path: small_deepseek(path, "deepseek32"),
    "deepseek4": lambda path: small_deepseek(path, "deepseek4"),
}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder, made = tmp_path_factory.mktemp("abilities"), dict[str, Path]()

    def model(name: str) -> Path:
        if name not in made:
            made[name] = MODELS[name](folder / f"{len(made)}.gguf")
        return made[name]

    return model


def really(path: Path, what: str, kv_type: str = "f16") -> bool:
    """False too where llama.cpp ends the process."""
    child = [sys.executable, "-m", "tests.engine.ability_child", path, what, kv_type]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.endswith("yes\n")


@pytest.mark.parametrize("name", MODELS)
def test_what_the_table_says_is_so(models: Callable[[str], Path], name: str) -> None:
    path, can = models(name), abilities(name.partition(" ")[0])
    assert [really(path, what) for what in ("cut", "share", "restore", "own")] == [can.cut, can.share, can.states, True]
