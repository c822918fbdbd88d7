"""The API: a switch, how programs are told of it, its keys, what they ask, and who else may."""

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QWidget

from app import parts
from app.api_picture import ApiPicture
from app.language import Retranslated
from app.lists.requests import RequestList
from app.theme import SPACE
from app.widgets.api_examples import ApiExamples
from app.widgets.api_keys import ApiKeys
from app.widgets.api_requests import ApiRequests
from app.widgets.api_switch import ApiSwitch
from app.widgets.segments import Segments
from app.widgets.setting_row import SettingRow
from backends.core.phrase import Phrase
from backends.core.settings import FIELDS, Settings, value_of

_OPTIONS = ("api.port", "api.origins", "api.load_models")
_PLACES = ("connect", "keys", "requests", "options")


class ApiPage(Retranslated, parts.Page):
    """Draws an `ApiPicture`; asks for what is pressed."""

    switched = Signal(bool)
    retry_requested = Signal()
    next_port_requested = Signal()
    key_asked = Signal(object)  # AskedKey
    revoke_requested = Signal(str)
    erase_key_requested = Signal(str)
    secret_seen = Signal()
    cancel_requested = Signal(str)
    erase_requests_requested = Signal()
    setting_changed = Signal(str, object)
    reset_requested = Signal(str)

    def __init__(self, requests: RequestList) -> None:
        super().__init__()
        self._picture = ApiPicture()
        self._title = parts.label(role="title")
        self.switch = ApiSwitch()
        self.segments = Segments(_PLACES, tabs=True)
        self.examples = ApiExamples()
        self.keys = ApiKeys()
        self.requests = ApiRequests(requests)
        self._options = parts.surface("card")
        options = {spec.key: SettingRow(spec) for spec in FIELDS if spec.key in _OPTIONS}
        inside = parts.column(space=0)
        for row in options.values():
            if inside.count():
                inside.addWidget(parts.line())
            inside.addWidget(row)
        self._options.setLayout(inside)
        self.rows = {**options, **self.requests.settings}
        self.places: dict[str, QWidget] = dict(
            zip(_PLACES, (self.examples, self.keys, self.requests, self._options), strict=True)
        )
        for item in (self._title, self.switch):
            self.body.addWidget(item)
        self.body.addLayout(parts.column(parts.row(self.segments, None), parts.line(), space=0))
        for place in self.places.values():
            self.body.addWidget(place)
        self.body.setSpacing(SPACE.l)
        self._laid_out = QTimer(self)
        self._laid_out.setSingleShot(True)
        self._laid_out.setInterval(0)
        self._connect()
        self.show_place("connect")
        self.retranslate()

    def _connect(self) -> None:
        self.switch.switched.connect(self.switched)
        self.switch.retry_requested.connect(self.retry_requested)
        self.switch.next_port_requested.connect(self.next_port_requested)
        self.segments.chosen.connect(self.show_place)
        self.examples.key_wanted.connect(self._on_key_wanted)
        self.keys.form.asked.connect(self.key_asked)
        self.keys.revoke_requested.connect(self.revoke_requested)
        self.keys.erase_requested.connect(self.erase_key_requested)
        self.keys.secret_seen.connect(self.secret_seen)
        self.requests.cancel_requested.connect(self.cancel_requested)
        self.requests.erase_requested.connect(self.erase_requests_requested)
        self.requests.view.chosen.connect(lambda entry: entry is not None and self._laid_out.start())
        self._laid_out.timeout.connect(lambda: self.ensureWidgetVisible(self.requests.detail, 0, SPACE.l))
        for row in self.rows.values():
            row.changed.connect(self.setting_changed)
            row.reset_requested.connect(self.reset_requested)

    def retranslate(self) -> None:
        self._title.setText(self.tr("API"))
        self._draw_places()

    def _draw_places(self) -> None:
        live = len(self._picture.live)
        requests = self.tr("Requests")
        self.segments.name(
            {
                "connect": self.tr("Connect"),
                "keys": self.tr("Keys"),
                "requests": f"{requests} ({live})" if live else requests,
                "options": self.tr("Options"),
            }
        )

    def show_picture(self, picture: ApiPicture) -> None:
        self._picture = picture
        self.switch.show_picture(picture)
        self.examples.show_picture(picture)
        self.keys.show_picture(picture)
        self.requests.show_picture(picture)
        self._draw_places()

    def show_settings(self, settings: Settings) -> None:
        for key, row in self.rows.items():
            row.show_value(value_of(settings, key))

    def show_refused(self, key: str, why: Phrase) -> None:
        """This value of a setting was refused."""
        if (row := self.rows.get(key)) is not None:
            row.show_error(why)

    @Slot(str)
    def show_place(self, name: str) -> None:
        self.segments.choose(name)
        for place, widget in self.places.items():
            widget.setVisible(place == name)

    @Slot()
    def _on_key_wanted(self) -> None:
        self.show_place("keys")
        self.keys.ask()
