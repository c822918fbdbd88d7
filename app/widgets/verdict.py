"""How well a model suits this machine, as one short word with a tone, and its figures as a line."""

from PySide6.QtCore import QCoreApplication

from app import figures
from app.shelves import RUNS
from backends.models.reasons import LONG_ANSWER
from backends.models.types import Choice, Plan, Verdict

TONES: dict[Verdict, str] = {
    "fits": "success",
    "tight": "success",
    "partial": "warning",
    "too_large": "danger",
    "unsupported": "danger",
}


def word(verdict: Verdict) -> str:
    match verdict:
        case "fits":
            return QCoreApplication.translate("verdict", "Fits")
        case "tight":
            return QCoreApplication.translate("verdict", "Just fits")
        case "partial":
            return QCoreApplication.translate("verdict", "Partly on GPU")
        case "too_large":
            return QCoreApplication.translate("verdict", "Too large")
        case "unsupported":
            return QCoreApplication.translate("verdict", "Not supported")


def figures_line(choice: Choice, plan: Plan | None = None, origin: str = "") -> str:
    """Quant, size, and what to expect here; as the engine plans it, where it has."""
    words = [choice.file.quant, figures.file_size(choice.file.size)]
    if choice.verdict in RUNS and choice.model.kind != "chat":
        page = QCoreApplication.translate("verdict", "a page in about %1")
        memory = QCoreApplication.translate("verdict", "memory %1")
        words.append(page.replace("%1", figures.moment(choice.seconds_to_answer)))
        words.append(memory.replace("%1", figures.memory_size(plan.total if plan else choice.memory.total)))
    elif choice.verdict in RUNS:
        speed = QCoreApplication.translate("verdict", "about %1")
        context = QCoreApplication.translate("verdict", "context %1")
        memory = QCoreApplication.translate("verdict", "memory %1")
        words.append(speed.replace("%1", figures.rate(choice.tokens_per_s)))
        words.append(context.replace("%1", figures.tokens(plan.options.context if plan else choice.context)))
        words.append(memory.replace("%1", figures.memory_size(plan.total if plan else choice.memory.total)))
    return figures.line(*words, origin)


def answer_time(choice: Choice) -> str:
    """Empty for a long one, which the advisor's note tells."""
    if choice.seconds_to_answer >= LONG_ANSWER:
        return ""
    words = QCoreApplication.translate("verdict", "A typical answer takes about %1.")
    return words.replace("%1", figures.duration(choice.seconds_to_answer))
