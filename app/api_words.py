"""What is said of keys and requests of the API."""

import time

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from app import figures
from app.document_words import Said
from backends.api.live import LiveCall
from backends.api.request_log import Logged
from backends.governance.access import ROLES, Role
from backends.governance.keys import Key


def role_name(role: Role) -> str:
    return {
        "admin": QCoreApplication.translate("api", "Full access"),
        "user": QCoreApplication.translate("api", "Standard"),
        "readonly": QCoreApplication.translate("api", "Read only"),
        "metrics": QCoreApplication.translate("api", "Counters only"),
    }[role]


def role_words(role: Role) -> str:
    """What a key with it may do, in one line."""
    return {
        "admin": QCoreApplication.translate(
            "api", "Asks models, reads and changes documents, unloads models, reads counters."
        ),
        "user": QCoreApplication.translate("api", "Asks models, searches, adds and deletes documents."),
        "readonly": QCoreApplication.translate("api", "Lists models, searches documents. Asks no model."),
        "metrics": QCoreApplication.translate("api", "Reads the counters at /metrics, nothing else."),
    }[role]


def moment_of(at: float) -> str:
    """A time of day if it was today, else the date with it."""
    when = QDateTime.fromSecsSinceEpoch(int(at))
    if when.date() == QDateTime.currentDateTime().date():
        return QLocale().toString(when.time(), "HH:mm:ss")
    return f"{figures.day(at)} {QLocale().toString(when.time(), 'HH:mm')}"


def day_of(at: float) -> str:
    return figures.day(at)


def state_of_key(key: Key) -> Said | None:
    """Why it opens nothing; None: it does."""
    if key.revoked is not None:
        return Said(QCoreApplication.translate("api", "Revoked"), "danger")
    if not key.holds(time.time()):
        return Said(QCoreApplication.translate("api", "Expired"), "warning")
    return None


def times_of_key(key: Key, last_used: float | None) -> str:
    made = QCoreApplication.translate("api", "made %1").replace("%1", day_of(key.created))
    used = QCoreApplication.translate("api", "never used")
    if last_used is not None:
        used = QCoreApplication.translate("api", "last used %1").replace("%1", moment_of(last_used))
    ends = ""
    if key.revoked is not None:
        ends = QCoreApplication.translate("api", "revoked %1").replace("%1", day_of(key.revoked))
    elif key.expires is not None:
        words = QCoreApplication.translate("api", "valid until %1")
        ends = words.replace("%1", moment_of(key.expires))
    return figures.line(f"dsk_{key.id}_…", made, used, ends)


def limits_of_key(key: Key) -> str:
    """To what it was narrowed; "" for a key that may do all that its role may."""
    requests = tokens = models = scopes = ""
    if key.requests_per_minute:
        requests = QCoreApplication.translate("api", "%1 requests a minute")
        requests = requests.replace("%1", QLocale().toString(key.requests_per_minute))
    if key.tokens_per_minute:
        tokens = QCoreApplication.translate("api", "%1 tokens a minute")
        tokens = tokens.replace("%1", QLocale().toString(key.tokens_per_minute))
    if key.models:
        models = QCoreApplication.translate("api", "models: %1").replace("%1", ", ".join(key.models))
    if key.scopes != ROLES[key.role]:
        scopes = QCoreApplication.translate("api", "only: %1").replace("%1", ", ".join(sorted(key.scopes)))
    return "  ·  ".join(filter(None, (models, requests, tokens, scopes)))


def state_of_call(call: LiveCall) -> Said:
    words, tone = {
        "waiting": (QCoreApplication.translate("api", "waits"), "muted"),
        "loading": (QCoreApplication.translate("api", "model loads"), "muted"),
        "reading": (QCoreApplication.translate("api", "reads"), "accent"),
        "writing": (QCoreApplication.translate("api", "writes"), "accent"),
        "done": (QCoreApplication.translate("api", "ends"), "muted"),
    }[call.state]
    return Said(words, tone)


def facts_of_call(call: LiveCall) -> str:
    return figures.line(
        call.key_name,
        call.model,
        figures.duration(call.seconds),
        _tokens(call.prompt_tokens, call.completion_tokens),
    )


def outcome_of(entry: Logged) -> Said:
    status = f"{entry.status}" if entry.status else ""
    words, tone = {
        "done": ("", "muted"),
        "cancelled": (QCoreApplication.translate("api", "cancelled"), "muted"),
        "refused": (QCoreApplication.translate("api", "refused"), "warning"),
        "failed": (QCoreApplication.translate("api", "failed"), "danger"),
    }[entry.outcome]
    return Said(" ".join(filter(None, (words, status))), tone)


def facts_of(entry: Logged) -> str:
    """Who asked whom, and what it cost."""
    first = ""
    if entry.first_token is not None:
        words = QCoreApplication.translate("api", "first token %1")
        first = words.replace("%1", figures.moment(entry.first_token))
    return figures.line(
        entry.key_name,
        entry.model,
        _tokens(entry.prompt_tokens, entry.completion_tokens),
        first,
        figures.moment(entry.seconds),
    )


def _tokens(read: int, written: int) -> str:
    if not read and not written:
        return ""
    words = QCoreApplication.translate("api", "%1 + %2 tokens")
    return words.replace("%1", QLocale().toString(read)).replace("%2", QLocale().toString(written))
