"""Answers in `chats.db` until ggml gives up: so many seconds after the first word it ends the process, as it does when
an assertion fails or a card is out of memory. Says as `streaming_child` does when what was streamed."""

import ctypes
import sys
import time
from pathlib import Path

from backends.chat.answer import Manner, answer
from backends.chat.store import MIGRATIONS, ChatStore
from backends.core.cancel import CancelToken
from backends.core.crashes import CrashJournal
from backends.core.stream import Stream
from backends.engine.asked import Asked
from backends.engine.loader import NativeEngine
from backends.engine.native import library
from backends.engine.protocol import LoadRequest, ReasoningDelta, Sampling, TextDelta
from backends.storage.database import Database


def main(folder: str, model: str, seconds: str) -> None:
    journal = CrashJournal(Path(folder))
    journal.start()
    store = ChatStore(Database(Path(folder) / "chats.db", MIGRATIONS))
    engine = NativeEngine(journal)
    for _ in engine.load(LoadRequest(Path(model), context=2048, gpu_layers=0, threads=1, alias="slow")):
        pass
    conversation = store.create()
    length, began, last = 0, 0.0, 0.0
    for event in answer(
        store, engine, Manner(sampling=Sampling(temperature=0)), conversation.id, "go", cancel=CancelToken()
    ):
        if isinstance(event, ReasoningDelta | TextDelta):
            length += len(event.text)
            print(time.monotonic(), length, flush=True)
            began = began or time.monotonic()
            if last - began > float(seconds):
                engine._ask(Asked(Stream("abort"), abort, urgent=True))
                seconds = "inf"
            last = time.monotonic()


def abort() -> None:
    """On the engine's thread, between two tokens: GGML_ABORT("…")."""
    where, words = b"ggml-cuda.cu", b"CUDA error: out of memory in %s"
    library().base.ggml_abort(ctypes.c_char_p(where), 91, ctypes.c_char_p(words), ctypes.c_char_p(b"alloc"))


if __name__ == "__main__":
    main(*sys.argv[1:])
