"""`deskseek models search`: look for models on the hubs; with a repository, what files it has and how they run here."""

from typing import Any

from backends.commands.arguments import Parser, wrap
from backends.commands.figures import columns, rate, size
from backends.commands.job import DONE, Command, Job
from backends.commands.verdicts import RUNS, VERDICTS
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Language, Phrase
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
    text = " ".join(job.arguments.text)
    if "/" in text:
        for listed in job.follow(job.services.hubs.listing(text, job.arguments.endpoint)):
            _show_files(listed, job)
        return DONE
    for found in job.follow(job.services.hubs.search(text)):
        _show_found(found, job)
    return DONE


def _show_found(found: Found, job: Job) -> None:
    console = job.console
    for missed in found.missed:
        console.note(console.to(missed))
    if found.notice != NOTHING:
        console.note(console.to(found.notice))
    if console.as_json:
        console.json({"source": found.source, "models": [_model(model) for model in found.models]})
        return
    zh = console.language == "zh"
    if not found.models:
        console.line(f"{found.source} 上没有找到。" if zh else f"Nothing was found on {found.source}.")
        return
    rows = [[model.repo, _popular(model, zh=zh), model.updated[:10], model.catalog_id or ""] for model in found.models]
    console.lines(columns(rows, right=(1,)))


def _popular(model: HubModel, *, zh: bool) -> str:
    if model.downloads is None:
        return ""
    return f"下载 {model.downloads:,} 次" if zh else f"{model.downloads:,} downloads"


def _model(model: HubModel) -> dict[str, Any]:
    return {
        "repo": model.repo,
        "endpoint": model.endpoint,
        "downloads": model.downloads,
        "updated": model.updated,
        "catalog_id": model.catalog_id,
        "gated": model.gated,
    }


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
    if console.as_json:
        files = [_file(file, choices.get(file.file)) for file in listed.files]
        why = {"en": problem.en, "zh": problem.zh} if problem != NOTHING else None
        console.json({"repo": listed.repo, "source": listed.source, "files": files, "problem": why})
        return
    console.line(console.bold(f"{listed.repo}  ({listed.source})"))
    if problem != NOTHING:
        console.note(console.to(problem))
    rows = [_row(file, choices.get(file.file), job) for file in listed.files]
    console.lines(columns(rows, right=(1, 2)))
    notes = dict.fromkeys(console.to(said) for one in choices.values() for said in one.warnings)
    for note in notes:
        console.lines(wrap(f"· {note}", 96))
    first = listed.files[0]
    console.line()
    console.line(f"{'获取' if zh else 'Get one'}: deskseek pull {listed.repo}:{first.quant or first.file}")


def _row(file: ModelFile, choice: Choice | None, job: Job) -> list[str]:
    language = job.console.language
    speed = rate(choice.tokens_per_s, language) if choice and choice.verdict in RUNS else ""
    verdict = VERDICTS[choice.verdict].to(language) if choice else ""
    return [file.quant or file.file, size(file.size), speed, verdict]


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
        "warnings": [{"en": said.en, "zh": said.zh} for said in choice.warnings] if choice else [],
    }


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
