"""A door to the engine for load clients: `/completion` as llama-server has it, in a process of its own.

    python -m tests.kit.door MODEL PORT '{"context": 4096, "parallel": 8, …}'

The door takes requests with http.server; one thread writes what the engine says to all of them, woken by the engine as
the event loop of a server is.
"""

import json
import sys
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from backends.core.errors import BackendError
from backends.core.stream import Stream
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadFinished,
    LoadRequest,
    ReasoningDelta,
    Sampling,
    TextDelta,
)


def main() -> None:
    model, port, asked = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    if "states" in asked:
        asked |= {"states": Path(asked["states"]), "states_budget": 8 << 30}
    engine = NativeEngine()
    *_, loaded = engine.load(LoadRequest(model, gpu_layers=0, **asked))
    assert isinstance(loaded, LoadFinished)
    writer = Writer()
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Door, engine, writer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening on {port}", flush=True)
    sys.stdin.read()  # until whoever started us ends or goes
    engine.close()


@dataclass
class Answer:
    stream: Stream[GenerateEvent]
    out: Any
    done: threading.Event = field(default_factory=threading.Event)


class Writer:
    """Writes all answers, in one thread."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self._answers: list[Answer] = []
        threading.Thread(target=self._write, name="writer", daemon=True).start()

    def follow(self, answer: Answer) -> None:
        self._answers.append(answer)
        answer.stream.on_wake(self._woken.set)

    def _write(self) -> None:
        while self._woken.wait():
            self._woken.clear()
            for answer in list(self._answers):
                if not self._pass_on(answer):
                    self._answers.remove(answer)
                    answer.done.set()

    def _pass_on(self, answer: Answer) -> bool:
        try:
            data = b"".join(map(_line, answer.stream.drain()))
            if data:
                answer.out.write(data)
        except BackendError as error:
            answer.out.write(b"data: " + json.dumps({"error": error.code}).encode() + b"\n\n")
            return False
        except OSError:
            answer.stream.cancel()
            return False
        return not answer.stream.finished


def _line(event: GenerateEvent) -> bytes:
    match event:
        case TextDelta(text) | ReasoningDelta(text):
            said: dict[str, Any] = {"content": text, "stop": False}
        case Finished(usage, timings):
            said = {
                "content": "",
                "stop": True,
                "tokens_predicted": usage.completion_tokens,
                "tokens_cached": usage.cached_tokens,
                "restored": timings.restored,
            }
        case _:
            return b""
    return b"data: " + json.dumps(said).encode() + b"\n\n"


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # the end of the answer is the end of the connection
    wbufsize = 0

    def __init__(self, engine: NativeEngine, writer: Writer, *rest: Any) -> None:
        self._engine, self._writer = engine, writer
        super().__init__(*rest)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sampling = Sampling(
            temperature=asked.get("temperature", 0.6),
            top_k=asked.get("top_k", 0),
            top_p=asked.get("top_p", 1.0),
            min_p=asked.get("min_p", 0.0),
        )
        request = GenerateRequest(
            (),
            sampling,
            asked.get("n_predict"),
            priority=asked.get("priority", "api"),
            tokens=tuple(asked["prompt"]),
            ignore_end=asked.get("ignore_eos", False),
            keep=asked.get("keep", False),
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        answer = Answer(self._engine.generate(request), self.wfile)
        self._writer.follow(answer)
        answer.done.wait()

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    main()
