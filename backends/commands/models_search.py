"""`deskseek models search`: look for models on the hubs; with a repository, what files it has and how they run here."""

from typing import Any

from backends.commands.arguments import Parser, wrap
from backends.commands.console import LINE
from backends.commands.figures import columns, rate, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.commands.pull import at, to_go_on
from backends.commands.verdicts import RUNS, VERDICTS
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Language, Phrase
from backends.models.quants import preferred
from backends.models.types import Choice, HubModel, ModelFile
from backends.services.hubs import Found, Listed

NAME = "search"
SUMMARY = Phrase("Look for models on the hubs.", "在模型站点上查找模型。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Words are searched; for a repository or a link its files are listed, each with how it would run here.",
        "输入关键词进行搜索；输入仓库名或链接则列出其中的文件及其在本机的运行情况。",
    )
    parser = Parser(f"deskseek models {NAME}", SUMMARY, language, after=after)
    parser.word("text", "TEXT|REPO|LINK", Phrase("what to look for", "要查找的内容"), required=True, many=True)
    parser.option("--endpoint", "URL", Phrase("the hub or mirror to ask this time", "本次使用的模型站点或镜像"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    text, endpoint = " ".join(job.arguments.text), job.arguments.endpoint
    asking = Phrase("Asking the hub", "正在查询模型站点")
    job.console.progress(job.console.to(asking))
    if "/" in text:
        for listed in job.follow(job.services.hubs.listing(text, endpoint)):
            _show_files(listed, job)
    else:
        for found in job.follow(job.services.hubs.search(text, endpoint)):
            _show_found(found, job)
    job.console.end_progress()
    return INTERRUPTED if job.cancel.cancelled else DONE


def _remarks(said: Found | Listed, job: Job) -> None:
    for remark in (*said.missed, said.notice):
        if remark != NOTHING:
            job.console.note(job.console.to(remark))


def _both(phrase: Phrase) -> dict[str, str]:
    return {"en": phrase.en, "zh": phrase.zh}


# ---- repositories


def _show_found(found: Found, job: Job) -> None:
    console = job.console
    if console.as_json:
        models = [_model(model) for model in found.models]
        console.json({"source": found.source, "models": models, "missed": [_both(said) for said in found.missed]})
        return
    _remarks(found, job)
    zh = console.language == "zh"
    if not found.models:
        console.line(f"{found.source} 上没有找到。" if zh else f"Nothing was found on {found.source}.")
        return
    rows = [[model.repo, _popular(model, zh=zh), model.updated[:10], _remark(model, zh=zh)] for model in found.models]
    console.lines(columns(rows, right=(1,)))
    first = found.models[0]
    again = f"deskseek models {NAME} {first.repo}{at(first.endpoint, job)}"
    console.note(f"查看文件：{again}" if zh else f"To see the files of one: {again}")


def _popular(model: HubModel, *, zh: bool) -> str:
    if model.downloads is None:
        return ""
    return f"下载 {model.downloads:,} 次" if zh else f"{model.downloads:,} downloads"


def _remark(model: HubModel, *, zh: bool) -> str:
    gated = ("需申请访问" if zh else "access on request") if model.gated else ""
    return ("，" if zh else ", ").join(filter(None, [model.catalog_id or "", gated]))


def _model(model: HubModel) -> dict[str, Any]:
    return {
        "repo": model.repo,
        "endpoint": model.endpoint,
        "downloads": model.downloads,
        "updated": model.updated,
        "catalog_id": model.catalog_id,
        "gated": model.gated,
    }


# ---- files


def _show_files(listed: Listed, job: Job) -> None:
    console = job.console
    zh = console.language == "zh"
    choices: dict[str, Choice] = {}
    problem = NOTHING
    try:
        for choice in job.follow(job.services.judging.judge(listed)):
            choices[choice.file.file] = choice
    except BackendError as error:  # the files can be fetched all the same
        problem = error.message
    if job.cancel.cancelled:
        return
    best = _best(listed, choices)
    get = _to_get(listed, best, job)
    if console.as_json:
        console.json(
            {
                "repo": listed.repo,
                "source": listed.source,
                "revision": listed.revision or None,
                "files": [_file(file, choices.get(file.file)) for file in listed.files],
                "pull": get,
                "problem": _both(problem) if problem != NOTHING else None,
                "missed": [_both(said) for said in listed.missed],
            }
        )
        return
    _remarks(listed, job)
    console.line(console.bold(f"{listed.repo}  ({listed.source})"))
    if problem != NOTHING:
        console.note(console.to(problem))
    names = _names(listed.files)
    console.lines(
        columns([_row(names[file.file], file, choices.get(file.file), job) for file in listed.files], right=(1, 2))
    )
    notes = dict.fromkeys(console.to(said) for one in choices.values() for said in one.warnings)
    for note in notes:
        console.lines(wrap(f"· {note}", LINE))
    console.line()
    console.line(f"{'获取' if zh else 'Get one'}: {get}")


def _best(listed: Listed, choices: dict[str, Choice]) -> ModelFile:
    """What to get of them: what runs best here, else what people mean who name no quant."""
    running = [choice for choice in choices.values() if choice.verdict in RUNS]
    best = max(running, key=lambda choice: choice.score, default=None)
    wanted = best.file.file if best else (preferred(listed.files) or listed.files[0]).file
    return next(file for file in listed.files if file.file == wanted)


def _to_get(listed: Listed, file: ModelFile, job: Job) -> str:
    if listed.revision:
        return f"deskseek pull {listed.endpoint}/{listed.repo}/resolve/{listed.revision}/{file.file}"
    return to_go_on(f"{listed.repo}:{_names(listed.files)[file.file]}", listed.endpoint, job)


def _names(files: tuple[ModelFile, ...]) -> dict[str, str]:
    """By what each file is asked for: its quant, where no other has the same, else its name."""
    quants = [file.quant for file in files]
    return {file.file: file.quant if quants.count(file.quant) == 1 and file.quant else file.file for file in files}


def _row(name: str, file: ModelFile, choice: Choice | None, job: Job) -> list[str]:
    language = job.console.language
    speed = rate(choice.tokens_per_s, language) if choice and choice.verdict in RUNS else ""
    verdict = VERDICTS[choice.verdict].to(language) if choice else ""
    return [name, size(file.size), speed, verdict]


def _file(file: ModelFile, choice: Choice | None) -> dict[str, Any]:
    return {
        "file": file.file,
        "quant": file.quant,
        "size": file.size,
        "sha256": file.sha256,
        "parts": list(file.parts),
        "verdict": choice.verdict if choice else None,
        "predicted_tokens_per_s": round(choice.tokens_per_s, 2) if choice else None,
        "memory": choice.memory.total if choice else None,
        "warnings": [_both(said) for said in choice.warnings] if choice else [],
    }


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
