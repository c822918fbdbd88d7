"""`deskseek models import`: take in a file, a folder, another program's models; a link is downloaded."""

from typing import Any

from backends.commands import pull
from backends.commands.arguments import Parser
from backends.commands.figures import size
from backends.commands.job import DONE, INTERRUPTED, Command, Job, typed_path
from backends.core.phrase import Language, Phrase
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
    zh = console.language == "zh"
    text = job.arguments.path
    source = text if "://" in text else typed_path(text, job)
    finished = None
    for event in job.follow(job.services.shelf.import_(source, copy=job.arguments.copy)):
        match event:
            case ImportLink(ref):
                job.arguments.model, job.arguments.endpoint = ref, None
                return pull.run(job)
            case ImportFound(_, _, removable) if removable and not job.arguments.copy:
                hint = Phrase(
                    "It lies on a disk that may be pulled out; --copy makes a copy that stays.",
                    "它位于可移动磁盘上；使用 --copy 可复制到本机。",
                )
                console.note(console.to(hint))
            case ImportProgress(done, total, file):
                if console.as_json:
                    console.json({"progress": {"done": done, "total": total, "file": file}})
                console.progress(f"{size(done)} / {size(total)}  {file}", step=f"{done * 10 // max(1, total)}")
            case ImportFinished():
                finished = event
    console.end_progress()
    if finished is None:
        return INTERRUPTED
    if console.as_json:
        console.json({"finished": _as_data(finished)})
        return DONE
    for model in finished.models:
        console.line(f"{'已加入' if zh else 'Taken in'}: {model.id}  {model.path}")
    for adapter in finished.adapters:
        console.line(f"{'已加入适配器' if zh else 'Adapter taken in'}: {adapter.name}  {adapter.path}")
    for path, why in finished.skipped:
        console.note(f"{path.name}: {console.to(why)}")
    return DONE


def _as_data(finished: ImportFinished) -> dict[str, Any]:
    return {
        "models": [{"id": model.id, "path": str(model.path)} for model in finished.models],
        "adapters": [{"id": adapter.id, "path": str(adapter.path)} for adapter in finished.adapters],
        "skipped": [{"path": str(path), "why": {"en": why.en, "zh": why.zh}} for path, why in finished.skipped],
    }


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
