"""One option of a conversation: its label, what it means, what is usual, and a field in which nothing is the usual."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFocusEvent, QHideEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QSizePolicy, QWidget

from app import parts
from app.language import Retranslated, say
from app.theme import SPACE, px
from backends.chat.options import BadOption, Option
from backends.core.phrase import NOTHING, Phrase

_PAUSE_MS = 500  # after the last letter
_FIELD = 96


class OptionRow(Retranslated, QWidget):
    """`changed(name, value)`: None (of the model: "") is as usual. What cannot be is said below and stays in the field
    to be corrected."""

    changed = Signal(str, object)

    def __init__(self, option: Option) -> None:
        super().__init__()
        self.option = option
        self._value: object = None
        self._error_said = NOTHING
        self._label = parts.label(role="strong", wrap=True)
        self._help = parts.label(role="caption", tone="muted", wrap=True)
        self._usual = parts.label(role="caption", tone="muted", wrap=True)
        self._error = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self._error.hide()
        self._reset = parts.icon_button("undo-2", size=16)
        self._reset.clicked.connect(self._on_reset)
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(policy)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.save)

    def arrange(self, field: QWidget, *, beside: bool) -> None:
        """`beside`: the field stands at the right of the label."""
        self.field = field
        head = parts.row(self._label, *((field,) if beside else ()), self._reset, space=SPACE.xs)
        head.setStretch(0, 1)
        below = () if beside else (field,)
        self.setLayout(parts.column(head, *below, self._help, self._usual, self._error, space=SPACE.xs))
        self.retranslate()

    def retranslate(self) -> None:
        label = say(self.option.label)
        self._label.setText(label)
        self._help.setText(say(self.option.help))
        self._error.setText(say(self._error_said))
        parts.name_button(self._reset, self.tr("As usual again"))
        self._reset.setAccessibleName(self.tr("As usual again: %1").replace("%1", label))
        self.field.setAccessibleName(label)
        self.field.setAccessibleDescription(say(self.option.help))

    def show_usual(self, text: str, placeholder: str = "") -> None:
        """What holds where nothing is said."""
        self._usual.setText(text)
        self._usual.setVisible(bool(text))

    def show_value(self, value: object) -> None:
        """What is set now; what somebody is writing is left alone."""
        if self._pause.isActive() or (self._error_said.en and value == self._value):
            return
        self._value = value
        self._say_error(NOTHING)
        self.put(value)
        self._show_reset()

    def show_error(self, why: Phrase) -> None:
        """It was refused."""
        self._say_error(why)

    def put(self, value: object) -> None:
        raise NotImplementedError

    def taken(self) -> object:
        """What is in the field; BadOption."""
        raise NotImplementedError

    @Slot()
    def save(self) -> None:
        """Ask for what is in the field."""
        self._pause.stop()
        try:
            value = self.taken()
        except BadOption as error:
            self._say_error(error.message)
            self._reset.show()
            return
        self._say_error(NOTHING)
        if value != self._value:
            self._value = value
            self.changed.emit(self.option.name, value)
        self._show_reset()

    def save_now(self) -> None:
        """What is still waited with."""
        if self._pause.isActive():
            self.save()

    def hideEvent(self, event: QHideEvent) -> None:
        self.save_now()
        super().hideEvent(event)

    def wait(self) -> None:
        self._pause.start()

    def _show_reset(self) -> None:
        self._reset.setVisible(self._value not in (None, "") or (self._value == "" and self.option.name != "model"))

    def _say_error(self, why: Phrase) -> None:
        self._error_said = why
        self._error.setText(say(why))
        self._error.setVisible(bool(why.en))

    @Slot()
    def _on_reset(self) -> None:
        usual = "" if self.option.kind == "model" else None
        before, self._value = self._value, usual
        self._pause.stop()
        self._say_error(NOTHING)
        self.put(usual)
        self._show_reset()
        if before != usual:
            self.changed.emit(self.option.name, usual)


class NumberRow(OptionRow):
    def __init__(self, option: Option) -> None:
        super().__init__(option)
        self._edit = QLineEdit()
        self._edit.setFixedWidth(px(_FIELD))
        self._edit.setMaxLength(24)
        self._edit.textEdited.connect(self.wait)
        self._edit.editingFinished.connect(self.save)
        self.arrange(self._edit, beside=True)

    def show_usual(self, text: str, placeholder: str = "") -> None:
        super().show_usual(text)
        self._edit.setPlaceholderText(placeholder)

    def put(self, value: object) -> None:
        self._edit.setText("" if value is None else f"{value:g}" if isinstance(value, float) else str(value))

    def taken(self) -> object:
        text = self._edit.text().strip()
        return self.option.parse(text) if text else None


class ParagraphRow(OptionRow):
    """Without a text it is as in the settings; emptied by the person, or by the button below, there is none."""

    def __init__(self, option: Option) -> None:
        super().__init__(option)
        self._standing = ""
        self._edit = _Lines()
        self._edit.textChanged.connect(self._on_text_changed)
        self._edit.left.connect(self.save_now)
        self._none = parts.button(kind="link")
        self._none.clicked.connect(self._on_none)
        self.arrange(self._edit, beside=False)
        layout = self.layout()
        if layout is not None:
            layout.addWidget(self._none)
            layout.setAlignment(self._none, Qt.AlignmentFlag.AlignLeft)

    def retranslate(self) -> None:
        super().retranslate()
        self._none.setText(self.tr("Use none in this chat"))
        self._place()

    def show_standing(self, text: str) -> None:
        """The instructions of the settings."""
        self._standing = text
        self._place()

    def put(self, value: object) -> None:
        text = "" if value is None else str(value)
        if self._edit.toPlainText() != text:
            with QSignalBlocker(self._edit):
                self._edit.setPlainText(text)
        self._place()

    def taken(self) -> object:
        text = self._edit.toPlainText()
        if not text.strip():
            return "" if self._standing and self._value is not None else None
        self.option.check(text)
        return text

    def save(self) -> None:
        super().save()
        self._place()

    def _place(self) -> None:
        if self._value == "":
            words = self.tr("None, also not those of the settings.")
        elif self._standing:
            words = self.tr("As in the settings: %1").replace("%1", self._standing)
        else:
            words = self.tr("For example: Answer in short sentences.")
        self._edit.setPlaceholderText(words)
        self._none.setVisible(self._value is None and bool(self._standing))

    @Slot()
    def _on_text_changed(self) -> None:
        self.wait()

    @Slot()
    def _on_none(self) -> None:
        self._value = ""
        self._show_reset()
        self._place()
        self.changed.emit(self.option.name, "")


class ModelRow(OptionRow):
    def __init__(self, option: Option) -> None:
        super().__init__(option)
        self._models: tuple[tuple[str, str], ...] = ()
        self._shown = ""
        self._box = _Box()
        self._box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.activated.connect(self.save)
        self.arrange(self._box, beside=False)

    def retranslate(self) -> None:
        super().retranslate()
        self._box.view().setAccessibleName(say(self.option.label))
        self._fill()

    def offer(self, models: Sequence[tuple[str, str]]) -> None:
        """(id, name)"""
        if tuple(models) != self._models:
            self._models = tuple(models)
            self._fill()

    def put(self, value: object) -> None:
        self._shown = str(value or "")
        self._fill()

    def taken(self) -> object:
        self._shown = str(self._box.currentData() or "")
        self._box.setToolTip(parts.tip(self._box.currentText()))
        return self._shown

    def _fill(self) -> None:
        with QSignalBlocker(self._box):
            self._box.clear()
            self._box.addItem(self.tr("As in the settings"), "")
            for key, name in self._models:
                self._box.addItem(name, key)
            if self._box.findData(self._shown) < 0:
                self._box.addItem(self.tr("%1 (not on this computer)").replace("%1", self._shown), self._shown)
            self._box.setCurrentIndex(self._box.findData(self._shown))
            self._box.setToolTip(parts.tip(self._box.currentText()))


class _Box(QComboBox):
    """The wheel scrolls the sheet; it turns a value only where somebody has gone to change it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _Lines(QPlainTextEdit):
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "input")
        self.setTabChangesFocus(True)
        self.setFixedHeight(px(112))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()
