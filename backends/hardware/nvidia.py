"""NVIDIA cards, as the driver's own library (NVML) tells. The importers of `pynvml` are this file and `nvml`.

Every number may be missing by itself: a laptop chip has no memory clock for us, GB10 and Jetson have no memory of
their own, a virtual card hides its bus. The peak bandwidth is

    bus width (bits) / 8 x memory clock (Hz) x 2

NVML's memory clock is half the data rate for every kind of memory it reports (an RTX 4090: 384 bit, 10501 MHz,
1008 GB/s). Source: NVML API reference; nvidia-ml-py follows it name by name.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from backends.core.phrase import Phrase
from backends.hardware import names, sysfs
from backends.hardware.types import Absent, Finding, Gpu, Memory

log = logging.getLogger(__name__)

VENDOR = 0x10DE
DRIVERS = ("nvidia",)  # of the Linux kernel's, with which it computes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Driver:
    version: str | None
    cuda: str | None


def read(memory: Memory, root: Path = Path("/")) -> Iterator[Finding]:
    """One finding a card. A card that shares the machine's memory (GB10, Jetson) is `unified` and has that size."""
    import pynvml  # loads nothing of NVIDIA's until nvmlInit

    try:
        pynvml.nvmlInit()
        count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError as error:
        yield why_not(error, root)
        return
    driver = _Driver(_known(pynvml.nvmlSystemGetDriverVersion), _cuda_version())
    if count == 0:
        yield Absent(Phrase("NVIDIA's driver found no graphics card.", "NVIDIA 驱动未找到任何显卡。"))
    for index in range(count):
        try:
            yield from _card(pynvml.nvmlDeviceGetHandleByIndex(index), index, driver, memory)
        except pynvml.NVMLError as error:
            yield _lost(index, error)
    with suppress(pynvml.NVMLError):  # a driver that will not say goodbye has already said everything
        pynvml.nvmlShutdown()


def _card(handle: Any, index: int, driver: _Driver, memory: Memory) -> Iterator[Finding]:
    whole = _gpu(handle, driver, memory)
    if not _is_split(handle):
        yield whole
        return
    its_parts = parts(handle)
    if not its_parts:
        yield Phrase(
            f"{whole.name} is set to be split (MIG), but has no parts, so nothing can run on it. Make a part with "
            "`nvidia-smi mig -cgi`, or turn MIG off.",
            f"{whole.name} 已启用 MIG 切分，但没有任何实例，因此无法使用。"
            "请用 `nvidia-smi mig -cgi` 创建实例，或关闭 MIG。",
        )
        return
    part = _part(its_parts[0], whole)
    yield part
    if len(its_parts) > 1:
        yield Phrase(
            f"{whole.name} is split into {len(its_parts)} parts (MIG). A program can use one of them: {part.name}.",
            f"{whole.name} 被 MIG 切分为 {len(its_parts)} 个实例。一个程序只能使用其中之一：{part.name}。",
        )


