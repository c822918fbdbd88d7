"""Graphics cards and the engine: drivers, the build of llama-cpp-python, its libraries, what it can compute on.

What a build is for can be seen in its folder: each backend of ggml is a library of its own (`libggml-cuda.so`). Which
CUDA it wants is the major version in the name of the runtime that it asks for (`libcudart.so.12`); a driver runs
builds of its own major version and older ones (CUDA Compatibility, minor version compatibility).
"""

import importlib.util
import mmap
import platform
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied
from backends.core.phrase import NOTHING, Phrase
from backends.doctor import library_child
from backends.doctor.case import Case
from backends.doctor.types import Finding
from backends.doctor.words import size
from backends.engine import told
from backends.engine.protocol import EngineInfo
from backends.hardware import probe
from backends.hardware.types import Finding as CardFinding
from backends.hardware.types import Gpu

PATIENCE = 60.0  # seconds for libraries to load
BACKENDS = {
    "cuda": "CUDA",
    "hip": "ROCm",
    "metal": "Metal",
    "vulkan": "Vulkan",
    "sycl": "SYCL",
    "musa": "MUSA",
    "cann": "CANN",
    "opencl": "OpenCL",
}
_LIBRARY = re.compile(r"(?:lib)?ggml-([a-z]+)[a-z0-9_-]*\.(?:so|dylib|dll)")
_CUDART = re.compile(rb"(?:libcudart\.so\.|cudart64_)(\d\d)")
_SET_UP = Phrase(
    "Set DeskSeek up again (python3 installers/run.py setup): it picks the build that suits this machine.",
    "请重新安装（python3 installers/run.py setup），将自动选择适合本机的版本。",
)


@dataclass(frozen=True, slots=True)
class Build:
    """`kinds`: of cards that it was built for. `cuda`: the major version that it wants."""

    folder: Path
    kinds: tuple[str, ...]
    cuda: int | None = None

    @property
    def title(self) -> str:
        return f"CUDA {self.cuda}" if self.cuda else ", ".join(BACKENDS[kind] for kind in self.kinds)


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    said = probe.cards(cancel=cancel, root=case.root)
    gpus = [one for findings in said.values() for one in findings if isinstance(one, Gpu)]
    yield from drivers(said)
    folder = case.engine or _folder()
    if folder is None:
        what = Phrase("The engine (llama-cpp-python) is not installed.", "推理引擎（llama-cpp-python）未安装。")
        yield Finding("wheel", "engine_missing", "fail", what, _SET_UP, "engine_for_gpu")
        return
    build = read_build(folder)
    refused = yield from _libraries(build, cancel)
    info: EngineInfo | None = None
    try:
        info = told.ask(cancel=cancel)
    except ChildDied as died:
        cancel.check()
        if not refused:
            yield _does_not_start(died)
    yield from wheel(build, gpus, info)
    if info is not None:
        yield from _devices(info)


# ---- drivers


def drivers(said: Mapping[str, Sequence[CardFinding]]) -> Iterator[Finding]:
    """One finding a card, and one for each thing that is wrong with a driver; one in all where there is no card."""
    quiet = True
    for vendor, findings in said.items():
        usable = any(isinstance(one, Gpu) for one in findings)
        for one in findings:
            if isinstance(one, Gpu):
                yield _card(one)
            elif isinstance(one, Phrase):
                fails = vendor in ("nvidia", "amd") and not usable
                yield Finding("driver", f"{vendor}_driver", "fail" if fails else "warn", one, subject=vendor)
            else:
                continue
            quiet = False
    if quiet:
        what = Phrase(
            "No graphics card was found, so models run on the processor.", "未发现显卡，模型将在处理器上运行。"
        )
        yield Finding("driver", "no_card", "ok", what, details={"looked_for": ", ".join(said)})


def _card(gpu: Gpu) -> Finding:
    parts = [size(gpu.memory_total)] if gpu.memory_total else []
    parts_zh = list(parts)
    if gpu.driver:
        parts.append(f"driver {gpu.driver}")
        parts_zh.append(f"驱动 {gpu.driver}")
    if gpu.cuda_version:
        parts.append(f"CUDA {gpu.cuda_version}")
        parts_zh.append(f"CUDA {gpu.cuda_version}")
    return Finding(
        "driver",
        "card_ok",
        "ok",
        Phrase(f"{gpu.name}: {', '.join(parts)}.", f"{gpu.name}：{'，'.join(parts_zh)}。")
        if parts
        else Phrase(f"{gpu.name}.", f"{gpu.name}。"),
        subject=gpu.name,
        details={
            "vendor": gpu.vendor,
            "driver": gpu.driver,
            "cuda": gpu.cuda_version,
            "compute_capability": gpu.compute_capability,
            "memory": gpu.memory_total,
            "unified": gpu.unified,
        },
    )


# ---- the build


