"""The full-text index of conversations, in `chats.db` itself: titles, and what was said and thought.

    found = store.search.find("知识产权 runn")
    found.hits[0].message_id, found.hits[0].snippet, found.hits[0].lit

Triggers note what is due: a message once it is whole, a title, and of what is changed or goes the text that it is
indexed by. `read` brings the index up to that, some messages at a time; `find` begins with it, so that what was said a
moment ago is found. A message is a row by its id, a conversation's title by its id with a minus. The index (FTS5) keeps
terms alone; `erase` writes it anew without those of what has gone, so that none of them stays in the file.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from backends.chat.rows import sound
from backends.chat.search_words import TOKENIZER, Wanted, line
from backends.chat.titles import one_line
from backends.chat.types import Author
from backends.documents import words
from backends.storage.database import Connected, Database

MOST = 50  # hits
EACH = 3  # hits of one conversation
AT_ONCE = 64  # texts that are read into the index in one transaction
_CHARACTERS = 100_000  # in one transaction, too
_LOOKED_AT = 20_000  # messages with the terms
_PAGES = 1_000  # of the index, written anew in one transaction


@dataclass(frozen=True, slots=True)
class ChatHit:
    """`message_id` None: it is the title, and `snippet` that title. `lit`: places in the snippet. `thinking`: it stands
    in what was thought before the answer. `created`: of the message, for a title when the conversation was last active.
    """

    conversation_id: int
    title: str
    archived: bool
    message_id: int | None
    role: Author | None
    thinking: bool
    snippet: str
    lit: tuple[tuple[int, int], ...]
    created: float


@dataclass(frozen=True, slots=True)
class ChatsFound:
    """Titles first, then messages, the newest first; at most EACH of a conversation. `more`: not all are here.
    `waiting`: texts that are not in the index yet."""

    text: str
    hits: tuple[ChatHit, ...] = ()
    more: bool = False
    waiting: int = 0


def create_search(connection: Connected) -> None:
    """Step 4 of `chats.db`. `search_due`: what the index is to read; `search_old`: texts that it has and that are so no
    more. `made_by`: the words that it is made of (`words.fingerprint`); `erasing`: something of it has gone."""
    connection.execute(
        f"""
        CREATE VIRTUAL TABLE search_terms
        USING fts5 (terms, content = '', detail = none, columnsize = 0, tokenize = "{TOKENIZER}")
        """
    )
    connection.execute("CREATE TABLE search_due (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE search_old (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    connection.execute("CREATE TABLE search_state (made_by TEXT NOT NULL, erasing INTEGER NOT NULL)")
    connection.execute("INSERT INTO search_state VALUES ('', 0)")  # all is read when the index is first used
    _watch(connection, _MESSAGES)
    _watch(connection, _TITLES)


@dataclass(frozen=True, slots=True)
class _Watched:
    """A table whose texts are searched. In SQL, of a row: its id in the index, its text, whether the text is whole."""

    table: str
    columns: str
    id: str
    text: str
    whole: str

    def of(self, row: str) -> tuple[str, str, str]:
        return self.id.format(row), self.text.format(row), self.whole.format(row)


_MESSAGES = _Watched(
    "messages", "content, reasoning, status", "{0}.id", "{0}.content || char(10) || {0}.reasoning",
    "{0}.status != 'streaming'",
)  # fmt: skip
_TITLES = _Watched("conversations", "title", "-{0}.id", "{0}.title", "{0}.title != ''")


def _watch(connection: Connected, watched: _Watched) -> None:
    """Triggers: the text that the index has of a row is kept until the index has let it go; the new one is due."""
    table = watched.table
    id, text, whole = watched.of("OLD")
    new_id, new_text, new_whole = watched.of("NEW")
    kept = (
        f"INSERT INTO search_old SELECT {id}, {text} WHERE {whole} "
        f"AND NOT EXISTS (SELECT 1 FROM search_due WHERE id = {id}) "
        f"AND NOT EXISTS (SELECT 1 FROM search_old WHERE id = {id}); "
        f"DELETE FROM search_due WHERE id = {id};"
    )
    due = f"INSERT INTO search_due SELECT {new_id} WHERE {new_whole};"
    changed = f"({whole} OR {new_whole}) AND ({text} IS NOT {new_text} OR {whole} IS NOT {new_whole})"
    connection.execute(f"CREATE TRIGGER {table}_come AFTER INSERT ON {table} BEGIN {due} END")
    connection.execute(
        f"CREATE TRIGGER {table}_changed AFTER UPDATE OF {watched.columns} ON {table} WHEN {changed} "
        f"BEGIN {kept} {due} END"
    )
    connection.execute(
        f"CREATE TRIGGER {table}_gone AFTER DELETE ON {table} BEGIN {kept} UPDATE search_state SET erasing = 1; END"
    )


_DUE = """
    SELECT d.id, coalesce(m.content || char(10) || m.reasoning, c.title, '') FROM search_due d
    LEFT JOIN messages m ON m.id = d.id LEFT JOIN conversations c ON c.id = -d.id
    WHERE d.id {0} 0 ORDER BY d.id DESC LIMIT ?
