"""What the monitor says of a card, of its figures, and of a line over time."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app import figures
from backends.hardware.samples import GpuSample, State, Throttle


def state_pill(state: State) -> tuple[str, str]:
    """In a word, and in which tone; of one that is well: nothing."""
    said = {
        "lost": (QCoreApplication.translate("monitor", "Gone"), "danger"),
        "silent": (QCoreApplication.translate("monitor", "Does not answer"), "warning"),
        "denied": (QCoreApplication.translate("monitor", "No access"), "warning"),
    }
    return said.get(state, ("", ""))


def state_sentence(state: State) -> str:
    said = {
        "lost": QCoreApplication.translate(
            "monitor", "The driver says that this card is gone. If it does not come back, restart the computer."
        ),
        "silent": QCoreApplication.translate("monitor", "Its driver does not answer. It is asked again now and then."),
        "denied": QCoreApplication.translate("monitor", "This account may not read the figures of this card."),
    }
    return said.get(state, "")


def throttles(reasons: Sequence[Throttle]) -> str:
    """Slowed down: heat, power limit."""
    words = {
        "heat": QCoreApplication.translate("monitor", "heat"),
        "power": QCoreApplication.translate("monitor", "power limit"),
        "power_brake": QCoreApplication.translate("monitor", "power supply"),
        "hardware": QCoreApplication.translate("monitor", "protection of the card"),
        "other": QCoreApplication.translate("monitor", "other reason"),
    }
    between = QCoreApplication.translate("monitor", ", ")
    said = between.join(words[one] for one in reasons)
    return QCoreApplication.translate("monitor", "Slowed down: %1").replace("%1", said) if said else ""


def of(value: str, whole: str) -> str:
    """182 W of 320 W: with one unit, if both have the same."""
    unit = whole.rpartition(" ")[2]
    if " " in whole and value.endswith(f" {unit}"):
        value = value.removesuffix(f" {unit}")
    return QCoreApplication.translate("monitor", "%1 of %2").replace("%2", whole).replace("%1", value)


def with_limit(value: float, limit: float | None, form: figures.Form) -> str:
    return form(value) if not limit else of(form(value), form(limit))


def memory_of(used: int, total: int) -> str:
    return of(figures.memory_size(used), figures.memory_size(total))


def pcie(card: GpuSample) -> str:
    """4.0 ×16; of more, where it could be: 4.0 ×8 of ×16."""
    if card.pcie_generation is None or card.pcie_lanes is None:
        return ""
    most, lanes = card.pcie_generation_limit or card.pcie_generation, card.pcie_lanes_limit or card.pcie_lanes
    whole = f"×{lanes}" if most == card.pcie_generation else f"{most}.0 ×{lanes}"
    now = f"{card.pcie_generation}.0 ×{card.pcie_lanes}"
    return now if (card.pcie_generation, card.pcie_lanes) == (most, lanes) else of(now, whole)


def there_and_back(received: float | None, sent: float | None) -> str:
    """↓ 1.2 MB/s  ↑ 0.3 MB/s"""
    said = [("↓", received), ("↑", sent)]
    return "  ".join(f"{arrow} {figures.speed(value)}" for arrow, value in said if value is not None)


def cores(count: float) -> str:
    """How many of them are kept busy."""
    said = figures.decimal(count)
    return QCoreApplication.translate("monitor", "%1 cores").replace("%1", said)
