"""Cards, drivers and builds of the engine that do not go together: NVIDIA's library is played by fake_nvml.c, builds
are folders with the libraries that a wheel has."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backends.core.phrase import Phrase
from backends.doctor import engine
from backends.doctor.types import Finding
from backends.engine.protocol import EngineDevice, EngineInfo
from backends.hardware.types import Absent, Gpu
from tests.kit.machines import Tree
from tests.kit.patients import Home, told

ROOT = Path(__file__).parents[2]
GIB = 1 << 30
RTX = Gpu(
    "NVIDIA GeForce RTX 4090", "nvidia", 24 * GIB, 23 * GIB, None, "535.183.01", "12.2", "8.9", "0000:01:00.0", False
)
IRIS = Gpu("Intel Iris Xe", "intel", 16 * GIB, 8 * GIB, unified=True)
CPU = EngineDevice("CPU", "AMD Ryzen 9", "cpu", 64 * GIB, 50 * GIB)
CUDA = EngineDevice("CUDA0", "NVIDIA GeForce RTX 4090", "gpu", 24 * GIB, 23 * GIB)
ON_CPU = EngineInfo("0.3.36", (CPU,), "")
ON_CARD = EngineInfo("0.3.36", (CUDA, CPU), "")


def built(folder: Path, *libraries: str, cuda: int = 0) -> Path:
    """A folder of libraries as a wheel has it. What asks for CUDA names its runtime, as real ones do."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in libraries:
        asked = f"\0libcudart.so.{cuda}\0libcublas.so.{cuda}\0".encode() if cuda and "cuda" in name else b"\0"
        (folder / name).write_bytes(b"not really a library" + asked * 100)
    return folder


def verdict(folder: Path, gpus: list[Gpu], info: EngineInfo | None) -> list[Finding]:
    return list(engine.wheel(engine.read_build(folder), gpus, info))


@pytest.mark.parametrize(
    ("libraries", "cuda", "gpus", "info", "code", "level"),
    [
        (["libggml-cpu.so"], 0, [], ON_CPU, "suits_processor", "ok"),
        (["libggml-cpu.so"], 0, [IRIS], ON_CPU, "suits_processor", "ok"),
        (["libggml-cpu.so"], 0, [RTX], ON_CPU, "wheel_ignores_card", "warn"),
        (["libggml-cuda.so"], 12, [RTX], ON_CARD, "uses_card", "ok"),
        (["libggml-cuda.so"], 12, [RTX], ON_CPU, "card_not_used", "fail"),
        (["libggml-cuda.so"], 13, [RTX], ON_CPU, "driver_too_old", "fail"),
        (["libggml-cuda.so"], 13, [RTX], None, "driver_too_old", "fail"),
        (["libggml-cuda.so"], 12, [], ON_CPU, "no_card_for_wheel", "warn"),
        (["ggml-vulkan.dll"], 0, [IRIS], ON_CPU, "card_not_used", "fail"),
        (["libggml-metal.dylib"], 0, [], ON_CPU, "no_card_for_wheel", "warn"),
    ],
)
def test_a_build_and_the_cards(
    tmp_path: Path, libraries: list[str], cuda: int, gpus: list[Gpu], info: EngineInfo | None, code: str, level: str
) -> None:
    [found] = verdict(built(tmp_path / "lib", *libraries, cuda=cuda), gpus, info)
    assert (found.code, found.verdict) == (code, level)
    assert (found.action == "engine_for_gpu") == (level != "ok")
    assert (found.repair.en == "") == (level == "ok")


def test_a_build_that_does_not_start_is_told_of_elsewhere(tmp_path: Path) -> None:
    assert verdict(built(tmp_path / "lib", "libggml-cpu.so"), [RTX], None) == []


def test_what_a_build_is_for_is_seen_without_loading_it(tmp_path: Path) -> None:
    folder = built(
        tmp_path / "lib", "libggml-base.so", "libggml-cuda.so", "libggml-cpu-haswell.so", "libllama.so", cuda=12
    )
    (folder / "cudart.txt").write_text("libcudart.so.99")
    build = engine.read_build(folder)
    assert (build.kinds, build.cuda) == (("cuda",), 12)
    (folder / "libggml-cuda.so").write_bytes(b"")
    assert engine.read_build(folder).cuda is None
    windows = built(tmp_path / "dll", "ggml-cuda.dll")
    (windows / "ggml-cuda.dll").write_bytes(b"MZ..cudart64_13.dll\0")
    assert engine.read_build(windows).cuda == 13


