"""Answers in `chats.db` until somebody kills it. Says on standard output, a line each, when what was streamed:

started <message id>
<monotonic seconds> <characters of reasoning and answer so far>
"""

import sys
import time
from pathlib import Path

from backends.chat.answer import AnswerStarted, Manner, answer
from backends.chat.store import MIGRATIONS, ChatStore
from backends.core.cancel import CancelToken
from backends.engine.loader import NativeEngine
from backends.engine.protocol import LoadRequest, ReasoningDelta, Sampling, TextDelta
from backends.storage.database import Database


def main(database: str, model: str) -> None:
    store = ChatStore(Database(Path(database), MIGRATIONS))
    engine = NativeEngine()
    for _ in engine.load(LoadRequest(Path(model), context=2048, gpu_layers=0, threads=1, alias="slow")):
        pass
    conversation = store.create()
    manner = Manner(sampling=Sampling(temperature=0))
    length = 0
    for event in answer(store, engine, manner, conversation.id, "go", cancel=CancelToken()):
        if isinstance(event, AnswerStarted):
            print("started", event.message_id, flush=True)
        if isinstance(event, ReasoningDelta | TextDelta):
            length += len(event.text)
            print(time.monotonic(), length, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
