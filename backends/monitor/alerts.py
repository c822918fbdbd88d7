"""Thresholds: a card that is too hot or gone, memory and disk that are nearly full.

One notice, not twenty: something counts as over when it was over all the time for some seconds, and as well again when
it was clearly below for as long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backends.core.monitor_settings import MonitorSettings
from backends.core.phrase import NOTHING, Phrase
from backends.hardware.samples import GpuSample
from backends.monitor.types import Alert, Sample

LASTING = 10.0  # seconds until it is told, either way
COOLER = 5.0  # °C below the threshold, from where on it is well again
ROOMIER = 1.25  # times the threshold, likewise
GB, MIB = 1e9, 1 << 20
_OVER = Phrase("This warning is over.", "此提醒已解除。")


@dataclass(frozen=True, slots=True)
class _Reading:
    """`over`: beyond the threshold; `well`: clearly within it, which `better` says. Neither: it stays as it is."""

    alert: Alert
    better: Phrase
    over: bool
    well: bool


class Alarms:
    """On one thread. `standing`: those that are over, in the order in which they came."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], Alert] = {}
        self._turning: dict[tuple[str, str], float] = {}  # since when it is on its way to the other side

    @property
    def standing(self) -> tuple[Alert, ...]:
        return tuple(self._standing.values())

    def look(self, sample: Sample, settings: MonitorSettings, folder: str) -> tuple[Alert, ...]:
        """What begins with this sample and what is over. `folder`: that of the models. What cannot be read any more,
        or is not to be told any more, is over, but for a disk that is only not read just now."""
        readings = {_key(reading.alert): reading for reading in _readings(sample, settings, folder)}
        silent_disk = {("disk", folder)} if settings.alerts and settings.disk_free else set[tuple[str, str]]()
        self._turning = {key: since for key, since in self._turning.items() if key in readings}
        changed: list[Alert] = []
        for key, reading in readings.items():
            stands = key in self._standing
            if not (reading.well if stands else reading.over):
                self._turning.pop(key, None)
            elif sample.clock - self._turning.setdefault(key, sample.clock) >= LASTING:
                del self._turning[key]
                changed.append(self._end(key, reading.better, _OVER) if stands else self._begin(reading.alert))
        unread = [key for key in self._standing if key not in readings and key not in silent_disk]
        return (*changed, *map(self._end, unread))

    def rest(self) -> tuple[Alert, ...]:
        """Nothing is sampled for a while: what stands of cards is over, a disk stays full."""
        self._turning.clear()
        return tuple(self._end(key) for key in [*self._standing] if key[0] != "disk")

    def _begin(self, alert: Alert) -> Alert:
        self._standing[_key(alert)] = alert
        return alert

    def _end(self, key: tuple[str, str], message: Phrase = NOTHING, hint: Phrase = NOTHING) -> Alert:
        return replace(self._standing.pop(key), over=False, message=message, hint=hint)


def _key(alert: Alert) -> tuple[str, str]:
    return alert.kind, alert.subject


def _readings(sample: Sample, settings: MonitorSettings, folder: str) -> Iterator[_Reading]:
    if not settings.alerts:
        return
    cards = sample.hardware.gpus
    for card in cards:
        name = _name(card, cards)
        here = Phrase(f"{name} answers again.", f"{name} 已恢复响应。")
        yield _Reading(_gone(card, name), here, card.state in ("lost", "silent"), card.state == "ok")
        if card.temperature is not None:
            limit = float(settings.temperature)
            degrees = f"{card.temperature:.0f} °C"
            cool = Phrase(f"{name} has cooled down to {degrees}.", f"{name} 已降温至 {degrees}。")
            alert = _hot(card, name, degrees)
            yield _Reading(alert, cool, card.temperature >= limit, card.temperature < limit - COOLER)
        if settings.vram_free and not card.unified and card.memory_total and card.memory_used is not None:
            free, limit = card.memory_total - card.memory_used, settings.vram_free * MIB
            left = f"{free / MIB:.0f} MiB"
            room = Phrase(
                f"The memory of {name} has room again: {left} are free.", f"{name} 的显存已恢复充足：剩余 {left}。"
            )
            yield _Reading(_full(card, name, left), room, free < limit, free > limit * ROOMIER)
    system = sample.hardware.system
    if settings.disk_free and system.disk_free is not None:
        limit, free = settings.disk_free * GB, system.disk_free
        left = f"{free / GB:.1f} GB"
        room = Phrase(
            f"The disk with the models has room again: {left} are free.", f"模型所在磁盘空间已恢复充足：剩余 {left}。"
        )
        yield _Reading(_disk(folder, left), room, free < limit, free > limit * ROOMIER)


def _name(card: GpuSample, cards: Sequence[GpuSample]) -> str:
    """With its number, where there are several of that name."""
    alike = [other.key for other in cards if other.name == card.name]
    return card.name if len(alike) == 1 else f"{card.name} ({[other.key for other in cards].index(card.key) + 1})"


def _gone(card: GpuSample, name: str) -> Alert:
    lost = card.state == "lost"
    return Alert(
        "gpu",
        card.key,
        True,
        Phrase(f"{name} is not there any more.", f"{name} 已断开。")
        if lost
        else Phrase(f"The driver of {name} does not answer.", f"{name} 的驱动没有响应。"),
        Phrase(
            "Save your work and start the computer again. If it comes back, look at power and cooling of the card.",
            "请保存工作并重新启动电脑。如果再次出现，请检查显卡的供电和散热。",
        )
        if lost
        else Phrase(
            "DeskSeek goes on asking it. If it lasts, start the computer again.",
            "DeskSeek 会继续尝试。如果一直没有响应，请重新启动电脑。",
        ),
        "danger",
    )


def _hot(card: GpuSample, name: str, degrees: str) -> Alert:
    return Alert(
        "temperature",
        card.key,
        True,
        Phrase(f"{name} is at {degrees}.", f"{name} 温度已达 {degrees}。"),
        Phrase("Look at its fans and at the air around it.", "请检查风扇和通风情况。"),
    )


def _full(card: GpuSample, name: str, left: str) -> Alert:
    return Alert(
        "vram",
        card.key,
        True,
        Phrase(
            f"The memory of {name} is nearly full: {left} are free.",
            f"{name} 的显存即将用尽：剩余 {left}。",
        ),
        Phrase(
            "Close other programs that use it, or load the model with a shorter context.",
            "请关闭占用显存的其他程序，或用更短的上下文加载模型。",
        ),
    )


def _disk(folder: str, left: str) -> Alert:
    return Alert(
        "disk",
        folder,
        True,
        Phrase(
            f"The disk with the models is nearly full: {left} are free.",
            f"模型所在磁盘即将用尽：剩余 {left}。",
        ),
        Phrase("Remove models that you do not need.", "请删除不需要的模型。"),
    )
