"""Made lists of connections, and scenes of their page for `tests.kit.shots`."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.lists.connections import ConnectionList
from app.widgets.connections_page import ConnectionsPage
from backends.core.connections import Connection
from backends.core.settings import Settings, with_value

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]
HUB, CDN = "huggingface.co:443", "cas-bridge.xethub.hf.co:443"
DAY = 86_400.0


def connections() -> tuple[Connection, ...]:
    """Of some days, with each kind of end."""
    now = time.time()
    made = [
        Connection(now - 3 * DAY, "model search", HUB, "200", 184_223, 512, 0.41),
        Connection(now - 3 * DAY + 20, "model listing", HUB, "200", 31_880, 498, 0.32),
        Connection(now - 3 * DAY + 21, "model header", CDN, "206", 6_291_456, 1_240, 1.9),
        Connection(now - 3 * DAY + 60, "model download", HUB, "302", 1_204, 611, 0.2),
        Connection(now - 3 * DAY + 61, "model download", CDN, "206", 5_027_784_224, 88_400, 512.0),
        Connection(now - DAY, "model search", "hf-mirror.com:443", "timeout"),
        Connection(now - DAY + 40, "model search", "modelscope.cn:443", "503", 812, 498, 2.2),
        Connection(now - DAY + 90, "model listing", HUB, "403", 1_120, 530, 0.3),
        Connection(now - 4000, "model download", "mirror.example:443", "redirect_refused"),
        Connection(now - 900, "unknown: some_library.telemetry", "stats.example:443", "tried"),
        Connection(now - 700, "model search", HUB, "offline"),
        Connection(now - 690, "unknown: some_library.telemetry", "stats.example", "offline"),
        Connection(now - 2, "model download", CDN, "206"),
    ]
    return tuple(made)


def page(
    listed: Sequence[Connection], *, offline: bool = False, then: Callable[[ConnectionsPage], object] = lambda _: None
) -> Scene:
    def scene(studio: "Studio") -> None:
        list_ = ConnectionList()
        shown = ConnectionsPage(list_)
        list_.show_connections(listed)
        shown.show_settings(with_value(Settings(), "network.offline", offline))
        studio.window.rail.show_offline(offline)
        studio.window.add_page("connections", shown)
        studio.window.show_page("connections")
        then(shown)

    return scene


def only_refused(shown: ConnectionsPage) -> None:
    shown.segments.buttons["refused"].click()


def no_match(shown: ConnectionsPage) -> None:
    shown.box.setText("example.org")


def erasing(shown: ConnectionsPage) -> None:
    shown.ask_to_erase()


SCENES: dict[str, Scene] = {
    "connections": page(connections()),
    "connections_offline": page(connections(), offline=True),
    "connections_refused": page(connections(), offline=True, then=only_refused),
    "connections_none": page(()),
    "connections_no_match": page(connections(), then=no_match),
    "connections_erasing": page(connections(), then=erasing),
}
