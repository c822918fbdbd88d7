"""One message on the screen: the person's in a bubble at the right, the model's across the column."""

from PySide6.QtWidgets import QWidget

from app.lists.messages import MessageRow
from app.widgets.answer import Answer
from app.widgets.question import Question

__all__ = ["Answer", "MessageWidget", "Question", "make"]

MessageWidget = Question | Answer


def make(row: MessageRow, parent: QWidget) -> MessageWidget:
    widget: MessageWidget = Question(parent) if row.role == "user" else Answer(parent)
    widget.show_row(row)
    return widget
