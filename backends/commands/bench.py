"""`deskseek bench`: how fast a model is on this machine, and beside another model or other settings."""

import re
from dataclasses import replace
from typing import Any

from backends.commands import ask
from backends.commands.arguments import Kind, Parser, WrongUsage, whole
from backends.commands.figures import columns, rate, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.errors import InvalidInput
from backends.core.phrase import NOTHING, Language, Phrase
from backends.core.setting_groups import EngineSettings
from backends.core.settings import FIELDS
from backends.engine.protocol import MOST_PARALLEL, LoadedModel, LoadFinished, LoadStepped, LoadTrying
from backends.models.types import LocalModel
from backends.services.benching import BenchAsked, BenchFigures, BenchStep, StreamsFigures, Way

NAME = "bench"
SUMMARY = Phrase("Measure how fast a model is here.", "测试模型在本机的速度。")

_SETTINGS = ("threads", "kv_type", "parallel", "lookup", "gpu_layers", "lock_memory", "numa", "gpu_sharing")
_MOST_TOKENS = 2**20


def _counts(text: str) -> tuple[int, ...]:
    counts = tuple(int(part) for part in text.split(","))
    if not all(1 <= count <= MOST_PARALLEL for count in counts):
        raise ValueError(text)
    return tuple(dict.fromkeys(counts))


COUNTS = Kind(
    _counts,
    Phrase(f"numbers from 1 to {MOST_PARALLEL} such as 1,4,8", f"1 到 {MOST_PARALLEL} 之间的数字，例如 1,4,8"),
)


