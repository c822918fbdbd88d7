"""Conversations as files, and back.

    types         what is exported, and how
    reading       conversations and messages of `chats.db`, a few at a time
    files         names out of titles, and files that are there only when they are whole
    words         what stands around the messages, in both languages
    parsed        the Markdown of a model, read for the formats below
    markdown html docx json     one format each: a `Writer`
    mathml        formulas of a page
    copied        one message for the clipboard
    task          the export itself
    pulled        JSON of any size, read piece by piece
    checked       the values of an import, looked at one by one
    imported      the import of the JSON

The room promises: a file stands under its name only when it is whole; nothing of an import is seen before all of it
is there; an export and its import tell the same. What is not in any file: drafts that were not sent, X-rays (they hold
texts of documents that no answer quotes), and what was deleted.
"""
