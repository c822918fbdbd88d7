"""How well a model suits this machine, as one short coloured word, and its figures as a line."""

from PySide6.QtCore import QCoreApplication

from app import figures
from backends.models.types import Choice, Verdict

TONES: dict[Verdict, str] = {
    "fits": "success",
    "tight": "success",
    "partial": "warning",
    "too_large": "danger",
    "unsupported": "danger",
}


def _tr(text: str) -> str:
    return QCoreApplication.translate("verdict", text)


def word(choice: Choice) -> str:
    match choice.verdict:
        case "fits":
            return _tr("Fits")
        case "tight":
            return _tr("Just fits")
        case "partial":
            return _tr("Partly on the GPU")
        case "too_large":
            return _tr("Too large")
        case "unsupported":
            return _tr("Not supported")


def figures_line(choice: Choice) -> str:
    """Quant, size, and what to expect here."""
    words = [choice.file.quant, figures.file_size(choice.file.size)]
    if choice.verdict in ("fits", "tight", "partial"):
        words.append(_tr("about %1").replace("%1", figures.rate(choice.tokens_per_s)))
        words.append(_tr("context %1").replace("%1", figures.tokens(choice.context)))
        words.append(_tr("memory %1").replace("%1", figures.memory_size(choice.memory.total)))
    return "  ·  ".join(words)


def answer_time(choice: Choice) -> str:
    return _tr("A typical answer takes about %1.").replace("%1", figures.duration(choice.seconds_to_answer))
