"""Installs llama-cpp-python: the first build that fits this machine and proves it.

A candidate is accepted when a child process can load it, it lists a device of the kind it was chosen for, and it
needs no CPU instruction that is not here. A refused one is overwritten by the next. What was chosen, why, and what
was refused for which reason stands in the stamp.
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlsplit

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from installers import accelerators, devices, libraries, linux
from installers.accelerators import Accelerators
from installers.packages import Pip, fetch
from installers.project import BUILD_VARIABLE, ENGINE, Project
from installers.wheels import BACKENDS, BUILDS, Candidate, Index, Indexes, candidates
from installers.words import say

INDEX_VARIABLE = "DESKSEEK_LLAMA_INDEX"
"""A mirror of the published wheel indexes."""

PATIENCE = 120.0
"""Seconds that a build may take to load and list its devices; the first start of a GPU driver can be slow."""

_CPU_FLAGS = {"AVX": "avx", "AVX2": "avx2", "FMA": "fma", "F16C": "f16c", "BMI2": "bmi2", "AVX512": "avx512f"}
_MIRROR_ADVICE = Phrase(
    f"{INDEX_VARIABLE} can name a mirror.",
    f"可用 {INDEX_VARIABLE} 指定镜像。",
)


@dataclass(frozen=True, slots=True)
class Report:
    """What devices.py found; `failure` is the last thing it said when it could not load the build."""

    backends: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    failure: str = ""


class Search:
    """One search for a build: what is tried, what was refused and why."""

    def __init__(self, project: Project, pip: Pip, indexes: Indexes, machine: Accelerators) -> None:
        self.project = project
        self.pip = pip
        self.indexes = indexes
        self.machine = machine
        self.version = project.engine_version()
        self.unreachable = False
        self.refusals: dict[str, str] = {}

    def try_all(self, offers: Sequence[Candidate]) -> tuple[Candidate, Report] | None:
        settled: set[str] = set()
        for offer in offers:
            if offer.kind in settled and offer.index:
                continue
            refusal = self._install(offer)
            if refusal is None:
                report = load(self.project)
                refusal = objection(offer, report, cpu_flags())
                if refusal is None:
                    return offer, report
                settled.add(offer.kind)  # it was there and did not run: its sisters would not either
            self.refusals[offer.name] = refusal.en
            say(Phrase(f"  {offer.name}: {refusal.en}.", f"  {offer.name}：{refusal.zh}。"))
        return None

    def _install(self, offer: Candidate) -> Phrase | None:
        """None when pip installed it, else why not."""
        clear_remains(self.project)
        return self._install_wheel(offer.index, offer.why) if offer.index else self._build(offer)

    def _install_wheel(self, index: Index, why: Phrase) -> Phrase | None:
        page = f"{self.indexes.base}/{index.name}/{ENGINE}/"
        if self.unreachable:
            return _unreachable(page)
        answer = fetch(page, self.pip.settings())
        if answer is None:
            self.unreachable = True
            return _unreachable(page)
        if f"llama_cpp_python-{self.version}" not in answer.text:
            return Phrase(f"the index has no {self.version}", f"该索引中没有 {self.version}")
        missing = libraries.not_loadable(index.expected(self.machine.system))
        if missing and not index.packages:
            return Phrase(f"{', '.join(missing)} is missing", f"缺少 {'、'.join(missing)}")
        say(Phrase(f"Fetching the engine ({index.name}): {why.en} …", f"正在下载引擎（{index.name}）：{why.zh}……"))
        wanted = ["--no-index", "--find-links", page, "--only-binary", ENGINE]
        patience = ["--timeout", "20", "--retries", "2"]
        if not self.pip.run("install", "--force-reinstall", "--no-deps", *wanted, *patience, self._pin()):
            return Phrase(
                "the index has no wheel for this system, or it did not arrive", "没有适合本系统的安装包，或下载失败"
            )
        if missing and not self._bring(index.packages, missing):
            return Phrase(f"{', '.join(missing)} could not be installed", f"无法安装 {'、'.join(missing)}")
        return None

    def _build(self, offer: Candidate) -> Phrase | None:
        """From the source archive. pip keeps a wheel it built, but does not know with which options: only the plain
        build uses that cache, a GPU build is made for what is here now."""
        if offer.cmake_arguments and offer.kind not in self.machine.toolkits:
            return Phrase(f"there is no toolkit for {offer.kind} here", f"没有 {offer.kind} 的开发工具")
        if not has_compiler():
            # a mirror of the user may have a wheel all the same
            if self.pip.run("install", "--force-reinstall", "--no-deps", "--only-binary", ENGINE, self._pin()):
                return None
            return Phrase(f"there is no C++ compiler ({compiler_advice()})", f"没有 C++ 编译器（{compiler_advice()}）")
        say(
            Phrase(
                f"Building the engine ({offer.name}): {offer.why.en}. This takes minutes, once …",
                f"正在编译引擎（{offer.name}）：{offer.why.zh}。需要几分钟，仅此一次……",
            )
        )
        given = os.environ.get("CMAKE_ARGS", "")
        extra = {
            "CMAKE_ARGS": f"{given} {offer.cmake_arguments}".strip(),
            "PATH": accelerators.toolkit_path(os.environ),
        }
        cache = ["--no-cache-dir"] if offer.cmake_arguments else []
        if not self.pip.run(
            "install", "--force-reinstall", "--no-deps", *cache, self._pin(), extra=extra if cache else None
        ):
            why = self.pip.why_failed()
            if why.code == "packages_not_installed":
                return Phrase(f"the build failed, see {self.project.log}", f"编译失败，见 {self.project.log}")
            return Phrase(why.message.en.rstrip("."), why.message.zh.rstrip("。"))
        return None

    def _bring(self, packages: Iterable[str], missing: Sequence[str]) -> bool:
        """Install the CUDA libraries that the system lacks, and put them where the engine's own ones lie."""
        say(Phrase("Fetching the CUDA libraries …", "正在下载 CUDA 库……"))
        if not self.pip.run("install", *packages):
            return False
        site = self.project.site_packages()
        places = {path.parent for path in site.glob("llama_cpp*/**/*ggml-cuda*")}
        for name in missing:
            found = next(site.glob(f"nvidia/**/{name}"), None)
            if found is None:
                return False
            for place in places:
                _link(found, place / name)
        return True

    def _pin(self) -> str:
        return f"{ENGINE}=={self.version}"


