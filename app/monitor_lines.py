"""Which plots the monitor has, and the lines of each."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QCoreApplication

from app import figures
from app.plot_scales import Line, Scale

MEMORY_USED = "system.memory_used"  # made of what is there and what is free


def _tokens(value: float) -> str:
    return figures.number(round(value))


def _memory(value: float) -> str:
    return figures.memory_size(round(value))


_SHARE = Scale(figures.percent, figures.percent, top=1.0, widest=1.0)
_SIZE = Scale(_memory, _memory, least=float(1 << 32), base=1024, widest=888.8 * (1 << 20))
SCALES: Mapping[str, Scale] = {
    "writing": Scale(figures.rate, _tokens, least=10.0),
    "reading": Scale(figures.rate, _tokens, least=100.0),
    "use": _SHARE,
    "vram": _SIZE,
    "memory": _SIZE,
    "temperature": Scale(figures.temperature, figures.temperature, least=80.0, widest=88.0),
    "power": Scale(figures.power, figures.power, least=100.0, widest=888.0),
    "moved": Scale(figures.speed, figures.speed, least=1_000_000.0, widest=888.0),
}
_CARDS = {"use": "use", "vram": "memory_used", "temperature": "temperature", "power": "power"}


def names(cards: Sequence[tuple[str, str]]) -> list[str]:
    """The series that are drawn of a machine with these cards."""
    return [line.name for kind in SCALES for line in lines(kind, cards)]


def lines(kind: str, cards: Sequence[tuple[str, str]]) -> list[Line]:
    """Of one plot; a plot without lines is not shown."""
    translate = QCoreApplication.translate
    processor = translate("monitor", "Processor")
    found: list[Line] = []
    if kind in _CARDS:
        found = [Line(f"gpu.{key}.{_CARDS[kind]}", name, n) for n, (key, name) in enumerate(cards)]
    if kind == "writing":
        found = [Line("engine.decode", translate("monitor", "Writing"))]
    elif kind == "reading":
        found = [Line("engine.prefill", translate("monitor", "Reading"))]
    elif kind == "use":
        found.append(Line("system.cpu", processor, -1))
    elif kind == "memory":
        found = [
            Line("system.memory_own", translate("monitor", "This program")),
            Line(MEMORY_USED, translate("monitor", "In all"), -1),
        ]
    elif kind == "temperature":
        found.append(Line("system.cpu_temperature", processor, -1))
    elif kind == "moved":
        found = [
            Line("system.disk_read", translate("monitor", "Read"), 0),
            Line("system.disk_written", translate("monitor", "Written"), 1),
            Line("traffic.received", translate("monitor", "From the net"), 2),
            Line("traffic.sent", translate("monitor", "To the net"), 3),
            Line("traffic.api_received", translate("monitor", "From programs"), 4),
            Line("traffic.api_sent", translate("monitor", "To programs"), 5),
        ]
    return found
