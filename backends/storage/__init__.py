"""SQLite, opened so that nothing that was saved is lost.

    database = Database(paths.data / "chats.db", MIGRATIONS)
    with database.atomic() as connection:
        connection.execute("INSERT …")

`database` opens a file: checked, copied before its form changes, brought to the form that this version knows,
replaced by its newest good copy if it is damaged, refused if a newer version made it. `migrations` are the numbered
steps from one form to the next, each in one transaction with the record of it. `connection` gives sqlite3 its manners:
the world's failures (full, locked, damaged, read-only) come out as StorageError, our own mistakes as they are.

What it promises (REL-01, 03, 11, 12): when `atomic()` has ended, the change outlives kill -9 and a power cut
(write-ahead log, `synchronous=FULL`); a block that raised has left no trace. Plain SQL stands in the one store file of
each room; there is no layer above it.
"""
