"""The control for each kind of setting. All speak alike: `entered` when a value is there, `stepped` when one is on
its way (a number that is being turned, a paragraph that is being written)."""

from collections.abc import Sequence
from math import isfinite

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit, QPlainTextEdit, QSizePolicy, QSpinBox, QWidget

from app import parts
from app.language import say
from backends.core.fields import FieldSpec, Value

_WIDE = 280
_BROWSE = 38  # the button beside a path
_NUMBER = 160
QWIDGETSIZE_MAX = (1 << 24) - 1


class Field(QObject):
    """`correctable`: a refused value stays in it; `wide`: it needs room of its own on a narrow page."""

    entered = Signal()
    stepped = Signal()
    correctable = False
    wide = False

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.widget = widget
        self._usual_width = widget.maximumWidth()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel scrolls the page; it turns a value only where somebody has gone to change it."""
        if event.type() is QEvent.Type.Wheel and not self.widget.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def fill(self, whole: bool) -> None:
        """Take the whole width, or the usual one."""
        width = self._usual_width
        self.widget.setMinimumWidth(0 if whole else width)
        self.widget.setMaximumWidth(QWIDGETSIZE_MAX if whole else width)

    def value(self) -> Value:
        raise NotImplementedError

    def show_value(self, value: Value) -> None:
        raise NotImplementedError

    def retranslate(self, last_used: str) -> None:
        """`last_used`: the words for no model in particular."""

    def offer(self, models: Sequence[tuple[str, str]]) -> None:
        """Models that can be chosen."""


def field_for(spec: FieldSpec, usual: str) -> Field:
    match spec.kind:
        case "flag":
            return _Flag()
        case "choice" | "model":
            return _Choice(spec)
        case "integer":
            return _Integer(spec)
        case "number":
            return _Number(spec)
        case "paragraph":
            return _Paragraph()
        case _:
            return _Text(spec, usual)


class _Flag(Field):
    def __init__(self) -> None:
        self._switch = parts.Switch()
        super().__init__(self._switch)
        self._switch.toggled.connect(self.entered)

    def value(self) -> bool:
        return self._switch.isChecked()

    def show_value(self, value: Value) -> None:
        self._switch.setChecked(bool(value))


class _Choice(Field):
    wide = True

    def __init__(self, spec: FieldSpec) -> None:
        self._combo = QComboBox()
        self._combo.setFixedWidth(_WIDE)
        super().__init__(self._combo)
        self._spec = spec
        self._models: tuple[tuple[str, str], ...] = ()
        self._last_used = ""
        self._combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.activated.connect(self.entered)

    def value(self) -> str:
        return str(self._combo.currentData())

    def show_value(self, value: Value) -> None:
        if self._combo.findData(value) < 0:
            self._combo.addItem(str(value), value)
        self._combo.setCurrentIndex(self._combo.findData(value))
        self._combo.setToolTip(parts.tip(self._combo.currentText()))

    def retranslate(self, last_used: str) -> None:
        self._last_used = last_used
        self._fill()

    def offer(self, models: Sequence[tuple[str, str]]) -> None:
        if tuple(models) != self._models:
            self._models = tuple(models)
            self._fill()

    def _fill(self) -> None:
        chosen = self._combo.currentData()
        blocked = self._combo.blockSignals(True)
        self._combo.clear()
        if self._spec.kind == "model":
            self._combo.addItem(self._last_used, "")
            for key, name in self._models:
                self._combo.addItem(name, key)
        for choice in self._spec.choices:
            self._combo.addItem(say(choice.label), choice.value)
        if chosen is not None:
            self.show_value(chosen)
        self._combo.blockSignals(blocked)


class _Integer(Field):
    def __init__(self, spec: FieldSpec) -> None:
        self._spin = QSpinBox()
        super().__init__(self._spin)
        self._spin.setRange(int(spec.minimum), int(spec.maximum))
        self._spin.setSingleStep(1024 if spec.maximum > 100_000 else 1)
        self._spin.setGroupSeparatorShown(spec.maximum > 65_535)  # 16,384 tokens, but port 8642
        _prepare(self._spin)
        self._spin.valueChanged.connect(self.stepped)
        self._spin.editingFinished.connect(self.entered)

    def value(self) -> int:
        return self._spin.value()

    def show_value(self, value: Value) -> None:
        self._spin.setValue(int(value))


class _Number(Field):
    def __init__(self, spec: FieldSpec) -> None:
        self._spin = QDoubleSpinBox()
        super().__init__(self._spin)
        self._spin.setRange(spec.minimum, spec.maximum if isfinite(spec.maximum) else 1e9)
        self._spin.setDecimals(1)
        _prepare(self._spin)
        self._spin.valueChanged.connect(self.stepped)
        self._spin.editingFinished.connect(self.entered)

    def value(self) -> float:
        return self._spin.value()

    def show_value(self, value: Value) -> None:
        self._spin.setValue(float(value))


def _prepare(spin: QSpinBox | QDoubleSpinBox) -> None:
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.setFixedWidth(_NUMBER)
    spin.setKeyboardTracking(False)
    parts.number_box(spin)


class _Text(Field):
    correctable = True
    wide = True

    def __init__(self, spec: FieldSpec, usual: str) -> None:
        self._edit = QLineEdit()
        self._edit.setFixedWidth(_WIDE - (_BROWSE if spec.kind in ("folder", "file") else 0))
        super().__init__(self._edit)
        self._edit.setPlaceholderText(usual)
        self._edit.setToolTip(parts.tip(usual))
        self._usual = usual
        self._edit.editingFinished.connect(self.entered)

    def value(self) -> str:
        return self._edit.text().strip()

    def show_value(self, value: Value) -> None:
        self._edit.setText(str(value))
        self._edit.setToolTip(parts.tip(str(value) or self._usual))


class _Paragraph(Field):
    correctable = True
    wide = True

    def __init__(self) -> None:
        self._edit = _Lines()
        super().__init__(self._edit)
        self._edit.textChanged.connect(self.stepped)
        self._edit.left.connect(self.entered)

    def value(self) -> str:
        return self._edit.toPlainText().strip()

    def show_value(self, value: Value) -> None:
        """The cursor of whoever is writing does not jump because what was written has been saved."""
        if self.value() != value:
            self._edit.setPlainText(str(value))


class _Lines(QPlainTextEdit):
    """Some lines of text; Tab leaves it."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "input")
        self.setTabChangesFocus(True)
        self.setFixedHeight(96)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()
