"""What a load really takes, measured: main memory by the growth of this process, a GPU by what it has less free.

What counts as main memory ("CPU"): the resident set (RSS; on Windows the working set) of this process, so heap, the KV
cache (llama.cpp clears it, which touches every page), repacked weights, and mapped weights as far as they are in
memory, although the system may take those back. Compute buffers count whole, as llama.cpp's log gives them: their pages
come with the first full batch, which a short question does not reach.

What counts as a GPU's: free memory before the load less free memory after it, as ggml tells it. What the driver took
when the engine first looked at the GPU (its own context, some 300 MiB) came before. Other programs blur the figure; a
GPU that has not less free than before is left out, since they gave back more than the load took.
"""

from collections.abc import Sequence

import psutil

from backends.core.heap import give_back
from backends.engine.native_log import Told
from backends.engine.protocol import DeviceUse, EngineDevice


class Meter:
    """Made before the load; told when the context is made, and read after the warm-up."""

    def __init__(self, devices: Sequence[EngineDevice]) -> None:
        give_back()  # the former model's memory, used again, would not show as growth
        self._free = _free(devices)
        self._before = self._made = _resident()
        self._compute = 0

    def context_made(self, told: Told) -> None:
        """Between context and warm-up. `told`: what llama.cpp said while it made the context."""
        self._made = _resident()
        self._compute = told.compute_buffers.get("CPU", 0)

    def uses(self, devices: Sequence[EngineDevice]) -> tuple[DeviceUse, ...]:
        """Main memory first. In the warm-up the process grows by the pages of the compute buffer that one token needs,
        and by weights that were mapped and not read yet: the larger of that and the whole buffer counts."""
        warmed = max(_resident() - self._made, self._compute)
        grown = max(0, self._made - self._before) + warmed
        lost = {name: self._free[name] - free for name, free in _free(devices).items() if name in self._free}
        return (DeviceUse("CPU", grown), *(DeviceUse(name, less) for name, less in lost.items() if less > 0))


def _resident() -> int:
    return psutil.Process().memory_info().rss


def _free(devices: Sequence[EngineDevice]) -> dict[str, int]:
    return {device.name: device.memory_free for device in devices if device.kind in ("gpu", "igpu")}
