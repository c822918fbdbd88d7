"""The log: a file for this user alone, without secrets (SEC-50).

Rooms say `logging.getLogger(__name__)`; `configure` is called once, by whoever starts the program. What people write
to the model is never logged.
"""

import logging
import re
import traceback
from pathlib import Path

from backends.core.connections import private_file

FILE_NAME = "deskseek.log"
_SIZE = 2_000_000  # bytes
_OLDER = 3

# Keys of OpenAI's and DeepSeek's kind, of Hugging Face, and our own; anything after Bearer or Basic; user-info in
# addresses; values of queries and fields that are named like secrets.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(sk-|hf_|dsk_|ghp_|ms-)[A-Za-z0-9_\-]{6,}"), r"\1…"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/\-]+=*", re.IGNORECASE), r"\1 …"),
    (re.compile(r"\b([a-z][a-z0-9+.\-]*://)[^/\s@'\"]+@", re.IGNORECASE), r"\1…@"),
    (
        re.compile(
            r"(?P<name>(?:token|secret|passw(?:or)?d|api[_\-]?key|signature|credential|authkey)['\"]?\s*[=:]\s*)"
            r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"&,;)}\]]+)",
            re.IGNORECASE,
        ),
        r"\g<name>…",
    ),
)


def redact(text: str) -> str:
    """`text` with everything that looks like a key, a password or a token taken out."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Redacts the finished line: message, arguments, traceback and stack alike."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    def formatException(self, ei) -> str:
        return "".join(traceback.format_exception(*ei)).rstrip()


def configure(folder: Path, *, debug: bool = False) -> logging.Handler:
    """Write what the program logs to `folder/deskseek.log`, about 8 MB in all. Called again, it moves the log.

    `debug` also writes what only a developer wants. Gives the handler, which `close` takes.
    """
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler.formatter, RedactingFormatter)]:
        close(old)
    handler = private_file(folder / FILE_NAME, _SIZE, backups=_OLDER)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("backends").setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("app").setLevel(logging.DEBUG if debug else logging.INFO)
    for chatty in ("httpx2", "httpcore2", "huggingface_hub", "keyring", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    return handler


def close(handler: logging.Handler) -> None:
    """Stop writing to it."""
    logging.getLogger().removeHandler(handler)
    handler.close()
