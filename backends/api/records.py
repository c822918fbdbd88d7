"""What becomes of a request besides its answer: shown while it lasts, counted, written down."""

import time
from collections.abc import Callable

from backends.api.calls import Call
from backends.api.live import LiveCalls
from backends.api.metrics import Meter
from backends.api.request_log import RequestLog

__all__ = ["Records"]


class Records:
    """The guard tells it when a request begins and when its last byte has gone. On the event loop."""

    def __init__(self, live: LiveCalls, log: RequestLog, meter: Meter, keeps_texts: Callable[[], bool]) -> None:
        self.live, self.log, self.meter, self.keeps_texts = live, log, meter, keeps_texts

    def began(self, call: Call) -> None:
        self.live.began(call)

    def ended(self, call: Call) -> None:
        """Who is no longer shown as live has been counted and written down."""
        call.state = "done"
        self.meter.ended(call, time.monotonic() - call.started)
        if call.route is None or call.route.path != "/health":  # nobody wants to read of those who only knock
            self.log.put(call, texts=self.keeps_texts())
        self.live.ended(call)
