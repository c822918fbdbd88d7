"""The form of `library.db`.

A document shows one *version* of its content: the rows of `sections` and `passages` whose ids begin with its number
(`version << 24 | number`). A new version is written beside the old one and shown by one change of the document's row,
so nobody ever sees half a document. Versions that no document shows (one that is being written, one that was replaced,
one that was erased) stand in `loose`; a start removes what a kill has left there.

Paths are text; those that are not (names of bytes that are no UTF-8) are blobs.
"""

from backends.storage.database import Connected
from backends.storage.migrations import Migration

MANNERS = (
    "auto_vacuum=INCREMENTAL",  # takes effect while there is no table yet: what was erased leaves the file
    "secure_delete=ON",  # what is deleted is overwritten
    "busy_timeout=60000",  # milliseconds; writers wait for one another, each is short
)


def _create(connection: Connected) -> None:
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO identity VALUES (lower(hex(randomblob(16))))")


_TABLES = (
    "CREATE TABLE identity (key TEXT NOT NULL)",
    """
    CREATE TABLE collections (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('default', 'library', 'conversation')),
        conversation_id INTEGER UNIQUE,
        hidden REAL
    )
    """,
    """
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id INTEGER NOT NULL REFERENCES collections(id),
        path NOT NULL,
        name TEXT NOT NULL,
        title TEXT NOT NULL DEFAULT '',
        format TEXT NOT NULL DEFAULT '',
        size INTEGER NOT NULL,
        modified REAL NOT NULL,
        dated REAL,
        digest TEXT NOT NULL,
        status TEXT NOT NULL
            CHECK (status IN ('waiting', 'reading', 'ready', 'failed', 'encrypted', 'scanned', 'empty')),
        problem TEXT,
        pages INTEGER NOT NULL DEFAULT 0,
        characters INTEGER NOT NULL DEFAULT 0,
        passages INTEGER NOT NULL DEFAULT 0,
        language TEXT NOT NULL DEFAULT '',
        recognised INTEGER NOT NULL DEFAULT 0,
        unread INTEGER NOT NULL DEFAULT 0,
        added REAL NOT NULL,
        hidden REAL,
        version INTEGER
    )
    """,
    "CREATE INDEX documents_by_path ON documents (path, collection_id) WHERE path <> ''",
    "CREATE INDEX documents_by_name ON documents (name, collection_id) WHERE path = ''",
    "CREATE UNIQUE INDEX documents_by_version ON documents (version) WHERE version IS NOT NULL",
    "CREATE INDEX documents_by_digest ON documents (digest)",
    "CREATE INDEX documents_by_collection ON documents (collection_id)",
    "CREATE INDEX documents_unfinished ON documents (status) WHERE status <> 'ready'",
    "CREATE INDEX documents_hidden ON documents (hidden) WHERE hidden IS NOT NULL",
    """
    CREATE TABLE watched (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
        path NOT NULL,
        problem TEXT,
        UNIQUE (collection_id, path)
    )
    """,
    # files in watched folders that the person deleted here: hashes of their paths
    """
    CREATE TABLE left_out (
        collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
        key BLOB NOT NULL,
        PRIMARY KEY (collection_id, key)
    ) WITHOUT ROWID
    """,
    # what was asked to be taken in and is not done yet
    """
    CREATE TABLE asked (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id INTEGER NOT NULL REFERENCES collections(id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('path', 'jsonl')),
        path NOT NULL,
        recognise INTEGER NOT NULL
    )
    """,
    "CREATE TABLE loose (version INTEGER PRIMARY KEY AUTOINCREMENT)",
    """
    CREATE TABLE sections (
        id INTEGER PRIMARY KEY,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL,
        page INTEGER NOT NULL,
        label TEXT NOT NULL,
        headings TEXT NOT NULL,
        kind TEXT NOT NULL,
        recognised INTEGER NOT NULL,
        text TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY,
        section INTEGER NOT NULL,
        start INTEGER NOT NULL,
        "end" INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE changes (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        document_id INTEGER NOT NULL UNIQUE,
        gone INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE embedders (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        model TEXT NOT NULL,
        quant TEXT NOT NULL,
        pooling TEXT NOT NULL,
        prefix_version INTEGER NOT NULL,
        dimensions INTEGER NOT NULL,
        multilingual INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE vectors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL,
        embedder_id INTEGER NOT NULL REFERENCES embedders(id),
        first INTEGER NOT NULL,
        count INTEGER NOT NULL,
        data BLOB NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX vectors_by_place ON vectors (version, embedder_id, first)",
)

MIGRATIONS: tuple[Migration, ...] = (Migration(1, "documents and what they say", _create),)
