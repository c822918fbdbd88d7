"""What the engine is and sees, asked in a process of its own: a broken build or driver ends only that."""

import dataclasses
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.child import Child
from backends.engine import native
from backends.engine.child import MODULE
from backends.engine.protocol import EngineDevice, EngineInfo

PATIENCE = 60.0  # seconds; the first start of a driver may compile kernels


def ask(*, cancel: CancelToken, module: str = MODULE, patience: float = PATIENCE) -> EngineInfo:
    """Version, devices, instruction sets. Raises ChildDied with the last words of a build that does not start, and
    Cancelled."""
    with Child(module) as child:
        (answer,) = child.ask({"do": "engine"}, cancel=cancel, timeout=patience)
    devices = tuple(EngineDevice(**device) for device in answer["devices"])
    return EngineInfo(answer["version"], devices, answer["system"])


def engine(_: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The child's side of `ask`."""
    said = native.library().llama.llama_print_system_info().decode("utf-8", "replace").strip(" |")
    devices = [dataclasses.asdict(device) for device in native.devices()]
    yield {"version": metadata.version("llama-cpp-python"), "devices": devices, "system": said}
