"""What the window has to say, in place: no dialog where a line will do.

`error_notice()` is the one function that turns an error into something shown. A `Notice` has a sentence, what
to do about it, and buttons; a `NoticeBoard` shows a few of them below each other, at the top of the page or
wherever a page keeps one of its own. A notice stays until it is answered, closed, or replaced by one with the
same key: no timer runs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, count
from typing import Literal

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from app import parts
from app.language import Retranslated, say
from app.theme import SPACE
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Phrase

Tone = Literal["info", "success", "warning", "danger"]

_NUMBERS = count(1)  # of banners, in the order in which they came
_ICONS = {"info": "info", "success": "circle-check", "warning": "triangle-alert", "danger": "circle-alert"}


@dataclass(frozen=True, slots=True)
class NoticeButton:
    """Pressing it does `pressed` and, unless `stays`, takes the notice away."""

    text: Phrase | str
    pressed: Callable[[], object]
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """`message`: what happened and why. `hint`: what to do. One of each `key` is shown at a time. `gone` is called when
    it was taken away and neither one of its buttons did it nor a notice with its key."""

    message: Phrase | str
    hint: Phrase | str = NOTHING
    tone: Tone = "info"
    buttons: tuple[NoticeButton, ...] = ()
    key: str = ""
    closable: bool = True
    gone: Callable[[], object] | None = None


def error_notice(error: BackendError, *buttons: NoticeButton) -> Notice:
    return Notice(error.message, error.hint, "danger", buttons, key=f"error:{error.code}")


class Banner(Retranslated, QFrame):
    """One notice on the screen."""

    def __init__(self, notice: Notice, closed: Callable[["Banner"], None] | None = None) -> None:
        super().__init__()
        self.notice = notice
        self.number = next(_NUMBERS)
        self._closed = closed
        self._place, self._total = 1, 1
        self._go_on: Callable[[], object] = lambda: None
        self.answered = False
        self.setProperty("surface", notice.tone)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        tone = "accent" if notice.tone == "info" else notice.tone
        self._message = parts.label(wrap=True, select=True)
        self._hint = parts.label(tone="muted", wrap=True, select=True)
        self._buttons = [parts.button(kind="secondary") for _ in notice.buttons]
        for widget, spec in zip(self._buttons, notice.buttons, strict=True):
            widget.clicked.connect(lambda _=False, spec=spec: self._press(spec))
        self._more = parts.icon_button("ellipsis")
        self._rest = parts.menu(self)
        self._more.clicked.connect(self._on_more)
        self._more.setParent(self)
        self._more.hide()
        self._line: QHBoxLayout | None = None
        picture = parts.column(parts.picture(_ICONS[notice.tone], tone, 20), space=0)
        picture.setAlignment(Qt.AlignmentFlag.AlignTop if say(notice.hint) else Qt.AlignmentFlag.AlignVCenter)
        words = parts.column(None, self._message, self._hint, None, space=SPACE.xs)
        layout = parts.row(picture, words, space=SPACE.m, margin=(SPACE.l, SPACE.m, SPACE.s, SPACE.m))
        layout.setStretch(1, 1)
        if len(self._buttons) == 1:
            layout.addLayout(parts.column(None, *self._buttons, None, space=0))
        elif self._buttons:
            words.insertSpacing(3, SPACE.xs)
            self._line = parts.row(*self._buttons, self._more, None)
            words.insertLayout(4, self._line)
        self._close = parts.icon_button("x", size=16)
        self._close.clicked.connect(self.dismiss)
        self.turn = parts.button(kind="link")
        self.turn.clicked.connect(lambda: self._go_on())
        layout.addLayout(parts.column(None, self.turn, None, space=0))
        layout.addLayout(parts.column(None, self._close, None, space=0, margin=(0, 0, SPACE.xs, 0)))
        self.setLayout(layout)
        self._close.setVisible(notice.closable and closed is not None)  # in its place: else it is a window of its own
        self.turn.hide()
        self.retranslate()

    def retranslate(self) -> None:
        message, hint = say(self.notice.message), say(self.notice.hint)
        self._message.setText(message)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        for widget, spec in zip(self._buttons, self.notice.buttons, strict=True):
            widget.setText(say(spec.text))
        parts.name_button(self._close, self.tr("Close this notice"))
        parts.name_button(self._more, self.tr("More"))
        self.setAccessibleName(f"{message} {hint}".strip())
        self._say_turn()
        self._arrange()

    def show_turn(self, place: int, total: int, go_on: Callable[[], object]) -> None:
        """Where one stands for `total`: which of them it is, and the way to the next one."""
        self._place, self._total, self._go_on = place, total, go_on
        self._say_turn()
        self.turn.setVisible(total > 1)

    def _say_turn(self) -> None:
        words = self.tr("%1 of %2").replace("%1", str(self._place)).replace("%2", str(self._total))
        self.turn.setText(words)
        self.turn.setAccessibleName(self.tr("Notice %1: show the next one").replace("%1", words))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Buttons that find no room beside each other are in a menu behind them."""
        if self._line is None:
            return
        room = self._line.geometry().width()
        ends = list(accumulate(button.sizeHint().width() + SPACE.s for button in self._buttons))
        if ends[-1] - SPACE.s > room:
            room -= self._more.sizeHint().width()
            self._more.show()
        else:
            self._more.hide()
        for n, (button, end) in enumerate(zip(self._buttons, ends, strict=True)):
            button.setVisible(not n or end - SPACE.s <= room)

    def _on_more(self) -> None:
        self._rest.clear()
        for button in self._buttons:
            if button.isHidden():
                self._rest.addAction(button.text(), button.click)
        self._rest.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    @Slot()
    def dismiss(self) -> None:
        if self._closed is not None:
            self._closed(self)

    def press(self, index: int) -> None:
        """What the person does with the mouse."""
        self._buttons[index].click()

    def _press(self, spec: NoticeButton) -> None:
        if not spec.stays:
            self.answered = True
            self.dismiss()
        spec.pressed()


