"""`deskseek models import`: take in a file, a folder, another program's models; a link is downloaded."""

from pathlib import Path
from typing import Any

from backends.commands import pull
from backends.commands.arguments import Parser
from backends.commands.figures import size
from backends.commands.job import DONE, FAILED, INTERRUPTED, Command, Job, typed_path
from backends.core.errors import InvalidInput
from backends.core.phrase import Language, Phrase
from backends.models.links import parse_ref
from backends.models.taking_in import ImportFinished, ImportFound, ImportLink, ImportProgress

NAME = "import"
SUMMARY = Phrase(
    "Take in models from a file, a folder, a USB stick or another program.",
    "从文件、文件夹、U 盘或其他程序导入模型。",
)


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Models are used where they lie; with --copy they are copied into the models folder. A link is downloaded.",
        "模型默认原地使用；加 --copy 则复制到模型文件夹。链接会被下载。",
    )
    parser = Parser(f"deskseek models {NAME}", SUMMARY, language, after=after)
    parser.word("path", "PATH|LINK", Phrase("what to take in", "要导入的内容"), required=True)
    parser.switch("--copy", Phrase("copy into the models folder", "复制到模型文件夹"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    console = job.console
    finished = None
    for event in job.follow(job.services.shelf.import_(_source(job), copy=job.arguments.copy)):
        match event:
            case ImportLink(ref):
                return pull.fetch(ref, None, job)
            case ImportFound():
                _found(event, job)
            case ImportProgress(done, total, file):
                if console.as_json:
                    console.json({"progress": {"done": done, "total": total, "file": file}})
                console.progress(f"{size(done)} / {size(total)}  {file}", step=f"{done * 10 // max(1, total)}")
            case ImportFinished():
                finished = event
    console.end_progress()
    if finished is None:
        return INTERRUPTED
    _say(finished, job)
    return DONE if finished.models or finished.adapters else FAILED


def _source(job: Job) -> str | Path:
    """The path that was typed, or the link, also one without its https://."""
    text = job.arguments.path
    path = typed_path(text, job)
    if "://" in text:
        return text
    try:
        is_link = not path.exists() and parse_ref(text).endpoint != ""
    except (InvalidInput, OSError, ValueError):  # no link; a name that no file system takes
        is_link = False
    return f"https://{text}" if is_link and not text.startswith("modelscope:") else path


def _found(found: ImportFound, job: Job) -> None:
    console = job.console
    if console.as_json:
        console.json({"found": {"files": found.files, "size": found.size, "removable": found.removable}})
    if found.removable and not job.arguments.copy:
        hint = Phrase(
            "It lies on a disk that may be pulled out; --copy makes a copy that stays.",
            "它位于可移动磁盘上；使用 --copy 可复制到本机。",
        )
        console.note(console.to(hint))


def _say(finished: ImportFinished, job: Job) -> None:
    console = job.console
    if console.as_json:
        console.json({"finished": _as_data(finished)})
        return
    taken, adapter_taken = (
        ("已加入：", "已加入适配器：") if console.language == "zh" else ("Taken in: ", "Adapter taken in: ")
    )
    for model in finished.models:
        console.line(f"{taken}{model.id}  {model.path}")
    for adapter in finished.adapters:
        console.line(f"{adapter_taken}{adapter.id}  {adapter.path}")
    for path, why in finished.skipped:
        console.note(f"{path.name}: {console.to(why)}")
    if not (finished.models or finished.adapters):
        console.note(console.to(Phrase("Nothing was taken in.", "没有导入任何内容。")))


def _as_data(finished: ImportFinished) -> dict[str, Any]:
    return {
        "models": [{"id": model.id, "path": str(model.path)} for model in finished.models],
        "adapters": [{"id": adapter.id, "path": str(adapter.path)} for adapter in finished.adapters],
        "skipped": [{"path": str(path), "why": {"en": why.en, "zh": why.zh}} for path, why in finished.skipped],
    }


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
