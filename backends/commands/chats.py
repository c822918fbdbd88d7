"""`deskseek chats`: the conversations, listed; its parts write them to files, take them in, delete them."""

import argparse
from pathlib import Path
from typing import Any

from backends.chat.export import words
from backends.chat.export.files import file_name, free
from backends.chat.export.task import FORMATS
from backends.chat.export.types import ExportFinished, ExportProgress, ImportFinished, ImportProgress, Selection
from backends.chat.types import Conversation
from backends.commands.arguments import Kind, Parser, WrongUsage
from backends.commands.chats_search import SEARCH
from backends.commands.figures import columns
from backends.commands.job import DONE, INTERRUPTED, Command, Job, typed_path
from backends.core.phrase import Language, Phrase

NAME = "chats"
SUMMARY = Phrase("The conversations: list, search, export, import, delete.", "对话：列出、查找、导出、导入、删除。")
LIST = Phrase("List the conversations, as `chats` alone does.", "列出对话，与单独的 `chats` 相同。")
EXPORT = Phrase("Write conversations to a file.", "将对话导出为文件。")
IMPORT = Phrase("Take in conversations that were exported as JSON.", "导入以 JSON 导出的对话。")
DELETE = Phrase("Erase conversations for good.", "彻底删除对话。")


def grammar(language: Language) -> Parser:
    shown = "\n".join(columns([(f"deskseek {NAME} {part.name}", part.summary.to(language)) for part in PARTS]))
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=Phrase(shown, shown))
    parser.json_switch()
    return parser


def _list_grammar(language: Language) -> Parser:
    parser = Parser(f"deskseek {NAME} list", LIST, language)
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    listed = job.services.chats.conversations(archived=None)
    if job.console.as_json:
        folders = {one.id: one.name for one in job.services.chats.organised.folders()}
        job.console.json({"chats": [_as_data(one, folders) for one in listed]})
    elif listed:
        rows = [[str(one.id), words.moment(one.updated), one.title or job.console.to(words.UNTITLED)] for one in listed]
        job.console.lines(columns(rows, right=(0,)))
    else:
        job.console.line(job.console.to(Phrase("There are no conversations yet.", "还没有对话。")))
    return DONE


