"""What the GPU drivers are asked, with drivers made in the test: shared libraries with the real entry points."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from installers import accelerators, gpu_drivers
from installers.accelerators import Accelerators

NVML = """
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12040; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = (void *)(long)(index + 1); return 0; }
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    *major = 8; *minor = device == (void *)1L ? 9 : 6; return 0;
}
"""
VULKAN = """
#include <stdint.h>
typedef struct { uint32_t api, driver, vendor, device; int type; char name[256]; } properties;
int vkCreateInstance(void *info, void *allocator, void **instance) {
    if (*(int *)info != 1) return -1;
    *instance = (void *)7L; return 0;
}
void vkDestroyInstance(void *instance, void *allocator) {}
int vkEnumeratePhysicalDevices(void *instance, uint32_t *count, void **devices) {
    *count = 2;
    if (devices) { devices[0] = (void *)1L; devices[1] = (void *)2L; }
    return instance == (void *)7L ? 0 : -1;
}
void vkGetPhysicalDeviceProperties(void *device, properties *out) {
    out->vendor = device == (void *)1L ? 0x1002 : 0x10005;
    out->type = device == (void *)1L ? 2 : 4;
}
"""
HANGING = "#include <unistd.h>\nint nvmlInit_v2(void) { for (;;) pause(); }\n"
CRASHING = "#include <stdlib.h>\nint nvmlInit_v2(void) { abort(); }\n"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None, reason="drivers are made with cc, for Linux"
)


@pytest.fixture
def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which this machine looks for its drivers first."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    return tmp_path


def make(folder: Path, soname: str, source: str) -> None:
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(folder / soname)]
    subprocess.run(command, input=source, text=True, check=True)


def ask(question: str) -> dict[str, object]:
    command = [sys.executable, "-I", gpu_drivers.__file__, question]
    return json.loads(subprocess.run(command, capture_output=True, check=True, env=dict(os.environ)).stdout)


def test_nvml_tells_the_cuda_version_and_each_gpu(drivers: Path) -> None:
    make(drivers, "libnvidia-ml.so.1", NVML)
    assert ask("cuda") == {"version": [12, 4], "compute": [[8, 9], [8, 6]]}


def test_vulkan_tells_the_gpus_and_leaves_out_software(drivers: Path) -> None:
    make(drivers, "libvulkan.so.1", VULKAN)
    assert ask("vulkan") == {"vendors": [0x1002]}


def test_a_machine_is_what_its_drivers_say(drivers: Path) -> None:
    make(drivers, "libnvidia-ml.so.1", NVML)
    make(drivers, "libvulkan.so.1", VULKAN)
    machine = accelerators.find()
    assert (machine.cuda, machine.compute, machine.vulkan) == ((12, 4), ((8, 9), (8, 6)), True)


@pytest.mark.parametrize("source", [HANGING, CRASHING, "int nothing;", NVML.replace("return 0", "return 9")])
def test_a_broken_driver_is_as_good_as_none(drivers: Path, source: str) -> None:
    make(drivers, "libnvidia-ml.so.1", source)
    machine = accelerators.find(patience=1.0)
    assert (machine.cuda, machine.compute) == (None, ())


def test_toolkits_are_known_by_their_compilers(tmp_path: Path) -> None:
    for name in ("nvcc", "hipcc"):
        (tmp_path / name).touch(mode=0o755)
    found = accelerators.toolkits({"PATH": str(tmp_path)})
    assert "cuda" in found
    assert accelerators.toolkits({"PATH": str(tmp_path / "none"), "CUDA_PATH": "/none"}) <= {"cuda", "rocm"}


def test_only_apple_silicon_has_metal() -> None:
    assert Accelerators("macos-arm64").metal
    assert not Accelerators("macos-x86_64").metal
