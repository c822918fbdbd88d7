"""What was found in this computer, and what was looked for and not found."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout

from app import figures, parts
from app.language import Retranslated, say
from app.theme import SPACE
from backends.hardware.types import Gpu, Machine


class MachineCard(Retranslated, QFrame):
    probe_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._machine: Machine | None = None
        self._title = parts.label(role="heading")
        self._again = parts.icon_button("rotate-cw")
        self._again.clicked.connect(self.probe_requested)
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(SPACE.m)
        self._rows.setVerticalSpacing(SPACE.s)
        self._rows.setColumnStretch(2, 1)
        self._notes = parts.label(role="caption", tone="muted", wrap=True, select=True)
        layout = QVBoxLayout()
        layout.setContentsMargins(SPACE.l, SPACE.l, SPACE.l, SPACE.l)
        layout.setSpacing(SPACE.m)
        layout.addLayout(parts.row(self._title, None, self._again))
        layout.addLayout(self._rows)
        layout.addWidget(self._notes)
        self.setLayout(layout)
        self.retranslate()

    def show_machine(self, machine: Machine | None) -> None:
        self._machine = machine
        self._fill()

    def retranslate(self) -> None:
        self._title.setText(self.tr("This computer"))
        parts.name_button(self._again, self.tr("Look again"))
        self._fill()

    def _fill(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        machine = self._machine
        if machine is None:
            self._notes.setText(self.tr("Looking at the processor, the memory and the graphics cards…"))
            self._notes.show()
            return
        for gpu in machine.gpus:
            self._add("gpu", self.tr("Graphics"), gpu.name, self._gpu_words(gpu))
        if not machine.gpus:
            self._add("gpu", self.tr("Graphics"), self.tr("No graphics card for models was found"), "")
        memory = self.tr("%1 free").replace("%1", figures.memory_size(machine.memory.available))
        self._add("memory-stick", self.tr("Memory"), figures.memory_size(machine.memory.total), memory)
        count = machine.cpu.physical_cores
        cores = self.tr("1 core") if count == 1 else self.tr("%1 cores").replace("%1", str(count))
        self._add("cpu", self.tr("Processor"), machine.cpu.name, cores)
        disk = self.tr("%1 free").replace("%1", figures.file_size(machine.disk.free))
        self._add("hard-drive", self.tr("Disk for models"), figures.file_size(machine.disk.total), disk)
        notes = "\n".join(say(note) for note in machine.notes)
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))

    def _gpu_words(self, gpu: Gpu) -> str:
        if gpu.memory_total is None:
            return self.tr("memory unknown")
        total = figures.memory_size(gpu.memory_total)
        if gpu.unified:
            return self.tr("shares the memory, up to %1").replace("%1", total)
        if gpu.memory_free is None:
            return total
        words = self.tr("%1, %2 free").replace("%1", total)
        return words.replace("%2", figures.memory_size(gpu.memory_free))

    def _add(self, icon: str, kind: str, value: str, more: str) -> None:
        row = self._rows.rowCount()
        self._rows.addWidget(parts.picture(icon), row, 0)
        self._rows.addWidget(parts.label(kind, tone="muted"), row, 1)
        words = f"{value}  ·  {more}" if more else value
        self._rows.addWidget(parts.label(words, wrap=True, select=True), row, 2)
