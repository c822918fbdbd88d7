"""What the machine and the engine do, how that went on, and what each model did day by day."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QProgressBar, QWidget

from app import figures, parts
from app.language import Retranslated, say, sentences
from app.monitor_picture import SPANS, Courses, MonitorPicture
from app.notices import NoticeBoard
from app.theme import SPACE, px
from app.widgets.monitor_bars import Tiles
from app.widgets.monitor_cards import EngineCard, GpuCard, MemoryCard, NoGpuCard, ProcessorCard, TransferCard
from app.widgets.monitor_days import DaysCard
from app.widgets.monitor_plots import PlotBoard
from app.widgets.segments import Segments

_WIDTH = 1080  # of the column: plots like room


class MonitorPage(Retranslated, parts.Page):
    """Draws a `MonitorPicture` and `Courses`. `limit_place` is for the card that says what holds it back."""

    shown = Signal(bool)  # whether somebody can look at it
    range_chosen = Signal(str)  # one of SPANS
    zoomed = Signal(float, float)
    reset_requested = Signal()
    doctor_requested = Signal()
    connections_requested = Signal()
    export_requested = Signal(str)  # shown, all
    cancel_export_requested = Signal()
    erase_requested = Signal()

    def __init__(self) -> None:
        super().__init__(width=_WIDTH)
        self._picture = MonitorPicture()
        self._courses = Courses()
        self._title = parts.label(role="title")
        self.doctor = parts.button(icon="shield-check")
        self.connections = parts.button(kind="quiet", icon="globe")
        self.notices = NoticeBoard()
        self.limit_place = parts.column(space=SPACE.m)
        self._starting = parts.label(tone="muted", wrap=True)
        self.engine = EngineCard()
        self.gpus: dict[str, GpuCard] = {}
        self.no_gpu = NoGpuCard()
        self.processor = ProcessorCard()
        self.memory = MemoryCard()
        self.transfer = TransferCard()
        self.tiles = Tiles()
        self._notes = parts.label(role="caption", tone="muted", wrap=True)
        self.segments = Segments(tuple(SPANS))
        self.whole = parts.button(kind="quiet", icon="zoom-out")
        self.export = parts.button(kind="quiet", icon="download")
        menu = parts.menu(self)
        self.export_shown, self.export_all = menu.addAction(""), menu.addAction("")
        self.export.setMenu(menu)
        self._exporting = QProgressBar()
        self._exporting.setTextVisible(False)
        self._exporting.setMaximumWidth(px(60))
        self.cancel_export = parts.icon_button("x", size=16)
        self.trouble = parts.label(tone="warning", wrap=True)
        self.plots = PlotBoard()
        self.days = DaysCard()
        body = self.body
        body.addLayout(parts.row(self._title, None, self.connections, self.doctor))
        for item in (self.notices, self._starting):
            body.addWidget(item)
        body.addLayout(self.limit_place)
        for item in (self.engine, self.tiles, self._notes):
            body.addWidget(item)
        above = parts.row(self.segments, self.whole, None, self._exporting)
        above.addWidget(self.cancel_export)
        above.addWidget(self.export)
        body.addSpacing(SPACE.s)
        body.addLayout(above)
        body.addWidget(self.trouble)
        for item in (self.plots, self.days):
            body.addWidget(item)
        body.setSpacing(SPACE.m)
        self._connect()
        self.retranslate()
        self.show_picture(self._picture)
        self.show_courses(self._courses)

    def _connect(self) -> None:
        self.segments.chosen.connect(self.range_chosen)
        self.whole.clicked.connect(self.reset_requested)
        self.plots.zoomed.connect(self.zoomed)
        self.plots.reset_requested.connect(self.reset_requested)
        self.doctor.clicked.connect(self.doctor_requested)
        self.connections.clicked.connect(self.connections_requested)
        self.export_shown.triggered.connect(lambda: self.export_requested.emit("shown"))
        self.export_all.triggered.connect(lambda: self.export_requested.emit("all"))
        self.cancel_export.clicked.connect(self.cancel_export_requested)
        self.days.erase_requested.connect(self.erase_requested)

    def retranslate(self) -> None:
        self._title.setText(self.tr("Monitor"))
        self.doctor.setText(self.tr("Check this machine"))
        self.connections.setText(self.tr("Connections"))
        self.export.setText(self.tr("Export CSV…"))
        self.export_shown.setText(self.tr("The time that is shown"))
        self.export_all.setText(self.tr("All that was recorded"))
        self.whole.setText(self.tr("Whole time"))
        self._starting.setText(self.tr("Looking at this computer…"))
        self._exporting.setAccessibleName(self.tr("Export"))
        parts.name_button(self.cancel_export, self.tr("Cancel the export"))
        self.segments.name(
            {"minute": self.tr("1 min"), "minutes": self.tr("10 min"), "day": self.tr("24 h")}, self.tr("Time shown")
        )
        self.show_picture(self._picture)
        self.show_courses(self._courses)

    def show_picture(self, picture: MonitorPicture) -> None:
        self._picture = picture
        sample = picture.sample
        self._starting.setVisible(sample is None)
        self.tiles.setVisible(sample is not None)
        self.engine.setVisible(sample is not None and sample.engine.model is not None)
        self._notes.setVisible(sample is not None and bool(sample.hardware.notes))
        self._show_export(picture.exporting)
        self.days.show_days(picture.days)
        if sample is None:
            return
        self._notes.setText(sentences(sample.hardware.notes))
        self._show_cards(picture)
        self.engine.show_picture(picture)
        self.processor.show_sample(sample.hardware)
        self.memory.show_sample(sample.hardware)
        self.transfer.show_sample(sample)

    def _show_cards(self, picture: MonitorPicture) -> None:
        cards = picture.sample.hardware.gpus if picture.sample is not None else ()
        if list(self.gpus) != [card.key for card in cards] or not self.tiles.tiles:
            self.gpus = {card.key: self.gpus.get(card.key) or GpuCard() for card in cards}
            others: list[QWidget] = [self.processor, self.memory, self.transfer]
            self.tiles.show_tiles([*self.gpus.values(), *others] if cards else [*others, self.no_gpu])
        for card, (_, name) in zip(cards, picture.cards, strict=True):
            self.gpus[card.key].show_card(card, name)

    def _show_export(self, share: float | None) -> None:
        for widget in (self._exporting, self.cancel_export):
            widget.setVisible(share is not None)
        self.export.setEnabled(share is None)
        if share is not None:
            self._exporting.setValue(round(share * 100))
            self._exporting.setToolTip(figures.percent(share))

    def show_courses(self, courses: Courses) -> None:
        self._courses = courses
        self.whole.setVisible(courses.zoomed)
        self.trouble.setText(say(courses.trouble))
        self.trouble.setVisible(bool(self.trouble.text()))
        self.plots.setVisible(not self.trouble.text())
        self.plots.show_courses(self._picture.cards, courses)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shown.emit(False)
