"""One stream on a real GPU: `pytest -m gpu` on a machine that has one and an engine built for it.

With LLAMA_BENCH set (built for the same GPU, see tests/kit/peers.py) the figures beside it are printed; `-s` shows
them.
"""

import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.engine.loader import NativeEngine, engine_info
from backends.engine.protocol import GenerateRequest, LoadedModel, LoadFinished, LoadRequest, Sampling, Turn
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER, BENCH_SHAPE, REASONING, Quant, random_model, scripted_model

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def device() -> str:
    found = [device.name for device in engine_info().devices if device.kind == "gpu"]
    if not found:
        pytest.skip("no GPU, or an engine that was built for none")
    return found[0]


@pytest.fixture
def engine() -> Iterator[NativeEngine]:
    engine = NativeEngine()
    yield engine
    engine.close()


def loaded(engine: NativeEngine, path: Path, parallel: int = 1) -> LoadedModel:
    *_, last = engine.load(LoadRequest(path, 4096, gpu_layers=-1, parallel=parallel))
    assert isinstance(last, LoadFinished)
    return last.model


def test_one_stream_on_the_gpu_says_what_it_is_to_say(engine: NativeEngine, device: str, tmp_path: Path) -> None:
    model = loaded(engine, scripted_model(tmp_path / "scripted.gguf"))
    assert device in model.devices
    assert model.gpu_layers == model.layers
    heard = hear(engine.generate(GenerateRequest([Turn("user", "Hello")], Sampling(temperature=0))))
    assert (heard.reasoning.strip(), heard.text.strip()) == (REASONING, ANSWER)
    assert device in heard.finished.device
    assert heard.finished.timings.decode_tokens_per_s > 0


def test_many_streams_on_the_gpu_are_what_each_is_alone(engine: NativeEngine, device: str, tmp_path: Path) -> None:
    loaded(engine, scripted_model(tmp_path / "scripted.gguf"), parallel=8)
    request = GenerateRequest([Turn("user", "Hello")], Sampling(temperature=0))
    for stream in [engine.generate(request) for _ in range(8)]:
        heard = hear(stream)
        assert (heard.reasoning.strip(), heard.text.strip()) == (REASONING, ANSWER)
        assert device in heard.finished.device


def test_one_stream_beside_llama_bench(device: str, tmp_path: Path) -> None:
    peer = Path(os.environ.get("LLAMA_BENCH", ""))
    if not peer.is_file():
        pytest.skip("LLAMA_BENCH names no llama-bench")
    from tests.bench import single
    from tests.kit import peers

    model = random_model(tmp_path / "random.gguf", shape=BENCH_SHAPE, quant=Quant.Q8_0)
    peers.say_flags(peer)
    given = Namespace(threads=4, rounds=3, prompt=512, generate=128, gpu_layers=-1, patience=0)
    single.compare(peer, model, given)  # printed, never asserted by a clock
    ours = single.Ours(model, 4, 4096, -1)
    ours.close()
    assert device in ours.device