def test_libraries_that_do_not_load_are_named(home: Home, tmp_path: Path) -> None:
    """This machine's own engine still computes; only what stands in the folder is asked of."""
    found = home.look(engine.look, engine=built(tmp_path / "lib", "libggml-cuda.so", "libggml-base.so", cuda=12))
    refused = [one for one in found if one.code == "library_refused"]
    assert [one.subject for one in refused] == ["libggml-base.so", "libggml-cuda.so"]
    assert all(one.verdict == "fail" and str(tmp_path) not in one.what.en for one in refused)


def test_the_installed_engine_is_in_order(home: Home) -> None:
    found = home.look(engine.look, root=home.paths.data)
    assert told(found)["libraries_ok"] == "ok"
    assert told(found)["device_ok"] == "ok"
    assert "CPU" in [one.subject for one in found if one.topic == "devices"]


def test_an_engine_that_is_not_installed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = {one.code: one for one in home.look(engine.look)}
    assert (found["engine_missing"].verdict, found["engine_missing"].action) == ("fail", "engine_for_gpu")


def test_drivers_in_words() -> None:
    trouble = Phrase("The driver was updated.", "驱动已更新。")
    said = list(engine.drivers({"nvidia": (trouble,), "amd": (Absent(trouble),), "intel": (IRIS, trouble)}))
    assert [(one.code, one.verdict) for one in said] == [
        ("nvidia_driver", "fail"),
        ("card_ok", "ok"),
        ("intel_driver", "warn"),
    ]
    [nothing] = engine.drivers({"nvidia": (Absent(trouble),), "amd": ()})
    assert (nothing.code, nothing.verdict) == ("no_card", "ok")


def test_a_card_of_amd_that_this_user_may_not_use(home: Home, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("a tree of Linux")
    tree = Tree(tmp_path / "machine")
    tree.card("0000:03:00.0", "1002:744c:c8", driver="nouveau-like")
    found = [one for one in home.look(engine.look, root=tree.root) if one.topic == "driver"]
    assert [(one.code, one.verdict) for one in found] == [("amd_driver", "fail")]


# ---- NVIDIA's driver, played

LOOK = """
import dataclasses, json, sys
from pathlib import Path
from backends.core.cancel import CancelToken
from backends.core.paths import Paths
from backends.core.settings import Settings
from backends.doctor import engine
from backends.services.doctor import case_of

case = case_of(Paths.under(Path(sys.argv[1])), Settings(), ask_network=False)
case = dataclasses.replace(case, root=Path(sys.argv[1]), engine=Path(sys.argv[2]))
print(json.dumps([dataclasses.asdict(one) for one in engine.look(case, cancel=CancelToken())]))
"""


@pytest.fixture(scope="session")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("plays a Linux library and needs a C compiler (cc)")
    folder = tmp_path_factory.mktemp("library")
    source = ROOT / "tests/hardware/fake_nvml.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-w", "-o", folder / "libnvidia-ml.so.1", source], check=True)
    return folder


def played(nvml: Path, home: Path, build: Path, says: Mapping[str, object]) -> dict[str, Any]:
    """What the doctor finds where NVIDIA's driver says this; by code."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(nvml)}
    environment |= {f"NVML_{key}": str(value) for key, value in says.items()}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(home), str(build)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {one["code"]: one for one in json.loads(done.stdout)}


CARD = {
    "COUNT": 1,
    "DRIVER": "535.183.01",
    "CUDA": 12020,
    "0_NAME": "NVIDIA GeForce RTX 4090",
    "0_MEMORY": f"{24 * GIB} {23 * GIB}",
    "0_CAPABILITY": "8 9",
}


def test_a_driver_too_old_for_the_wheel(nvml: Path, tmp_path: Path) -> None:
    build = built(tmp_path / "lib", "libggml-cuda.so", cuda=13)
    found = played(nvml, tmp_path, build, CARD)
    assert found["card_ok"]["details"]["cuda"] == "12.2"
    old = found["driver_too_old"]
    assert (old["verdict"], old["action"]) == ("fail", "engine_for_gpu")
    assert "CUDA 13" in old["what"]["en"]
    assert "535.183.01" in old["what"]["zh"]


def test_a_driver_that_was_updated_under_the_program(nvml: Path, tmp_path: Path) -> None:
    found = played(nvml, tmp_path, built(tmp_path / "lib", "libggml-cuda.so", cuda=12), {"INIT": "error 18"})
    assert found["nvidia_driver"]["verdict"] == "fail"
    assert "Restart" in found["nvidia_driver"]["what"]["en"]


def test_a_driver_that_hangs_holds_up_nothing(nvml: Path, tmp_path: Path) -> None:
    found = played(nvml, tmp_path, built(tmp_path / "lib", "libggml-cpu.so"), CARD | {"INIT": "hang"})
    assert found["nvidia_driver"]["verdict"] == "fail"
    assert found["device_ok"]["verdict"] == "ok"