def install(project: Project, pip: Pip) -> dict[str, object]:
    """Choose, install and prove a build; the stamp's facts. Without any, the facts hold the `problem`: the parts of
    the product that need no engine work all the same."""
    build = wanted_build(project)
    indexes = _indexes(project)
    machine = accelerators.find()
    offers = candidates(indexes, machine, build)
    search = Search(project, pip, indexes, machine)
    accepted = search.try_all(offers)
    facts: dict[str, object] = {"build": build, "refusals": search.refusals, "unreachable": search.unreachable}
    if accepted is None:
        problem = _problem(build, search)
        pip.run("uninstall", "--yes", ENGINE)
        return {**facts, "kind": "none", "problem": {"en": problem.en, "zh": problem.zh}}
    offer, report = accepted
    names = ", ".join(report.names)
    say(
        Phrase(
            f"Engine: {ENGINE} {search.version}, {offer.name}, because {offer.why.en}; it runs on {names}.",
            f"引擎：{ENGINE} {search.version}，{offer.name}（{offer.why.zh}），运行设备：{names}。",
        )
    )
    return {**facts, "kind": offer.kind, "name": offer.name, "devices": list(report.names)}


def wanted_build(project: Project) -> str:
    """What the user asks for, now or before. Raises InvalidInput when it is not a build."""
    build = os.environ.get(BUILD_VARIABLE) or str(project.read_stamp("engine").get("build", "auto"))
    if build not in BUILDS:
        raise InvalidInput(
            Phrase(f"{BUILD_VARIABLE}={build} is not a build.", f"{BUILD_VARIABLE}={build} 无效。"),
            Phrase(f"Choose one of: {', '.join(BUILDS)}.", f"可选值：{'、'.join(BUILDS)}。"),
            code="unknown_build",
        )
    return build


def better_in_reach(project: Project, machine: Accelerators) -> bool:
    """Whether to search again: there is no engine, or a better kind than ours could not be had or was not wanted by
    the machine then (a new GPU or driver), and now it can."""
    stamp = project.read_stamp("engine")
    kind = stamp.get("kind", "none")
    if kind == "none":
        return True
    refusals = stamp.get("refusals")
    tried = refusals if isinstance(refusals, Mapping) else {}
    offers = candidates(_indexes(project), machine, str(stamp.get("build", "auto")))
    better = list(takewhile(lambda offer: offer.kind != kind, offers))
    if stamp.get("unreachable") and better:
        return True
    return any(offer.name not in tried for offer in better[:1])


