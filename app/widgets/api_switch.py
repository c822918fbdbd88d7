"""The server of the API: on or off, where, who can ask, and why it could not start."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QFrame

from app import parts
from app.api_picture import ApiPicture
from app.language import Retranslated, say
from app.theme import SPACE
from app.widgets.copy_button import CopyButton


class ApiSwitch(Retranslated, QFrame):
    switched = Signal(bool)
    retry_requested = Signal()
    next_port_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._picture = ApiPicture()
        self._title = parts.label(role="strong", wrap=True)
        self._state = parts.label(role="pill")
        self._address = parts.label(role="mono", select=True)
        self.copy = CopyButton()
        self._lead = parts.label(role="caption", tone="muted", wrap=True)
        self.switch = parts.Switch()
        self.switch.toggled.connect(self.switched)
        state = parts.row(self._state, self._address, self.copy, None, space=SPACE.s)
        state.setAlignment(self._state, Qt.AlignmentFlag.AlignVCenter)
        words = parts.column(self._title, state, self._lead, space=SPACE.s)
        head = parts.row(words, self.switch, space=SPACE.l)
        head.setStretch(0, 1)
        self.setLayout(parts.column(head, self._made_failure(), self._made_warning(), margin=SPACE.l))
        self.retranslate()

    def _made_failure(self) -> QFrame:
        self._failure = parts.surface("danger")
        self._message = parts.label(wrap=True, select=True)
        self._hint = parts.label(tone="muted", wrap=True)
        self._next_port = parts.button(kind="secondary")
        self._retry = parts.button(kind="secondary", icon="rotate-cw")
        self._next_port.clicked.connect(self.next_port_requested)
        self._retry.clicked.connect(self.retry_requested)
        buttons = parts.row(self._next_port, self._retry, None)
        self._failure.setLayout(
            parts.column(self._message, self._hint, SPACE.xs, buttons, space=SPACE.xs, margin=SPACE.m)
        )
        return self._failure

    def _made_warning(self) -> QFrame:
        self._warning = parts.surface("warning")
        self._warned = parts.label(wrap=True)
        icon = parts.column(parts.picture("triangle-alert", "warning"), None, space=0)
        row = parts.row(icon, self._warned, space=SPACE.m, margin=SPACE.m)
        row.setStretch(1, 1)
        self._warning.setLayout(row)
        return self._warning

    def show_picture(self, picture: ApiPicture) -> None:
        self._picture = picture
        self.retranslate()

    def retranslate(self) -> None:
        picture = self._picture
        title = self.tr("Let programs on this computer use the model")
        self._title.setText(title)
        self.switch.setAccessibleName(title)
        with QSignalBlocker(self.switch):
            self.switch.setChecked(picture.enabled or picture.stage == "on")  # a command may have switched it on
        self.switch.update()
        words, tone = {
            "off": (self.tr("Off"), "muted"),
            "starting": (self.tr("Starting…"), "accent"),
            "on": (self.tr("On"), "success"),
            "ending": (self.tr("Ending what runs…"), "muted"),
            "failed": (self.tr("Could not start"), "danger"),
        }[picture.stage]
        self._state.setText(words)
        parts.set_look(self._state, tone=tone)
        on = picture.stage == "on"
        self._address.setText(picture.address)
        self._address.setVisible(on)
        self.copy.show_text(picture.address)
        self.copy.name(self.tr("Copy the address"))
        self.copy.setVisible(on)
        alone = self.tr("Editors, scripts and other programs find it here. Only this computer can ask, with a key.")
        self._lead.setText(alone)
        self._lead.setVisible(not (picture.open_to_all or picture.beyond))
        self._draw_failure(picture)
        self._draw_warning(picture)

    def _draw_failure(self, picture: ApiPicture) -> None:
        self._failure.setVisible(picture.stage == "failed")
        self._message.setText(say(picture.message))
        self._hint.setText(say(picture.hint))
        self._hint.setVisible(bool(say(picture.hint)))
        self._next_port.setText(self.tr("Use port %1").replace("%1", str(picture.next_port)))
        self._next_port.setVisible(picture.port_taken)
        self._retry.setText(self.tr("Try again"))

    def _draw_warning(self, picture: ApiPicture) -> None:
        said = []
        if picture.open_to_all:
            said.append(self.tr("No key is needed: every program on this computer can ask."))
        if picture.beyond:
            said.append(self.tr("Other computers can ask too, if they have a key."))
        if said:
            said.append(self.tr("It was started so by “deskseek serve”, and ends with it."))
        self._warning.setVisible(bool(said))
        self._warned.setText("\n".join(said))
