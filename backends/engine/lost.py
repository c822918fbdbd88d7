"""A device that went away with the model on it: a card in a dock, a driver that did not come back from sleep.

ggml looks for devices once, when it is loaded, and ends the process when one of them does not answer. So a process of
its own looks whether they are still there.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied
from backends.core.errors import EngineError
from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.child import MODULE


class Gone(Protocol):
    def __call__(self, used: Sequence[str], *, cancel: CancelToken) -> tuple[str, ...]: ...


PATIENCE = 60.0  # seconds in which a driver has to answer


def gone(used: Sequence[str], *, cancel: CancelToken, module: str = MODULE) -> tuple[str, ...]:
    """Of the devices that hold a model, those that are not there any more; all cards if looking for them ends the
    process that looks. Cancelled."""
    cards = [name for name in used if name != "CPU"]
    if not cards:
        return ()
    with Child(module) as child:
        try:
            (answer,) = child.ask({"do": "devices"}, cancel=cancel, timeout=PATIENCE)
        except ChildDied:
            cancel.check()
            return tuple(cards)
    return tuple(name for name in cards if name not in answer["devices"])


def devices(_: dict[str, Any]) -> Iterator[dict[str, list[str]]]:
    """The child's side of `gone`."""
    yield {"devices": [device.name for device in native.devices()]}


def device_lost(names: Sequence[str]) -> EngineError:
    listed = ", ".join(names)
    return EngineError(
        Phrase(
            f"The device {listed}, on which the model was, does not answer any more.",
            f"模型所在的设备 {listed} 已无响应。",
        ),
        Phrase(
            "Load the model again: it then runs without that device. After a restart of DeskSeek it may be back.",
            "请重新加载模型，届时将不使用该设备。重新启动 DeskSeek 后设备可能恢复。",
        ),
        code="device_lost",
    )
