"""What leaves this computer: the switch that stops all of it, and a list of every attempt."""

from PySide6.QtCore import Qt, Signal, Slot

from app import parts
from app.language import Retranslated
from app.lists.connections import ConnectionList
from app.notices import NoticeBoard
from app.theme import SPACE
from app.widgets.confirm import Confirm
from app.widgets.connection_rows import ConnectionView
from app.widgets.filter_box import FilterBox
from app.widgets.segments import Segments
from app.widgets.setting_row import SettingRow
from backends.core.phrase import Phrase
from backends.core.settings import Settings, spec, value_of

OFFLINE = "network.offline"


class ConnectionsPage(Retranslated, parts.Page):
    """Draws a `ConnectionList`; asks for what is pressed."""

    setting_changed = Signal(str, object)
    reset_requested = Signal(str)
    erase_requested = Signal()
    export_requested = Signal()

    def __init__(self, connections: ConnectionList) -> None:
        super().__init__()
        self._connections = connections
        self._title = parts.label(role="title")
        self._about = parts.label(tone="muted", wrap=True)
        self.notices = NoticeBoard()
        self.offline = SettingRow(spec(OFFLINE))
        self.offline.changed.connect(self.setting_changed)
        self.offline.reset_requested.connect(self.reset_requested)
        switch = parts.surface("card")
        switch.setLayout(parts.column(self.offline, space=0))
        self.segments = Segments(("all", "refused"))
        self.box = FilterBox()
        self._export = parts.button(kind="quiet", icon="download")
        self._erase = parts.button(kind="quiet", icon="trash-2")
        self._confirm = Confirm()
        self.view = ConnectionView(connections)
        self._nothing = parts.surface("zone")
        self._nothing_title = parts.label(role="heading", wrap=True)
        self._nothing_text = parts.label(tone="muted", wrap=True)
        for label in (self._nothing_title, self._nothing_text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        picture = parts.row(None, parts.picture("shield-check", "accent", 32), None)
        self._nothing.setLayout(parts.column(picture, self._nothing_title, self._nothing_text, margin=SPACE.xl))
        look = parts.row(self.segments, self.box, space=SPACE.m)
        look.setStretch(1, 1)
        listed = parts.column(look, self._confirm, self.view, self._nothing, space=SPACE.s)
        above = parts.row(self._title, None, self._export, self._erase)
        self.body.addLayout(parts.column(above, self._about, space=SPACE.s))
        for item in (self.notices, switch):
            self.body.addWidget(item)
        self.body.addLayout(listed)
        self.body.setSpacing(SPACE.l)
        self._connect()
        self.retranslate()

    def _connect(self) -> None:
        self.segments.chosen.connect(self._on_looked_for)
        self.box.textChanged.connect(self._on_looked_for)
        self.box.down_pressed.connect(self.view.setFocus)
        self._export.clicked.connect(self.export_requested)
        self._erase.clicked.connect(self.ask_to_erase)
        self._confirm.confirmed.connect(self.erase_requested)
        self._connections.drawn.connect(self._draw)

    def retranslate(self) -> None:
        self._title.setText(self.tr("Connections"))
        self._about.setText(
            self.tr(
                "All that DeskSeek has fetched or tried to: the host and the purpose, no addresses of pages, no texts."
            )
        )
        self._export.setText(self.tr("Export CSV…"))
        self._erase.setText(self.tr("Erase the list"))
        self.segments.name({"all": self.tr("All"), "refused": self.tr("Refused")}, self.tr("Connections shown"))
        self.box.name(self.tr("Find a host or a purpose"))
        self.view.setAccessibleName(self.tr("Connections, the newest first"))
        self._connections.retranslate()  # which draws

    def show_settings(self, settings: Settings) -> None:
        self.offline.show_value(value_of(settings, OFFLINE))

    def show_refused(self, key: str, why: Phrase) -> None:
        """This value of a setting was refused."""
        if key == OFFLINE:
            self.offline.show_error(why)

    @Slot()
    def _on_looked_for(self) -> None:
        self._connections.look_for(self.box.text(), refused=self.segments.current == "refused")

    @Slot()
    def ask_to_erase(self) -> None:
        self._confirm.ask(self.tr("The whole list is erased, that of earlier days too."), self.tr("Erase"))

    @Slot()
    def _draw(self) -> None:
        there, shown = self._connections.total > 0, self._connections.rowCount() > 0
        for widget in (self._export, self._erase, self.segments, self.box):
            widget.setVisible(there)
        self.view.setVisible(shown)
        self._nothing.setVisible(not shown)
        if there:
            self._nothing_title.setText(self.tr("Nothing like that"))
            self._nothing_text.setText(self.tr("Nothing in the list matches what you look for."))
        else:
            self._nothing_title.setText(self.tr("Nothing has left this computer"))
            self._nothing_text.setText(
                self.tr("Models and documents stay here. What you download or look for on the net is listed here.")
            )
