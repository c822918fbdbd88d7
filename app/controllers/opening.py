"""A branch of a conversation as rows of the page: what was said, and what can be done at its end."""

from collections.abc import Sequence
from dataclasses import replace

from app.lists.messages import MessageRow
from backends.chat.types import Message
from backends.services import Services


def rows_of(services: Services, messages: Sequence[Message]) -> list[MessageRow]:
    """Reads the store. A question that was never answered gets a row that offers to answer it; only the last row can go
    on from its last word, or have something hidden below it."""
    kept = services.grounding.kept(message.id for message in messages if message.role == "assistant")
    rows = [MessageRow.of(message, *kept.get(message.id, (None, frozenset()))) for message in messages]
    rows[:-1] = [replace(row, cut_off=False) for row in rows[:-1]]
    if rows and services.chats.tree.goes_on(rows[-1].id):
        rows[-1] = replace(rows[-1], goes_on=True, cut_off=False)
    elif rows and rows[-1].role == "user":
        rows.append(MessageRow(-rows[-1].id, "assistant", stopped=True))
    return rows