def load(project: Project) -> Report:
    command = [str(project.python), "-I", devices.__file__]
    try:
        child = subprocess.run(
            command, check=False, capture_output=True, encoding="utf-8", errors="replace", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return Report(failure=f"no answer in {PATIENCE:.0f} s")
    if child.returncode:
        return Report(failure="".join(child.stderr.strip().splitlines()[-1:]) or f"it ended with {child.returncode}")
    answer = json.loads(child.stdout)
    rows = answer["devices"]
    return Report(tuple(row["backend"] for row in rows), tuple(row["name"] for row in rows), tuple(answer["features"]))


def objection(offer: Candidate, report: Report, flags: frozenset[str] | None) -> Phrase | None:
    """Why a build that is installed is not accepted; None when it is. `flags` are the CPU's, None if not known."""
    if report.failure:
        return Phrase(f"it does not load: {report.failure}", f"无法加载：{report.failure}")
    backend = BACKENDS[offer.kind]
    if backend not in report.backends:
        listed = ", ".join(report.backends)
        return Phrase(f"it lists no {backend} device, only {listed}", f"没有列出 {backend} 设备，只有 {listed}")
    needed = [name for name, flag in _CPU_FLAGS.items() if flags is not None and flag not in flags]
    absent = [name for name in needed if name in report.features]
    if absent:
        return Phrase(f"it needs a CPU with {', '.join(absent)}", f"需要支持 {'、'.join(absent)} 的 CPU")
    return None


def cpu_flags() -> frozenset[str] | None:
    """The instruction sets of an x86 CPU in Linux' words; None elsewhere, where no build asks more than all have."""
    if sys.platform == "win32":
        present = ctypes.windll.kernel32.IsProcessorFeaturePresent
        known = {39: ("avx", "f16c"), 40: ("avx2", "fma", "bmi2"), 41: ("avx512f",)}  # PF_AVX…, winnt.h
        return frozenset(flag for number, flags in known.items() if present(number) for flag in flags)
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    lines: Iterator[str] = (line for line in text.splitlines() if line.startswith("flags"))
    flags = next(lines, None)
    return frozenset(flags.partition(":")[2].split()) if flags else None


def clear_remains(project: Project) -> None:
    """A killed pip leaves a package without its RECORD, which pip then neither replaces nor removes."""
    site = project.site_packages()
    for folder in [*site.glob("llama_cpp_python-*.dist-info"), *site.glob("~lama_cpp*")]:
        if not (folder / "RECORD").exists():
            shutil.rmtree(folder)
            shutil.rmtree(site / "llama_cpp", ignore_errors=True)


def has_compiler() -> bool:
    if os.environ.get("CXX"):
        return True
    if sys.platform == "win32":
        finder = Path(os.environ.get("PROGRAMFILES(X86)", ""), "Microsoft Visual Studio/Installer/vswhere.exe")
        return bool(shutil.which("cl") or shutil.which("g++")) or finder.exists()
    if sys.platform == "darwin":  # /usr/bin/c++ is always there, and only offers to install itself
        return subprocess.run(["xcode-select", "-p"], check=False, capture_output=True).returncode == 0
    return any(shutil.which(name) for name in ("c++", "g++", "clang++"))


def compiler_advice() -> str:
    if sys.platform == "win32":
        return "Visual Studio Build Tools, C++"
    if sys.platform == "darwin":
        return "xcode-select --install"
    tool = linux.package_tool()
    return tool.command([tool.compiler]) if tool else "g++"


def _problem(build: str, search: Search) -> Phrase:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in search.refusals.items())
    auto = build == "auto"
    wanted = Phrase("", "") if auto else Phrase(f" for {BUILD_VARIABLE}={build}", f"（{BUILD_VARIABLE}={build}）")
    again = "run.py setup" if auto else f"{BUILD_VARIABLE}=auto run.py setup"
    advice = _MIRROR_ADVICE if search.unreachable else Phrase("", "")
    return Phrase(
        f"There is no engine{wanted.en} ({reasons}). Everything but answering works all the same; "
        f"`{again}` tries again. {advice.en}".strip(),
        f"没有可用的引擎{wanted.zh}（{reasons}）。除回答问题外其他功能仍可使用，运行 `{again}` 可重试。{advice.zh}",
    )


def _indexes(project: Project) -> Indexes:
    return Indexes.load(project.root / "installers" / "wheels.json", os.environ.get(INDEX_VARIABLE, ""))


def _unreachable(page: str) -> Phrase:
    host = urlsplit(page).hostname
    return Phrase(f"{host} cannot be reached", f"无法连接 {host}")


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.symlink_to(source)
    except OSError:  # Windows without the right to make links
        shutil.copy2(source, target)
