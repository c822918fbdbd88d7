"""Findings of the doctor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from backends.core.phrase import NOTHING, Phrase

Verdict = Literal["ok", "warn", "fail"]

Topic = Literal[
    "driver", "wheel", "devices", "libraries", "models", "databases", "keyring", "disk", "network", "port", "settings"
]

Repair = Literal[
    "engine_for_gpu",  # install the build of the engine that uses the graphics card
    "free_disk",  # the page of models, by size
    "check_models",  # read the files again and compare
    "remove_model",
    "download_again",
    "rebuild_search",
    "restore_database",
    "settings_network",
    "settings_models",
    "settings_api",
    "go_online",
    "ask_sources",
]

TOPICS: tuple[Topic, ...] = get_args(Topic)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `code` is stable (snake case) for scripts; `what` says how it is, `repair` what to do, empty
    where nothing is to be done; `action` is the button that does it. `details`: figures and versions, no secret, no
    text of the user, no path below the home folder but with `~`."""

    topic: Topic
    code: str
    verdict: Verdict
    what: Phrase
    repair: Phrase = NOTHING
    action: Repair | None = None
    subject: str = ""  # which model, database, card
    private: bool = False  # `subject` is a name that the user gave: a report leaves it out
    target: str = ""  # what the action is done to: a path, a setting; never in a report
    details: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
