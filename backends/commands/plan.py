"""`deskseek plan`: what running a model takes on this machine, to the byte, before it is downloaded."""

from dataclasses import replace
from typing import Any

from backends.commands.arguments import Parser, one_of, whole, wrap
from backends.commands.console import LINE
from backends.commands.figures import columns, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job, typed_path
from backends.core.phrase import Language, Phrase
from backends.engine.protocol import MOST_PARALLEL
from backends.models.planner import Asked
from backends.models.types import DevicePlan, Plan
from backends.services.machine import PlanStep

NAME = "plan"
SUMMARY = Phrase(
    "Say what running a model takes here, before it is downloaded.", "下载之前，先算出模型在本机占用多少内存。"
)

_KINDS = {
    "cpu": Phrase("main memory", "内存"),
    "gpu": Phrase("graphics card", "显卡"),
    "igpu": Phrase("graphics in the processor", "集成显卡"),
}


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Of a model that is not here only the header is fetched, some megabytes. What is not fixed is searched for: "
        "the best way that fits into the memory that is free now.",
        "对不在本机的模型只读取文件头（几 MB）。未指定的选项会自动搜索：在当前空闲内存下的最佳方案。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word(
        "model",
        "MODEL",
        Phrase(
            "a model of this computer or the catalogue (r1-0528-qwen3-8b:Q4_K_M), a repository (org/name:Q4_K_M), "
            "a GGUF file, or a link to one",
            "本机或目录中的模型（r1-0528-qwen3-8b:Q4_K_M）、仓库（org/name:Q4_K_M）、GGUF 文件或其链接",
        ),
        required=True,
    )
    parser.option("--context", "N", Phrase("context in tokens", "上下文长度（token）"), kind=whole(256, 2**24))
    parser.option("--kv", "TYPE", Phrase("cache: f16 or q8_0", "缓存类型：f16 或 q8_0"), kind=one_of("f16", "q8_0"))
    parser.option(
        "--gpu-layers",
        "N",
        Phrase(
            "layers on graphics cards, the output layer one of them; -1: all", "放到显卡上的层数（含输出层）；-1 为全部"
        ),
        kind=whole(-1, 100_000),
    )
    parser.option(
        "--batch",
        "N",
        Phrase(
            "tokens computed at once (512; embedders: the context)",
            "一次计算的 token 数（默认 512，嵌入模型为上下文长度）",
        ),
        kind=whole(1, 65536),
        default=0,
    )
    parser.option(
        "--parallel",
        "N",
        Phrase(
            "answers at the same time, which share the context (as in the settings)",
            "同时生成的回答数，共享上下文（默认同设置）",
        ),
        kind=whole(1, MOST_PARALLEL),
    )
    parser.option("--endpoint", "URL", Phrase("another hub than that of the settings", "使用其他下载站点"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    given, console = job.arguments, job.console
    slots = job.services.machine.slots
    if given.parallel:
        slots = replace(slots, answers=given.parallel)
    asked = Asked(
        context=given.context,
        kv_type=given.kv,
        gpu_layers=given.gpu_layers,
        batch=given.batch,
        slots=slots,
        wanted_context=job.settings.models.context,
    )
    plan = None
    target = typed_path(given.model, job) if given.model.startswith("~") else given.model  # where no shell has done it
    for event in job.follow(job.services.machine.plan(target, asked=asked, endpoint=given.endpoint, cwd=job.cwd)):
        if isinstance(event, PlanStep):
            console.progress(console.to(event.doing))
        else:
            plan = event
    console.end_progress()
    if plan is None:
        return INTERRUPTED
    if console.as_json:
        console.json(as_data(plan))
    else:
        _show(plan, job)
    return DONE


def as_data(plan: Plan) -> dict[str, Any]:
    """Bytes. `memory` of all devices together; `corrected` is what measurements here add, and not in it."""
    options = plan.options
    return {
        "architecture": plan.architecture,
        "context": options.context,
        "kv_type": options.kv_type,
        "gpu_layers": options.gpu_layers,
        "memory": {
            **{part: sum(getattr(one, part) for one in plan.devices) for part in _PARTS},
            "total": plan.total,
        },
        "devices": [
            {
                "name": one.name,
                "kind": one.kind,
                "memory": {**{part: getattr(one, part) for part in _PARTS}, "total": one.total},
                "free": one.free,
            }
            for one in plan.devices
        ],
        "exact": plan.exact,
        "fits": plan.fits,
        "expert_layers_on_cpu": options.expert_layers_on_cpu,
        "gpu_split": list(options.gpu_split),
        "batch": options.batch,
        "parallel": options.parallel,
        "corrected": plan.corrected,
        "notes": [{"en": note.en, "zh": note.zh} for note in plan.notes],
    }


_PARTS = ("weights", "kv", "compute", "overhead")


def _show(plan: Plan, job: Job) -> None:
    console, language = job.console, job.console.language
    zh = language == "zh"
    options = plan.options
    if plan.fits:
        verdict = Phrase("It fits.", "可以运行。")
    else:
        verdict = Phrase("It does not fit into the memory that is free now.", "当前空闲内存不足。")
    console.line(console.bold(verdict.to(language)))
    layers = f"{options.gpu_layers}" + (f" ({' + '.join(map(str, options.gpu_split))})" if options.gpu_split else "")
    facts = [
        ["架构" if zh else "Architecture", plan.architecture],
        ["上下文" if zh else "Context", f"{options.context:,} token" + ("" if zh else "s")],
        ["缓存" if zh else "Cache", options.kv_type],
        ["显卡上的层数" if zh else "Layers on GPUs", layers],
    ]
    if options.expert_layers_on_cpu:
        facts.append(
            [
                "留在内存的专家层" if zh else "Experts in memory",
                f"{options.expert_layers_on_cpu}" + ("" if zh else " layers"),
            ]
        )
    console.lines(columns(facts))
    console.line()
    console.lines(columns(_table(plan, language), right=(2, 3, 4, 5, 6, 7)))
    if plan.corrected:
        more = size(abs(plan.corrected))
        sign = (" more", "多") if plan.corrected > 0 else (" less", "少")
        console.line()
        console.line(f"本机实测比预测{sign[1]} {more}。" if zh else f"Measured here: {more}{sign[0]} than predicted.")
    for note in plan.notes:
        console.lines(wrap(note.to(language), LINE))


def _table(plan: Plan, language: Language) -> list[list[str]]:
    zh = language == "zh"
    head = ["设备", "", "权重", "缓存", "计算", "其他", "合计", "可用"] if zh else [
        "Device", "", "Weights", "Cache", "Compute", "Other", "Total", "Free"
    ]  # fmt: skip
    rows = [head, *(_row(one, language) for one in plan.devices)]
    if len(plan.devices) > 1:
        sums = [size(sum(getattr(one, part) for one in plan.devices)) for part in _PARTS]
        rows.append(["合计" if zh else "Together", "", *sums, size(plan.total), ""])
    return rows


def _row(one: DevicePlan, language: Language) -> list[str]:
    kind = _KINDS[one.kind].to(language) if one.kind in _KINDS else one.kind
    parts = [size(getattr(one, part)) for part in _PARTS]
    return [one.name, kind, *parts, size(one.total), size(one.free)]


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
