"""What macOS tells about the processor and its graphics, by `sysctl`.

Apple's chips have one memory for everything. How much of it Metal lets the graphics side have is a rule, not a
number one can ask sysctl for: 75 % of it from 36 GB on, two thirds below (MTLDevice.recommendedMaxWorkingSetSize as
observed on many Macs; newer systems allow up to 84 %, and the engine reports the true value once it runs). Who set
`iogpu.wired_limit_mb` has chosen another limit, and that counts.
"""

import platform
import subprocess
from collections.abc import Iterator, Mapping

from backends.core.phrase import Phrase
from backends.hardware.types import Absent, Cpu, Finding, Gpu, Memory

TREES = ("hw", "machdep.cpu", "iogpu")

_FEATURES = {
    "hw.optional.neon": "neon",
    "hw.optional.AdvSIMD": "neon",
    "hw.optional.arm.AdvSIMD": "neon",
    "hw.optional.arm.FEAT_DotProd": "dotprod",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_FP16": "fp16",
    "hw.optional.arm.FEAT_SME": "sme",
    "hw.optional.arm.FEAT_SME2": "sme2",
    "hw.optional.supplementalsse3": "ssse3",
    "hw.optional.sse4_1": "sse4_1",
    "hw.optional.sse4_2": "sse4_2",
    "hw.optional.avx1_0": "avx",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.fma": "fma",
    "hw.optional.f16c": "f16c",
    "hw.optional.bmi2": "bmi2",
    "hw.optional.avx512f": "avx512f",
    "hw.optional.avx512bw": "avx512bw",
    "hw.optional.avx512vl": "avx512vl",
}


def sysctl() -> dict[str, str]:
    """What the kernel answers. A tree it does not know is left out (`iogpu` on Macs with Intel's processors)."""
    command = ["/usr/sbin/sysctl", *TREES]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10, check=False)
    return parse(done.stdout)


def parse(output: str) -> dict[str, str]:
    """Lines of `name: value`; others are left out."""
    pairs = (line.partition(": ") for line in output.splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def cpu(values: Mapping[str, str]) -> Cpu:
    """`performance_cores` are all but those that macOS calls "Efficiency" (a chip may have Super and Performance)."""
    fast, slow = 0, 0
    for level in range(_number(values, "hw.nperflevels") or 0):
        cores = _number(values, f"hw.perflevel{level}.physicalcpu") or 0
        if values.get(f"hw.perflevel{level}.name") == "Efficiency":
            slow += cores
        else:
            fast += cores
    logical = _number(values, "hw.logicalcpu") or _number(values, "hw.ncpu") or 1
    return Cpu(
        name=values.get("machdep.cpu.brand_string", ""),
        physical_cores=_number(values, "hw.physicalcpu") or logical,
        logical_cores=logical,
        instruction_sets=tuple(
            sorted({name for key, name in _FEATURES.items() if values.get(key, "").startswith("1")})
        ),
        architecture="arm64" if is_apple_silicon(values) else platform.machine(),
        performance_cores=fast if fast and slow else None,
    )


def read(memory: Memory, values: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """The graphics side of an Apple chip. Its bandwidth is not told; the chip's name tells who knows."""
    values = sysctl() if values is None else values
    if not is_apple_silicon(values):
        yield Absent(
            Phrase(
                "This Mac has an Intel processor; models run on the processor alone.",
                "这台 Mac 使用 Intel 处理器，模型只能在处理器上运行。",
            )
        )
        return
    name = values.get("machdep.cpu.brand_string", "")
    if not name.startswith("Apple"):  # under Rosetta the chip calls itself VirtualApple
        yield Phrase(
            "DeskSeek runs in a Python for Intel processors, which is slow here. Install Python for Apple silicon.",
            "DeskSeek 正运行在 Intel 版 Python 中，在这台电脑上会很慢。请安装 Apple 芯片版 Python。",
        )
        name = "Apple"
    total = working_set(memory.total, values)
    yield Gpu(
        name=name,
        vendor="apple",
        memory_total=total,
        memory_free=min(total, memory.available),
        bandwidth=memory.bandwidth,
        unified=True,
    )


def working_set(total: int, values: Mapping[str, str]) -> int:
    """Bytes that Metal lets the graphics side have, of so many in the machine."""
    wired_limit = _number(values, "iogpu.wired_limit_mb") or 0  # 0: the system's own rule
    if wired_limit:
        return min(total, wired_limit << 20)
    return total * 3 // 4 if total >= 36 << 30 else total * 2 // 3


def is_apple_silicon(values: Mapping[str, str]) -> bool:
    return values.get("hw.optional.arm64", "0") == "1"


def _number(values: Mapping[str, str], name: str) -> int | None:
    words = values.get(name, "").split()
    return int(words[0]) if words and words[0].isdecimal() else None
