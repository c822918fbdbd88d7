"""What the model wrote, and what is being done for it."""

import time

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import figures, parts, theme
from app.cited import LINK
from app.grounds import grounds, marks
from app.language import Retranslated
from app.lists.messages import Live, MessageList, MessageRow
from app.notices import Banner, Notice, NoticeButton
from app.theme import SPACE
from app.widgets.markdown_view import MarkdownView, Work
from app.widgets.message_editor import Editor
from app.widgets.message_footer import Footer
from app.widgets.message_frame import MessageFrame
from app.widgets.sources import Sources
from app.widgets.thinking import Thinking


class Progress(Retranslated, QWidget):
    """What is being done for the answer, in words, beside a dot that breathes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._live = Live("waiting")
        self._words = parts.label(tone="muted")
        self.setLayout(parts.row(self._words, None, margin=(SPACE.l + 6, SPACE.xs, 0, SPACE.xs)))

    def show_live(self, live: Live) -> None:
        self._live = live
        self.retranslate()

    def retranslate(self) -> None:
        live = self._live
        percent = "" if live.fraction is None else f" {figures.percent(live.fraction)}"
        self._words.setText(
            {
                "saving": self.tr("One moment…"),
                "waiting": self.tr("Waiting for the model…"),
                "searching": self.tr("Searching the documents…"),
                "sources": self.tr("Read {0} of {1} passages…").format(live.done, live.total),
                "queued": self._queued(live.before),
                "paused": self.tr("Paused: others go first. It goes on by itself."),
                "trying": self.tr("Trying {0} for the first time…").format(live.detail) + percent,
                "loading": self.tr("Loading {0}…").format(live.detail) + percent,
                "reading": self.tr("Reading the question…") + percent,
                "thinking": self.tr("Thinking…"),
                "writing": self.tr("Writing…"),
            }[live.stage]
        )

    def _queued(self, before: int) -> str:
        if before == 1:
            return self.tr("Waiting: one answer comes first…")
        return self.tr("Waiting: {0} answers come first…").format(before)

    def paintEvent(self, event: QPaintEvent) -> None:
        phase = time.monotonic() % 1.6 / 1.6
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        color = QColor(theme.tokens().accent)
        color.setAlphaF(0.35 + 0.65 * abs(1 - 2 * phase))
        painter.setBrush(color)
        painter.drawEllipse(4, self.height() // 2 - 4, 8, 8)
        painter.end()


class Answer(MessageFrame):
    """What the model wrote: thoughts, text, what is being done, what went wrong, and what can be done next."""

    retry_requested = Signal(int)
    regenerate_requested = Signal(int)
    going_on_requested = Signal(int)
    answer_now_requested = Signal()
    thinking_toggled = Signal(int, bool)
    link_requested = Signal(str)
    source_requested = Signal(int, int)  # message, n
    xray_requested = Signal(int)
    chip_removed = Signal(int, str)  # message, key

    def __init__(self, messages: MessageList, parent: QWidget | None = None) -> None:
        super().__init__(MessageRow(0, "assistant"), messages, parent)
        self._left_out = parts.label(role="caption", tone="muted", wrap=True)
        self.thinking = Thinking()
        self._text = MarkdownView(lazy=True)
        self._set_in = 0  # pixels
        self._sources = Sources()
        self._progress = Progress()
        self._problem: Banner | None = None
        self._footer = Footer()
        for widget in (self._left_out, self.thinking, self._text, self._sources, self._progress):
            self.add(widget)
            widget.hide()
        self.add(self._footer, outdent=8)
        self._footer.hide()
        self.thinking.toggled.connect(self._on_thinking_toggled)
        self.thinking.link_requested.connect(self.link_requested)
        self.thinking.answer_requested.connect(self.answer_now_requested)
        self._text.link_requested.connect(self._on_link)
        self._text.grown.connect(self.resized)
        self._sources.opened.connect(lambda n: self.source_requested.emit(self._row.id, n))
        self._sources.xray_requested.connect(lambda: self.xray_requested.emit(self._row.id))
        self._sources.chip_removed.connect(lambda key: self.chip_removed.emit(self._row.id, key))
        self._sources.resized.connect(self.resized)
        self._footer.copy_requested.connect(lambda: self.act("copy"))
        self._footer.regenerate_requested.connect(lambda: self.regenerate_requested.emit(self._row.id))
        self._footer.going_on_requested.connect(lambda: self.going_on_requested.emit(self._row.id))
        self._footer.menu_requested.connect(self.open_menu)
        self._footer.variant_requested.connect(self.step)
        self._footer.rest_requested.connect(lambda: self.act("show_rest"))
        self.retranslate()

    def show_row(self, row: MessageRow) -> None:
        before, self._row = self._row, row
        live = row.live
        self._left_out.setVisible(row.left_out > 0)
        self.thinking.setVisible(bool(row.reasoning))
        if row.reasoning:
            self.thinking.show_row(row)
        edited = self.show_editor()
        self._text.setVisible(bool(row.text) and not edited)
        cited = marks(row.text, row.sources, row.citations, quoted=row.quotes) if row.sources and row.text else ()
        self._text.show_text(row.text, growing=live is not None, marks=cited)
        self._sources.setVisible(bool(row.sources) and not edited)
        if row.sources:
            listed = grounds(row.sources, row.citations, row.deleted, quoted=row.quotes)
            self._sources.show_grounds(listed, row.note, row.chips, explained=row.explained and live is None)
        shows_progress = (
            live is not None and live.stage != "writing" and not (live.stage == "thinking" and row.reasoning)
        )
        self._progress.setVisible(shows_progress)
        if live is not None and shows_progress:
            self._progress.show_live(live)
        if (row.problem, row.cut_off) != (before.problem, before.cut_off):
            self._show_problem()
        self._footer.setVisible(live is None and (row.problem is None or bool(row.text)) and not edited)
        if live is None:
            self._footer.show_row(row)
            self._name()
        self._say()

    def place_editor(self, editor: Editor) -> None:
        self.add(editor, before=self._footer)

    def take_editor(self, editor: Editor) -> None:
        self.take(editor)

    def set_thinking_open(self, opened: bool) -> None:
        self.thinking.set_open(opened)

    def show_copied(self) -> None:
        self._footer.show_copied()

    def height_for(self, width: int) -> int:
        self._set_in = width
        return super().height_for(width)

    def show_between(self, top: int, bottom: int, work: Work) -> int:
        if self._text.isHidden():
            return 0
        above = self.top_of(self._text, self._set_in)
        return self._text.show_between(top - above, bottom - above, work)

    def shows(self, top: int, bottom: int) -> bool:
        above = self.top_of(self._text, self._set_in)
        return self._text.isHidden() or top < above or self._text.shows(top - above, bottom - above)

    def empty_between(self, top: int, bottom: int) -> int:
        if self._text.isHidden():
            return 0
        above = self.top_of(self._text, self._set_in)
        return self._text.empty_between(max(0, top - above), bottom - above)

    def tick(self) -> None:
        """Time passes while something is being done."""
        if self._row.live is not None:
            self.thinking.retranslate()
            self._progress.update()

    def retranslate(self) -> None:
        self._say()
        self._name()

    def _name(self) -> None:
        self.name(self.tr("Answer"), self.tr("Answer, {0} of {1} versions"))

    def _say(self) -> None:
        self._left_out.setText(
            self.tr(
                "The conversation is longer than the model's context: the oldest {0} messages were left out."
            ).format(self._row.left_out)
        )

    def _show_problem(self) -> None:
        if self._problem is not None:
            self.take(self._problem)
            self._problem = None
        problem = self._row.problem
        if problem is None:
            return
        tone = "warning" if problem.code == "interrupted" else "danger"
        again = NoticeButton(self.tr("Try again"), lambda: self.retry_requested.emit(self._row.id), stays=True)
        further = NoticeButton(self.tr("Go on"), lambda: self.going_on_requested.emit(self._row.id), stays=True)
        buttons = (further, again) if self._row.cut_off else (again,)
        self._problem = Banner(Notice(problem.message, problem.hint, tone, buttons, closable=False))
        self.add(self._problem, before=self._footer)
        self._problem.show()

    @Slot(str)
    def _on_link(self, address: str) -> None:
        n = address.removeprefix(LINK)
        if n != address and n.isdecimal():
            self.source_requested.emit(self._row.id, int(n))
        else:
            self.link_requested.emit(address)

    @Slot(bool)
    def _on_thinking_toggled(self, opened: bool) -> None:
        self.thinking_toggled.emit(self._row.id, opened)
        self.resized.emit()
