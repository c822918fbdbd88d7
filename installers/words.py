"""What the set-up says to the person: on stderr, in the language of the system."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from backends.core.errors import BackendError
from backends.core.phrase import Language, Phrase

_WINDOWS_CHINESE = 0x04  # primary language identifier LANG_CHINESE


def language(environment: Mapping[str, str] = os.environ) -> Language:
    """The first of LC_ALL, LC_MESSAGES, LANG that is set decides; without one, Windows' display language."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    if sys.platform == "win32":
        identifier = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return "zh" if identifier & 0x3FF == _WINDOWS_CHINESE else "en"
    return "en"


def say(phrase: Phrase) -> None:
    """One line on stderr. Under pythonw there is none, and nobody to read it."""
    if sys.stderr is not None:
        sys.stderr.write(f"{phrase.to(language())}\n")
        sys.stderr.flush()


def sentence(error: BackendError) -> Phrase:
    return Phrase(f"{error.message.en} {error.hint.en}".strip(), f"{error.message.zh}{error.hint.zh}")


def show(error: BackendError) -> None:
    """The error in a dialog, for somebody who double-clicked and has no terminal; on stderr as well."""
    phrase = sentence(error)
    say(phrase)
    text = phrase.to(language())
    if sys.platform == "win32":
        ctypes.windll.user32.MessageBoxW(None, text, "DeskSeek", 0x10)
        return
    dialogs = {
        "osascript": [
            "-e",
            "on run argv",
            "-e",
            'display alert "DeskSeek" message (item 1 of argv)',
            "-e",
            "end run",
        ],
        "zenity": ["--error", "--no-markup", "--title=DeskSeek", "--text"],
        "kdialog": ["--title", "DeskSeek", "--error"],
        "xmessage": ["-center"],
    }
    for program, arguments in dialogs.items():
        if shutil.which(program):
            subprocess.run(
                [program, *arguments, text], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            return
