"""Errors that are the world's fault, not ours.

A `BackendError` carries a sentence for the person (what happened and why), a hint (what to do), and a
stable `code` for scripts. It is shown as it is. Any other exception is a bug: it flies to the crash
report. `Cancelled` is neither: somebody asked us to stop.
"""

from dataclasses import dataclass

from backends.core.phrase import NOTHING, Phrase


class Cancelled(Exception):
    """The consumer asked the task to stop. Not an error."""


class BackendError(Exception):
    """What happened (`message`), what to do about it (`hint`), and a stable snake_case `code`."""

    default_code = "error"

    def __init__(self, message: Phrase, hint: Phrase = NOTHING, code: str | None = None) -> None:
        super().__init__(message.en)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{self.message.en} {self.hint.en}".strip()


class InvalidInput(BackendError):
    """What was asked for makes no sense: a bad value, a bad file, a prompt that does not fit."""

    default_code = "invalid_input"


class NotFound(BackendError):
    """It is not there: a model, a conversation, a file, a repository."""

    default_code = "not_found"


class Unavailable(BackendError):
    """It is there, but not now: loading, busy, owned by another process, no keyring."""

    default_code = "unavailable"


class ResourceError(BackendError):
    """The machine lacks something: memory, disk space, a GPU."""

    default_code = "out_of_resources"


class DownloadError(BackendError):
    """The network or the other side failed."""

    default_code = "download_failed"


class StorageError(BackendError):
    """Our own files cannot be read or written: damaged, too new, read-only."""

    default_code = "storage_failed"


class EngineError(BackendError):
    """llama.cpp refused or failed."""

    default_code = "engine_failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as data, kept with what it befell: an answer that is not whole, a document that cannot be searched."""

    code: str
    message: Phrase
    hint: Phrase = NOTHING

    @classmethod
    def of(cls, error: BackendError) -> "Problem":
        return cls(error.code, error.message, error.hint)
