"""Texts that the person writes often, as the list that `/` opens above the composer."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QKeyEvent,
    QPainter,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import QFrame, QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app import parts, theme
from app.language import Retranslated
from app.theme import RADIUS, SPACE, px
from backends.chat.organised import SavedPrompt

SHOWN = 6  # lines of the list at once
_PROMPT = int(Qt.ItemDataRole.UserRole) + 1
_EXCERPT = _PROMPT + 1


@dataclass(frozen=True, slots=True)
class Starter:
    """A prompt that is only suggested, while none is saved."""

    name: str
    text: str


Prompt = SavedPrompt | Starter


def excerpt(text: str, longest: int = 160) -> str:
    """On one line."""
    return " ".join(text[: 2 * longest].split())[:longest]


_Index = QModelIndex | QPersistentModelIndex


class _Rows(QStyledItemDelegate):
    """The name, and muted how the text begins."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(200, px(34))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        tokens, view = theme.tokens(), option.widget
        rect: QRect = option.rect
        painter.save()
        if isinstance(view, QListView) and index == view.currentIndex():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(rect.adjusted(0, 1, 0, -1), RADIUS - 2, RADIUS - 2)
        inner = rect.adjusted(SPACE.m, 0, -SPACE.m, 0)
        name, more = str(index.data() or ""), str(index.data(_EXCERPT) or "")
        font = theme.current().type.font("strong" if more else "body")
        painter.setFont(font)
        painter.setPen(QColor(tokens.text if more else tokens.accent))
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        elide = Qt.TextElideMode.ElideRight
        room = inner.width() if not more else inner.width() // 2
        words = painter.fontMetrics().elidedText(name, elide, room)
        painter.drawText(inner, middle, words)
        left = inner.adjusted(painter.fontMetrics().horizontalAdvance(words) + SPACE.m, 0, 0, 0)
        painter.setFont(theme.current().type.font())
        painter.setPen(QColor(tokens.muted))
        painter.drawText(left, middle, painter.fontMetrics().elidedText(more, elide, left.width()))
        painter.restore()


class PromptList(Retranslated, QFrame):
    """Keys come from the composer's box, which keeps the focus. The last row leads to where prompts are changed."""

    chosen = Signal(object)  # Prompt
    editor_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "card")
        self._prompts: tuple[Prompt, ...] = ()
        self._filter = ""
        self._model = QStandardItemModel(self)
        self.view = QListView()
        self.view.setModel(self._model)
        self.view.setItemDelegate(_Rows(self.view))
        self.view.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setUniformItemSizes(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setMouseTracking(True)
        self.view.entered.connect(self._on_entered)
        self.view.clicked.connect(self._on_clicked)
        self._head = parts.label(role="caption", tone="muted")
        self.setLayout(parts.column(self._head, self.view, space=SPACE.xs, margin=SPACE.s))
        self._head.setContentsMargins(SPACE.m, 0, SPACE.m, 0)
        self.hide()
        self.retranslate()

    @property
    def names(self) -> list[str]:
        """What is listed, the last row aside."""
        return [str(self._model.index(row, 0).data()) for row in range(self._model.rowCount() - 1)]

    @property
    def current(self) -> str:
        return str(self.view.currentIndex().data() or "")

    def show_prompts(self, prompts: Sequence[Prompt]) -> None:
        self._prompts = tuple(prompts)
        self.retranslate()

    def open(self, words: str) -> None:
        """With those that have these words in their name or text; closed if there are none."""
        wanted = words.casefold().strip()
        if self.isVisible() and wanted == self._filter:
            return
        self._filter = wanted
        self._fill()
        self.setVisible(not wanted or self._model.rowCount() > 1)
        if self.isVisible():
            self._select(0)

    def close_list(self) -> None:
        self._filter = ""
        self.hide()

    def take_key(self, event: QKeyEvent) -> bool:
        """True: it was for the list."""
        if not self.isVisible() or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        match event.key():
            case Qt.Key.Key_Down:
                self._select(self.view.currentIndex().row() + 1)
            case Qt.Key.Key_Up:
                self._select(self.view.currentIndex().row() - 1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Tab:
                self._on_clicked(self.view.currentIndex())
            case _:
                return False
        return True

    def retranslate(self) -> None:
        suggested = any(isinstance(one, Starter) for one in self._prompts)
        self._head.setText(self.tr("Suggestions") if suggested else self.tr("Saved prompts"))
        self.view.setAccessibleName(self.tr("Saved prompts"))
        self._fill()

    def _fill(self) -> None:
        row = max(0, self.view.currentIndex().row())
        self._model.clear()
        for prompt in self._prompts:
            if self._filter in prompt.name.casefold() or self._filter in prompt.text.casefold():
                item = QStandardItem(prompt.name)
                item.setData(prompt, _PROMPT)
                item.setData(excerpt(prompt.text), _EXCERPT)
                item.setData(f"{prompt.name}. {excerpt(prompt.text)}", Qt.ItemDataRole.AccessibleTextRole)
                self._model.appendRow(item)
        self._model.appendRow(QStandardItem(self.tr("Change saved prompts…")))
        self.view.setFixedHeight(min(self._model.rowCount(), SHOWN) * px(34) + 2)
        self.view.setCurrentIndex(self._model.index(min(row, self._model.rowCount() - 1), 0))

    def _select(self, row: int) -> None:
        index = self._model.index(row % self._model.rowCount(), 0)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)
        said = str(index.data(Qt.ItemDataRole.AccessibleTextRole) or index.data())
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.view, said))

    @Slot(QModelIndex)
    def _on_entered(self, index: QModelIndex) -> None:
        self.view.setCurrentIndex(index)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        prompt = index.data(_PROMPT)
        self.close_list()
        if prompt is None:
            self.editor_requested.emit()
        else:
            self.chosen.emit(prompt)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self.view.viewport().update()
