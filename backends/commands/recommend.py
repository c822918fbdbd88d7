"""`deskseek recommend`: the DeepSeek model that suits this machine, or one of given sizes, and why."""

from typing import Any

from backends.commands.arguments import SIZE, SIZES, Parser, WrongUsage, number, one_of, whole, wrap
from backends.commands.console import LINE
from backends.commands.figures import columns, duration, rate, size
from backends.commands.job import DONE, Command, Job
from backends.commands.verdicts import VERDICTS
from backends.core.errors import Cancelled
from backends.core.phrase import NOTHING, Language, Phrase
from backends.hardware.probe import probe
from backends.models.advisor import WANTED_CONTEXT, Budget, Wish, advise
from backends.models.budget import margins
from backends.models.catalog import Catalog
from backends.models.experience import Experience
from backends.models.types import USES, Advice, Choice

NAME = "recommend"
SUMMARY = Phrase("Recommend the DeepSeek model that suits this machine.", "推荐适合本机的 DeepSeek 模型。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "With --ram and --vram the answer is for a typical machine of that size, the same everywhere.",
        "指定 --ram 与 --vram 时，按同等配置的典型机器给出建议，结果处处一致。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.option("--ram", "SIZE", Phrase("main memory, e.g. 16GiB", "内存大小，例如 16GiB"), kind=SIZE)
    parser.option(
        "--vram", "SIZE[,SIZE]", Phrase("GPU memory, e.g. 8GiB; 0 for none", "显存，例如 8GiB；无显卡为 0"), kind=SIZES
    )
    parser.option(
        "--use",
        "USE",
        Phrase(
            "what it is for: chat, documents, code or maths", "用途：chat 对话、documents 长文档、code 编程、maths 数学"
        ),
        kind=one_of(*USES),
    )
    parser.option(
        "--context",
        "N",
        Phrase(
            "wanted context in tokens (16384 for chat, else 32768)",
            "所需上下文长度（token，对话默认 16384，其余 32768）",
        ),
        kind=whole(256, 2**24),
    )
    parser.option(
        "--min-speed",
        "X",
        Phrase("slowest speed to accept, in tokens/s", "可接受的最低速度（token/秒）"),
        kind=number(0, 1_000_000),
    )
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    wish = _wish(job)
    seen = Experience(job.paths.data / "experience.json") if job.arguments.ram is None else None
    advice = advise(Catalog.load(), _budget(job), wish, experience=seen)
    if job.console.as_json:
        job.console.json(as_data(advice) | {"use": wish.use})
    else:
        _show(advice, job)
    return DONE


def _wish(job: Job) -> Wish:
    """What is named, else for this machine what the settings say, else for every machine the same."""
    given, models = job.arguments, job.settings.models
    is_this = given.ram is None
    usual = Wish.of(
        given.use or (models.use if is_this else "chat"),
        models.context if is_this else WANTED_CONTEXT,
        (models.min_speed or None) if is_this else None,
    )
    return Wish(
        usual.context if given.context is None else given.context,
        usual.min_speed if given.min_speed is None else given.min_speed,
        usual.use,
    )


def _budget(job: Job) -> Budget:
    ram, vram = job.arguments.ram, job.arguments.vram
    if ram is not None:
        return Budget.typical(ram, tuple(card for card in vram or () if card))
    if vram is not None:
        raise WrongUsage(
            Phrase("--vram needs --ram beside it.", "--vram 需要与 --ram 一起使用。"),
            Phrase("For example: --ram 32GiB --vram 24GiB", "例如：--ram 32GiB --vram 24GiB"),
        )
    for machine in probe(job.models_folder, cancel=job.cancel):
        return Budget.from_machine(machine, margins=margins(job.settings.engine.gpu_margin))
    raise Cancelled


def as_data(advice: Advice) -> dict[str, Any]:
    return {
        "pick": _choice(advice.pick) if advice.pick else None,
        "reason": _both(advice.reason),
        "others": [_choice(choice) for choice in advice.others],
        "better": _both(advice.better) if advice.better != NOTHING else None,
    }


def _choice(choice: Choice) -> dict[str, Any]:
    memory = choice.memory
    return {
        "id": choice.model.id,
        "name": choice.model.name,
        "repo": choice.model.repo,
        "file": choice.file.file,
        "quant": choice.file.quant,
        "size": choice.file.size,
        "context": choice.context,
        "kv_type": choice.kv_type,
        "gpu_layers": choice.gpu_layers,
        "expert_layers_on_cpu": choice.expert_layers_on_cpu,
        "predicted_tokens_per_s": round(choice.tokens_per_s, 2),
        "seconds_to_answer": round(choice.seconds_to_answer, 1),
        "memory": {
            "weights": memory.weights,
            "kv": memory.kv,
            "compute": memory.compute,
            "overhead": memory.overhead,
            "total": memory.total,
        },
        "verdict": choice.verdict,
        "note": _both(choice.note) if choice.note != NOTHING else None,
        "warnings": [_both(warning) for warning in choice.warnings],
    }


def _both(phrase: Phrase) -> dict[str, str]:
    return {"en": phrase.en, "zh": phrase.zh}


def _show(advice: Advice, job: Job) -> None:
    console, language = job.console, job.console.language
    zh = language == "zh"
    pick = advice.pick
    if pick is not None:
        console.line(console.bold(f"{pick.model.name} · {pick.file.quant}"))
    console.lines(wrap(advice.reason.to(language), LINE))
    if pick is not None:
        answer_in = duration(pick.seconds_to_answer, language)
        facts = [
            ["下载" if zh else "Download", size(pick.file.size)],
            ["内存" if zh else "Memory", size(pick.memory.total)],
            ["上下文" if zh else "Context", f"{pick.context:,} token" + ("" if zh else "s")],
            ["速度" if zh else "Speed", rate(pick.tokens_per_s, language)],
            ["典型回答" if zh else "An answer", f"约 {answer_in}" if zh else f"about {answer_in}"],
            ["获取" if zh else "Get it", f"deskseek pull {pick.model.id}:{pick.file.quant}"],
        ]
        console.line()
        console.lines(columns(facts))
        notes = [said for said in (pick.note, *pick.warnings) if said != NOTHING]
        if notes:
            console.line()
        for said in notes:
            console.lines(wrap(("· " if zh else "- ") + said.to(language), LINE))
    if advice.better != NOTHING:
        console.line()
        console.lines(wrap(advice.better.to(language), LINE))
    if advice.others:
        console.line()
        console.line("其他模型：" if zh else "Others:")
        console.lines(columns([_row(choice, language) for choice in advice.others], right=(2, 3)))


def _row(choice: Choice, language: Language) -> list[str]:
    runs = choice.verdict not in ("too_large", "unsupported")
    return [
        choice.model.id,
        choice.file.quant,
        size(choice.file.size),
        rate(choice.tokens_per_s, language) if runs else "",
        VERDICTS[choice.verdict].to(language),
    ]


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=False)
