"""Where the window was: size, place, the conversation panel's width and closed folders. Losing it is no loss."""

import base64
import binascii
import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QWidget

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WindowState:
    geometry: str = ""  # base64 of what Qt saves
    panel_width: int = 264
    panel_open: bool = True
    last_conversation: str = ""
    closed_folders: list[int] = field(default_factory=list)


def load(path: Path) -> WindowState:
    """What was saved; the defaults if there is nothing that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return WindowState()
    if not isinstance(found, dict):
        return WindowState()
    kept = {name: found[name] for name, kind in _KINDS.items() if type(found.get(name)) is kind}
    return WindowState(**kept)


def save(path: Path, state: WindowState) -> None:
    try:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(state)), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        log.warning("the window's place was not saved: %s", error)


def geometry_of(window: QWidget) -> str:
    return base64.b64encode(window.saveGeometry().data()).decode()


def restore_geometry(window: QWidget, geometry: str) -> bool:
    """Put the window where it was (Qt keeps it on a screen that exists). False if there was nothing usable."""
    try:
        data = base64.b64decode(geometry, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(data) and window.restoreGeometry(QByteArray(data))


_KINDS = {"geometry": str, "panel_width": int, "panel_open": bool, "last_conversation": str, "closed_folders": list}
