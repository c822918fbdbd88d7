"""What was found in this computer, and what was looked for and not found: as a card, and as a strip."""

from dataclasses import dataclass
from itertools import groupby

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from app import figures, parts
from app.language import Retranslated, say
from app.theme import SPACE
from backends.hardware.types import Gpu, Machine

_NARROW = 700  # pixels, below which the strip has two rows


@dataclass(frozen=True, slots=True)
class Fact:
    """`value` is what it is, `more` how much of it there is to use."""

    icon: str
    kind: str
    value: str
    more: str


def facts(machine: Machine) -> list[Fact]:
    """What a model needs to know about a computer, in the language of the window."""
    cards = sorted(machine.gpus, key=lambda gpu: (gpu.unified, gpu.name))
    alike = groupby(cards, key=lambda gpu: (gpu.name, gpu.unified, gpu.memory_total))
    found = [_graphics(list(gpus)) for _, gpus in alike] or [_no_graphics()]
    cores = machine.cpu.physical_cores
    translate = QCoreApplication.translate
    free = translate("machine", "%1 free")
    of_cores = translate("machine", "1 core") if cores == 1 else translate("machine", "%1 cores")
    memory, disk = machine.memory, machine.disk
    found.append(
        Fact(
            "memory-stick",
            translate("machine", "Memory"),
            figures.memory_size(memory.total),
            free.replace("%1", figures.memory_size(memory.available)),
        )
    )
    found.append(Fact("cpu", translate("machine", "Processor"), machine.cpu.name, of_cores.replace("%1", str(cores))))
    found.append(
        Fact(
            "hard-drive",
            translate("machine", "Disk for models"),
            figures.file_size(disk.total),
            free.replace("%1", figures.file_size(disk.free)),
        )
    )
    return found


def _graphics(gpus: list[Gpu]) -> Fact:
    """Cards of one kind."""
    name = gpus[0].name if len(gpus) == 1 else f"{len(gpus)} × {gpus[0].name}"
    return Fact("gpu", QCoreApplication.translate("machine", "Graphics"), name, _graphics_memory(gpus))


def _graphics_memory(gpus: list[Gpu]) -> str:
    totals = [gpu.memory_total for gpu in gpus if gpu.memory_total is not None]
    free = [gpu.memory_free for gpu in gpus if gpu.memory_free is not None]
    if not totals:
        return QCoreApplication.translate("machine", "memory unknown")
    total = figures.memory_size(sum(totals))
    if gpus[0].unified:
        return QCoreApplication.translate("machine", "shares the memory, up to %1").replace("%1", total)
    if len(free) < len(gpus):
        return total
    words = QCoreApplication.translate("machine", "%1, %2 free").replace("%1", total)
    return words.replace("%2", figures.memory_size(sum(free)))


def _no_graphics() -> Fact:
    none = QCoreApplication.translate("machine", "No graphics card that models can use")
    return Fact("gpu", QCoreApplication.translate("machine", "Graphics"), none, "")


class MachineCard(Retranslated, QFrame):
    """All of it, with the notes."""

    probe_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._machine: Machine | None = None
        self._title = parts.label(role="heading")
        self._again = parts.icon_button("rotate-cw")
        self._again.clicked.connect(self.probe_requested)
        self._lines = parts.column(space=SPACE.s)
        self._rows: list[_Row] = []
        self._notes = parts.label(role="caption", tone="muted", wrap=True, select=True)
        head = parts.row(self._title, None, self._again)
        self.setLayout(parts.column(head, self._lines, self._notes, margin=SPACE.l))
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("This computer"))
        parts.name_button(self._again, self.tr("Look again"))
        self._draw()

    def show_machine(self, machine: Machine | None) -> None:
        if machine != self._machine:
            self._machine = machine
            self._draw()

    def _draw(self) -> None:
        found = facts(self._machine) if self._machine is not None else []
        if [row.icon for row in self._rows] != [fact.icon for fact in found]:
            parts.clear(self._lines)
            self._rows = [_Row(fact.icon) for fact in found]
            for row in self._rows:
                self._lines.addWidget(row)
        widest = 0
        for row, fact in zip(self._rows, found, strict=True):
            row.show_fact(fact)
            widest = max(widest, row.kind.sizeHint().width())
        for row in self._rows:
            row.kind.setFixedWidth(widest)
        notes = "\n".join(say(note) for note in self._machine.notes) if self._machine is not None else ""
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))


class _Row(QWidget):
    def __init__(self, icon: str) -> None:
        super().__init__()
        self.icon = icon
        self.kind = parts.label(tone="muted")
        self._value = parts.label(wrap=True, select=True)
        picture = parts.column(2, parts.picture(icon), None, space=0)
        layout = parts.row(picture, parts.column(self.kind, None, space=0), self._value, space=SPACE.m)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def show_fact(self, fact: Fact) -> None:
        self.kind.setText(fact.kind)
        self._value.setText("  ·  ".join(word for word in (fact.value, fact.more) if word))


class MachineStrip(Retranslated, QWidget):
    """The same in short, side by side; in two rows where the page is narrow."""

    probe_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._machine: Machine | None = None
        self._cells: list[_Cell] = []
        self._columns = 0
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE.l)
        self._grid.setVerticalSpacing(SPACE.m)
        self._again = parts.icon_button("rotate-cw")
        self._again.clicked.connect(self.probe_requested)
        self._notes = parts.label(role="caption", tone="muted", wrap=True, select=True)
        row = parts.row(self._grid, parts.column(self._again, None, space=0))
        row.setStretch(0, 1)
        self.setLayout(parts.column(row, self._notes))
        self.retranslate()

    def retranslate(self) -> None:
        parts.name_button(self._again, self.tr("Look again"))
        self._draw()

    def show_machine(self, machine: Machine | None) -> None:
        if machine != self._machine:
            self._machine = machine
            self._draw()

    def _draw(self) -> None:
        machine = self._machine
        found = facts(machine) if machine is not None else []
        self._again.setVisible(machine is not None)
        if [cell.icon for cell in self._cells] != [fact.icon for fact in found]:
            for cell in self._cells:
                self._grid.removeWidget(cell)
                cell.hide()
                cell.deleteLater()
            self._cells = [_Cell(fact.icon) for fact in found]
            self._columns = 0
            self._arrange()
        for cell, fact in zip(self._cells, found, strict=True):
            cell.show_fact(fact)
        notes = "\n".join(say(note) for note in machine.notes) if machine is not None and not machine.gpus else ""
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))

    def _arrange(self) -> None:
        columns = 2 if self.width() < _NARROW else 4
        if columns == self._columns:
            return
        self._columns = columns
        for index, cell in enumerate(self._cells):
            self._grid.addWidget(cell, index // columns, index % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()
        super().resizeEvent(event)


class _Cell(QWidget):
    def __init__(self, icon: str) -> None:
        super().__init__()
        self.icon = icon
        self._value = parts.label(role="caption", wrap=True)
        self._more = parts.label(role="caption", tone="muted", wrap=True)
        picture = parts.column(parts.picture(icon), None, space=0)
        words = parts.column(self._value, self._more, None, space=0)
        layout = parts.row(picture, words, space=SPACE.s)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def show_fact(self, fact: Fact) -> None:
        self._value.setText(fact.value)
        self._more.setText(fact.more)
        self.setToolTip(fact.kind)
