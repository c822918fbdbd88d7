"""What will not fit, in the words of the window."""

from PySide6.QtCore import QCoreApplication

from backends.chat.fit import Fit

translate = QCoreApplication.translate
_FIRST_WORDS = 24  # characters
_NAMED = 2  # documents


def left_out(fit: Fit) -> str:
    """Which messages; "" if all fit."""
    if not fit.left_out:
        return ""
    first, last = _begins(fit.first), _begins(fit.last)
    if fit.left_out == 1:
        return translate("fit", "The oldest message has no room and will not be sent: “{0}”.").format(first)
    words = translate("fit", "The oldest {0} messages have no room and will not be sent: from “{1}” to “{2}”.")
    return words.format(fit.left_out, first, last)


def sources_left_out(fit: Fit) -> str:
    """Which documents are not read whole, and how many passages have no room; "" if all is as it should be."""
    if fit.passages is None or (not fit.not_whole and fit.passages >= fit.wanted):
        return ""
    if not fit.passages:
        return translate("fit", "There is no room for passages of documents: shorten the question.")
    if not fit.not_whole:
        return translate("fit", "Of the best {1} passages of the documents, about {0} will have room.").format(
            fit.passages, fit.wanted
        )
    named = ", ".join(f"“{_begins(title)}”" for title in fit.not_whole[:_NAMED])
    if len(fit.not_whole) > _NAMED:
        named += " …"
    words = translate("fit", "Too long to be read whole: {0}. About {1} passages that suit the question are read.")
    return words.format(named, fit.passages)


def _begins(text: str) -> str:
    return text if len(text) <= _FIRST_WORDS else text[: _FIRST_WORDS - 1].rstrip() + "…"
