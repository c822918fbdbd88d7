"""How the person keeps conversations: in folders, pinned, put away, unread, with options, a draft and messages
that are being written anew; and saved prompts."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backends.chat.options import Options
from backends.chat.rows import no_conversation, sound
from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.storage.database import Connected, Database

_LONGEST_NAME = 100  # characters
_NEW = 0  # the draft of a conversation that has not begun
_NEW_OPTIONS = -1  # and what it is going to be answered with


@dataclass(frozen=True, slots=True)
class Folder:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class SavedPrompt:
    """A text that the person writes often, by its name."""

    id: int
    name: str
    text: str


class Organised:
    """Any thread may use it. Conversations by their ids in `ChatStore`; NotFound `no_conversation`, `no_folder`,
    `no_prompt`, InvalidInput `no_name`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- folders

    def folders(self) -> tuple[Folder, ...]:
        """In the order in which they were made."""
        return tuple(Folder(*row) for row in self._rows("SELECT id, name FROM folders ORDER BY place, id"))

    def create_folder(self, name: str) -> Folder:
        name = _name(name)
        with self._database.atomic() as connection:
            connection.execute(
                "INSERT INTO folders (name, place) VALUES (?, (SELECT coalesce(max(place), 0) + 1 FROM folders))",
                (name,),
            )
            (new,) = connection.execute("SELECT last_insert_rowid()").fetchone()
        return Folder(new, name)

    def rename_folder(self, folder_id: int, name: str) -> None:
        with self._database.atomic() as connection:
            _require(connection, "folders", folder_id)
            connection.execute("UPDATE folders SET name = ? WHERE id = ?", (_name(name), folder_id))

    def delete_folder(self, folder_id: int) -> tuple[int, ...]:
        """Its conversations stay, in no folder: their ids."""
        with self._database.atomic() as connection:
            _require(connection, "folders", folder_id)
            inside = connection.execute("SELECT id FROM conversations WHERE folder_id = ?", (folder_id,)).fetchall()
            connection.execute("UPDATE conversations SET folder_id = NULL WHERE folder_id = ?", (folder_id,))
            connection.execute("DELETE FROM folders WHERE id = ?", (folder_id,))
        return tuple(one for (one,) in inside)

    def restore_folder(self, folder: Folder, conversation_ids: Iterable[int]) -> None:
        """As it was before `delete_folder`, but for those that were erased or put elsewhere meanwhile."""
        with self._database.atomic() as connection:
            connection.execute(
                "INSERT INTO folders (id, name, place) VALUES (?, ?, ?)", (folder.id, folder.name, folder.id)
            )
            connection.executemany(
                "UPDATE conversations SET folder_id = ? WHERE id = ? AND folder_id IS NULL",
                [(folder.id, one) for one in conversation_ids],
            )

    def move(self, conversation_ids: Iterable[int], folder_id: int | None) -> None:
        """Into this folder; None: out of any."""
        with self._database.atomic() as connection:
            if folder_id is not None:
                _require(connection, "folders", folder_id)
            self._set(connection, conversation_ids, "folder_id", folder_id)

    def pin(self, conversation_ids: Iterable[int], pinned: bool) -> None:
        with self._database.atomic() as connection:
            self._set(connection, conversation_ids, "pinned", pinned)

    def archive(self, conversation_ids: Iterable[int], archived: bool) -> None:
        """Out of the list, but kept and found."""
        with self._database.atomic() as connection:
            self._set(connection, conversation_ids, "archived", archived)

    def mark_unread(self, conversation_ids: Iterable[int], unread: bool) -> None:
        """An answer there came to its end and was not looked at, or now it was. What is gone is passed over."""
        with self._database.atomic() as connection:
            connection.executemany(
                "UPDATE conversations SET unread = ? WHERE id = ?", [(unread, one) for one in conversation_ids]
            )

    # ---- what it is answered with

    def options(self, conversation_id: int) -> Options:
        for (text,) in self._rows("SELECT options FROM conversations WHERE id = ?", conversation_id):
            return Options.of(json.loads(text))
        raise no_conversation()

    def set_options(self, conversation_id: int, options: Options) -> None:
        """BadOption, and then nothing has changed."""
        options.check()
        with self._database.atomic() as connection:
            self._set(connection, (conversation_id,), "options", sound(options.to_json()))

    # ---- what is being written

    def draft(self, conversation_id: int | None) -> str:
        """What stood in the composer of this conversation, None: of one that has not begun."""
        return self._drafted(conversation_id or _NEW)

    def set_draft(self, conversation_id: int | None, text: str) -> None:
        self._set_drafted(conversation_id or _NEW, text)

    def new_options(self) -> Options | None:
        """What somebody chose for a conversation that has not begun."""
        text = self._drafted(_NEW_OPTIONS)
        return Options.of(json.loads(text)) if text else None

    def set_new_options(self, options: Options | None) -> None:
        """BadOption, and then nothing has changed."""
        if options is not None:
            options.check()
        self._set_drafted(_NEW_OPTIONS, options.to_json() if options is not None else "")

    def _drafted(self, place: int) -> str:
        rows = self._rows("SELECT text FROM drafts WHERE conversation_id = ?", place)
        return rows[0][0] if rows else ""

    def edits(self) -> dict[int, str]:
        """What is being written in place of messages, by their ids."""
        return dict(self._rows("SELECT message_id, text FROM edits"))

    def set_edits(self, edits: Mapping[int, str | None]) -> None:
        """None: nothing any more. Of a message that is gone nothing is kept; one that is erased takes its own along."""
        with self._written_over() as connection:
            for message_id, text in edits.items():
                connection.execute("DELETE FROM edits WHERE message_id = ?", (message_id,))
                if text is not None:
                    connection.execute(
                        "INSERT INTO edits SELECT id, ? FROM messages WHERE id = ?", (sound(text), message_id)
                    )

    @contextmanager
    def _written_over(self) -> Iterator[Connected]:
        """A change of which no byte that was there before stays in the file."""
        self._database.connection().execute("PRAGMA secure_delete = ON")
        with self._database.atomic() as connection:
            yield connection

    def _set_drafted(self, place: int, text: str) -> None:
        with self._written_over() as connection:
            if text:
                connection.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?)", (place, sound(text)))
            else:
                connection.execute("DELETE FROM drafts WHERE conversation_id = ?", (place,))

    # ---- saved prompts

    def saved_prompts(self) -> tuple[SavedPrompt, ...]:
        """By name."""
        return tuple(SavedPrompt(*row) for row in self._rows("SELECT id, name, text FROM prompts ORDER BY name, id"))

    def save_prompt(self, name: str, text: str, prompt_id: int | None = None) -> SavedPrompt:
        """A new one, or this one changed."""
        name, text = _name(name), sound(text)
        with self._database.atomic() as connection:
            if prompt_id is None:
                connection.execute("INSERT INTO prompts (name, text) VALUES (?, ?)", (name, text))
                (prompt_id,) = connection.execute("SELECT last_insert_rowid()").fetchone()
            else:
                _require(connection, "prompts", prompt_id)
                connection.execute("UPDATE prompts SET name = ?, text = ? WHERE id = ?", (name, text, prompt_id))
        return SavedPrompt(int(prompt_id or 0), name, text)

    def delete_prompt(self, prompt_id: int) -> None:
        with self._database.atomic() as connection:
            _require(connection, "prompts", prompt_id)
            connection.execute("DELETE FROM prompts WHERE id = ?", (prompt_id,))

    # ---- inside

    @staticmethod
    def _set(connection: Connected, conversation_ids: Iterable[int], column: str, value: object) -> None:
        for conversation_id in conversation_ids:
            changed = connection.execute(
                f"UPDATE conversations SET {column} = ? WHERE id = ?", (value, conversation_id)
            )
            if not changed.rowcount:
                raise no_conversation()

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._database.connection().execute(sql, values)]


_GONE = {
    "folders": ("no_folder", Phrase("This folder is not there any more.", "该文件夹已不存在。")),
    "prompts": ("no_prompt", Phrase("This prompt is not there any more.", "该提示词已不存在。")),
}


def _require(connection: Connected, table: str, id: int) -> None:
    if connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (id,)).fetchone() is None:
        code, message = _GONE[table]
        raise NotFound(message, code=code)


def _name(name: str) -> str:
    name = sound(" ".join(name.split()))[:_LONGEST_NAME]
    if not name:
        raise InvalidInput(Phrase("It needs a name.", "请输入名称。"), code="no_name")
    return name
