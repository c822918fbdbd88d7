"""`deskseek models remove` and `restore`: take a model away, put it back, erase it for good."""

import argparse
from pathlib import Path
from typing import Any

from backends.commands.arguments import Parser, WrongUsage
from backends.commands.figures import columns, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.errors import NotFound
from backends.core.phrase import NOTHING, Language, Phrase
from backends.models.partial import PendingDownload
from backends.models.types import Deleted, LocalAdapter, LocalModel

REMOVE = Phrase("Delete a model; it can be restored for a day.", "删除模型；一天内可以恢复。")
RESTORE = Phrase(
    "Put a deleted model back; without a name, list what can be.", "恢复已删除的模型；不填则列出可恢复的模型。"
)


def remove_grammar(language: Language) -> Parser:
    after = Phrase(
        "A file that DeskSeek neither downloaded, made nor copied is only taken off the list; it stays where it is. "
        "--now without a model erases all that was deleted before.",
        "不是由 DeskSeek 下载、生成或复制的文件只会从列表移除，文件仍在原处。"
        "仅使用 --now 而不填模型时，会彻底清除之前删除的所有模型。",
    )
    parser = Parser("deskseek models remove", REMOVE, language, after=after)
    parser.word(
        "model", "ID", Phrase("which model, adapter or unfinished download", "要删除的模型、适配器或未完成的下载")
    )
    parser.switch("--now", Phrase("erase it at once, for good", "立即彻底删除，不可恢复"))
    parser.json_switch()
    return parser


def check_remove(given: argparse.Namespace) -> None:
    if not (given.model or given.now):
        see = "deskseek models remove --help"
        raise WrongUsage(Phrase("ID is missing.", "缺少 ID。"), Phrase(f"See {see}.", f"请参阅 {see}。"))


def remove(job: Job) -> int:
    if not job.arguments.model:
        for freed in job.follow(job.services.shelf.empty_trash()):
            _freed(freed, job)
        return INTERRUPTED if job.cancel.cancelled else DONE
    what = _find(job)
    if isinstance(what, PendingDownload):
        job.services.downloads.discard(what)
        _given_up(what, job)
        return DONE
    if isinstance(what, LocalAdapter):
        for _ in job.follow(job.services.shelf.remove_adapter(what)):
            _off_the_list(what, "", job)
        return INTERRUPTED if job.cancel.cancelled else DONE
    for deleted in job.follow(job.services.shelf.remove(what)):
        if not deleted.size:
            _off_the_list(what, deleted.key, job)
        elif job.arguments.now:
            for freed in job.follow(job.services.shelf.erase(deleted.key)):
                _deleted(what, deleted, job, back=False)
                _freed(freed, job)
        else:
            _deleted(what, deleted, job, back=True)
    return INTERRUPTED if job.cancel.cancelled else DONE


def _find(job: Job) -> LocalModel | LocalAdapter | PendingDownload:
    wanted, library = job.arguments.model, job.services.library
    for download in job.services.downloads.pending():
        if wanted == f"{download.repo}:{download.file.quant}":  # as `deskseek models` lists it
            return download
    try:
        return library.find(wanted)
    except NotFound:
        for adapter in library.adapters():
            if wanted in (adapter.id, str(adapter.path)):
                return adapter
        raise


def _deleted(model: LocalModel, deleted: Deleted, job: Job, *, back: bool) -> None:
    console, zh = job.console, job.console.language == "zh"
    if console.as_json:
        console.json({"removed": {"id": model.id, "key": deleted.key if back else None, "size": deleted.size}})
        return
    console.line(f"已删除：{model.id}" if zh else f"Deleted: {model.id}")
    if back:
        again = f"deskseek models restore {deleted.key}"
        console.note(f"恢复：{again}" if zh else f"To put it back: {again}")


def _given_up(download: PendingDownload, job: Job) -> None:
    console, name = job.console, f"{download.repo}:{download.file.quant}"
    if console.as_json:
        console.json({"removed": {"id": name, "key": None, "size": download.done}})
    elif console.language == "zh":
        console.line(f"已放弃下载并删除已下载的部分：{name}")
    else:
        console.line(f"Given up, and what had arrived is deleted: {name}")


def _off_the_list(what: LocalModel | LocalAdapter, key: str, job: Job) -> None:
    console, zh = job.console, job.console.language == "zh"
    if console.as_json:
        console.json({"removed": {"id": what.id, "key": key or None, "size": 0}})
        return
    console.line(f"已从列表移除（文件仍在）：{what.path}" if zh else f"Off the list, and still there: {what.path}")
    again = f"deskseek models restore {key}" if key else f'deskseek models import "{what.path}"'
    console.note(f"恢复：{again}" if zh else f"To put it back: {again}")


def _freed(freed: int, job: Job) -> None:
    if job.console.as_json:
        job.console.json({"freed": freed})
    else:
        job.console.line(f"已释放 {size(freed)}" if job.console.language == "zh" else f"Freed: {size(freed)}")


def restore_grammar(language: Language) -> Parser:
    parser = Parser("deskseek models restore", RESTORE, language)
    parser.word(
        "key",
        "KEY",
        Phrase("as `remove` named it, or the name of the model or its file", "`remove` 给出的编号，或模型名、文件名"),
    )
    parser.json_switch()
    return parser


def restore(job: Job) -> int:
    console = job.console
    zh = console.language == "zh"
    there = job.services.shelf.deleted()
    if not job.arguments.key:
        if console.as_json:
            console.json({"deleted": [_as_data(one) for one in there]})
        elif there:
            rows = [[one.key, one.name, one.file, size(one.size) if one.size else ""] for one in there]
            console.lines(columns(rows, right=(3,)))
        else:
            console.line("没有可恢复的模型。" if zh else "There is nothing to put back.")
        return DONE
    for model in job.follow(job.services.shelf.put_back(_key(job.arguments.key, there))):
        if model is None:
            raise NotFound(
                Phrase("Its file is no longer there.", "文件已不存在。"),
                Phrase("Download or import the model again.", "请重新下载或导入该模型。"),
                code="file_gone",
            )
        if console.as_json:
            problem = {"en": model.problem.en, "zh": model.problem.zh} if model.problem != NOTHING else None
            console.json({"restored": model.id, "problem": problem})
        else:
            console.line(f"已恢复：{model.id}" if zh else f"It is back: {model.id}")
            if model.problem != NOTHING:
                console.note(console.to(model.problem))
    return INTERRUPTED if job.cancel.cancelled else DONE


def _key(text: str, there: tuple[Deleted, ...]) -> str:
    """A key, or the name of the model or its file where only one of that name was deleted."""
    named = [
        one.key for one in there if text.lower() in {one.name.lower(), one.file.lower(), Path(one.file).stem.lower()}
    ]
    return named[0] if len(named) == 1 else text


def _as_data(one: Deleted) -> dict[str, Any]:
    return {"key": one.key, "name": one.name, "file": one.file, "size": one.size, "when": round(one.when)}


COMMANDS = (
    Command("remove", REMOVE, remove_grammar, remove, needs_owner=True, check=check_remove),
    Command("restore", RESTORE, restore_grammar, restore, needs_owner=True),
)
