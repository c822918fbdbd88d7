"""Documents: read, kept, found again. What an answer may quote, and the page it stands on.

    extract/     a file -> sections of text with their pages, in a child process
    chunking     sections -> passages
    store        documents, sections, passages, vectors: `library.db` is the truth
    ingest       the task that takes files in; `watch` the folders that are followed
    words        text -> terms that find Chinese and English
    fulltext     terms -> passages (tantivy); `vectors` the same by meaning; both can be rebuilt from the store
    search       a question -> hits: both lists fused, ranked, folded; `ranking`, `scope`

Knows no engine: what it needs of one is stated in `ports`, and `services` brings it.
"""