def grammar(language: Language) -> Parser:
    after = Phrase(
        "OTHER is another model, or settings such as threads=2, kv_type=q8_0, parallel=8 or lookup=off (several with "
        "commas). The model that is loaded comes back afterwards.\n"
        "Together: tokens of all answers per second, from the asking to the end of the last one, prompts included. "
        "Gap: between two tokens of an answer; 95 of 100 are at most so long.",
        "OTHER 可以是另一个模型，或设置，例如 threads=2、kv_type=q8_0、parallel=8、lookup=off（多个用逗号分隔）。"
        "测试结束后恢复原先加载的模型。\n"
        "合计：从提问到最后一个回答结束，所有回答每秒的 token 数（含读取提示词）。"
        "间隔：同一回答中相邻两个 token 之间的时间，95% 不超过该值。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.option("--model", "ID|PATH", Phrase("the model to measure (see `models`)", "要测试的模型（见 `models`）"))
    parser.option(
        "--prompt",
        "N",
        Phrase("tokens of a prompt (512)", "提示词的 token 数（默认 512）"),
        kind=whole(1, _MOST_TOKENS),
        default=512,
    )
    parser.option(
        "--generate",
        "N",
        Phrase("tokens of an answer (128)", "回答的 token 数（默认 128）"),
        kind=whole(2, _MOST_TOKENS),
        default=128,
    )
    parser.option("--threads", "N", Phrase("processor threads", "处理器线程数"), kind=whole(1, 1024))
    parser.option(
        "--streams",
        "N,N",
        Phrase("how many answers at once (1,4,8)", "同时进行的回答数（默认 1,4,8）"),
        kind=COUNTS,
        default=(1, 4, 8),
    )
    parser.option("--compare", "OTHER", Phrase("a model or setting to measure beside it", "用于对比的另一个模型或设置"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    waiting = Phrase("Waiting for another answer to end", "正在等待其他回答结束")
    with job.services.turns.mine(job.cancel, lambda: job.console.progress(job.console.to(waiting), step="waiting")):
        return _run(job)


def _run(job: Job) -> int:
    given = job.arguments
    asked = BenchAsked(given.prompt, given.generate, given.streams)
    ways = _ways(job, max(asked.streams))
    measured = []
    for event in job.follow(job.services.benching.run(ways, asked)):
        if isinstance(event, BenchFigures):
            measured.append(event)
        else:
            _tell(event, job)
    job.console.end_progress()
    if job.cancel.cancelled or len(measured) < len(ways):
        return INTERRUPTED
    if job.console.as_json:
        first, *others = map(as_data, measured)
        job.console.json(first | {"compare": others[0]} if others else first)
    else:
        _show(measured, job)
        if len(measured) == 1:
            (only,) = measured
            for said in job.follow(job.services.holding.of_bench(only.loaded, only.decode_tokens_per_s)):
                job.console.line(job.console.to(said))
    return DONE


# ---- what is measured


def _ways(job: Job, streams: int) -> list[Way]:
    """The model as it runs for the person, with room for so many answers at once, and what it is compared with."""
    given = job.arguments
    model = ask.wanted_model(job, job.arguments.model or "")
    engine = replace(job.settings.engine, parallel=streams)
    if given.threads is not None:
        engine = replace(engine, threads=given.threads)
    if given.compare is None:
        return [_way(model, engine, model.id)]
    changes = settings_of(given.compare)
    if changes is None:
        other = ask.find_model(job, given.compare)
        return [_way(model, engine, model.id), _way(other, engine, other.id)]
    changed = replace(engine, **changes)
    labels = [", ".join(f"{name}={_typed(getattr(one, name))}" for name in changes) for one in (engine, changed)]
    return [_way(model, engine, labels[0]), _way(model, changed, labels[1])]


def _way(model: LocalModel, engine: EngineSettings, label: str) -> Way:
    if model.problem != NOTHING:
        raise InvalidInput(model.problem, code="unsupported_model")
    return Way(model, engine, label)


def settings_of(text: str) -> dict[str, Any] | None:
    """`threads=2,kv_type=q8_0` as settings of the engine; None: it is the name of a model.

    WrongUsage for a setting that changes no speed, InvalidInput `bad_setting` for a value that it does not take.
    """
    parts = [part.partition("=") for part in text.split(",")]
    if not all(equals and re.fullmatch(r"(engine\.)?[a-z_]+", name.strip()) for name, equals, _ in parts):
        return None
    found: dict[str, Any] = {}
    for name, _, value in parts:
        name = name.strip().removeprefix("engine.")
        if name not in _SETTINGS:
            raise WrongUsage(
                Phrase(f"--compare: {name} is no setting to compare.", f"--compare：{name} 不是可对比的设置。"),
                Phrase(f"There are: {', '.join(_SETTINGS)}.", f"可用的设置：{'、'.join(_SETTINGS)}。"),
            )
        (field,) = (one for one in FIELDS if one.key == f"engine.{name}")
        found[name] = field.parse(value)
    return found


def _typed(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


# ---- what is said


def _tell(event: object, job: Job) -> None:
    console = job.console
    match event:
        case BenchStep(doing, fraction):
            console.progress(console.to(doing) + ("" if fraction is None else f" {fraction:.0%}"), step=doing.en)
        case LoadTrying():
            console.progress(console.to(Phrase("Trying it for the first time", "首次试加载")), step="trying")
        case LoadStepped(why, change, cost):
            console.end_progress()
            console.note(" ".join(console.to(said) for said in (why, change, cost) if said.en))
        case LoadFinished(model):
            for note in model.notes:
                console.end_progress()
                console.note(console.to(note))


def as_data(figures: BenchFigures) -> dict[str, Any]:
    """Seconds, tokens per second, bytes. `settings` as they were in the end."""
    loaded, asked = figures.loaded, figures.asked
    return {
        "model": loaded.alias,
        "prompt": asked.prompt,
        "generate": asked.generate,
        "prefill_tokens_per_s": round(figures.prefill_tokens_per_s, 3),
        "decode_tokens_per_s": round(figures.decode_tokens_per_s, 3),
        "streams": [
            {
                "streams": row.streams,
                "tokens_per_s": round(row.tokens_per_s, 3),
                "ttft_p50_s": round(row.ttft_p50_s, 6),
                "gap_p95_s": round(row.gap_p95_s, 6),
            }
            for row in figures.streams
        ],
        "device": figures.device,
        "memory": {
            "total": sum(use.bytes for use in loaded.uses),
            "devices": [{"name": use.name, "bytes": use.bytes} for use in loaded.uses],
        },
        "settings": _settings(loaded, figures.way.engine),
    }


def _settings(loaded: LoadedModel, engine: EngineSettings) -> dict[str, Any]:
    return {
        "context": loaded.context,
        "kv_type": loaded.kv_type,
        "threads": loaded.threads or engine.threads,
        "parallel": engine.parallel,
        "gpu_layers": loaded.gpu_layers,
        "lookup": engine.lookup,
    }


def _show(measured: list[BenchFigures], job: Job) -> None:
    console, language = job.console, job.console.language
    asked = measured[0].asked
    rows = [[Phrase("", ""), *[one.way.label for one in measured]]] if len(measured) > 1 else []
    rows += [
        [
            Phrase(f"Prefill, {asked.prompt} tokens", f"读取提示词（{asked.prompt} token）"),
            *[rate(one.prefill_tokens_per_s, language) for one in measured],
        ],
        [
            Phrase(f"Decode, {asked.generate} tokens", f"生成（{asked.generate} token）"),
            *[rate(one.decode_tokens_per_s, language) for one in measured],
        ],
    ]
    for number, count in enumerate(asked.streams):
        rows += _stream_rows(count, [one.streams[number] for one in measured], language)
    rows += [
        [Phrase("Memory", "内存"), *[size(sum(use.bytes for use in one.loaded.uses)) for one in measured]],
        [Phrase("Device", "设备"), *[one.device for one in measured]],
    ]
    first = measured[0].loaded
    console.line(console.bold(first.alias if len({one.loaded.alias for one in measured}) == 1 else ""))
    told = [[head.to(language) if isinstance(head, Phrase) else head, *cells] for head, *cells in rows]
    console.lines(columns(told, right=tuple(range(1, len(measured) + 1))))


def _stream_rows(count: int, rows: list[StreamsFigures], language: Language) -> list[list[Any]]:
    at_once = Phrase(f"{count} at once: together", f"{count} 路并发：合计")
    if count == 1:
        at_once = Phrase("One answer: with its prompt", "单个回答：含读取提示词")
    return [
        [at_once, *[rate(row.tokens_per_s, language) for row in rows]],
        [Phrase("  first token", "  首个 token"), *[_seconds(row.ttft_p50_s) for row in rows]],
        [Phrase("  gap", "  间隔"), *[_seconds(row.gap_p95_s) for row in rows]],
    ]


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
