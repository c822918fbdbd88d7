"""LoRA adapters of a model: each on or off, how strongly, and a file to add. Changes hold without reloading."""

from PySide6.QtCore import QSignalBlocker, QStandardPaths, Qt, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QFileDialog, QFrame, QWidget

from app import parts
from app.language import Retranslated, say
from app.theme import SPACE
from app.widgets.elided import ElidedLabel
from backends.models.types import LocalAdapter

STRONGEST = 4.0


class Adapters(Retranslated, QWidget):
    """`scale_chosen(adapter, scale)`; a scale of 0 is off."""

    scale_chosen = Signal(object, float)
    remove_requested = Signal(object)
    file_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._title = parts.label(role="strong")
        self._lead = parts.label(role="caption", tone="muted", wrap=True)
        self._add = parts.button(kind="secondary", icon="plus")
        self._add.clicked.connect(self._on_add)
        self._column = parts.column(space=SPACE.xs)
        self.rows: dict[str, _Row] = {}
        self.setLayout(parts.column(self._title, self._lead, self._column, parts.row(self._add, None), space=SPACE.xs))
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Adapters (LoRA)"))
        self._lead.setText(self.tr("Small files that change how a model answers."))
        self._add.setText(self.tr("Add an adapter…"))

    def show_adapters(self, adapters: tuple[tuple[LocalAdapter, float], ...]) -> None:
        wanted = {adapter.id for adapter, _ in adapters}
        for key in self.rows.keys() - wanted:
            gone = self.rows.pop(key)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for adapter, scale in adapters:
            row = self.rows.get(adapter.id)
            if row is None:
                row = self.rows[adapter.id] = _Row()
                row.scale_chosen.connect(self.scale_chosen)
                row.remove_requested.connect(self.remove_requested)
                self._column.addWidget(row)
            row.show_adapter(adapter, scale)

    @Slot()
    def _on_add(self) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        dialog = QFileDialog(self.window(), self.tr("Choose an adapter"), folder)
        dialog.setNameFilters([self.tr("Adapters (*.gguf)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.file_chosen)
        dialog.open()


class _Row(Retranslated, QFrame):
    scale_chosen = Signal(object, float)
    remove_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._adapter: LocalAdapter | None = None
        self._last = 1.0
        self._name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self._problem = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self.switch = parts.Switch()
        self.scale = parts.number_box(QDoubleSpinBox())
        self.scale.setRange(0.05, STRONGEST)
        self.scale.setSingleStep(0.1)
        self.scale.setDecimals(2)
        self.scale.setKeyboardTracking(False)
        self._remove = parts.icon_button("x", size=16)
        self.switch.toggled.connect(self._on_changed)
        self.scale.valueChanged.connect(self._on_changed)
        self._remove.clicked.connect(lambda: self.remove_requested.emit(self._adapter))
        row = parts.row(self._name, self.scale, self.switch, self._remove)
        row.setStretch(0, 1)
        self.setLayout(parts.column(row, self._problem, space=0))
        self.retranslate()

    def retranslate(self) -> None:
        name = self._adapter.name if self._adapter else ""
        self.switch.setAccessibleName(self.tr("Use %1").replace("%1", name))
        self.scale.setAccessibleName(self.tr("How strongly %1 is applied").replace("%1", name))
        parts.name_button(self._remove, self.tr("Take %1 off the list (the file stays)").replace("%1", name))

    def show_adapter(self, adapter: LocalAdapter, scale: float) -> None:
        self._adapter = adapter
        self._last = scale or self._last
        self._name.setText(adapter.name)
        self._problem.setText(say(adapter.problem))
        self._problem.setVisible(bool(adapter.problem.en))
        blockers = QSignalBlocker(self.switch), QSignalBlocker(self.scale)
        self.switch.setChecked(scale > 0)
        self.scale.setValue(self._last)
        del blockers
        self.switch.setEnabled(not adapter.problem.en)
        self.scale.setEnabled(scale > 0 and not adapter.problem.en)
        self.switch.update()
        self.retranslate()

    @Slot()
    def _on_changed(self) -> None:
        if self._adapter is not None:
            self._last = self.scale.value()
            self.scale_chosen.emit(self._adapter, self._last if self.switch.isChecked() else 0.0)