"""
_TITLED = """
    SELECT c.id, c.title, c.archived, c.updated FROM search_terms s JOIN conversations c ON c.id = -s.rowid
    WHERE s.search_terms MATCH ? AND s.rowid < 0 AND c.deleted IS NULL
    ORDER BY c.activity DESC LIMIT 500
"""
_SAYING = """
    SELECT m.id, m.conversation_id FROM search_terms s CROSS JOIN messages m ON m.id = s.rowid
    JOIN conversations c ON c.id = m.conversation_id
    WHERE s.search_terms MATCH ? AND s.rowid > 0 AND m.deleted_with IS NULL AND c.deleted IS NULL
    ORDER BY s.rowid DESC
"""
_SHOWN = """
    SELECT m.role, m.content, m.reasoning, m.created, c.title, c.archived FROM messages m
    JOIN conversations c ON c.id = m.conversation_id WHERE m.id = ?
"""


class ChatSearch:
    """Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- searching

    def find(self, text: str, *, most: int = MOST, each: int = EACH, typing: bool = True) -> ChatsFound:
        """At most `each` messages of a conversation. `typing`: the last word may go on."""
        waiting = self.read()
        wanted = Wanted.of(sound(text), typing=typing)
        if not wanted.match:
            return ChatsFound(text, waiting=waiting)
        hits = list(islice(self._titled(wanted), most // 3))
        hits += islice(self._saying(wanted, each), most + 1 - len(hits))
        return ChatsFound(text, tuple(hits[:most]), len(hits) > most, waiting)

    def _titled(self, wanted: Wanted) -> Iterator[ChatHit]:
        for id, title, archived, updated in self._rows(_TITLED, wanted.match):
            if wanted.stands_in(title):
                yield ChatHit(id, title, bool(archived), None, None, False, title, wanted.spans(title), updated)

    def _saying(self, wanted: Wanted, each: int) -> Iterator[ChatHit]:
        taken: Counter[int] = Counter()
        with contextlib.closing(self._database.connection().execute(_SAYING, (wanted.match,))) as rows:
            for message_id, conversation_id in islice(rows, _LOOKED_AT):
                if taken[conversation_id] < each and (hit := self._hit(message_id, conversation_id, wanted)):
                    taken[conversation_id] += 1
                    yield hit

    def _hit(self, message_id: int, conversation_id: int, wanted: Wanted) -> ChatHit | None:
        """None: it has the terms, and not what is wanted."""
        role, content, reasoning, created, title, archived = self._rows(_SHOWN, message_id)[0]
        if not wanted.stands_in(f"{content}\n{reasoning}"):
            return None
        snippet, lit = wanted.snippet(content)
        thinking = not lit and bool(reasoning)
        if thinking:
            snippet, lit = wanted.snippet(reasoning)
        snippet = snippet or one_line(content or reasoning, 200)
        return ChatHit(conversation_id, title, bool(archived), message_id, role, thinking, snippet, lit, created)

    # ---- reading what is due

    def waiting(self) -> int:
        """Texts that are not in the index yet."""
        if self._made_by != words.fingerprint():
            self._begin_anew()
        return self._count("search_due")

    def read(self) -> int:
        """Take up to AT_ONCE texts into the index, titles and the newest messages first. How many wait still."""
        waiting = self.waiting()
        if not waiting and not self._count("search_old"):
            return 0
        with self._writing() as connection:
            left = self._let_go(connection, _CHARACTERS)
            if left > 0:
                due = self._rows(_DUE.format("<"), AT_ONCE)
                due += self._rows(_DUE.format(">"), AT_ONCE - len(due))
                due = list(_some(due, left))
                for id, text in sorted(due):
                    connection.execute("INSERT INTO search_terms (rowid, terms) VALUES (?, ?)", (id, line(text)))
                connection.executemany("DELETE FROM search_due WHERE id = ?", [(id,) for id, _ in due])
        return self._count("search_due")

    def erase(self) -> None:
        """Let go of what is not there any more, and write the index anew until no term of it is left in the file. Goes
        on where it was interrupted."""
        if not self._rows("SELECT erasing FROM search_state")[0][0]:
            return
        self.waiting()  # an index of other words goes as a whole
        with self._writing() as connection:
            self._let_go(connection, None)
        merging = True
        while merging:
            with self._writing() as connection:
                before = connection.total_changes
                connection.execute("INSERT INTO search_terms (search_terms, rank) VALUES ('merge', ?)", (-_PAGES,))
                merging = connection.total_changes - before >= 2
                if not merging:
                    connection.execute("UPDATE search_state SET erasing = 0")
        self._database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # ---- inside

    def _let_go(self, connection: Connected, most: int | None) -> int:
        """Take the old texts out of the index, `most` characters of them (None: all); how many may be read yet."""
        left = most if most is not None else 1
        for id, text in self._rows("SELECT id, text FROM search_old ORDER BY id"):
            connection.execute(
                "INSERT INTO search_terms (search_terms, rowid, terms) VALUES ('delete', ?, ?)", (id, line(text))
            )
            connection.execute("DELETE FROM search_old WHERE id = ?", (id,))
            left -= len(text) if most is not None else 0
            if left <= 0:
                break
        return left

    def _begin_anew(self) -> None:
        """The index is empty, or made of other words than this version makes: all is due."""
        with self._writing() as connection:
            if self._made_by == words.fingerprint():
                return  # another thread was here
            connection.execute("INSERT INTO search_terms (search_terms) VALUES ('delete-all')")
            connection.execute("DELETE FROM search_old")
            connection.execute("DELETE FROM search_due")
            for watched in (_MESSAGES, _TITLES):
                id, _, whole = watched.of(watched.table)
                connection.execute(f"INSERT INTO search_due SELECT {id} FROM {watched.table} WHERE {whole}")
            connection.execute("UPDATE search_state SET made_by = ?", (words.fingerprint(),))

    @property
    def _made_by(self) -> str:
        return str(self._rows("SELECT made_by FROM search_state")[0][0])

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connected]:
        self._database.connection().execute("PRAGMA secure_delete = ON")
        with self._database.atomic() as connection:
            yield connection

    def _count(self, table: str) -> int:
        return int(self._rows(f"SELECT count(*) FROM {table}")[0][0])

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._database.connection().execute(sql, values)]


def _some(rows: list[tuple[Any, ...]], characters: int) -> Iterator[tuple[Any, ...]]:
    """As many as have about so many characters together, one at least."""
    for row in rows:
        yield row
        characters -= len(row[1])
        if characters <= 0:
            return
