"""Where the layers of a loaded model are, and how that differs from what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.core.phrase import Phrase
from backends.engine.protocol import EngineDevice

_TOGETHER = "Meta("  # so llama.cpp calls the cards that share every layer: "Meta(CUDA0,CUDA1)"


@dataclass(frozen=True, slots=True)
class Placement:
    """`offloaded` counts as llama.cpp does, the output layer too; `on_gpu` without it. `split`: of the layers as
    llama.cpp counts them, how many each GPU holds, in the engine's order of devices."""

    layers: int
    on_gpu: int
    offloaded: int
    devices: tuple[str, ...]
    split: tuple[tuple[str, int], ...]
    together: bool = False  # each GPU has a part of every layer

    @classmethod
    def read(cls, placed: Sequence[str], devices: Sequence[EngineDevice], layers: int) -> "Placement":
        """`placed` names the device of each layer, the output layer last."""
        gpus = [device.name for device in devices if device.kind in ("gpu", "igpu")]
        if together := next((name for name in placed if name.startswith(_TOGETHER)), ""):
            parts = together.removeprefix(_TOGETHER).rstrip(")").split(",")
            on_gpu, offloaded = (sum(name == together for name in placed[:end]) for end in (layers, None))
            names = tuple(parts) if offloaded > layers else (*parts, "CPU")
            return cls(layers, on_gpu, offloaded, names, tuple((name, offloaded) for name in parts), together=True)
        used = tuple(dict.fromkeys(name for name in placed if name in gpus))
        on_gpu, offloaded = (sum(name in gpus for name in placed[:end]) for end in (layers, None))
        split = tuple((name, sum(name == other for other in placed)) for name in gpus)
        return cls(layers, on_gpu, offloaded, used if offloaded > layers else (*used, "CPU"), split)

    @property
    def label(self) -> str:
        """E.g. "CUDA0 + CPU (12 of 36 layers)"."""
        names = " + ".join(self.devices)
        return f"{names} ({self.on_gpu} of {self.layers} layers)" if 0 < self.offloaded <= self.layers else names

    def notes(self, asked: int, split: Sequence[int] = ()) -> tuple[Phrase, ...]:
        """What a person should know who asked for `asked` layers on GPUs (-1: all), of them `split` on each."""
        wanted = self.layers + 1 if asked < 0 else min(asked, self.layers + 1)
        if wanted and not self.offloaded:
            return (self._on_the_cpu(),)
        short = ()
        if self.offloaded < wanted:
            short = (
                Phrase(
                    f"Only {self.offloaded} of the {wanted} layers meant for the GPU are there.",
                    f"计划放到 GPU 的 {wanted} 层中，实际只有 {self.offloaded} 层在 GPU 上。",
                ),
            )
        return (*short, *(() if self.together else self._other_split(split)))

    def _on_the_cpu(self) -> Phrase:
        if self.split:
            return Phrase("The GPU was not used: the model runs on the CPU.", "未使用 GPU：模型在 CPU 上运行。")
        return Phrase(
            "A GPU was asked for, but the installed engine sees none: the model runs on the CPU.",
            "要求使用 GPU，但已安装的引擎未发现 GPU：模型在 CPU 上运行。",
        )

    def _other_split(self, asked: Sequence[int]) -> tuple[Phrase, ...]:
        if len(asked) < 2 or not any(asked):
            return ()
        if len(asked) != len(self.split):
            return (
                Phrase(
                    f"The layers were planned for {len(asked)} GPUs, but the engine sees {len(self.split)}.",
                    f"计划将各层分布到 {len(asked)} 个 GPU，但引擎只发现 {len(self.split)} 个。",
                ),
            )
        pairs = [(name, count, wish) for (name, count), wish in zip(self.split, asked, strict=True)]
        if all(count == wish for _, count, wish in pairs):
            return ()
        return (
            Phrase(
                "The layers lie otherwise than planned: "
                + ", ".join(f"{count} on {name} instead of {wish}" for name, count, wish in pairs if count != wish)
                + ".",
                "各层的实际分布与计划不同："
                + "，".join(f"{name} 上 {count} 层（计划 {wish} 层）" for name, count, wish in pairs if count != wish)
                + "。",
            ),
        )
