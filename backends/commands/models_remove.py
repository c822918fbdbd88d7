"""`deskseek models remove`, `restore` and `use`: take a model away, put it back, switch to another version of it."""

from typing import Any

from backends.commands.arguments import Parser, WrongUsage
from backends.commands.figures import columns, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.phrase import Language, Phrase
from backends.engine.protocol import LoadFinished, LoadProgress

REMOVE = Phrase("Delete a model; it can be restored for a day.", "删除模型；一天内可以恢复。")
RESTORE = Phrase(
    "Put a deleted model back; without a name, list what can be.", "恢复已删除的模型；不填则列出可恢复的模型。"
)
USE = Phrase("Use a certain version of a model from now on.", "从现在起使用模型的某个版本。")


def remove_grammar(language: Language) -> Parser:
    after = Phrase(
        "A file that DeskSeek did not download is only taken off the list; it stays where it is.",
        "不是由 DeskSeek 下载的文件只会从列表移除，文件仍在原处。",
    )
    parser = Parser("deskseek models remove", REMOVE, language, after=after)
    parser.word("model", "ID", Phrase("which one", "要删除的模型"), required=True)
    parser.switch("--now", Phrase("erase everything that was deleted, for good", "彻底清除所有已删除的模型"))
    parser.json_switch()
    return parser


def remove(job: Job) -> int:
    console = job.console
    zh = console.language == "zh"
    services = job.services
    model = services.library.find(job.arguments.model)
    for deleted in job.follow(services.shelf.remove(model)):
        if console.as_json:
            console.json({"removed": {"id": model.id, "key": deleted.key, "size": deleted.size}})
        elif model.origin in ("downloaded", "quantised"):
            console.line(f"已删除：{model.id}" if zh else f"Deleted: {model.id}")
            back = f"deskseek models restore {deleted.key}"
            console.note(f"恢复：{back}" if zh else f"To put it back: {back}")
        else:
            console.line(f"已从列表移除：{model.path}" if zh else f"Off the list: {model.path}")
    if job.arguments.now:
        for freed in job.follow(services.shelf.empty_trash()):
            if console.as_json:
                console.json({"freed": freed})
            else:
                console.line(f"已释放 {size(freed)}" if zh else f"{size(freed)} are free now")
    return INTERRUPTED if job.cancel.cancelled else DONE


def restore_grammar(language: Language) -> Parser:
    parser = Parser("deskseek models restore", RESTORE, language)
    parser.word("key", "KEY", Phrase("as `remove` named it", "`remove` 给出的编号"))
    parser.json_switch()
    return parser


def restore(job: Job) -> int:
    console = job.console
    zh = console.language == "zh"
    if not job.arguments.key:
        there = job.services.shelf.deleted()
        if console.as_json:
            console.json({"deleted": [_deleted(one) for one in there]})
        elif there:
            console.lines(columns([[one.key, one.name, size(one.size)] for one in there], right=(2,)))
        else:
            console.line("没有可恢复的模型。" if zh else "There is nothing to put back.")
        return DONE
    for model in job.follow(job.services.shelf.put_back(job.arguments.key)):
        if console.as_json:
            console.json({"restored": model.id if model else None})
        elif model:
            console.line(f"已恢复：{model.id}" if zh else f"It is back: {model.id}")
    return DONE


def _deleted(one: Any) -> dict[str, Any]:
    return {"key": one.key, "name": one.name, "size": one.size, "when": round(one.when)}


def use_grammar(language: Language) -> Parser:
    after = Phrase("`deskseek models --json` names the versions.", "`deskseek models --json` 会列出各个版本。")
    parser = Parser("deskseek models use", USE, language, after=after)
    parser.word("model", "ID@VERSION", Phrase("the model and its version", "模型及其版本"), required=True)
    parser.json_switch()
    return parser


def use(job: Job) -> int:
    console = job.console
    zh = console.language == "zh"
    model = job.services.library.find(job.arguments.model)
    if "@" not in job.arguments.model:
        versions = ", ".join(f"{model.id}@{one.version}" for one in job.services.library.versions(model.id))
        raise WrongUsage(
            Phrase("Which version is missing.", "缺少版本。"), Phrase(f"There are: {versions}.", f"现有：{versions}。")
        )
    for event in job.follow(job.services.shelf.use(model)):
        if isinstance(event, LoadProgress):
            console.progress(f"{model.name}  {event.fraction:.0%}", step="load")
        elif isinstance(event, LoadFinished):
            console.end_progress()
    console.end_progress()
    now = job.services.library.find(job.arguments.model)
    if console.as_json:
        console.json({"id": now.id, "version": now.version, "current": now.current})
    else:
        console.line(f"现在使用 {now.id}（{now.version}）" if zh else f"In use now: {now.id}, version {now.version}")
    return DONE


COMMANDS = (
    Command("remove", REMOVE, remove_grammar, remove, needs_owner=True),
    Command("restore", RESTORE, restore_grammar, restore, needs_owner=True),
    Command("use", USE, use_grammar, use, needs_owner=True),
)
