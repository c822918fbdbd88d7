"""In which order the panel shows conversations: those that are pinned, the folders, the rest by the day.

Every line has a key of its own that it keeps while it moves, so that a list can be brought up to date row by row.
"""

import datetime
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

from backends.chat.organised import Folder
from backends.chat.types import Conversation

Kind = Literal["heading", "folder", "conversation", "hint"]
Key = tuple[Kind, int]

PINNED = -1  # the heading of those; the others are ages, 0 today to 4 older
_AGES = (0, 1, 7, 30)  # days ago: today, yesterday, the last week, the last month; then older


class Line(NamedTuple):
    """A tuple, since there may be very many. `key`: its kind, and the id of the conversation or folder; of a heading
    its group; of a hint, that there is nothing in a folder, the folder's. `group`: the key of the heading or folder
    that it stands under, as `place` (from 1) of `total`; of a folder `total` is how many are in it."""

    key: Key
    subject: Conversation | Folder | None = None
    group: Key | None = None
    place: int = 0
    total: int = 0

    @property
    def name(self) -> str:
        """As it is stored: of what has none yet, and of a heading, nothing."""
        subject = self.subject
        return subject.title if isinstance(subject, Conversation) else subject.name if subject is not None else ""

    @property
    def kind(self) -> Kind:
        return self.key[0]

    @property
    def id(self) -> int:
        return self.key[1]


def arrange(
    conversations: Sequence[Conversation],
    folders: Sequence[Folder],
    closed: Collection[int] = (),
    today: datetime.date | None = None,
) -> list[Line]:
    """The lines of these, which come last active first. `closed`: folders whose conversations are not shown."""
    pinned, rest = [], []
    inside: dict[int, list[Conversation]] = {folder.id: [] for folder in folders}
    for conversation in conversations:
        if conversation.pinned:
            pinned.append(conversation)
        else:
            inside.get(conversation.folder_id or 0, rest).append(conversation)
    lines = list(_headed(PINNED, pinned))
    for folder in folders:
        those = inside[folder.id]
        lines.append(Line(("folder", folder.id), folder, total=len(those)))
        if folder.id in closed:
            continue
        lines.extend(_lines(("folder", folder.id), those))
        if not those:
            lines.append(Line(("hint", folder.id), folder))
    lines.extend(by_day(rest, today))
    return lines


def by_day(conversations: Sequence[Conversation], today: datetime.date | None = None) -> Iterator[Line]:
    """Under the headings of their days. The order is theirs: where a clock was wrong, a day is not shown twice."""
    today = today or datetime.date.fromtimestamp(time.time())
    midnights = [
        datetime.datetime.combine(today - datetime.timedelta(days), datetime.time.min).timestamp() for days in _AGES
    ]
    groups: list[list[Conversation]] = [[] for _ in range(len(_AGES) + 1)]
    age = 0
    for conversation in conversations:
        while age < len(midnights) and conversation.updated < midnights[age]:
            age += 1
        groups[age].append(conversation)
    for age, group in enumerate(groups):
        yield from _headed(age, group)


def _headed(heading: int, conversations: Sequence[Conversation]) -> Iterator[Line]:
    if conversations:
        yield Line(("heading", heading), total=len(conversations))
        yield from _lines(("heading", heading), conversations)


def _lines(group: Key, conversations: Sequence[Conversation]) -> Iterator[Line]:
    count = len(conversations)
    for place, conversation in enumerate(conversations, 1):
        yield Line(("conversation", conversation.id), conversation, group, place, count)
