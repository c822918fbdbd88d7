"""`deskseek hardware`: what this machine is and has, and the devices the engine can use."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backends.commands.arguments import Parser, wrap
from backends.commands.console import LINE
from backends.commands.figures import columns, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.cancel import CancelToken
from backends.core.phrase import Language, Phrase
from backends.hardware.probe import probe
from backends.hardware.types import Gpu, Machine

NAME = "hardware"
SUMMARY = Phrase("Show what this machine has.", "显示本机硬件。")

ENGINE_SECONDS = 60.0  # a first start may compile kernels
_CHILD = (
    "import dataclasses, json; from backends.core.gate import GATE; GATE.install(offline=True); "
    "from backends.engine.loader import engine_info; "
    "print('\\n' + json.dumps(dataclasses.asdict(engine_info())))"
)


def grammar(language: Language) -> Parser:
    parser = Parser(f"deskseek {NAME}", SUMMARY, language)
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    machines = list(probe(job.models_folder, cancel=job.cancel))
    engine, notes = engine_devices(job.cancel)
    if job.cancel.cancelled:
        return INTERRUPTED
    machine = dataclasses.replace(machines[0], notes=(*machines[0].notes, *notes))
    if job.console.as_json:
        job.console.json(_as_data(machine, engine))
    else:
        job.console.lines(_as_lines(machine, engine, job.console.language))
    return DONE


def engine_devices(
    cancel: CancelToken, *, python: str = sys.executable, seconds: float = ENGINE_SECONDS
) -> tuple[Mapping[str, Any], tuple[Phrase, ...]]:
    """Version and devices as llama.cpp itself reports them, asked in a child: a broken wheel is a note, not a crash."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    nothing: Mapping[str, Any] = {"version": None, "devices": []}
    child = subprocess.Popen(
        [python, "-c", _CHILD],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    forget = cancel.on_cancel(child.kill)
    try:
        said, complaint = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return nothing, (_no_engine(f"no answer in {seconds:.0f} s", f"{seconds:.0f} 秒内没有响应"),)
    finally:
        forget()
    if cancel.cancelled:
        return nothing, ()
    if child.returncode != 0:
        lines = complaint.decode("utf-8", "replace").strip().splitlines() or [f"exit code {child.returncode}"]
        return nothing, (_no_engine(lines[-1], lines[-1]),)
    return json.loads(said.decode("utf-8").strip().splitlines()[-1]), ()


def _no_engine(why: str, why_zh: str) -> Phrase:
    return Phrase(
        f"The engine (llama-cpp-python) does not start here: {why}. Run installers/run.py setup again.",
        f"推理引擎（llama-cpp-python）无法启动：{why_zh}。请重新运行 installers/run.py setup。",
    )


def _as_data(machine: Machine, engine: Mapping[str, Any]) -> dict[str, Any]:
    data = dataclasses.asdict(machine)
    data["engine"] = engine
    return data


def _as_lines(machine: Machine, engine: Mapping[str, Any], language: Language) -> list[str]:
    def to(en: str, zh: str) -> str:
        return zh if language == "zh" else en

    cpu, memory, disk = machine.cpu, machine.memory, machine.disk
    rows = [
        [
            to("Processor", "处理器"),
            to(
                f"{cpu.name}, {cpu.physical_cores} cores, {cpu.logical_cores} threads",
                f"{cpu.name}，{cpu.physical_cores} 核 {cpu.logical_cores} 线程",
            ),
        ],
        *(["", line] for line in wrap(" ".join(cpu.instruction_sets), LINE - 12)),
        [
            to("Memory", "内存"),
            to(
                f"{size(memory.total)}, {size(memory.available)} available",
                f"{size(memory.total)}，可用 {size(memory.available)}",
            ),
        ],
    ]
    if not machine.gpus:
        rows.append([to("Graphics", "显卡"), to("no GPU found", "未发现显卡")])
    for gpu in machine.gpus:
        rows.append([to("Graphics", "显卡"), _gpu(gpu, language)])
    rows.append(
        [
            to("Disk", "磁盘"),
            to(
                f"{size(disk.free)} free of {size(disk.total)} ({disk.folder})",
                f"可用 {size(disk.free)}，共 {size(disk.total)}（{disk.folder}）",
            ),
        ]
    )
    if engine["version"] is not None:
        rows.append([to("Engine", "推理引擎"), f"llama-cpp-python {engine['version']}"])
        rows += [["", f"{device['name']}  {device['description']}"] for device in engine["devices"]]
    for note in machine.notes:
        first, *more = wrap(note.to(language), LINE - 12)
        rows += [[to("Note", "提示"), first], *(["", line] for line in more)]
    return columns([row for row in rows if row[1]])


def _gpu(gpu: Gpu, language: Language) -> str:
    zh = language == "zh"
    parts = [gpu.name]
    if gpu.memory_total is not None:
        parts.append(size(gpu.memory_total))
    if gpu.memory_free is not None:
        parts.append(f"可用 {size(gpu.memory_free)}" if zh else f"{size(gpu.memory_free)} free")
    if gpu.driver:
        parts.append(f"驱动 {gpu.driver}" if zh else f"driver {gpu.driver}")
    if gpu.cuda_version:
        parts.append(f"CUDA {gpu.cuda_version}")
    return ("，" if zh else ", ").join(parts)


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=False)
