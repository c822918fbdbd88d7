"""Rows of `chats.db` as the data of this room, and back: what the files with SQL here have in common."""

import json
from typing import Any, Protocol

from backends.chat.titles import one_line
from backends.chat.types import Conversation, Message, Problem
from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.engine.protocol import Timings, Usage

_PREVIEW = 120  # characters


class Row(Protocol):
    """`sqlite3.Row`, or a dict."""

    def __getitem__(self, name: str, /) -> Any: ...


CONVERSATIONS = """
    SELECT c.id, c.title, c.renamed, c.created, c.updated, c.deleted, c.folder_id, c.pinned, c.archived, c.unread,
           substr(CASE WHEN trim(leaf.content) = '' THEN question.content ELSE leaf.content END, 1, 600) AS last
    FROM conversations c
    LEFT JOIN messages leaf ON leaf.id = c.active_leaf
    LEFT JOIN messages question ON question.id = leaf.parent_id
"""

_SIBLINGS = """SELECT count(*) FROM messages s WHERE s.conversation_id = m.conversation_id
               AND s.parent_id IS m.parent_id AND s.deleted_with IS NULL"""
MESSAGES = f"SELECT m.*, ({_SIBLINGS} AND s.id <= m.id) AS position, ({_SIBLINGS}) AS siblings FROM messages m"

BRANCH = f"""
    WITH RECURSIVE branch (id, parent_id, depth) AS (
        SELECT id, parent_id, 0 FROM messages WHERE id = ?
        UNION ALL
        SELECT m.id, m.parent_id, branch.depth + 1 FROM messages m JOIN branch ON m.id = branch.parent_id
    )
    {MESSAGES} JOIN branch ON branch.id = m.id ORDER BY branch.depth DESC
"""

NEXT_ACTIVITY = "(SELECT coalesce(max(activity), 0) + 1 FROM conversations)"

USAGE_FIELDS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens")
TIMINGS_FIELDS = ("prefill_tokens_per_s", "decode_tokens_per_s", "ttft_s", "total_s")
_PLAIN_FIELDS = (
    *("id", "conversation_id", "parent_id", "role", "content", "reasoning", "status", "model", "device"),
    *("finish_reason", "reasoning_s", "created", "updated", "position", "siblings"),
)
_CONVERSATION_FIELDS = ("id", "title", "created", "updated", "deleted", "folder_id")


def conversation_of(row: Row) -> Conversation:
    plain = {name: row[name] for name in _CONVERSATION_FIELDS}
    return Conversation(
        preview=one_line(row["last"] or "", _PREVIEW),
        renamed=row["renamed"] == 1,
        pinned=bool(row["pinned"]),
        archived=bool(row["archived"]),
        unread=bool(row["unread"]),
        **plain,
    )


def message_of(row: Row) -> Message:
    usage = Usage(*(row[name] for name in USAGE_FIELDS)) if row["prompt_tokens"] is not None else None
    timings = Timings(*(row[name] for name in TIMINGS_FIELDS)) if row["total_s"] is not None else None
    plain = {name: row[name] for name in _PLAIN_FIELDS}
    return Message(problem=_problem(row["problem"]), usage=usage, timings=timings, **plain)


def sound(text: str) -> str:
    """`text` as UTF-8 can carry it: half a surrogate pair (a paste may bring one) becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def problem_text(problem: Problem | None) -> str | None:
    if problem is None:
        return None
    message, hint = problem.message, problem.hint
    return json.dumps(
        {"code": problem.code, "message": [message.en, message.zh], "hint": [hint.en, hint.zh]}, ensure_ascii=False
    )


def _problem(text: str | None) -> Problem | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Problem(fields["code"], Phrase(*fields["message"]), Phrase(*fields["hint"]))


def no_conversation() -> NotFound:
    return NotFound(Phrase("This conversation is not there any more.", "该对话已不存在。"), code="no_conversation")


def no_message() -> NotFound:
    return NotFound(Phrase("This message is not there any more.", "该消息已不存在。"), code="no_message")
