"""What each model did on each day of the local calendar, kept for two years."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backends.engine.figures import NO_WORK, Work
from backends.hardware.samples import GpuSample
from backends.monitor.meter import rate
from backends.monitor.types import Day
from backends.storage.database import Connected

KEPT = 731 * 86_400.0  # seconds

_FIELDS = (
    "answers",
    "prompt_tokens",
    "cached_tokens",
    "prefill_seconds",
    "generated_tokens",
    "decoded_tokens",
    "decode_seconds",
    "begun",
    "first_token_seconds",
    "busy_seconds",
)


@dataclass(slots=True)
class Sum:
    """`work` of some time, and the watt hours of the GPUs in it; None: no card told its power."""

    work: Work = NO_WORK
    energy: float | None = None

    def add(self, work: Work, energy: float | None) -> None:
        self.work = Work(**{field: getattr(self.work, field) + getattr(work, field) for field in Work.__slots__})
        if energy is not None:
            self.energy = (self.energy or 0.0) + energy


Sums = Mapping[tuple[str, str], Sum]
"""By day and model."""


def day_of(at: float) -> str:
    """Of a time since 1970, here."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def first_day(now: float, days: int) -> str:
    """Of so many days, of which that of `now` is the last. Where clocks are put forward or back, one has not 24 h."""
    return str(date.fromtimestamp(now) - timedelta(days=days - 1))


def energy(cards: Sequence[GpuSample], busy: float) -> float | None:
    """Watt hours of the cards in so many seconds, by their power of now."""
    told = [card.power for card in cards if card.power is not None]
    return sum(told) * busy / 3600 if told else None


def add(connection: Connected, sums: Sums) -> None:
    """Inside of a transaction."""
    grown = ", ".join(f"{field} = {field} + excluded.{field}" for field in _FIELDS)
    for (day, model), each in sums.items():
        values = [getattr(each.work, field) for field in _FIELDS]
        connection.execute(
            f"INSERT INTO days (day, model, {', '.join(_FIELDS)}, energy) VALUES ({', '.join('?' * (len(values) + 3))})"
            f" ON CONFLICT DO UPDATE SET {grown},"
            " energy = CASE WHEN excluded.energy IS NULL THEN energy ELSE coalesce(energy, 0) + excluded.energy END",
            (day, model, *values, each.energy),
        )


def prune(connection: Connected, now: float) -> None:
    connection.execute("DELETE FROM days WHERE day < ?", (day_of(max(0.0, now - KEPT)),))


def read(connection: Connected, since: str | None) -> tuple[Day, ...]:
    """The newest first; of one day, who computed longest first."""
    rows = connection.execute(
        "SELECT * FROM days WHERE ? IS NULL OR day >= ? ORDER BY day DESC, busy_seconds DESC, model", (since, since)
    ).fetchall()
    return tuple(
        Day(
            day=row["day"],
            model=row["model"],
            answers=row["answers"],
            prompt_tokens=row["prompt_tokens"],
            cached_tokens=row["cached_tokens"],
            generated_tokens=row["generated_tokens"],
            prefill=rate(row["prompt_tokens"], row["prefill_seconds"]),
            decode=rate(row["decoded_tokens"], row["decode_seconds"]),
            first_token=rate(row["first_token_seconds"], row["begun"]),
            busy=row["busy_seconds"],
            energy=row["energy"],
        )
        for row in rows
    )
