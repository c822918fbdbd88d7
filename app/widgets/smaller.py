"""Make a smaller version of a file here: which quant, what it will take and lose, and the button, in this order."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

from app import figures, parts
from app.language import Retranslated, say
from app.picture import Details, Smaller
from app.theme import SPACE


class MakeSmaller(Retranslated, QWidget):
    """Shown for files that a smaller one can be made of."""

    plan_requested = Signal(str)  # quant
    make_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._quants: tuple[str, ...] = ()
        self._smaller: Smaller | None = None
        self._title = parts.label(role="strong")
        self._lead = parts.label(role="caption", tone="muted", wrap=True)
        self.choice = QComboBox()
        self.choice.activated.connect(self._on_chosen)
        self.make = parts.button(kind="secondary", icon="package")
        self.make.clicked.connect(self._on_make)
        self._figures = parts.label(role="caption", wrap=True, select=True)
        self._loss = parts.label(role="caption", tone="muted", wrap=True)
        self._message = parts.label(role="caption", tone="danger", wrap=True, select=True)
        self.setLayout(
            parts.column(
                self._title,
                self._lead,
                parts.row(self.choice, self.make, None),
                self._figures,
                self._loss,
                self._message,
                space=SPACE.xs,
            )
        )
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Make a smaller version"))
        self._lead.setText(self.tr("It is computed on this computer from this file; nothing is downloaded."))
        self.choice.setAccessibleName(self.tr("Quant of the smaller version"))
        self.choice.setPlaceholderText(self.tr("Choose a quant"))
        self.make.setText(self.tr("Make it"))
        self._draw()

    def show_details(self, details: Details) -> None:
        if details.quants != self._quants:
            self._quants = details.quants
            self.choice.clear()
            self.choice.addItems(list(details.quants))
            self.choice.setCurrentIndex(-1)
        self._smaller = details.smaller
        self._draw()

    def _draw(self) -> None:
        smaller = self._smaller
        self.setVisible(bool(self._quants))
        if smaller is not None:
            self.choice.setCurrentText(smaller.quant)
        ready = smaller is not None and smaller.size is not None and not smaller.message.en
        self.make.setEnabled(ready)
        self._figures.setText(self._words(smaller) if smaller is not None else "")
        self._loss.setText(say(smaller.loss) if smaller is not None else "")
        self._message.setText(say(smaller.message) if smaller is not None else "")
        for label in (self._figures, self._loss, self._message):
            label.setVisible(bool(label.text()))

    def _words(self, smaller: Smaller) -> str:
        if smaller.size is None:
            return "" if smaller.message.en else self.tr("Working out what it takes…")
        memory = self.tr("memory %1").replace("%1", figures.memory_size(smaller.memory)) if smaller.memory else ""
        disk = self.tr("%1 of the disk's %2 free")
        disk = disk.replace("%1", figures.file_size(smaller.needed)).replace("%2", figures.file_size(smaller.free))
        return figures.line(figures.file_size(smaller.size), memory, disk)

    @Slot()
    def _on_chosen(self) -> None:
        self.plan_requested.emit(self.choice.currentText())

    @Slot()
    def _on_make(self) -> None:
        if self._smaller is not None:
            self.make_requested.emit(self._smaller.quant)
