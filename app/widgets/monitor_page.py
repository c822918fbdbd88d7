"""What the machine and the engine do, how that went on, and what each model did day by day."""

from PySide6.QtCore import Signal

from app import parts
from app.language import Retranslated
from app.theme import SPACE
from app.widgets.segments import Segments

RANGES = ("minute", "minutes", "day")
_WIDTH = 1080  # of the column: plots like room


class MonitorPage(Retranslated, parts.Page):
    """`limit_place` is for the card that says what holds it back."""

    range_chosen = Signal(str)  # one of RANGES
    doctor_requested = Signal()
    connections_requested = Signal()
    export_requested = Signal()

    def __init__(self) -> None:
        super().__init__(width=_WIDTH)
        self._title = parts.label(role="title")
        self.segments = Segments(RANGES)
        self.doctor = parts.button(icon="shield-check")
        self.connections = parts.button(kind="quiet", icon="globe")
        self.export = parts.button(kind="quiet", icon="download")
        self.limit_place = parts.column(space=SPACE.m)
        self.body.addLayout(parts.row(self._title, None, self.connections, self.export, self.doctor))
        self.body.addLayout(self.limit_place)
        self.body.addLayout(parts.row(self.segments, None))
        self.body.setSpacing(SPACE.l)
        self.segments.chosen.connect(self.range_chosen)
        self.doctor.clicked.connect(self.doctor_requested)
        self.connections.clicked.connect(self.connections_requested)
        self.export.clicked.connect(self.export_requested)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Monitor"))
        self.doctor.setText(self.tr("Check this machine"))
        self.connections.setText(self.tr("Connections"))
        self.export.setText(self.tr("Export CSV…"))
        self.segments.name(
            {"minute": self.tr("1 min"), "minutes": self.tr("10 min"), "day": self.tr("24 h")}, self.tr("Time shown")
        )