def parts(handle: Any) -> list[Any]:
    """Handles of the parts (MIG) that a card is split into; none of a whole one."""
    import pynvml

    slots = range((_known(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0) if _is_split(handle) else 0)
    return [part for slot in slots if (part := _known(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, slot))]


def _is_split(handle: Any) -> bool:
    import pynvml

    mode = _known(pynvml.nvmlDeviceGetMigMode, handle)
    return mode is not None and mode[0] == pynvml.NVML_DEVICE_MIG_ENABLE


def _gpu(handle: Any, driver: _Driver, memory: Memory) -> Gpu:
    import pynvml

    capability = _known(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    pci = _known(pynvml.nvmlDeviceGetPciInfo, handle)
    total, free, unified = None, None, False
    try:
        own = pynvml.nvmlDeviceGetMemoryInfo(handle)
        total, free = int(own.total), int(own.free)
    except pynvml.NVMLError as error:
        raise_if_gone(error)
        if code(error) == pynvml.NVML_ERROR_NOT_SUPPORTED:
            total, free, unified = memory.total, memory.available, True
    bandwidth = _bandwidth(handle)
    return Gpu(
        name=_known(pynvml.nvmlDeviceGetName, handle) or "NVIDIA",
        vendor="nvidia",
        memory_total=total,
        memory_free=free,
        bandwidth=memory.bandwidth if unified and bandwidth is None else bandwidth,
        driver=driver.version,
        cuda_version=driver.cuda,
        compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
        pci_id=pci_address(pci.busId) if pci else None,
        unified=unified,
    )


def _part(handle: Any, whole: Gpu) -> Gpu:
    """One part of a split card. Memory slices bring their share of the bandwidth with them (MIG user guide)."""
    import pynvml

    own: Any = _known(pynvml.nvmlDeviceGetMemoryInfo, handle)
    share = own.total / whole.memory_total if own and whole.memory_total else None
    return Gpu(
        name=_known(pynvml.nvmlDeviceGetName, handle) or f"{whole.name} MIG",
        vendor="nvidia",
        memory_total=int(own.total) if own else None,
        memory_free=int(own.free) if own else None,
        bandwidth=whole.bandwidth * min(share, 1.0) if whole.bandwidth and share else None,
        driver=whole.driver,
        cuda_version=whole.cuda_version,
        compute_capability=whole.compute_capability,
        pci_id=whole.pci_id,
    )


def _bandwidth(handle: Any) -> float | None:
    import pynvml

    width = _known(pynvml.nvmlDeviceGetMemoryBusWidth, handle)
    clock = _known(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_MEM)
    return width / 8 * clock * 1e6 * 2 if width and clock else None


def _cuda_version() -> str | None:
    """The newest CUDA that the driver runs: NVML says 12080, people say 12.8."""
    import pynvml

    number = _known(pynvml.nvmlSystemGetCudaDriverVersion_v2)
    return f"{number // 1000}.{number % 1000 // 10}" if number else None


def pci_address(bus_id: str | bytes) -> str:
    """As Linux writes it: NVML's `00000000:01:00.0` is `0000:01:00.0`."""
    text = bus_id.decode("ascii") if isinstance(bus_id, bytes) else bus_id
    domain, _, rest = text.lower().partition(":")
    return f"{domain[-4:]}:{rest}"


def _known(ask: Callable[..., T], *args: object) -> T | None:
    """What the driver answers; None where it does not know. A card that is gone is not a missing number."""
    import pynvml

    try:
        return ask(*args)
    except pynvml.NVMLError as error:
        raise_if_gone(error)
        return None


def code(error: Any) -> int:
    """NVML's number of an error; pynvml adds it where type checkers do not see it."""
    return error.value


def raise_if_gone(error: Any) -> None:
    import pynvml

    if code(error) in (pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED):
        raise error


def _lost(index: int, error: Any) -> Phrase:
    import pynvml

    if code(error) == pynvml.NVML_ERROR_NO_PERMISSION:
        return Phrase(
            f"NVIDIA card {index} is there, but this user may not use it. Ask for access to /dev/nvidia*.",
            f"NVIDIA 显卡 {index} 存在，但当前用户无权使用。请获取 /dev/nvidia* 的访问权限。",
        )
    return Phrase(
        f"NVIDIA card {index} does not work any more ({error}). Restart the computer; if that does not help, check "
        "its power cable and seat.",
        f"NVIDIA 显卡 {index} 已无法工作（{error}）。请重启电脑；若仍无效，请检查供电线和插槽。",
    )


def why_not(error: Any, root: Path) -> Absent | Phrase:
    """Why there is no NVML: worth a word in any case if the machine has an NVIDIA card."""
    import pynvml

    cards = sysfs.displays(root, VENDOR)
    if code(error) == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return Phrase(
            "NVIDIA's driver was updated and the old one still runs. Restart the computer.",
            "NVIDIA 驱动已更新，但旧版本仍在运行。请重启电脑。",
        )
    if not cards:
        log.info("no NVML: %s", error.__context__ or error)  # what the system's loader said, if that was the trouble
        return Absent(Phrase("No NVIDIA graphics card or driver was found.", "未找到 NVIDIA 显卡或驱动。"))
    name = names.look_up(VENDOR, cards[0].device, cards[0].revision, root).name
    if cards[0].driver == "nouveau":
        return Phrase(
            f"{name} runs on the driver nouveau, with which it cannot compute. Install NVIDIA's own driver.",
            f"{name} 正在使用 nouveau 驱动，无法用于计算。请安装 NVIDIA 官方驱动。",
        )
    if code(error) == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
        return Phrase(
            f"{name} is there, but not NVIDIA's driver ({error.__context__}). Install it; in a container, start that "
            "with its graphics cards (`--gpus all`).",
            f"检测到 {name}，但未找到 NVIDIA 驱动（{error.__context__}）。"
            "请安装驱动；若在容器中，请在启动时加入显卡（`--gpus all`）。",
        )
    if code(error) == pynvml.NVML_ERROR_DRIVER_NOT_LOADED:
        return Phrase(
            f"{name} is there, but NVIDIA's driver is not running. Restart the computer; if that does not help, "
            "install the driver again (with Secure Boot on, its kernel module has to be signed).",
            f"检测到 {name}，但 NVIDIA 驱动未运行。请重启电脑；若仍无效，"
            "请重新安装驱动（启用安全启动时，内核模块需要签名）。",
        )
    return Phrase(
        f"{name} is there, but NVIDIA's driver refuses: {error}. Restart the computer or install the driver again.",
        f"检测到 {name}，但 NVIDIA 驱动报错：{error}。请重启电脑或重新安装驱动。",
    )
