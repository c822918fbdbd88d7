"""`deskseek models quantize`: make a smaller version of a model here. What it takes and loses is shown first."""

from typing import Any

from backends.commands.arguments import Parser, wrap
from backends.commands.console import LINE
from backends.commands.figures import columns, duration, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.phrase import Language, Phrase
from backends.models.quantize import QuantisePlan
from backends.services.quantising import QuantiseEvent, QuantiseFinished

NAME = "quantize"
SUMMARY = Phrase("Make a smaller version of a model on this computer.", "在本机生成模型的更小版本。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "From a Q8_0, F16 or BF16 on this disk. Nothing is downloaded; Ctrl+C stops and leaves nothing behind.",
        "来源须为本机的 Q8_0、F16 或 BF16 文件。无需下载；按 Ctrl+C 停止，不会留下文件。",
    )
    parser = Parser(f"deskseek models {NAME}", SUMMARY, language, after=after)
    parser.word("model", "ID", Phrase("the model to start from", "原模型"), required=True)
    parser.word("quant", "QUANT", Phrase("what to make of it, e.g. Q4_K_M", "目标量化，例如 Q4_K_M"), required=True)
    parser.switch("--dry-run", Phrase("only show what it takes", "仅显示所需空间和影响"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    services, console = job.services, job.console
    model = services.library.find(job.arguments.model)
    quant = job.arguments.quant
    for plan in job.follow(services.quantising.plan(model, quant)):
        _show_plan(plan, job)
    if job.cancel.cancelled:
        return INTERRUPTED
    if job.arguments.dry_run:
        return DONE
    finished = None
    for event in job.follow(services.quantising.start(model, quant)):
        match event:
            case QuantiseEvent(fraction, seconds_left):
                if console.as_json:
                    console.json({"progress": {"fraction": round(fraction, 4), "seconds_left": seconds_left}})
                left = f"  {duration(seconds_left, console.language)}" if seconds_left is not None else ""
                console.progress(f"{fraction:.0%}{left}", step=f"{int(fraction * 10)}")
            case QuantiseFinished():
                finished = event
    console.end_progress()
    if finished is None:
        return INTERRUPTED
    if console.as_json:
        console.json({"finished": {"id": finished.model.id, "path": str(finished.path)}})
    else:
        console.line(f"{'已生成：' if console.language == 'zh' else 'Made: '}{finished.model.id}  {finished.path}")
    return DONE


def _show_plan(plan: QuantisePlan, job: Job) -> None:
    console = job.console
    zh = console.language == "zh"
    if console.as_json:
        said: dict[str, Any] = {
            "quant": plan.quant,
            "size": plan.size,
            "memory": plan.memory.total,
            "disk_needed": plan.disk_needed,
            "disk_free": plan.disk_free,
            "loss": {"en": plan.loss.en, "zh": plan.loss.zh},
        }
        console.json({"plan": said})
        return
    rows = [
        ["文件大小" if zh else "Size", size(plan.size)],
        ["运行内存" if zh else "Memory", size(plan.memory.total)],
        ["所需磁盘空间" if zh else "Disk needed", size(plan.disk_needed)],
        ["可用磁盘空间" if zh else "Disk free", size(plan.disk_free)],
    ]
    console.lines(columns(rows))
    console.lines(wrap(console.to(plan.loss), LINE))


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
