"""Where the window was, and what was on it. Losing it is no loss.

The place is kept relative to its screen, which has a name: with the screen gone, or smaller than it was, the window
comes wholly onto one that is there.
"""

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

log = logging.getLogger(__name__)

_LEAST = 100  # pixels; a smaller window is none


@dataclass(frozen=True, slots=True)
class WindowState:
    screen: str = ""
    # left and top on its screen, width, height, and what its frame adds to those; in logical pixels
    place: list[int] = field(default_factory=list)
    maximized: bool = False
    panel_width: int = 264
    panel_open: bool = True
    last_conversation: int = 0  # 0: none was open
    page: str = ""
    closed_folders: list[int] = field(default_factory=list)
    reading: list[int] = field(default_factory=list)  # as `ReadingPlaces.written` gives it


def load(path: Path) -> WindowState:
    """What was saved; the defaults if there is nothing that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return WindowState()
    if not isinstance(found, dict):
        return WindowState()
    usual = asdict(WindowState())
    kept = {name: found[name] for name, value in usual.items() if _alike(found.get(name), value)}
    return WindowState(**kept)


def save(path: Path, state: WindowState) -> None:
    try:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(state)), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        log.warning("the window's place was not saved: %s", error)


def with_place(state: WindowState, window: QWidget) -> WindowState:
    """`state`, with where the window is now; of a maximised or minimised one, where it would be otherwise."""
    maximized = bool(window.windowState() & (Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen))
    usual = window.normalGeometry() if maximized or window.isMinimized() else QRect(window.pos(), window.size())
    screen = window.screen()
    corner = usual.topLeft() - screen.availableGeometry().topLeft()
    frame = window.frameGeometry().size() - window.size()
    place = [corner.x(), corner.y(), usual.width(), usual.height(), frame.width(), frame.height()]
    return replace(state, screen=screen.name(), place=place, maximized=maximized)


def restore(window: QWidget, state: WindowState) -> bool:
    """Put the window where it was, as much as is possible. False if that is not known."""
    if len(state.place) != 6 or min(state.place[2:4]) < _LEAST:
        return False
    left, top, width, height, *frame = state.place
    screen = _screen(state.screen)
    room = screen.availableGeometry().adjusted(0, 0, -max(0, frame[0]), -max(0, frame[1]))
    width = max(window.minimumWidth(), min(width, room.width()))
    height = max(window.minimumHeight(), min(height, room.height()))
    left = max(0, min(left, room.width() - width))
    top = max(0, min(top, room.height() - height))
    window.setScreen(screen)
    window.resize(width, height)
    window.move(room.topLeft() + QPoint(left, top))
    if state.maximized:
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
    return True


def _screen(name: str) -> QScreen:
    named = (screen for screen in QGuiApplication.screens() if screen.name() == name)
    return next(named, QGuiApplication.primaryScreen())


def _alike(found: object, usual: object) -> bool:
    if isinstance(found, list):
        return isinstance(usual, list) and all(type(one) is int for one in found)
    return type(found) is type(usual)