class NoticeBoard(QWidget):
    """Shows notices below each other, the newest on top, three at most. No room taken while there are none."""

    changed = Signal()  # one has come or gone

    LIMIT = 3

    def __init__(self, margin: int | tuple[int, int, int, int] = 0) -> None:
        super().__init__()
        self._layout = parts.column(space=SPACE.s, margin=margin)
        self.setLayout(self._layout)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def banners(self) -> list[Banner]:
        items = (self._layout.itemAt(index) for index in range(self._layout.count()))
        return [widget for item in items if item is not None and isinstance(widget := item.widget(), Banner)]

    def post(self, notice: Notice) -> Banner:
        for banner in self.banners:
            if notice.key and banner.notice.key == notice.key:
                banner.answered = True  # by what is said now
                self._remove(banner)
        for banner in self.banners[self.LIMIT - 1 :]:
            self._remove(banner)
        banner = Banner(notice, self._remove)
        self._layout.insertWidget(0, banner)
        self.show()
        self.changed.emit()
        return banner

    @property
    def on_page(self) -> bool:
        """Its notices are seen, or would be."""
        place = self.parentWidget()
        return place is None or place.isVisibleTo(self.window())

    def height_of_all(self) -> int:
        """Pixels that it would take if all of them were shown, as wide as it may be; of one in another page none."""
        place = self.parentWidget()
        if not self.banners or place is None or not self.on_page:
            return 0
        margins = self._layout.contentsMargins()
        width = place.contentsRect().width() - margins.left() - margins.right()
        return margins.top() + margins.bottom() + sum(banner.heightForWidth(width) + SPACE.s for banner in self.banners)

    def post_error(self, error: BackendError, *buttons: NoticeButton) -> None:
        self.post(error_notice(error, *buttons))

    def withdraw(self, key: str) -> None:
        """Take the notice with this key away, if it is there."""
        for banner in self.banners:
            if banner.notice.key == key:
                self._remove(banner)

    def clear(self) -> None:
        for banner in self.banners:
            self._remove(banner)

    def _remove(self, banner: Banner) -> None:
        self._layout.removeWidget(banner)
        banner.hide()
        banner.deleteLater()
        self.setVisible(bool(self.banners))
        self.changed.emit()
        if banner.notice.gone is not None and not banner.answered:
            banner.answered = True
            banner.notice.gone()