def _as_data(one: Conversation, folders: dict[int, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "folder": folders.get(one.folder_id or 0),
        "pinned": one.pinned,
        "archived": one.archived,
        "created": one.created,
        "updated": one.updated,
    }


# ---- ids


def _read_ids(texts: list[str]) -> tuple[int, ...]:
    wrong = [text for text in texts if not (text.isascii() and text.isdecimal())]
    if wrong:
        raise WrongUsage(
            Phrase(f"{wrong[0]!r} is no number of a conversation.", f"{wrong[0]!r} 不是对话编号。"),
            Phrase("deskseek chats lists them.", "运行 deskseek chats 查看编号。"),
        )
    return tuple(dict.fromkeys(map(int, texts)))


_IDS = Phrase("as `chats` lists them", "`chats` 列出的编号")


# ---- export


def _read_form(text: str) -> str:
    if text == "pdf":
        raise WrongUsage(
            Phrase("The command line writes no PDF.", "命令行不支持导出 PDF。"),
            Phrase("The window does: Export… in the menu of a chat.", "请在窗口的对话菜单中选择“导出…”。"),
        )
    if text not in FORMATS:
        raise ValueError(text)
    return text


_LISTED = ", ".join(FORMATS)
_FORM = Kind(_read_form, Phrase(f"one of {_LISTED}", f"以下之一：{'、'.join(FORMATS)}"))


def _export_grammar(language: Language) -> Parser:
    after = Phrase(
        "All branches of a conversation are written; of several, one file. PDF is made by the window.",
        "导出对话的所有分支；多个对话写入同一个文件。PDF 请在窗口中导出。",
    )
    parser = Parser(f"deskseek {NAME} export", EXPORT, language, after=after)
    parser.word("ids", "ID", _IDS, many=True)
    parser.switch("--all", Phrase("all conversations", "所有对话"))
    parser.option("--format", "F", Phrase(_LISTED, _LISTED), kind=_FORM, default="md")
    parser.option(
        "-o", "PATH", Phrase("the file; without it a new one, named after the title", "输出文件；省略则按标题命名")
    )
    parser.switch("--no-thinking", Phrase("without what the model thought", "不含思考过程"))
    parser.json_switch()
    return parser


def _export_check(arguments: argparse.Namespace) -> None:
    if bool(arguments.ids) == arguments.all:
        raise WrongUsage(
            Phrase("Name conversations, or --all.", "请指定对话编号，或使用 --all。"),
            Phrase("deskseek chats lists them.", "运行 deskseek chats 查看编号。"),
        )
    _read_ids(arguments.ids)


def _export(job: Job) -> int:
    given, language = job.arguments, job.console.language
    ids = _read_ids(given.ids)
    selection = Selection("all") if given.all else Selection("conversation", ids)
    path = typed_path(given.o, job) if given.o else _named(job, ids, given.format)
    stream = job.services.exporting.export(
        selection, path, given.format, language=language, thinking=not given.no_thinking
    )
    for event in job.follow(stream):
        match event:
            case ExportProgress(done, total):
                job.console.progress(f"{done:,} / {total:,}")
            case ExportFinished(path, conversations, messages, labelled):
                job.console.end_progress()
                if job.console.as_json:
                    said = {"conversations": conversations, "messages": messages, "labelled": labelled}
                    job.console.json({"path": str(path), "format": given.format, **said})
                else:
                    job.console.line(str(path))
                    job.console.note(
                        f"{conversations:,} 个对话，{messages:,} 条消息"
                        if language == "zh"
                        else f"Conversations: {conversations:,}. Messages: {messages:,}."
                    )
    return INTERRUPTED if job.cancel.cancelled else DONE


def _named(job: Job, ids: tuple[int, ...], form: str) -> Path:
    usual = words.UNTITLED.to(job.console.language)
    title = words.CHATS.to(job.console.language)
    if len(ids) == 1:
        title = job.services.chats.conversation(ids[0]).title or usual
    return free(job.cwd / file_name(title, form, usual))


# ---- import


def _import_grammar(language: Language) -> Parser:
    after = Phrase(
        "They come into the folder Imported. Nothing is written over; a file that is not whole changes nothing.",
        "导入的对话位于“已导入”文件夹。不会覆盖任何内容；文件不完整时不做任何更改。",
    )
    parser = Parser(f"deskseek {NAME} import", IMPORT, language, after=after)
    made = Phrase("as `chats export --format json` writes it", "`chats export --format json` 导出的文件")
    parser.word("file", "FILE", made, required=True)
    parser.json_switch()
    return parser


def _import(job: Job) -> int:
    path = typed_path(job.arguments.file, job)
    for event in job.follow(job.services.exporting.import_(path, job.console.language)):
        match event:
            case ImportProgress(fraction):
                job.console.progress(f"{fraction:.0%}")
            case ImportFinished(ids, messages):
                job.console.end_progress()
                if job.console.as_json:
                    job.console.json({"imported": list(ids), "messages": messages})
                elif job.console.language == "zh":
                    job.console.line(f"已导入 {len(ids):,} 个对话，{messages:,} 条消息。")
                else:
                    job.console.line(f"Imported: {len(ids):,} conversation{'s' * (len(ids) != 1)}.")
    return INTERRUPTED if job.cancel.cancelled else DONE


# ---- delete


def _delete_grammar(language: Language) -> Parser:
    after = Phrase(
        "Text, what the engine keeps of it, and files given to the conversation go at once and for good.",
        "文本、引擎缓存及其中添加的文件会立即彻底删除。",
    )
    parser = Parser(f"deskseek {NAME} delete", DELETE, language, after=after)
    parser.word("ids", "ID", _IDS, required=True, many=True)
    parser.json_switch()
    return parser


def _delete_check(arguments: argparse.Namespace) -> None:
    _read_ids(arguments.ids)


def _delete(job: Job) -> int:
    ids, chats = _read_ids(job.arguments.ids), job.services.chats
    for one in ids:
        chats.conversation(one)  # all of them are there, or nothing is done
    for one in ids:
        chats.delete(one)
    job.services.exporting.tell()
    for _ in job.follow(job.services.conversations.erase(ids)):
        pass
    if job.console.as_json:
        job.console.json({"deleted": list(ids)})
    elif job.console.language == "zh":
        job.console.line(f"已删除 {len(ids):,} 个对话。")
    else:
        job.console.line(f"Deleted: {len(ids):,} conversation{'s' * (len(ids) != 1)}.")
    return INTERRUPTED if job.cancel.cancelled else DONE


PARTS = (
    Command("list", LIST, _list_grammar, run, needs_owner=True),
    SEARCH,
    Command("export", EXPORT, _export_grammar, _export, needs_owner=True, check=_export_check),
    Command("import", IMPORT, _import_grammar, _import, needs_owner=True),
    Command("delete", DELETE, _delete_grammar, _delete, needs_owner=True, check=_delete_check),
)
COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True, parts=PARTS)
