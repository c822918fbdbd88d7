"""Embedding against llama-server --embeddings: texts a second, and processor time a text; and the chat model beside it.

    python -m tests.bench embed --llama-server PATH [--model FILE] [--texts 64] [--words 24] [--rounds 5] [--quick]
    python -m tests.bench embed --beside CHAT [--model FILE]

The same file, threads and batch, by turns, all texts in one request (llama-server: `-np 8 -kvu`, answers in base64).
Without `--model` they are random weights in the shapes of a MiniLM (22M), of BGE M3 and of Qwen3 Embedding 0.6B. The
first has the wanted ratio of a server that does the same work; the last does less of it (engine/pooled.py).

`--beside`: how fast a chat model (a file, or "153M") answers alone, while documents are embedded with as many threads
as it has, and as the engine does it, with half of them while it answers.
"""

import base64
import json
import random
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import gguf
import numpy as np
import psutil

from backends.engine.embedder import EmbedderThread, NativeEmbedder
from backends.engine.embedding import EmbedderRequest
from backends.engine.loader import NativeEngine
from backends.engine.protocol import Finished, GenerateRequest, LoadRequest, Sampling, Turn
from tests.kit import peers
from tests.kit.embedders import random_bert
from tests.kit.ggufs import BENCH_SHAPE, Quant, random_model
from tests.kit.peers import Figures
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model
from tests.kit.vocabulary import EOS

BATCH, CONTEXT = 512, 512
WANTED = 1.0
COMMON = ["the", "of", "and", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on", "are", "as", "with"]


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--texts", type=int, default=64)
        parser.add_argument("--words", type=int, default=24)
        parser.add_argument("--beside", help="a chat model's file, or 153M")

    programs = () if "--beside" in arguments else ("llama-server",)
    given = peers.options(__doc__ or "", "embed", arguments, *programs, more=more)
    if given.quick:
        given.texts = min(given.texts, 8)
    with tempfile.TemporaryDirectory() as folder:
        if given.beside:
            return beside(given, Path(folder))
        peers.say_flags(given.llama_server)
        models = [given.model] if given.model else made(Path(folder), small=given.small or given.quick)
        good = [compare(given, model) for model in models]
        return 0 if all(good) else 1


def made(folder: Path, *, small: bool) -> Iterator[Path]:
    minilm = folder / "minilm.gguf"
    yield random_bert(
        minilm, tokenizer="bert", pooling=gguf.PoolingType.MEAN, layers=6, width=384, heads=12, ff=1536, context=512
    )
    for name in () if small else ("bge-m3", "qwen3-embedding-0.6b"):
        path = shaped_model(folder / f"{name}.gguf", real(name), "Q8_0", weights="noise")
        yield path
        path.unlink()


def texts_of(given: Namespace) -> list[str]:
    words = random.Random(0)
    return [" ".join(words.choices(COMMON, k=given.words)) for _ in range(given.texts)]


def compare(given: Namespace, model: Path) -> bool:
    texts, patience = texts_of(given), peers.Patience(given.patience)
    speed = Figures(f"{model.stem}, texts a second", "texts/s", WANTED)
    cost = Figures(f"{model.stem}, processor time a text", "ms", None, more=False)
    more = ["--embeddings", "-b", str(BATCH), "-ub", str(BATCH)]
    with (
        our_embedder(model, given.threads) as embedder,
        peers.llama_server(
            given.llama_server, model, threads=given.threads, context=8 * CONTEXT, parallel=8, more=more
        ) as server,
    ):
        process, mine = psutil.Process(server.process.pid), psutil.Process()
        # llama-server leaves out the EOS of last-token pooling where the file does not say it
        ended = [text + EOS * (embedder.model.pooling == "last") for text in texts] if embedder.model else texts
        ours, theirs = embedded(embedder, texts), asked(server.port, ended)
        print(f"{model.stem}: the least alike of both sides' vectors: cosine {(ours * theirs).sum(axis=1).min():.5f}")
        for _ in range(given.rounds):
            for side, who, call in (
                ("peer", process, lambda: asked(server.port, ended)),
                ("ours", mine, lambda: embedded(embedder, texts)),
            ):
                patience.wait()
                seconds, used = timed(who, call)
                getattr(speed, side).append(len(texts) / seconds)
                getattr(cost, side).append(1000 * used / len(texts))
    cost.show("llama-server")
    return speed.show("llama-server")


def timed(process: psutil.Process, call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of the processor in that process."""
    begin, before = time.monotonic(), process.cpu_times()
    call()
    after = process.cpu_times()
    return time.monotonic() - begin, after.user + after.system - before.user - before.system


# ---- the two sides


@contextmanager
def our_embedder(model: Path, threads: int, chat_busy: Callable[[], bool] = lambda: False) -> Iterator[NativeEmbedder]:
    thread = EmbedderThread(chat_busy=chat_busy)
    embedder = thread.embedder()
    request = EmbedderRequest(model, context=CONTEXT, batch=BATCH, gpu_layers=0, threads=threads)
    list(embedder.load(request))
    yield embedder
    thread.close()


def embedded(embedder: NativeEmbedder, texts: Sequence[str]) -> np.ndarray:
    events = list(embedder.embed(texts))
    return np.array([np.frombuffer(vector, "<f4") for event in events for vector in event.vectors])


def asked(port: int, texts: Sequence[str]) -> np.ndarray:
    """Of llama-server, one request, as vectors of length 1."""
    connection = HTTPConnection("127.0.0.1", port, timeout=600)
    body = json.dumps({"input": list(texts), "encoding_format": "base64"})
    connection.request("POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    if "data" not in answer:
        raise SystemExit(f"llama-server: {answer}")
    return np.array([np.frombuffer(base64.b64decode(one["embedding"]), "<f4") for one in answer["data"]])


# ---- beside the chat model


def beside(given: Namespace, folder: Path) -> int:
    chat = Path(given.beside)
    if given.beside == "153M":
        chat = random_model(folder / "random-153M-Q8_0.gguf", shape=BENCH_SHAPE, quant=Quant.Q8_0)
    model = given.model or next(made(folder, small=True))
    engine, patience = NativeEngine(), peers.Patience(given.patience)
    list(engine.load(LoadRequest(chat, 4096, gpu_layers=0, threads=given.threads, lookup=False)))
    ways = {"all threads": lambda: False, "half of them": lambda: engine.busy}
    rates: dict[str, list[float]] = {"alone": [], **{name: [] for name in ways}}
    embeds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(given.rounds):
        patience.wait()
        rates["alone"].append(answered(engine))
        for name, busy in ways.items():
            with our_embedder(model, given.threads, busy) as embedder:
                documents, begin = embedder.embed(texts_of(given) * 2000), time.monotonic()
                next(iter(documents))
                rates[name].append(answered(engine))
                documents.cancel()
                count = sum(len(event.vectors) for event in documents)
                embeds[name].append(count / (time.monotonic() - begin))
    engine.close()
    for name, values in rates.items():
        texts = f", {np.median(embeds[name]):.1f} texts/s embedded" if name in embeds else ""
        share = np.median(values) / np.median(rates["alone"])
        print(f"the chat model, {name}: {np.median(values):.1f} tokens/s, {share:.2f} of alone{texts}")
    return 0


def answered(engine: NativeEngine) -> float:
    """Decoded tokens a second of one answer."""
    asked = GenerateRequest([Turn("user", "Tell me a story.")], Sampling(temperature=0), max_tokens=96)
    last = list(engine.generate(asked))[-1]
    assert isinstance(last, Finished)
    return last.timings.decode_tokens_per_s
