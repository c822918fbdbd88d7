"""One message on the screen: the person's in a bubble at the right, the model's across the column."""

from PySide6.QtWidgets import QWidget

from app.lists.messages import MessageList, MessageRow
from app.widgets.answer import Answer
from app.widgets.question import Question

__all__ = ["Answer", "MessageWidget", "Question", "make"]

MessageWidget = Question | Answer


def make(row: MessageRow, messages: MessageList, parent: QWidget) -> MessageWidget:
    """Of one of these messages."""
    widget: MessageWidget = Question(messages, parent) if row.role == "user" else Answer(messages, parent)
    widget.show_row(row)
    return widget
