"""What is really drawn, measured: the contrast of every text on the ground it stands on (WCAG 1.4.3; what is disabled
is exempt), and how much of a control looks otherwise while it has the focus (2.4.7).

`python -m tests.kit.legible [scene …]` measures all scenes of `tests.kit.shots` in both schemes, some minutes; the
tests do a few.
"""

import os
import sys
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage, QRegion, QTextBlock, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from app import theme
from app.application import Application
from app.tab_order import stops
from backends.core.phrase import Language
from tests.kit import looks, shots

ENOUGH = 4.5
COVERED = ("documents_many", "panel_menu")  # bars stand for rows that are being read; a menu is painted over rows
RING = 40  # pixels; a text cursor has fewer
RING_CONTRAST = 3
_MINUTE = 60_000
_SCALE = 2  # at which letters have whole pixels of their colour
_GAP = 10  # logical pixels between what are two texts
_PICTURE = 26  # logical: what is as wide and as high, or less, is an icon

Pixels = np.ndarray  # (height, width) of 0xrrggbb


def picture(window: QWidget, scale: int = _SCALE) -> QImage:
    image = QImage(window.size() * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    window.render(image)
    return image


def pixels(image: QImage) -> Pixels:
    raw = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.bytesPerLine() // 4)
    return raw[:, : image.width()] & 0xFFFFFF


def luminance(colors: Pixels) -> np.ndarray:
    channels = np.stack([colors >> 16, (colors >> 8) & 255, colors & 255]).astype(float) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.tensordot((0.2126, 0.7152, 0.0722), linear, 1)


def contrasts(colors: Pixels, ground: int) -> np.ndarray:
    """Of each pixel to the ground, 1 to 21."""
    levels, base = luminance(colors), float(luminance(np.array([ground]))[0])
    return (np.maximum(levels, base) + 0.05) / (np.minimum(levels, base) + 0.05)


def usual(part: Pixels) -> int:
    """The colour that most of it has."""
    colors, counts = np.unique(part, return_counts=True)
    return int(colors[counts.argmax()])


def faint_texts(window: QWidget) -> Iterator[str]:
    """What is written with less contrast than enough, with its colours."""
    whole = pixels(picture(window))
    for widget in looks.seen(window):
        whole_seen = widget.visibleRegion().boundingRect() == widget.rect()
        if not widget.isEnabled() or widget.window() is not window or not whole_seen:
            continue
        if isinstance(widget, QTextEdit | QPlainTextEdit):
            yield from _of_document(widget, _cut(whole, window, widget.viewport(), widget.viewport().rect()))
        elif isinstance(widget, QAbstractItemView):
            for rect in _rows(widget):
                yield from _of_part(widget, _cut(whole, window, widget.viewport(), rect))
        elif _written(widget):
            yield from _of_part(widget, _cut(whole, window, widget, widget.visibleRegion().boundingRect()))


def _written(widget: QWidget) -> bool:
    if isinstance(widget, QLabel | QAbstractButton):
        return bool(widget.text()) and not any(child.isVisibleTo(widget) for child in widget.findChildren(QWidget))
    return isinstance(widget, QLineEdit | QComboBox)


def _rows(view: QAbstractItemView) -> Iterator[QRect]:
    for row in range(view.model().rowCount()):
        rect = view.visualRect(view.model().index(row, 0))
        if QRegion(rect).subtracted(view.viewport().visibleRegion()).isEmpty():
            yield rect


def _cut(whole: Pixels, window: QWidget, widget: QWidget, rect: QRect) -> Pixels:
    rect = (rect & widget.visibleRegion().boundingRect()).translated(widget.mapTo(window, QPoint(0, 0)))
    top, left, inside = rect.top() * _SCALE, rect.left() * _SCALE, 3 * _SCALE  # without a frame
    part = whole[top : top + rect.height() * _SCALE, left : left + rect.width() * _SCALE]
    return part[inside:-inside, inside:-inside] if min(part.shape) > 4 * inside else part


def _of_part(widget: QWidget, part: Pixels) -> Iterator[str]:
    if part.size == 0:
        return
    ground = usual(part)
    levels = contrasts(part, ground)
    for top, bottom in _runs((part != ground).any(axis=1), 1):
        for left, right in _runs((part[top:bottom] != ground).any(axis=0), _GAP * _SCALE):
            height, width = (bottom - top) / _SCALE, (right - left) / _SCALE
            if height < 5 or height > 40 or width < 6 or max(height, width) <= _PICTURE:
                continue
            group = levels[top:bottom, left:right]
            best = float(group.max())
            if best < ENOUGH:
                color = int(part[top:bottom, left:right].flat[group.argmax()])
                yield _told(widget, best, color, ground)


def _of_document(widget: QTextEdit | QPlainTextEdit, part: Pixels) -> Iterator[str]:
    """By its formats, as a text may have many colours; where nothing is written, what stands there instead."""
    if part.size == 0:
        return
    if widget.document().isEmpty():
        yield from _of_part(widget, part)
        return
    ground = usual(part)
    own = widget.palette().color(widget.palette().ColorRole.Text)
    document: QTextDocument = widget.document()
    block: QTextBlock = document.begin()
    told: set[tuple[int, int]] = set()
    while block.isValid():
        iterator = block.begin()
        while not iterator.atEnd():
            fragment = iterator.fragment()
            given = fragment.charFormat()
            color = given.foreground().color() if given.foreground().style().value else own
            behind = given.background().color().rgb() & 0xFFFFFF if given.background().style().value else ground
            pair = (color.rgb() & 0xFFFFFF, behind)
            if fragment.text().strip("\ufffc\u2028 ") and pair not in told:
                told.add(pair)
                best = float(contrasts(np.array([pair[0]]), behind)[0])
                if best < ENOUGH and color.alpha():
                    yield _told(widget, best, *pair, fragment.text())
            iterator += 1
        block = block.next()


def _runs(marked: np.ndarray, gap: int) -> Iterator[tuple[int, int]]:
    """Where it is true, as (begin, end); what is nearer than `gap` is one."""
    places = np.flatnonzero(marked)
    if places.size:
        ends = np.flatnonzero(np.diff(places) > gap)
        begins = places[np.concatenate(([0], ends + 1))]
        yield from zip(begins.tolist(), (places[np.concatenate((ends, [places.size - 1]))] + 1).tolist(), strict=True)


def kind(control: QWidget) -> tuple[str, ...]:
    """Controls of the same kind show their focus alike."""
    on = str(isinstance(control, QAbstractButton) and control.isChecked())
    return type(control).__name__, str(control.property("kind")), type(control.parent()).__name__, on


def unseen_focus(window: QWidget, known: set[tuple[str, ...]]) -> Iterator[str]:
    """Controls that look alike with and without the focus: fewer than `RING` pixels change by 3:1. Each kind once."""
    window.activateWindow()
    if not QTest.qWaitForWindowActive(window, _MINUTE):
        raise TimeoutError("the window does not become active")
    next(stops(window)).setFocus(Qt.FocusReason.TabFocusReason)
    seen: set[QWidget] = set()
    while (control := QApplication.focusWidget()) not in seen:
        if control is None:
            yield "nothing has the focus after Tab"
            return
        seen.add(control)
        if kind(control) not in known:
            known.add(kind(control))
            pixels_changed = changed(window, control)
            if pixels_changed < RING:
                words = control.accessibleName() or control.property("text")
                yield f"{kind(control)} {words!r}: {pixels_changed} pixels change by {RING_CONTRAST}:1"
        QTest.keyClick(control, Qt.Key.Key_Tab)


def changed(window: QWidget, control: QWidget) -> int:
    """Pixels that are clearly others while `control` has the focus, which it has got."""
    looks.settle()
    focused = pixels(picture(window, 1))
    control.clearFocus()
    looks.settle()
    alone = pixels(picture(window, 1))
    control.setFocus(Qt.FocusReason.TabFocusReason)
    there = alone != focused
    old, new = luminance(alone[there]), luminance(focused[there])
    return int(((np.maximum(old, new) + 0.05) / (np.minimum(old, new) + 0.05) >= RING_CONTRAST).sum())


def _told(widget: QWidget, best: float, color: int, ground: int, text: str = "") -> str:
    words = text or str(widget.property("text") or widget.accessibleName())
    return f"{type(widget).__name__} {words[:50]!r}: {best:.2f}, #{color:06x} on #{ground:06x}"


def measured(app: Application, scene: str, known: set[tuple[str, ...]], language: Language = "en") -> list[str]:
    """What cannot be seen well in a scene; `known`: kinds of controls whose focus was seen."""
    studio = shots.Studio(app, language)
    studio.window.resize(1280, 800)
    studio.window.show()
    looks.settle()
    shots.SCENES[scene](studio)
    while (popup := QApplication.activePopupWidget()) is not None:
        popup.close()
    looks.settle()
    found = [*faint_texts(studio.window), *unseen_focus(studio.window, known)]
    studio.window.close()
    studio.window.deleteLater()
    looks.settle()
    return found


def main() -> int:
    app = Application(["deskseek"])
    faint = 0
    for scheme in shots.SCHEMES:
        app.follow(scheme, "en")
        known: set[tuple[str, ...]] = set()
        for scene in sys.argv[1:] or [name for name in shots.SCENES if name not in COVERED]:
            for said in measured(app, scene, known):
                faint += 1
                print(f"{scene}, {theme.tokens().scheme}: {said}", flush=True)
    print(f"{faint} things are hard to see")
    return 1 if faint else 0


if __name__ == "__main__":
    sys.exit(main())
