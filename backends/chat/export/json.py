"""JSON: everything that is known of conversations, for another DeskSeek and for programs.

UTF-8, one object; its schema is `resources/chats.schema.json`. Version 1:

    format         "deskseek-chats"
    version        1; a reader refuses a higher one, ignores keys that it does not know, and takes a usual value for
                   those that are not there
    made, by       when (Unix seconds) and by which program
    origin         which data folder, as a number that tells nothing else: ids of documents mean something only there
    language       of the labels
    AIGC           the label of AI-generated content (`governance.labels`), where a model wrote any of it
    conversations  the one that was active last comes last:
        title, titled_by (question, person, model), created, updated, pinned, archived, folder (its name or "")
        options    as `chat.options`, only what differs
        scope      which documents it uses: {"kind", "ids"}
        shown      id of the message at which the branch that is seen ends, or null
        messages   a tree, parents before their children, siblings the oldest first:
            id, parent (id or null), role (user, assistant), content, reasoning (where it was asked for)
            label      "AI-generated" in that language, on what a model wrote
            status     done, stopped, failed
            model, device, finish_reason, created, updated, reasoning_s
            problem    null, or {"code", "message": [en, zh], "hint": [en, zh]}
            usage      null, or tokens: prompt, completion, reasoning, cached (`engine.protocol.Usage`)
            timings    null, or prefill_tokens_per_s, decode_tokens_per_s, ttft_s, total_s
            sources    what it was made from (`chat.types.Source`); pages as [offset, page]
            citations  (`chat.types.Citation`)

Times are Unix seconds, durations seconds, places characters. Each message is written by itself, so that a file of any
size is written, and read, a message at a time.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backends import __version__
from backends.chat.export import words
from backends.chat.export.types import Head, Kept, Told
from backends.chat.rows import TIMINGS_FIELDS, USAGE_FIELDS

FORMAT = "deskseek-chats"
VERSION = 1


class JsonWriter:
    def __init__(self, path: Path, head: Head) -> None:
        self._head = head
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._conversations = self._messages = 0
        self._ids: set[int] = set()
        self._open = False
        before: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "made": head.made,
            "by": f"DeskSeek {__version__}",
            "origin": head.origin,
            "language": head.manner.language,
        }
        if head.label:
            before["AIGC"] = head.label
        self._file.write(_text(before)[:-1] + ', "conversations": [')

    def conversation(self, kept: Kept) -> None:
        self._end_conversation()
        self._file.write(("," if self._conversations else "") + "\n" + _text(of_conversation(kept))[:-1])
        self._file.write(', "messages": [')
        self._conversations += 1
        self._messages = 0
        self._ids = set()
        self._open = True

    def message(self, told: Told, number: int, after: int) -> None:
        said = of_message(told, self._head)
        if said["parent"] not in self._ids:  # one message of a conversation, or the beginning of a branch
            said["parent"] = None
        self._ids.add(said["id"])
        self._file.write(("," if self._messages else "") + "\n" + _text(said))
        self._messages += 1

    def close(self) -> None:
        self._end_conversation()
        self._file.write("\n]}\n")
        self._file.close()

    def abandon(self) -> None:
        self._file.close()

    def _end_conversation(self) -> None:
        if self._open:
            self._file.write("]}")
            self._open = False


def of_conversation(kept: Kept) -> dict[str, Any]:
    conversation = kept.conversation
    return {
        "id": conversation.id,
        "title": conversation.title,
        "titled_by": kept.titled_by,
        "created": conversation.created,
        "updated": conversation.updated,
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "folder": kept.folder,
        "options": json.loads(kept.options.to_json()),
        "scope": {"kind": kept.scope.kind, "ids": list(kept.scope.ids)},
        "shown": kept.shown,
    }


def of_message(told: Told, head: Head) -> dict[str, Any]:
    message, problem = told.message, told.message.problem
    said: dict[str, Any] = {"id": message.id, "parent": message.parent_id, "role": message.role}
    if label := words.label(told, head.manner):
        said["label"] = label
    said["content"] = message.content
    if head.manner.thinking:
        said["reasoning"] = message.reasoning
    return {
        **said,
        "status": "stopped" if message.status == "streaming" else message.status,
        "model": message.model,
        "device": message.device,
        "finish_reason": message.finish_reason,
        "created": message.created,
        "updated": message.updated,
        "reasoning_s": message.reasoning_s,
        "problem": None
        if problem is None
        else {
            "code": problem.code,
            "message": [problem.message.en, problem.message.zh],
            "hint": [problem.hint.en, problem.hint.zh],
        },
        "usage": _numbers(message.usage, USAGE_FIELDS),
        "timings": _numbers(message.timings, TIMINGS_FIELDS),
        "sources": [asdict(one) for one in told.sources],
        "citations": [asdict(one) for one in told.citations],
    }


def _numbers(said: object | None, names: tuple[str, ...]) -> dict[str, Any] | None:
    return None if said is None else {name: getattr(said, name) for name in names}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
