"""The form of `chats.db`, step by step. A released step is never changed (`storage.migrations`)."""

from backends.chat.search import create_search
from backends.chat.sourced import create_sourced
from backends.storage.database import Connected
from backends.storage.migrations import Migration


def _create(connection: Connected) -> None:
    connection.execute(
        """
        CREATE TABLE conversations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            title TEXT NOT NULL DEFAULT '',
            renamed INTEGER NOT NULL DEFAULT 0,
            active_leaf INTEGER REFERENCES messages(id) DEFERRABLE INITIALLY DEFERRED,
            activity INTEGER NOT NULL,
            created REAL NOT NULL,
            updated REAL NOT NULL,
            deleted REAL
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            conversation_id INTEGER NOT NULL REFERENCES conversations(id) DEFERRABLE INITIALLY DEFERRED,
            parent_id INTEGER REFERENCES messages(id) DEFERRABLE INITIALLY DEFERRED,
            role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
            content TEXT NOT NULL,
            reasoning TEXT NOT NULL DEFAULT '',
            status TEXT NOT NULL CHECK (status IN ('streaming', 'done', 'stopped', 'failed')),
            model TEXT NOT NULL DEFAULT '',
            device TEXT NOT NULL DEFAULT '',
            finish_reason TEXT NOT NULL DEFAULT '',
            problem TEXT,
            prompt_tokens INTEGER, completion_tokens INTEGER, reasoning_tokens INTEGER, cached_tokens INTEGER,
            prefill_tokens_per_s REAL, decode_tokens_per_s REAL, ttft_s REAL, total_s REAL,
            reasoning_s REAL NOT NULL DEFAULT 0,
            created REAL NOT NULL,
            updated REAL NOT NULL
        )
        """
    )
    connection.execute("CREATE INDEX messages_by_place ON messages (conversation_id, parent_id)")
    connection.execute("CREATE INDEX messages_by_parent ON messages (parent_id)")
    connection.execute("CREATE INDEX messages_streaming ON messages (status) WHERE status = 'streaming'")
    connection.execute("CREATE INDEX conversations_by_activity ON conversations (activity)")


def _organise(connection: Connected) -> None:
    """Folders, pins, what a conversation is answered with, drafts, saved prompts, and messages that wait to be erased.
    `renamed`: 0 called by its question, 1 by the person, 2 by the model. `deleted_with`: the message that was deleted,
    on itself and all below it."""
    connection.execute(
        "CREATE TABLE folders (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, place INTEGER NOT NULL)"
    )
    connection.execute("ALTER TABLE conversations ADD COLUMN folder_id INTEGER REFERENCES folders(id)")
    connection.execute("ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE conversations ADD COLUMN archived INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE conversations ADD COLUMN options TEXT NOT NULL DEFAULT '{}'")
    connection.execute("CREATE TABLE drafts (conversation_id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    connection.execute(
        "CREATE TABLE prompts (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, text TEXT NOT NULL)"
    )
    connection.execute("ALTER TABLE messages ADD COLUMN deleted_with INTEGER")
    connection.execute("CREATE INDEX messages_deleted ON messages (deleted_with) WHERE deleted_with IS NOT NULL")


def _look_later(connection: Connected) -> None:
    """Answers that nobody has looked at yet, and what is being written in place of messages."""
    connection.execute("ALTER TABLE conversations ADD COLUMN unread INTEGER NOT NULL DEFAULT 0")
    connection.execute(
        "CREATE TABLE edits (message_id INTEGER PRIMARY KEY REFERENCES messages(id) ON DELETE CASCADE, "
        "text TEXT NOT NULL)"
    )


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "conversations and messages", _create),
    Migration(2, "sources of answers", create_sourced),
    Migration(3, "folders, options, drafts, prompts, deleted messages", _organise),
    Migration(4, "search", create_search),
    Migration(5, "unread answers, edits", _look_later),
)
