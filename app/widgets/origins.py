"""Where a file on this disk came from, in words, if it was not downloaded by DeskSeek or taken in by hand."""

from PySide6.QtCore import QCoreApplication

from backends.models.types import Origin

_PROGRAMS: dict[Origin, str] = {
    "lm-studio": "LM Studio",
    "ollama": "Ollama",
    "jan": "Jan",
    "llama.cpp": "llama.cpp",
}


def words(origin: Origin) -> str:
    """From Ollama, used where it lies."""
    if origin == "quantised":
        return QCoreApplication.translate("origins", "made on this computer")
    if origin == "hub-cache":
        return QCoreApplication.translate("origins", "from the cache of Hugging Face, used where it lies")
    if program := _PROGRAMS.get(origin):
        return QCoreApplication.translate("origins", "from %1, used where it lies").replace("%1", program)
    return ""