def wheel(build: Build, gpus: Sequence[Gpu], info: EngineInfo | None) -> Iterator[Finding]:
    """Whether the build suits the cards. `info` None: it does not start, which is said elsewhere."""
    names = ", ".join(gpu.name for gpu in gpus)
    details = {"built_for": ", ".join(build.kinds) or "cpu", "cuda": build.cuda, "version": info and info.version}
    used = [device.name for device in info.devices if device.kind in ("gpu", "igpu")] if info else []
    old = next((gpu for gpu in gpus if build.cuda and _major(gpu.cuda_version) in range(1, build.cuda)), None)
    if used:
        what = Phrase(f"The engine computes on {', '.join(used)}.", f"引擎使用 {'、'.join(used)} 计算。")
        yield Finding("wheel", "uses_card", "ok", what, details=details)
    elif old is not None:
        yield Finding(
            "wheel",
            "driver_too_old",
            "fail",
            Phrase(
                f"The engine is built for CUDA {build.cuda}, but the driver {old.driver} runs CUDA {old.cuda_version} "
                "at most: models run on the processor.",
                f"引擎为 CUDA {build.cuda} 版本，而驱动 {old.driver} 最高支持 CUDA {old.cuda_version}，"
                "因此模型在处理器上运行。",
            ),
            Phrase(
                "Update NVIDIA's driver, or set DeskSeek up again (python3 installers/run.py setup) to get the build "
                "for this one.",
                "请更新 NVIDIA 驱动，或重新安装（python3 installers/run.py setup）以获得匹配的版本。",
            ),
            "engine_for_gpu",
            subject=old.name,
            details=details,
        )
    elif info is None:
        return
    elif build.kinds and gpus:
        what = Phrase(
            f"The engine is built for {build.title}, but can use none of: {names}. Models run on the processor.",
            f"引擎为 {build.title} 版本，但无法使用：{names}。模型在处理器上运行。",
        )
        yield Finding("wheel", "card_not_used", "fail", what, _SET_UP, "engine_for_gpu", names, details=details)
    elif build.kinds:
        what = Phrase(
            f"The engine is built for {build.title}, but no such card was found. Models run on the processor.",
            f"引擎为 {build.title} 版本，但未找到相应显卡。模型在处理器上运行。",
        )
        yield Finding("wheel", "no_card_for_wheel", "warn", what, _SET_UP, "engine_for_gpu", details=details)
    elif any(gpu.vendor != "intel" or not gpu.unified for gpu in gpus):
        what = Phrase(
            f"This build of the engine computes on the processor alone and does not use {names}.",
            f"当前引擎版本只使用处理器，没有使用 {names}。",
        )
        yield Finding("wheel", "wheel_ignores_card", "warn", what, _SET_UP, "engine_for_gpu", names, details=details)
    else:
        what = Phrase("The engine is a build for the processor, as suits this machine.", "引擎为处理器版本，适合本机。")
        yield Finding("wheel", "suits_processor", "ok", what, details=details)


def _major(version: str | None) -> int:
    return int(version.partition(".")[0]) if version else 0


def _folder() -> Path | None:
    """Where the libraries of the installed engine lie; nothing of it is loaded."""
    spec = importlib.util.find_spec("llama_cpp")
    folder = Path(spec.origin).parent / "lib" if spec and spec.origin else None
    return folder if folder and folder.is_dir() else None


def read_build(folder: Path) -> Build:
    kinds: list[str] = []
    cuda = None
    for path in sorted(folder.iterdir()):
        match = _LIBRARY.fullmatch(path.name)
        if match and match[1] in BACKENDS and match[1] not in kinds:
            kinds.append(match[1])
            if match[1] == "cuda":
                cuda = _wanted_cuda(path)
    return Build(folder, tuple(kinds), cuda)


def _wanted_cuda(path: Path) -> int | None:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = _CUDART.search(content)
            return int(found[1]) if found else None
    except (OSError, ValueError):  # ValueError: an empty file
        return None


# ---- its libraries


def _libraries(build: Build, cancel: CancelToken) -> Generator[Finding, None, bool]:
    """Gives whether one was refused."""
    paths = [str(path) for path in sorted(build.folder.iterdir()) if path.suffix in (".so", ".dylib", ".dll")]
    refused: list[tuple[str, str]] = []
    libc = " ".join(platform.libc_ver()).strip()
    try:
        with Child(library_child.MODULE) as child:
            asked = {"do": "load", "paths": paths}
            for answer in child.ask(asked, cancel=cancel, timeout=PATIENCE):
                refused.append((Path(answer["path"]).name, answer["error"]))
    except ChildDied as died:
        cancel.check()
        refused.append(("", str(died)))
    for name, error in refused:
        said = error.replace(str(build.folder), "").lstrip("/\\").strip()
        yield Finding(
            "libraries",
            "library_refused",
            "fail",
            Phrase(f"A library of the engine cannot be loaded: {said}", f"无法加载引擎的库：{said}"),
            _SET_UP,
            "engine_for_gpu",
            subject=name,
            details={"libc": libc},
        )
    if not refused:
        count = len(paths)
        what = Phrase(f"All {count} libraries of the engine load.", f"引擎的 {count} 个库均可加载。")
        yield Finding("libraries", "libraries_ok", "ok", what, NOTHING, details={"count": count, "libc": libc})
    return bool(refused)


def _does_not_start(died: ChildDied) -> Finding:
    last = (died.said.splitlines() or [str(died)])[-1].strip()
    what = Phrase(f"The engine does not start: {last}", f"推理引擎无法启动：{last}")
    return Finding("wheel", "engine_broken", "fail", what, _SET_UP, "engine_for_gpu", details={"exit": died.code})


def _devices(info: EngineInfo) -> Iterator[Finding]:
    for device in info.devices:
        free = size(device.memory_free)
        yield Finding(
            "devices",
            "device_ok",
            "ok",
            Phrase(
                f"{device.name}: {device.description}, {free} free.",
                f"{device.name}：{device.description}，可用 {free}。",
            ),
            subject=device.name,
            details={"kind": device.kind, "total": device.memory_total, "free": device.memory_free},
        )
