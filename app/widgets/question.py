"""What the person wrote, in a bubble at the right; beside it, when it is looked at, what can be done with it."""

from PySide6.QtCore import QEvent, QRect
from PySide6.QtGui import QEnterEvent, QTextOption
from PySide6.QtWidgets import QFrame, QWidget

from app import parts, theme
from app.language import Retranslated
from app.lists.messages import MessageList, MessageRow
from app.markdown import clean
from app.theme import SPACE
from app.widgets.message_editor import Editor
from app.widgets.message_frame import MessageFrame
from app.widgets.message_variants import Variants
from app.widgets.prose import ReadOnlyText


class Question(MessageFrame):
    """What the person wrote, as written."""

    WIDEST = 0.85  # of the column

    def __init__(self, messages: MessageList, parent: QWidget | None = None) -> None:
        super().__init__(MessageRow(0, "user"), messages, parent)
        self._bubble = QFrame(self)
        self._bubble.setProperty("surface", "bubble")
        self._text = ReadOnlyText(self._bubble)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._text.document().setDefaultTextOption(option)
        font = theme.current().type.font()
        font.setPixelSize(round(theme.current().type.body * 1.04))
        self._text.setFont(font)
        self._actions: _Actions | None = None
        self._variants: Variants | None = None
        self._attended = False
        self.retranslate()

    def show_row(self, row: MessageRow) -> None:
        if row.text != self._row.text:
            self._text.setPlainText(clean(row.text))
        self._row = row
        self._bubble.setHidden(self.show_editor())
        if row.siblings > 1 and self._variants is None:
            self._variants = Variants(self)
            self._variants.requested.connect(self.step)
        if self._variants is not None:
            self._variants.show_row(row)
        self._show_actions()
        self.retranslate()
        self.place()

    def retranslate(self) -> None:
        self._text.setAccessibleName(self.tr("Text of your message"))
        self.name(self.tr("Your message"), self.tr("Your message, {0} of {1} versions"))

    def ring(self) -> QRect:
        return self._editor.geometry() if self._editor is not None else self._bubble.geometry()

    def set_attended(self, attended: bool) -> None:
        self._attended = attended
        self._show_actions()

    # ---- laying out

    def _limit(self, width: int) -> int:
        """The widest that the text may be."""
        actions = _Actions.WIDTH + SPACE.xs
        return min(int(width * self.WIDEST), width - actions) - 2 * SPACE.l

    def height_for(self, width: int) -> int:
        if self._editor is not None:
            height = self._editor.height_for(width)
        else:
            height = self._text.height_for(self._limit(width)) + 2 * (SPACE.s + 2)
        if self._variants is not None and not self._variants.isHidden():
            height += SPACE.xs + self._variants.sizeHint().height()
        return height

    def place(self) -> None:
        if self._editor is not None:
            bottom = self._editor.height_for(self.width())
            self._editor.setGeometry(0, 0, self.width(), bottom)
        else:
            limit = self._limit(self.width())
            height = self._text.height_for(limit)
            used = min(limit, int(self._text.document().idealWidth()) + 2)
            bottom = height + 2 * (SPACE.s + 2)
            self._bubble.setGeometry(self.width() - used - 2 * SPACE.l, 0, used + 2 * SPACE.l, bottom)
            self._text.setGeometry(SPACE.l, SPACE.s + 2, used, height)
            if self._actions is not None:
                size = self._actions.sizeHint()
                left = self._bubble.x() - SPACE.xs - size.width()
                self._actions.setGeometry(left, (min(bottom, 60) - size.height()) // 2, size.width(), size.height())
        if self._variants is not None and not self._variants.isHidden():
            size = self._variants.sizeHint()
            self._variants.setGeometry(self.width() - size.width(), bottom + SPACE.xs, size.width(), size.height())

    def place_editor(self, editor: Editor) -> None:
        self.place()

    def take_editor(self, editor: Editor) -> None:
        editor.hide()
        editor.deleteLater()

    # ---- what can be done with it

    def _show_actions(self) -> None:
        wanted = (self._attended or self.underMouse()) and self._editor is None and self._row.id > 0
        if wanted and self._actions is None:
            self._actions = _Actions(self)
            self.place()
        if self._actions is not None:
            self._actions.setVisible(wanted)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._show_actions()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._show_actions()


class _Actions(Retranslated, QWidget):
    """Left of the bubble. Made when they are needed for the first time."""

    WIDTH = 64

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self._edit = parts.icon_button("pencil", size=16)
        self._more = parts.icon_button("ellipsis", size=16)
        self._edit.clicked.connect(lambda: question.act("edit"))
        self._more.clicked.connect(lambda: question.open_menu(self._more.mapToGlobal(self._more.rect().bottomLeft())))
        self.setLayout(parts.row(self._edit, self._more, space=2))
        self.retranslate()

    def retranslate(self) -> None:
        parts.name_button(self._edit, self.tr("Edit"))
        parts.name_button(self._more, self.tr("More"))
