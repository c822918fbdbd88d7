"""`deskseek ask`: one question to the model, the answer as it streams. Nothing is kept of it.

The answer goes to standard output, thinking (dimmed) and progress to standard error and only to a terminal: in a
pipe there is the answer alone. An interrupt stops the answer cleanly; exit code 130 then.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backends.chat.prompt import with_instructions
from backends.commands import ask_documents, lora, preset
from backends.commands.arguments import Parser, WrongUsage, number, whole
from backends.commands.figures import duration, rate
from backends.commands.job import DONE, INTERRUPTED, Command, Job, typed_path
from backends.commands.schema_file import schema
from backends.core.errors import Cancelled, InvalidInput, NotFound, Unavailable
from backends.core.phrase import NOTHING, Language, Phrase
from backends.core.stream import Stream
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    LoadProgress,
    LoadStepped,
    LoadTrying,
    LoadWaiting,
    PromptProgress,
    Queued,
    ReasoningDelta,
    ReasoningReclassified,
    TextDelta,
    ThinkingClosed,
    Turn,
)
from backends.models.types import LocalModel

NAME = "ask"
SUMMARY = Phrase("Ask the model one question.", "向模型提一个问题。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "The answer goes to standard output; thinking is shown dimmed in a terminal and left out of pipes.\n"
        "Ctrl+C stops the answer (exit code 130).",
        "回答写到标准输出；思考过程在终端中以暗色显示，管道中不包含。\n按 Ctrl+C 停止回答（退出码 130）。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word(
        "text",
        "TEXT",
        Phrase("the question; - is what comes on standard input", "问题；- 表示从标准输入读取"),
        many=True,
    )
    parser.option("--model", "ID|PATH", Phrase("the model to ask (see `models`)", "要使用的模型（见 `models`）"))
    parser.option(
        "--preset",
        "NAME|FILE",
        Phrase("a preset of the chat; what else is named here goes first", "使用聊天中的预设；此处另行指定的选项优先"),
    )
    parser.option("--system", "S", Phrase("instructions for the model", "给模型的指令"))
    parser.option("--context", "N", Phrase("context in tokens", "上下文长度（token）"), kind=whole(256, 2**24))
    parser.option(
        "--max-tokens", "N", Phrase("longest answer, thinking included", "回答的最大长度（含思考）"), kind=whole(1)
    )
    parser.option(
        "--thinking-budget",
        "N",
        Phrase("so many tokens of thinking, then the answer; 0: none", "思考的 token 上限，之后开始回答；0 表示不思考"),
        kind=whole(0),
    )
    parser.option(
        "--schema",
        "FILE",
        Phrase("the answer is JSON that this JSON schema describes", "回答为符合该 JSON Schema 的 JSON"),
    )
    parser.option(
        "--temperature", "T", Phrase("0 is always the likeliest word", "0 表示总取最可能的词"), kind=number(0, 5)
    )
    parser.option(
        "--top-p", "P", Phrase("choose among the likeliest P of all words", "按累计概率 P 取词"), kind=number(0, 1)
    )
    parser.option(
        "--seed", "S", Phrase("the same seed, the same answer", "相同的种子得到相同的回答"), kind=whole(0, 2**32 - 1)
    )
    parser.option(
        "--lora",
        "FILE[:SCALE]",
        Phrase("a LoRA adapter for this answer; may be named again", "本次回答使用的 LoRA 适配器，可多次指定"),
        kind=lora.LORA,
        default=[],
        many=True,
    )
    parser.switch("--documents", Phrase("answer from the documents, with their pages", "依据文档回答，并标注页码"))
    parser.option("--collection", "C", Phrase("only from this collection of documents", "仅依据该文档集回答"))
    parser.option("--stdin-text", "TEXT", None)
    parser.switch("--quiet", Phrase("no thinking and no progress", "不显示思考与进度"))
    parser.json_switch()
    return parser


def wants_stdin(arguments: Any, *, piped: bool) -> bool:
    """Whether the question, or a part of it, comes on standard input."""
    return arguments.stdin_text is None and ("-" in arguments.text or (not arguments.text and piped))


def run(job: Job) -> int:
    asked = question(job.arguments)
    waiting = Phrase("Waiting for another answer to end", "正在等待其他回答结束")
    given, options = job.arguments, preset.options(job)
    form = schema(typed_path(given.schema, job)) if given.schema is not None else None
    from_documents = given.documents or given.collection is not None
    grounding = ask_documents.grounding(job, given.collection) if from_documents else None
    with ExitStack() as turn:
        say = job.console.to(waiting)
        turn.enter_context(job.services.turns.mine(job.cancel, lambda: job.console.progress(say, step="waiting")))
        adapters = lora.named(job)
        if grounding is not None and ask_documents.no_model(job):
            return ask_documents.passages(job, grounding, asked)
        _load(job, options.model)
        if job.cancel.cancelled:
            return INTERRUPTED
        loaded, model = job.services.engine.model, job.services.loading.catalog_model()
        grounded = ask_documents.ground(job, grounding, asked, model) if grounding is not None else None
        if grounded is not None and grounded.instead:
            return ask_documents.nothing(job, grounded)
        turn_of_person = Turn("user", grounded.alone if grounded else asked)
        request = GenerateRequest(
            with_instructions([turn_of_person], model, options.instructions or ""),
            options.sampling(model),
            options.max_tokens,
            thinking_budget=options.thinking_budget,
            priority="api",
            format=form,
            adapters=lora.beside_its_own(adapters, job),
            labels=grounded.labels if grounded else frozenset(),
        )
        reader = ask_documents.Cites(job, grounded, request.turns) if grounded else None
        stream = job.services.engine.generate(request)
        turn.close()  # nobody's load comes before this answer any more
        return _answer(job, stream, loaded, reader)


def _answer(
    job: Job, stream: Stream[GenerateEvent], loaded: LoadedModel | None, cites: "ask_documents.Cites | None"
) -> int:
    ending = None
    for event in job.follow(stream):
        if cites is not None:
            cites.hear(event)
        if isinstance(event, Finished):
            ending = event
            job.services.loading.note_answer(event)
        elif job.console.as_json:
            _as_json(event, job)
        else:
            _as_text(event, job)
    if ending is not None:
        if job.console.as_json:
            more = {"citations": cites.citations()} if cites is not None else {}
            job.console.json({"finished": finished(ending, loaded.alias if loaded else "") | more})
        else:
            job.console.end_line()
            if cites is not None:
                cites.close()
            _close(ending, job)
    if job.cancel.cancelled:
        return INTERRUPTED
    if ending is None or ending.finish_reason == "cancelled":
        raise Unavailable(
            Phrase("The model was unloaded while it answered.", "回答过程中模型被卸载。"),
            Phrase("Ask again.", "请重新提问。"),
            code="answer_stopped",
        )
    return DONE


# ---- what is asked


def question(given: Any) -> str:
    """The words, with standard input in the place of `-`, or alone where there are no words."""
    if not given.text and given.stdin_text is None:
        raise WrongUsage(
            Phrase("TEXT is missing.", "缺少 TEXT。"),
            Phrase('For example: deskseek ask "Why is the sky blue?"', '例如：deskseek ask "天空为什么是蓝色的？"'),
        )
    parts: list[str] = []
    words: list[str] = []
    for word in given.text or ["-"]:
        if word == "-" and given.stdin_text is not None:
            parts += [" ".join(words), given.stdin_text.strip("\r\n")]
            words = []
        else:
            words.append(word)
    text = "\n\n".join(part for part in (*parts, " ".join(words)) if part.strip())
    if not text:
        raise InvalidInput(
            Phrase("The question is empty.", "问题为空。"),
            Phrase("Write it after ask, or pipe it in.", "请在 ask 之后输入问题，或通过管道传入。"),
            code="empty_message",
        )
    return text


# ---- the model that answers


def wanted_model(job: Job, wanted: str) -> LocalModel:
    """The named one, else the loaded one, else the usual one of this disk. NotFound (`no_model`)."""
    services = job.services
    loaded = services.engine.model
    if wanted:
        local = find_model(job, wanted)
    elif loaded is not None:
        local = services.library.find(loaded.alias)
    else:
        local = services.loading.default_model()
    if local is None:
        raise NotFound(
            services.loading.why_none(),
            Phrase(
                "See what suits it with deskseek recommend, then get it with deskseek pull.",
                "先运行 deskseek recommend 查看推荐，再用 deskseek pull 下载。",
            ),
            code="no_model",
        )
    return local


def _load(job: Job, wanted: str) -> None:
    """Have the wanted model loaded."""
    services, context = job.services, job.arguments.context
    loaded, local = services.engine.model, wanted_model(job, wanted)
    if loaded is not None and loaded.path == local.path and loaded.context >= (context or 0):
        return
    follow_load(job, local, lambda: services.loading.have(local, context=context, safe=job.safe))


def follow_load(job: Job, local: LocalModel, load: Callable[[], Stream[LoadEvent]]) -> None:
    """Load it and say how that goes on. InvalidInput (`unsupported_model`)."""
    if local.problem != NOTHING:
        raise InvalidInput(local.problem, code="unsupported_model")
    console = job.console
    if job.safe:
        careful = Phrase(
            "DeskSeek crashed last time, so the model runs on the processor alone now.",
            "上次运行时 DeskSeek 意外崩溃，本次仅使用处理器运行模型。",
        )
        console.note(console.to(careful))
    for event in job.follow(load()):
        if isinstance(event, LoadProgress):
            loading = Phrase(
                f"Loading {local.name} {event.fraction:.0%}", f"正在加载 {local.name} {event.fraction:.0%}"
            )
            console.progress(console.to(loading))
        elif isinstance(event, LoadWaiting):
            waiting = Phrase(
                f"Waiting until the loaded model is done with {event.answers}",
                f"正在等待已加载模型的 {event.answers} 个回答完成",
            )
            console.progress(console.to(waiting))
        elif isinstance(event, LoadTrying):
            trying = Phrase(f"Trying {local.name} for the first time", f"首次试加载 {local.name}")
            console.progress(console.to(trying))
        elif isinstance(event, LoadStepped):
            console.end_progress()
            console.note(" ".join(console.to(said) for said in (event.why, event.change, event.cost) if said.en))
        else:
            console.end_progress()
            for note in event.model.notes:
                console.note(console.to(note))


def find_model(job: Job, wanted: str) -> LocalModel:
    """By its name, or by the path of a file, which the library then knows. NotFound (`no_file`, `model_not_here`)."""
    path = typed_path(wanted, job)
    there = _is_there(path)
    if not (wanted.lower().endswith(".gguf") or (there and path.is_file())):
        try:
            return job.services.library.find(wanted)
        except NotFound:
            if Path(wanted).name == wanted:
                raise
    if not there:
        raise NotFound(
            Phrase(f"There is no file {path}.", f"文件不存在：{path}。"),
            Phrase("deskseek models lists what is there.", "运行 deskseek models 查看已有模型。"),
            code="no_file",
        )
    for model in job.services.library.models():
        if model.path.resolve() == path.resolve():
            return model
    for model in job.follow(job.services.shelf.add_file(path)):
        return model
    raise Cancelled


def _is_there(path: Path) -> bool:
    """Whether there is anything, be it a link that leads nowhere; no file system takes some names."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


