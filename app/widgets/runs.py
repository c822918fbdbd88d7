"""Where a loaded model really runs, beside what was planned: a silent processor is said."""

from PySide6.QtCore import QCoreApplication, QLocale

from app import figures
from app.language import say
from backends.engine.protocol import LoadedModel
from backends.models.types import Choice

CPU = "CPU"


def where(loaded: LoadedModel) -> str:
    """Runs on CUDA0  ·  context 16K  ·  loaded in 1.2 s."""
    context = QCoreApplication.translate("runs", "context %1").replace("%1", figures.tokens(loaded.context))
    seconds = QLocale().toString(loaded.seconds, "f", 1 if loaded.seconds < 10 else 0)
    took = QCoreApplication.translate("runs", "loaded in %1 s").replace("%1", seconds)
    return figures.line(_devices(loaded), context, took)


def _devices(loaded: LoadedModel) -> str:
    names = " + ".join(name for name in loaded.devices if name != CPU)
    if not names or not loaded.gpu_layers:
        return QCoreApplication.translate("runs", "Runs on the processor")
    if loaded.gpu_layers >= loaded.layers:
        return QCoreApplication.translate("runs", "Runs on %1").replace("%1", names)
    words = QCoreApplication.translate("runs", "Runs on %1 (%2 of %3 layers) and the processor")
    return words.replace("%1", names).replace("%2", str(loaded.gpu_layers)).replace("%3", str(loaded.layers))


def doubt(loaded: LoadedModel, planned: Choice | None, *, has_gpu: bool) -> str:
    """What a person should know who trusted the plan; empty if all is as it should be."""
    if loaded.notes:
        return "\n".join(say(note) for note in loaded.notes)
    if loaded.gpu_layers:
        return ""
    if planned is not None and planned.gpu_layers:
        return QCoreApplication.translate(
            "runs", "Planned for the graphics card, but the processor does it: answers come slower than predicted."
        )
    if planned is None and has_gpu:
        return QCoreApplication.translate("runs", "The graphics card is not used: answers come slower than they could.")
    return ""
