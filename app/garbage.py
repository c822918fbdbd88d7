"""Python's cyclic garbage collector, on the GUI thread only.

Left to itself it runs on whatever thread allocates next, and a QObject in a cycle would be destroyed there:
a crash. So it is switched off, and run by hand when there is something to collect: on the Pump's turns while
something runs, and once when it comes to rest. Idle costs nothing; no timer runs for this.
"""

import gc
import threading

from PySide6.QtCore import QObject, Slot

from app.bridge import Pump


class GarbageCollector(QObject):
    """Takes over the collector as long as it lives; `close()` gives it back."""

    def __init__(self, pump: Pump) -> None:
        super().__init__(pump)
        gc.disable()
        self._thread = threading.get_ident()
        self._thresholds = gc.get_threshold()
        pump.ticked.connect(self.collect)
        pump.rested.connect(self.collect)

    @Slot()
    def collect(self) -> int | None:
        """Collect the oldest generation that is due; which one it was."""
        assert threading.get_ident() == self._thread
        counts = gc.get_count()
        for generation in (2, 1, 0):
            threshold = self._thresholds[generation] or 10  # since 3.12 some say 0: the usual ten
            if counts[generation] > threshold:
                gc.collect(generation)
                return generation
        return None

    def settle(self) -> None:
        """The app has started: what is there now stays. To look through it takes a tenth of a second each time."""
        gc.freeze()

    def close(self) -> None:
        gc.unfreeze()
        gc.enable()