# ---- what is said


def _as_json(event: object, job: Job) -> None:
    match event:
        case ReasoningDelta(text):
            job.console.json({"reasoning": text})
        case TextDelta(text):
            job.console.json({"text": text})
        case ReasoningReclassified():
            job.console.json({"reclassified": "reasoning"})
        case ThinkingClosed(by):
            job.console.json({"thinking_closed": by})


def _as_text(event: object, job: Job) -> None:
    console = job.console
    match event:
        case PromptProgress(done, total) if done < total:
            reading = Phrase(f"Reading {done / total:.0%}", f"正在阅读 {done / total:.0%}")
            console.progress(console.to(reading))
        case Queued(before) if before:
            queued = Phrase(f"Waiting: {before} before this one", f"等待中：前面还有 {before} 个")
            console.progress(console.to(queued))
        case ReasoningDelta(text):
            console.whisper(text)
        case TextDelta(text):
            console.answer(text)
        case ReasoningReclassified():
            console.end_line()
            console.note(console.to(Phrase("(All of this was thinking.)", "（以上均为思考过程。）")))


def finished(ending: Finished, model: str) -> dict[str, Any]:
    timings = {name: round(value, 4) for name, value in asdict(ending.timings).items()}
    return {
        "usage": asdict(ending.usage),
        "timings": timings,
        "finish_reason": ending.finish_reason,
        "device": ending.device,
        "model": model,
    }


def _close(ending: Finished, job: Job) -> None:
    console, language = job.console, job.console.language
    if ending.finish_reason == "length":
        cut = Phrase("The answer was cut at its longest allowed length.", "回答已达到长度上限，被截断。")
        console.note(console.to(cut))
    if ending.finish_reason == "cancelled" and job.cancel.cancelled:
        console.note(console.to(Phrase("Stopped.", "已停止。")))
    if console.stderr_seen:
        usage, timings = ending.usage, ending.timings
        parts = [
            f"{usage.completion_tokens} token" + ("" if language == "zh" else "s"),
            rate(timings.decode_tokens_per_s, language),
            duration(timings.total_s, language) if timings.total_s >= 10 else f"{timings.total_s:.1f} s",
            ending.device,
        ]
        console.note(" · ".join(parts))


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
