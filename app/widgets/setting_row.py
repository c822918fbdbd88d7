"""One setting: its label, what it means, and the control that its kind calls for. Derived from `FieldSpec` alone."""

from collections.abc import Sequence
from math import isfinite

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

from app import parts
from app.language import Retranslated, say
from app.theme import SPACE
from backends.core.fields import FieldSpec, Value
from backends.core.phrase import NOTHING, Phrase

_FIELD_WIDTH = 280
_BROWSE_WIDTH = 38


class SettingRow(Retranslated, QWidget):
    """`changed(key, value)` asks for a new value; what is refused is said below the control by `show_error`."""

    changed = Signal(str, object)
    reset_requested = Signal(str)

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__()
        self.spec = spec
        self._error_phrase = NOTHING
        self._value: Value = spec.default
        self._label = parts.label(role="strong", wrap=True)
        self._help = parts.label(role="caption", tone="muted", wrap=True)
        self._restart = parts.label(role="caption", tone="accent", wrap=True)
        self._error = parts.label(role="caption", tone="danger", wrap=True)
        self._error.hide()
        self._restart.hide()
        self._reset = parts.icon_button("undo-2", size=16)
        self._reset.clicked.connect(lambda: self.reset_requested.emit(self.spec.key))
        policy = self._reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(policy)
        self._models: Sequence[tuple[str, str]] = ()
        self.control = self._build_control()
        words = parts.column(self._label, self._help, self._restart, self._error, space=SPACE.xs)
        wide = spec.kind == "paragraph"
        if wide:
            head = parts.row(words, self._reset)
            head.setStretch(0, 1)
            layout = parts.column(head, self.control, space=SPACE.s)
        else:
            field = parts.row(self._reset, *self._field_parts(), space=SPACE.xs)
            layout = parts.row(words, field, space=SPACE.l)
            layout.setStretch(0, 1)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.m, SPACE.m)
        self.setLayout(layout)
        self.retranslate()

    def _field_parts(self) -> list[parts.Item]:
        if self.spec.kind in ("folder", "file"):
            self._browse = parts.icon_button("folder-open")
            self._browse.clicked.connect(self._on_browse)
            return [self.control, self._browse]
        return [self.control]

    def _build_control(self) -> QWidget:
        spec = self.spec
        match spec.kind:
            case "flag":
                switch = parts.Switch()
                switch.toggled.connect(self._emit)
                return switch
            case "choice" | "model":
                combo = QComboBox()
                combo.setFixedWidth(_FIELD_WIDTH)
                combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
                combo.activated.connect(lambda index: self._emit(combo.itemData(index)))
                return combo
            case "integer":
                spin = QSpinBox()
                spin.setRange(int(spec.minimum), int(spec.maximum))
                spin.setSingleStep(1024 if spec.maximum > 100_000 else 1)
                spin.setGroupSeparatorShown(True)
                spin.setFixedWidth(160)
                spin.lineEdit().setTextMargins(8, 0, 0, 0)
                spin.editingFinished.connect(lambda: self._emit(spin.value()))
                return spin
            case "number":
                double = QDoubleSpinBox()
                double.setRange(spec.minimum, spec.maximum if isfinite(spec.maximum) else 1e9)
                double.setDecimals(1)
                double.setFixedWidth(160)
                double.lineEdit().setTextMargins(8, 0, 0, 0)
                double.editingFinished.connect(lambda: self._emit(double.value()))
                return double
            case "paragraph":
                text = _Paragraph()
                text.left.connect(lambda: self._emit(text.toPlainText().strip()))
                return text
            case _:
                line = QLineEdit()
                browse = _BROWSE_WIDTH if spec.kind in ("folder", "file") else 0
                line.setFixedWidth(_FIELD_WIDTH - browse)
                line.editingFinished.connect(lambda: self._emit(line.text().strip()))
                return line

    def retranslate(self) -> None:
        label, help_ = say(self.spec.label), say(self.spec.help)
        self._label.setText(label)
        self._help.setText(help_)
        self._error.setText(say(self._error_phrase))
        self._restart.setText(self.tr("Takes effect at the next start."))
        parts.name_button(self._reset, self.tr("Back to the default"))
        self.control.setAccessibleName(label)
        self.control.setAccessibleDescription(help_)
        if self.spec.kind in ("folder", "file"):
            parts.name_button(self._browse, self.tr("Choose…"))
        self._fill_combo()

    def offer_models(self, models: Sequence[tuple[str, str]]) -> None:
        """(id, name) of what can be chosen, for a setting of the kind `model`."""
        self._models = models
        self._fill_combo()

    def _fill_combo(self) -> None:
        combo = self.control
        if not isinstance(combo, QComboBox):
            return
        chosen = combo.currentData()
        with QSignalBlocker(combo):
            combo.clear()
            if self.spec.kind == "model":
                combo.addItem(self.tr("The last one used"), "")
                for key, name in self._models:
                    combo.addItem(name, key)
            for choice in self.spec.choices:
                combo.addItem(say(choice.label), choice.value)
            combo.setCurrentIndex(max(0, combo.findData(chosen)))

    def show_value(self, value: Value) -> None:
        control = self.control
        self._error.hide()
        with QSignalBlocker(control):
            if isinstance(control, parts.Switch):
                control.setChecked(bool(value))
            elif isinstance(control, QComboBox):
                if control.findData(value) < 0:
                    control.addItem(str(value), value)
                control.setCurrentIndex(control.findData(value))
            elif isinstance(control, QSpinBox):
                control.setValue(int(value))
            elif isinstance(control, QDoubleSpinBox):
                control.setValue(float(value))
            elif isinstance(control, QPlainTextEdit):
                if control.toPlainText() != value:
                    control.setPlainText(str(value))
            elif isinstance(control, QLineEdit):
                control.setText(str(value))
        self._value = value
        self._reset.setVisible(value != self.spec.default)

    def show_error(self, message: Phrase) -> None:
        self._error_phrase = message
        self._error.setText(say(message))
        self._error.show()

    def show_restart(self) -> None:
        self._restart.show()

    def _emit(self, value: Value) -> None:
        if value != self._value:
            self.changed.emit(self.spec.key, value)

    @Slot()
    def _on_browse(self) -> None:
        dialog = QFileDialog(self, say(self.spec.label))
        folder = self.spec.kind == "folder"
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._emit)
        dialog.open()


class _Paragraph(QPlainTextEdit):
    """Some lines of text; Tab leaves it."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "input")
        self.setTabChangesFocus(True)
        self.setFixedHeight(96)

    def focusOutEvent(self, event: object) -> None:
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.left.emit()
