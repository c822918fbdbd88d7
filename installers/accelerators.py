"""What could run a model on this machine, as far as it decides which build of the engine to install."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from installers import gpu_drivers

PATIENCE = 20.0
"""Seconds after which a driver that does not answer is taken as not there."""

_SYSTEMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
_AMD = 0x1002  # PCI vendor
_COMPILERS = {"cuda": ("nvcc",), "rocm": ("hipcc", "hipconfig"), "vulkan": ("glslc",)}


@dataclass(frozen=True, slots=True)
class Accelerators:
    """`cuda`: the newest version that the driver runs; `compute`: the capabilities of its GPUs; `toolkits`: the
    kinds that could be built from source here."""

    system: str
    cuda: tuple[int, int] | None = None
    compute: tuple[tuple[int, int], ...] = ()
    rocm: bool = False
    vulkan: bool = False
    toolkits: frozenset[str] = frozenset()

    @property
    def metal(self) -> bool:
        return self.system == "macos-arm64"


def find(patience: float = PATIENCE) -> Accelerators:
    nvidia = _ask("cuda", patience)
    vendors = _ask("vulkan", patience).get("vendors") or []
    version = nvidia.get("version")
    return Accelerators(
        system=this_system(),
        cuda=(version[0], version[1]) if version and nvidia.get("compute") else None,
        compute=tuple((major, minor) for major, minor in nvidia.get("compute") or []),
        rocm=_AMD in vendors if sys.platform == "win32" else Path("/dev/kfd").exists() and rocm_folder() is not None,
        vulkan=bool(vendors),
        toolkits=toolkits(os.environ),
    )


def this_system() -> str:
    """E.g. linux-x86_64, windows-x86_64, macos-arm64."""
    machine = platform.machine().lower()
    return f"{_SYSTEMS.get(sys.platform, sys.platform)}-{_MACHINES.get(machine, machine)}"


def rocm_folder() -> Path | None:
    folder = Path(os.environ.get("ROCM_PATH") or "/opt/rocm")
    return folder if folder.is_dir() else None


def toolkits(environment: Mapping[str, str]) -> frozenset[str]:
    search = toolkit_path(environment)
    return frozenset(
        kind for kind, names in _COMPILERS.items() if all(shutil.which(name, path=search) for name in names)
    )


def toolkit_path(environment: Mapping[str, str]) -> str:
    """The PATH, and after it the places where toolkits put their compilers without telling the PATH."""
    folders = [environment.get("PATH", os.defpath), "/usr/local/cuda/bin", "/opt/rocm/bin"]
    if environment.get("CUDA_PATH"):
        folders.append(str(Path(environment["CUDA_PATH"], "bin")))
    return os.pathsep.join(folders)


def _ask(question: str, patience: float) -> dict[str, list]:
    command = [sys.executable, "-I", gpu_drivers.__file__, question]
    try:
        asked = subprocess.run(command, check=False, capture_output=True, timeout=patience, stdin=subprocess.DEVNULL)
        return json.loads(asked.stdout) if asked.returncode == 0 else {}
    except (subprocess.TimeoutExpired, ValueError):
        return {}
