"""The keys of the API: each with what it may do, a new one, its secret shown once, revoking and erasing."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from app import api_words, parts, theme
from app.api_picture import ApiPicture, MadeKey
from app.language import Retranslated, say
from app.theme import SPACE
from app.widgets.api_new_key import ApiNewKey
from app.widgets.confirm import Confirm
from app.widgets.copy_button import CopyButton
from app.widgets.elided import ElidedLabel
from backends.governance.keys import Key


class ApiKeys(Retranslated, QWidget):
    revoke_requested = Signal(str)
    erase_requested = Signal(str)
    secret_seen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._picture = ApiPicture()
        self._lead = parts.label(tone="muted", wrap=True)
        self.new = parts.button(kind="secondary", icon="plus")
        self.new.clicked.connect(self.ask)
        self.form = ApiNewKey()
        self.form.left.connect(lambda: self.new.setFocus())
        self.secret = _Secret()
        self.secret.seen.connect(self.secret_seen)
        self._nothing = parts.label(tone="muted", wrap=True)
        self._column = parts.column(space=SPACE.s)
        self.rows: dict[str, _Row] = {}
        head = parts.row(self._lead, self.new, space=SPACE.l)
        head.setStretch(0, 1)
        self.setLayout(parts.column(head, self.form, self.secret, self._nothing, self._column))
        self.retranslate()

    def retranslate(self) -> None:
        self._lead.setText(self.tr("Each program has a key of its own: then one can be taken back without the others."))
        self.new.setText(self.tr("New key…"))
        self._draw()

    @Slot()
    def ask(self) -> None:
        """For a new key."""
        self.form.ask()

    def show_picture(self, picture: ApiPicture) -> None:
        made = picture.made is not None and picture.made != self._picture.made
        self._picture = picture
        self.secret.show_made(picture.made)
        if made:
            self.form.hide()
            self.secret.setFocus()
        self._draw()

    def _draw(self) -> None:
        keys = self._picture.keys
        said = ""
        if keys is None:
            said = say(self._picture.trouble) or self.tr("Looking…")
        elif not keys:
            said = self.tr("There is no key yet. Without one, no program can ask.")
        self._nothing.setText(said)
        self._nothing.setVisible(bool(said))
        wanted = {key.id for key in keys or ()}
        for gone in self.rows.keys() - wanted:
            row = self.rows.pop(gone)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for place, key in enumerate(keys or ()):
            row = self.rows.get(key.id)
            if row is None:
                row = self.rows[key.id] = _Row()
                row.revoke_requested.connect(self.revoke_requested)
                row.erase_requested.connect(self.erase_requested)
                self._column.insertWidget(place, row)
            row.show_key(key, self._picture.last_used.get(key.id))


class _Secret(Retranslated, QFrame):
    """A key that was just made."""

    seen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "success")
        self._made: MadeKey | None = None
        self._title = parts.label(role="strong", wrap=True)
        self.text = QLineEdit()
        self.text.setReadOnly(True)
        self.text.setFont(theme.current().type.font("mono"))
        self._once = parts.label(wrap=True)
        self.copy = CopyButton("primary")
        self._done = parts.button(kind="quiet")
        self._done.clicked.connect(self.seen)
        self.setFocusProxy(self.copy)
        foot = parts.row(self._once, self._done, self.copy)
        foot.setStretch(0, 1)
        self.setLayout(parts.column(self._title, self.text, foot, margin=SPACE.l))
        self.hide()
        self.retranslate()

    def show_made(self, made: MadeKey | None) -> None:
        if made != self._made:
            self._made = made
            self.retranslate()
        self.setVisible(made is not None)

    def retranslate(self) -> None:
        secret = self._made.secret if self._made else ""
        name = self._made.key.name if self._made else ""
        self._title.setText(self.tr("The key “%1” is made").replace("%1", name))
        self.text.setText(secret)
        self.text.setCursorPosition(0)
        self.text.setAccessibleName(self.tr("The key"))
        self.copy.show_text(secret)
        self.copy.name(self.tr("Copy the key"))
        self._once.setText(self.tr("Copy it now: it cannot be shown again. Only its fingerprint is stored."))
        self._done.setText(self.tr("Done"))


class _Row(Retranslated, QFrame):
    revoke_requested = Signal(str)
    erase_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._key: Key | None = None
        self._last_used: float | None = None
        self._name = ElidedLabel("strong")
        self._role = parts.label(role="pill")
        self._state = parts.label(role="pill")
        self._times = parts.label(role="caption", tone="muted", wrap=True)
        self._limits = parts.label(role="caption", wrap=True)
        self._revoke = parts.button(kind="quiet", icon="ban")
        self._erase = parts.button(kind="quiet", icon="trash-2")
        self.confirm = Confirm()
        self._revoke.clicked.connect(self._on_revoke)
        self._erase.clicked.connect(lambda: self._key and self.erase_requested.emit(self._key.id))
        self.confirm.confirmed.connect(lambda: self._key and self.revoke_requested.emit(self._key.id))
        self.confirm.declined.connect(self._on_kept)
        head = parts.row(self._name, self._role, self._state, None)
        words = parts.column(head, self._times, self._limits, space=SPACE.xs)
        row = parts.row(words, self._revoke, self._erase)
        row.setStretch(0, 1)
        self.setLayout(parts.column(row, self.confirm, margin=(SPACE.l, SPACE.m, SPACE.s, SPACE.m)))
        self.retranslate()

    def show_key(self, key: Key, last_used: float | None) -> None:
        self._key, self._last_used = key, last_used
        self.retranslate()

    def retranslate(self) -> None:
        key = self._key
        if key is None:
            return
        state = api_words.state_of_key(key)
        if state is not None:
            self.confirm.hide()
        self._name.setText(key.name)
        parts.set_look(self._name, tone="muted" if state else "")
        self._role.setText(api_words.role_name(key.role))
        self._role.setToolTip(parts.tip(api_words.role_words(key.role)))
        self._state.setText(state.words if state else "")
        self._state.setVisible(state is not None)
        if state is not None:
            parts.set_look(self._state, tone=state.tone)
        self._times.setText(api_words.times_of_key(key, self._last_used))
        self._limits.setText(api_words.limits_of_key(key))
        self._limits.setVisible(bool(self._limits.text()))
        self._revoke.setText(self.tr("Revoke"))
        self._revoke.setAccessibleName(self.tr("Revoke %1").replace("%1", key.name))
        self._revoke.setVisible(state is None and self.confirm.isHidden())
        self._erase.setText(self.tr("Erase"))
        self._erase.setAccessibleName(self.tr("Erase %1 from the list").replace("%1", key.name))
        self._erase.setVisible(state is not None)

    @Slot()
    def _on_revoke(self) -> None:
        name = self._key.name if self._key else ""
        words = self.tr("“%1” opens nothing any more, for good. What runs for it ends.")
        self.confirm.ask(words.replace("%1", name), self.tr("Revoke"))
        self._revoke.hide()

    @Slot()
    def _on_kept(self) -> None:
        self._revoke.show()
        self._revoke.setFocus()
