"""The small things every page is made of, saying by the theme's vocabulary what they are.

Labels never read their text as rich text (SEC-41: titles, model and file names are not ours). Buttons take
no focus from a click, so that a click beside the composer does not end typing there, but do by Tab.
"""

import html
from collections.abc import Iterable
from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.theme import PAGE_WIDTH, SPACE, px

B = TypeVar("B", bound=QAbstractSpinBox)


def label(text: str = "", role: str = "body", tone: str = "", *, wrap: bool = False, select: bool = False) -> QLabel:
    """A plain text label. `wrap`: takes as many lines as it needs. `select`: its text can be copied."""
    widget = QLabel()
    widget.setTextFormat(Qt.TextFormat.PlainText)
    widget.setText(text)
    widget.setProperty("role", role)
    if tone:
        widget.setProperty("tone", tone)
    if wrap:
        widget.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        widget.setSizePolicy(policy)
    if select:
        widget.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return widget


def number_box(widget: B) -> B:
    """A box for a number as the theme wants it: style sheets do not move its text off the border."""
    widget.lineEdit().setTextMargins(SPACE.s, 0, 0, 0)
    return widget


def tip(text: str) -> str:
    """`text` for a tool tip, which Qt would read as rich text, pictures and all, if it looks like it (SEC-41)."""
    return f"<span>{html.escape(text)}</span>" if "<" in text or "&lt;" in text else text


def set_look(widget: QWidget, **properties: str) -> None:
    """Change what a shown widget is: `set_look(label, tone="danger")`."""
    changed = False
    for name, value in properties.items():
        if widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        widget.update()


def button(text: str = "", kind: str = "secondary", icon: str = "") -> QPushButton:
    """A button with words. `kind`: primary, secondary, quiet, danger, link."""
    widget = QPushButton(text)
    widget.setProperty("kind", kind)
    widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    widget.setCursor(Qt.CursorShape.PointingHandCursor if kind == "link" else Qt.CursorShape.ArrowCursor)
    if icon:
        tone = {"primary": "on_accent", "danger": "on_danger", "link": "accent"}.get(kind, "muted")
        widget.setIcon(icons.icon(icon, tone))
        widget.setIconSize(QSize(px(16) + 4, px(16)))  # the picture stands at the left: a gap of 4 more
    return widget


def icon_button(icon: str, name: str = "", *, tone: str = "muted", size: int = 18, kind: str = "quiet") -> QToolButton:
    """A button that is only a picture; its `name` is the tool tip and what a screen reader says."""
    widget = QToolButton()
    widget.setProperty("kind", kind)
    widget.setIcon(icons.icon(icon, tone))
    widget.setIconSize(QSize(px(size), px(size)))
    widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    name_button(widget, name)
    return widget


def name_button(widget: QAbstractButton, name: str) -> None:
    """Name an icon button, again after a change of language."""
    widget.setToolTip(tip(name))
    widget.setAccessibleName(name)


def picture(icon: str, tone: str = "muted", size: int = 18) -> QWidget:
    return _Picture(icon, tone, size)


class _Picture(QWidget):
    """An icon that is not a button."""

    def __init__(self, icon: str, tone: str, size: int) -> None:
        super().__init__()
        self._icon = icon
        self._tone = tone
        self.setFixedSize(px(size), px(size))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        icons.paint(painter, self.rect(), self._icon, self._tone)
        painter.end()


class Switch(QAbstractButton):
    """On or off, at once. Name it with `setAccessibleName`."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedSize(44, 26)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.tokens()
        on = self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = QRectF(3, 3, 38, 20)
        ground = tokens.accent if on else tokens.frame
        painter.setBrush(QColor(ground if self.isEnabled() else tokens.line))
        painter.drawRoundedRect(track, 10, 10)
        painter.setBrush(QColor(tokens.on_accent if on else tokens.raised))
        painter.drawEllipse(QRectF(track.right() - 18 if on else track.left() + 2, track.top() + 2, 16, 16))
        if self.hasFocus():
            painter.setPen(QColor(tokens.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(0.5, 0.5, 43, 25), 12.5, 12.5)
        painter.end()


def menu(parent: QWidget) -> QMenu:
    """A menu with round corners."""
    widget = QMenu(parent)
    widget.setWindowFlags(
        widget.windowFlags() | Qt.WindowType.FramelessWindowHint | Qt.WindowType.NoDropShadowWindowHint
    )
    widget.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
    return widget


# ---- arrangement


def surface(kind: str, parent: QWidget | None = None) -> QFrame:
    frame = QFrame(parent)
    frame.setProperty("surface", kind)
    return frame


def line() -> QFrame:
    """A hairline between rows."""
    frame = surface("line")
    frame.setFixedHeight(1)
    return frame


Item = QWidget | QLayout | int | None


def _fill(layout: QBoxLayout, items: Iterable[Item]) -> None:
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)


def column(*items: Item, space: int = SPACE.m, margin: int | tuple[int, int, int, int] = 0) -> QVBoxLayout:
    """Widgets and layouts below each other; None is a stretch, a number so many pixels more."""
    layout = QVBoxLayout()
    layout.setSpacing(space)
    layout.setContentsMargins(*((margin,) * 4 if isinstance(margin, int) else margin))
    _fill(layout, items)
    return layout


def row(*items: Item, space: int = SPACE.s, margin: int | tuple[int, int, int, int] = 0) -> QHBoxLayout:
    """Like `column`, side by side."""
    layout = QHBoxLayout()
    layout.setSpacing(space)
    layout.setContentsMargins(*((margin,) * 4 if isinstance(margin, int) else margin))
    _fill(layout, items)
    return layout


def card(*items: Item, space: int = SPACE.m) -> QFrame:
    """A framed group."""
    frame = surface("card")
    frame.setLayout(column(*items, space=space, margin=SPACE.l))
    return frame


def clear(layout: QLayout) -> None:
    """Empty a layout; its widgets are deleted when the event loop is idle."""
    while (item := layout.takeAt(0)) is not None:
        _drop(item)


def _drop(item: QLayoutItem) -> None:
    widget = item.widget()
    inner = item.layout()
    if widget is not None:
        widget.hide()
        widget.deleteLater()
    elif inner is not None:
        clear(inner)


class Page(QScrollArea):
    """A page that scrolls: a column of at most `PAGE_WIDTH`, centred. Put things into `self.body`."""

    def __init__(
        self,
        width: int = PAGE_WIDTH,
        margin: tuple[int, int, int, int] = (SPACE.xl, SPACE.xl, SPACE.xl, SPACE.xxl),
    ) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        inner.setProperty("surface", "none")
        column_widget = QWidget()
        column_widget.setMaximumWidth(px(width))
        column_widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.body = column(space=SPACE.xl)
        column_widget.setLayout(self.body)
        outer = row(margin=margin, space=0)
        outer.addStretch(1)
        outer.addWidget(column_widget, 1000)
        outer.addStretch(1)
        vertical = column(outer, None)
        inner.setLayout(vertical)
        self._inner = inner
        self.setWidget(inner)
        inner.installEventFilter(self)
        inner.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._inner and event.type() is QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """A scroll area asks its widget for a height, not for the height at this width: wrapped lines would be cut."""
        layout = self._inner.layout()
        if layout is not None:
            self._inner.setMinimumHeight(max(0, layout.totalHeightForWidth(self.viewport().width())))
