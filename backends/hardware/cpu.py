"""The processor: its name, the cores that this process may use, and what it can compute.

A container with 2 of 64 cores has 2: affinity, cpusets and quotas are respected. A quota of one and a half cores is
one, because a thread that is stopped half of the time holds up all the others.
"""

import ctypes
import math
import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from backends.hardware import apple, cgroup
from backends.hardware.types import Cpu

# The words of /proc/cpuinfo for what llama.cpp has kernels for, and how it calls them.
_X86 = (
    "ssse3 sse4_1 sse4_2 avx avx2 avx_vnni f16c fma bmi2 avx512f avx512bw avx512vl avx512dq avx512_vnni avx512_bf16 "
    "amx_tile amx_int8 amx_bf16"
)
_WORDS = {word: word for word in f"{_X86} neon i8mm bf16 sve sve2 sme lsx lasx vsx vx".split()} | {
    "avx512vbmi": "avx512_vbmi",
    "asimd": "neon",
    "asimddp": "dotprod",
    "asimdhp": "fp16",
}
# Numbers of IsProcessorFeaturePresent (winnt.h, PF_…_AVAILABLE).
_WINDOWS_X86 = {36: "ssse3", 37: "sse4_1", 38: "sse4_2", 39: "avx", 40: "avx2", 41: "avx512f", 60: "bmi2"}
_WINDOWS_ARM = {19: "neon", 43: "dotprod", 46: "sve", 47: "sve2", 66: "i8mm", 67: "fp16", 68: "bf16", 70: "sme"}


def read(root: Path = Path("/"), system: str = platform.system()) -> Cpu:
    """`root` is where Linux's /proc and /sys are looked for."""
    if system == "Linux":
        return _linux(root)
    if system == "Darwin":
        return apple.cpu(apple.sysctl())
    logical = os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or logical
    if sys.platform == "win32":
        present = ctypes.WinDLL("kernel32").IsProcessorFeaturePresent
        return Cpu(_windows_name(), physical, logical, windows_features(present), platform.machine())
    return Cpu(platform.processor(), physical, logical, (), platform.machine())


def memory_nodes(root: Path = Path("/")) -> int:
    """How many memory nodes (NUMA) the machine has. Only Linux lets a program choose among them as llama.cpp does."""
    online = cpu_list(_text(root / "sys/devices/system/node/online"))
    return max(1, len(online))


def windows_features(present: Callable[[int], int]) -> tuple[str, ...]:
    """What Windows says the processor can do; `present` is IsProcessorFeaturePresent. It does not tell FMA and F16C,
    which every x86 processor with AVX2 by Intel and AMD has."""
    arm = bool(present(19))
    found = {name for number, name in (_WINDOWS_ARM if arm else _WINDOWS_X86).items() if present(number)}
    return tuple(sorted(found | ({"fma", "f16c"} if "avx2" in found else set())))


def _windows_name() -> str:
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
    return platform.processor()


def _linux(root: Path) -> Cpu:
    info = (root / "proc/cpuinfo").read_text(errors="replace")
    fields = dict(re.findall(r"^([\w ]+?)\s*:[ \t]*(.*?)\s*$", info, re.MULTILINE))
    allowed = _allowed(root, info)
    quota = cgroup.read(root).cpus
    logical = len(allowed) if quota is None else min(len(allowed), max(1, math.floor(quota)))
    physical = min(len(_cores(root, allowed)), logical)
    fast = _cores(root, allowed & cpu_list(_text(root / "sys/devices/cpu_core/cpus")))
    return Cpu(
        name=_linux_name(fields, root),
        physical_cores=physical,
        logical_cores=logical,
        instruction_sets=_linux_features(fields),
        architecture=platform.machine(),
        performance_cores=len(fast) if 0 < len(fast) < physical else None,
    )


def _linux_name(fields: dict[str, str], root: Path) -> str:
    """Arm processors have no name in /proc/cpuinfo; there the board's name is the next best."""
    named = next((fields[key] for key in ("model name", "Model Name", "cpu model", "Hardware") if fields.get(key)), "")
    board = _text(root / "proc/device-tree/model").strip("\0\n ")
    return " ".join(named.split()) or board or platform.processor() or platform.machine()


def _linux_features(fields: dict[str, str]) -> tuple[str, ...]:
    words = " ".join(fields.get(key, "") for key in ("flags", "Features", "features")).split()
    found = {_WORDS[word] for word in words if word in _WORDS}
    if re.match(r"rv\d+[a-z]*v", fields.get("isa", "")):
        found.add("rvv")
    return tuple(sorted(found))


def _allowed(root: Path, info: str) -> set[int]:
    """The processors that the scheduler may give this process."""
    match = re.search(r"^Cpus_allowed_list:\s*(\S+)", _text(root / "proc/self/status"), re.MULTILINE)
    listed = {int(number) for number in re.findall(r"^processor\s*:\s*(\d+)", info, re.MULTILINE)}
    allowed = cpu_list(match.group(1)) if match else listed
    return (allowed & listed if listed else allowed) or {0}


def _cores(root: Path, processors: set[int]) -> set[str]:
    """The physical cores behind logical processors, each named by the list of its threads."""
    folder = root / "sys/devices/system/cpu"
    return {_text(folder / f"cpu{n}/topology/thread_siblings_list") or str(n) for n in processors}


def cpu_list(text: str) -> set[int]:
    """The kernel's way to write sets: "0-3,8" is 0, 1, 2, 3 and 8."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        found.update(range(int(first), int(last or first) + 1))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
