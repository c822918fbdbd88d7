"""Made machines: trees of /sys and /proc with the files that a reader looks at, and libraries that play a vendor's."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from backends.hardware.types import Memory
from tests.kit.machines import Tree

REPOSITORY = Path(__file__).parents[2]
GIB = 1 << 30


@pytest.fixture
def memory() -> Memory:
    """64 GiB, 40 of them free, at 90 GB/s."""
    return Memory(64 * GIB, 40 * GIB, 90e9)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture(scope="session")
def compile_library(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Compile a C source of this folder into a shared library of that name; gives its folder."""
    compiler = shutil.which("cc")

    def build(source: str, name: str) -> Path:
        if compiler is None or not sys.platform.startswith("linux"):
            pytest.skip("plays a Linux library and needs a C compiler (cc)")
        folder = tmp_path_factory.mktemp("library")
        command = [compiler, "-shared", "-fPIC", "-O1", "-w", "-o", folder / name, Path(__file__).parent / source]
        subprocess.run(command, check=True)
        return folder

    return build


TELL = """
import dataclasses, json, sys
from pathlib import Path
from backends.core.cancel import CancelToken
from backends.hardware import nvidia, probe
from backends.hardware.types import Absent, Gpu, Memory
from backends.core.phrase import Phrase

how, root = sys.argv[1], Path(sys.argv[2])
told = {"gpus": [], "notes": [], "absent": []}
if how == "probe":
    [machine] = probe.probe(root, cancel=CancelToken(), root=root, patience=float(sys.argv[3]))
    told = {**dataclasses.asdict(machine), "notes": [note.en for note in machine.notes]}
else:
    for finding in nvidia.read(Memory(64 << 30, 40 << 30, 90e9), root):
        match finding:
            case Gpu():
                told["gpus"].append(dataclasses.asdict(finding))
            case Phrase():
                assert finding.zh
                told["notes"].append(finding.en)
            case Absent():
                told["absent"].append(finding.sentence.en)
print(json.dumps(told))
"""


@pytest.fixture(scope="session")
def nvml_folder(compile_library: Callable[[str, str], Path]) -> Path:
    return compile_library("fake_nvml.c", "libnvidia-ml.so.1")


@pytest.fixture
def ask_nvidia(nvml_folder: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """What DeskSeek finds on a machine whose NVIDIA library says this; see fake_nvml.c for the words.

    In a process of its own: the system's loader looks for libraries where the process was told to at its start.
    """

    def ask(
        says: Mapping[str, object], *, how: str = "nvidia", library: Path = nvml_folder, patience: float = 60.0
    ) -> dict[str, Any]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NVML_")}
        environment |= {f"NVML_{key}": str(value) for key, value in says.items()}
        environment |= {"LD_LIBRARY_PATH": str(library)}
        command = [sys.executable, "-c", TELL, how, tmp_path, str(patience)]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


class Played:
    """A Linux machine whose NVIDIA library says what `say` was told last; see fake_nvml.c for the words."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.file = tree, tree.root / "nvml.txt"
        tree.write("dev/nvidiactl", "")

    def say(self, says: Mapping[str, object]) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text("".join(f"{key}={value}\n" for key, value in says.items()), encoding="utf-8")
        fresh.replace(self.file)


@pytest.fixture
def played(nvml_folder: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Played:
    machine = Played(tree)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(nvml_folder))
    monkeypatch.setenv("NVML_FILE", str(machine.file))
    return machine
