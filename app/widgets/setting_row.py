"""One setting: its label, what it means, and the control that its kind calls for. Derived from `FieldSpec` alone."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFileDialog, QWidget

from app import parts
from app.language import Retranslated, say
from app.theme import SPACE
from app.widgets import setting_fields
from app.widgets.setting_fields import Field
from backends.core.fields import FieldSpec, Value
from backends.core.phrase import NOTHING, Phrase

_NARROW = 560  # pixels, below which a wide control stands under its words
_PAUSE_MS = 400  # after the last step of a number, or the last letter of a paragraph


class SettingRow(Retranslated, QWidget):
    """`changed(key, value)` asks for a new value; what is refused is said below the label by `show_error`, and stays
    in the control to be corrected."""

    changed = Signal(str, object)
    reset_requested = Signal(str)

    def __init__(self, spec: FieldSpec, usual: str = "") -> None:
        """`usual`: what an empty text stands for."""
        super().__init__()
        self.spec = spec
        self._error_phrase = NOTHING
        self._value: Value = spec.default
        self._at_start: Value | None = None
        self._label = parts.label(role="strong", wrap=True)
        self._help = parts.label(role="caption", tone="muted", wrap=True)
        self._restart = parts.label(role="caption", tone="accent", wrap=True)
        self._error = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self._error.hide()
        self._restart.hide()
        self._reset = parts.icon_button("undo-2", size=16)
        self._reset.clicked.connect(self._on_reset)
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(policy)
        self.field: Field = setting_fields.field_for(spec, usual)
        self.field.entered.connect(self._on_entered)
        self.field.stepped.connect(self._on_stepped)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._on_entered)
        self.setLayout(self._arranged())
        self.retranslate()

    def _arranged(self) -> QBoxLayout:
        words = parts.column(self._label, self._help, self._restart, self._error, space=SPACE.xs)
        margin = (SPACE.l, SPACE.m, SPACE.m, SPACE.m)
        self._browse = parts.icon_button("folder-open")
        if self.spec.kind not in ("folder", "file"):
            self._browse.hide()  # never shown before it is in the row: that would be a window of its own
        self._browse.clicked.connect(self._on_browse)
        head = parts.row(words, self._reset, space=SPACE.l)
        head.setStretch(0, 1)
        if self.spec.kind == "paragraph":
            return parts.column(head, self.field.widget, space=SPACE.s, margin=margin)
        control = parts.row(self.field.widget, self._browse, space=SPACE.xs)
        self._whole = parts.row(head, control, space=SPACE.xs, margin=margin)
        self._whole.setStretch(0, 1)
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self.field.wide and self.spec.kind != "paragraph":
            narrow = event.size().width() < _NARROW
            down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
            if (self._whole.direction() is down) != narrow:
                self._whole.setDirection(down if narrow else across)
                self._whole.setSpacing(SPACE.s if narrow else SPACE.xs)
                self.field.fill(narrow)
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.save()
        super().hideEvent(event)

    def retranslate(self) -> None:
        label, help_ = say(self.spec.label), say(self.spec.help)
        self._label.setText(label)
        self._help.setText(help_)
        self._error.setText(say(self._error_phrase))
        self._restart.setText(self.tr("Takes effect at the next start."))
        parts.name_button(self._reset, self.tr("Back to the default"))
        self._reset.setAccessibleName(self.tr("Back to the default: %1").replace("%1", label))
        parts.name_button(self._browse, self.tr("Choose…"))
        self._browse.setAccessibleName(self.tr("Choose: %1").replace("%1", label))
        self.field.widget.setAccessibleName(label)
        self.field.widget.setAccessibleDescription(help_)
        self.field.retranslate(self.tr("The last one used"))

    # ---- shown from outside

    def offer_models(self, models: Sequence[tuple[str, str]]) -> None:
        """(id, name) of what can be chosen, for a setting of the kind `model`."""
        self.field.offer(models)

    def show_value(self, value: Value) -> None:
        """What is set now. What somebody is correcting is left alone as long as that does not change."""
        first = self._at_start is None
        if first:
            self._at_start = value
        elif value == self._value:
            return
        self._value = value
        self._show(value)

    def show_error(self, message: Phrase) -> None:
        self._error_phrase = message
        if not self.field.correctable:
            self._show(self._value)
        self._error.setText(say(message))
        self._error.show()
        self._reset.show()

    def save(self) -> None:
        """Ask for what was entered and is still waited with."""
        if self._pause.isActive():
            self._on_entered()

    def _show(self, value: Value) -> None:
        with QSignalBlocker(self.field.widget):
            self.field.show_value(value)
        self._pause.stop()
        self._error.hide()
        self._reset.setVisible(value != self.spec.default)
        self._restart.setVisible(self.spec.restart and value != self._at_start)

    # ---- what a person does

    @Slot()
    def _on_stepped(self) -> None:
        self._pause.start()

    @Slot()
    def _on_entered(self) -> None:
        self._pause.stop()
        self._ask(self.field.value())

    def _ask(self, value: Value) -> None:
        if value != self._value:
            self.changed.emit(self.spec.key, value)
        elif self._error.isVisibleTo(self):
            self._show(self._value)

    @Slot()
    def _on_reset(self) -> None:
        if self._value == self.spec.default:  # what was refused goes away
            self._show(self._value)
        else:
            self.reset_requested.emit(self.spec.key)

    @Slot()
    def _on_browse(self) -> None:
        folder = self.spec.kind == "folder"
        dialog = QFileDialog(self.window(), say(self.spec.label), str(self._value))
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFile)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, folder)
        dialog.fileSelected.connect(self._ask)
        dialog.open()
