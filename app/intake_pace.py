"""How far taking in is, as it is shown, and how long it will take still: guessed from how fast it went."""

import time
from dataclasses import replace

from app.library import Intake
from backends.services.intakes import IntakeProgress

_SOON, _SURE = 4.0, 0.02  # seconds and share of the work after which the rest can be guessed


class IntakePace:
    def __init__(self) -> None:
        self._begun: float | None = None  # when the clock was started, and how far it was then
        self._from = 0.0

    def shown(self, progress: IntakeProgress | None) -> Intake | None:
        """None: nothing is being taken in."""
        if progress is None:
            self._begun = None
            return None
        intake = Intake(
            progress.files,
            progress.done,
            progress.failed,
            progress.name,
            progress.read,
            progress.total,
            progress.paused,
        )
        if self._begun is None or intake.paused:
            self._begun, self._from = time.monotonic(), intake.fraction
        past, part = time.monotonic() - self._begun, intake.fraction - self._from
        if past > _SOON and part > _SURE:
            intake = replace(intake, seconds_left=past * (1 - intake.fraction) / part)
        return intake
