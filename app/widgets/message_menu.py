"""The "…" menu of a message: what can be done with it. A new line in `entries` is all that another action needs here;
its name comes out of `Transcript.message_action`, with the message's id."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app import icons, parts
from app.lists.messages import MessageRow


@dataclass(frozen=True, slots=True)
class Entry:
    """`name`: what is emitted. `more`: those of a menu that opens beside it. `apart`: below a line."""

    name: str
    icon: str
    text: str
    apart: bool = False
    more: tuple["Entry", ...] = ()


class MessageMenu(QObject):
    """Made when it is opened, gone when it is closed. `copies`: those of a part of the text, which come first."""

    chosen = Signal(str)

    def __init__(
        self, row: MessageRow, parent: QWidget, copies: Sequence[tuple[str, Callable[[], object]]] = ()
    ) -> None:
        super().__init__(parent)
        self.menu = parts.menu(parent)
        for text, copy in copies:
            self.menu.addAction(icons.icon("copy", "muted"), text).triggered.connect(lambda _=False, copy=copy: copy())
        if copies:
            self.menu.addSeparator()
        self._fill(self.menu, self.entries(row))
        self.menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.menu.destroyed.connect(self.deleteLater)

    def entries(self, row: MessageRow) -> Iterator[Entry]:
        """What can be done with it, in the order of the menu."""
        answer, saved = row.role == "assistant", row.id > 0
        done = saved and row.live is None
        if row.text:
            yield Entry("copy", "copy", self.tr("Copy"))
        if done and row.text:
            yield Entry("copy_as", "clipboard-paste", self.tr("Copy as"), more=self._copies())
        if done and row.text:
            yield Entry("edit", "pencil", self.tr("Edit"))
        if answer and row.live is None:
            yield Entry("regenerate", "rotate-cw", self.tr("Answer again"))
        if done:
            yield Entry("branch", "git-branch", self.tr("Branch into a new chat"), apart=True)
        if done:
            yield Entry("export", "download", self.tr("Export…"))
        if done and answer:
            yield Entry("end_here", "corner-down-right", self.tr("Continue from here"))
        if saved:
            yield Entry("delete", "trash-2", self.tr("Delete with what follows"), apart=True)

    def _copies(self) -> tuple[Entry, ...]:
        return (
            Entry("copy_markdown", "file-code", self.tr("Markdown")),
            Entry("copy_text", "file-text", self.tr("Plain text")),
            Entry("copy_rich", "file", self.tr("Formatted text")),
        )

    def open(self, place: QPoint) -> None:
        """At this place of the screen."""
        self.menu.popup(place)

    def _fill(self, menu: QMenu, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.apart:
                menu.addSeparator()
            if entry.more:
                beside = parts.menu(menu)
                beside.setTitle(entry.text)
                beside.setIcon(icons.icon(entry.icon, "muted"))
                self._fill(beside, entry.more)
                menu.addMenu(beside)
            else:
                action = menu.addAction(icons.icon(entry.icon, "muted"), entry.text)
                action.triggered.connect(lambda _=False, name=entry.name: self.chosen.emit(name))
