"""Each setting does to the next token what its formula says; what is out of range never reaches native code."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.core.errors import InvalidInput
from backends.engine import logits as numbers
from backends.engine.context import Context, ContextOptions
from backends.engine.native import Model, library
from backends.engine.protocol import Sampling
from backends.engine.sampling import Sampler
from backends.engine.sampling_checks import MOST_BIASES, check_logprobs
from tests.kit.ggufs import Shape, random_model

PLAIN = Sampling(temperature=1, top_p=1, seed=7)  # draws from all tokens as they are
GREEDY = Sampling(temperature=0)
VOCABULARY = 6000


class Bench:
    """A model that has computed one token; a sampler may be asked for the next one as often as it likes."""

    def __init__(self, path: Path) -> None:
        self.model = Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
        self.context = Context(self.model, ContextOptions(context=256, kv_type="f16", threads=1, batch=32))
        self.context.batch.clear()
        self.context.batch.add(5, 0, 0, True)
        assert self.context.decode()
        llama = library().llama
        self.logits = numbers.logits_at(llama, self.context.handle, 0, self.model.vocabulary.size).copy()

    def close(self) -> None:
        self.context.close()
        self.model.close()

    def draws(self, sampling: Sampling, count: int, said: tuple[int, ...] = ()) -> list[int]:
        sampler = Sampler(self.model, sampling, context=256)
        for token in said:
            sampler.force(token)
        tokens = [sampler.sample(self.context.handle, 0) for _ in range(count)]
        sampler.close()
        return tokens


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    path = tmp_path_factory.mktemp("sampling") / "random.gguf"
    bench = Bench(random_model(path, shape=Shape(layers=1, width=64, heads=2, vocabulary=VOCABULARY)))
    yield bench
    bench.close()


# ---- what the formulas say


def softmax(logits: np.ndarray) -> np.ndarray:
    p = np.exp(logits.astype(np.float64) - logits.max())
    return p / p.sum()


def kept(logits: np.ndarray, ids: Any) -> np.ndarray:
    """All but these are impossible."""
    left = np.full_like(logits, -np.inf)
    left[ids] = logits[ids]
    return left


def likeliest(logits: np.ndarray, count: int) -> np.ndarray:
    return np.argsort(-logits, kind="stable")[:count]


def top_p(logits: np.ndarray, p: float) -> np.ndarray:
    ids = likeliest(logits, len(logits))
    return kept(logits, ids[: np.searchsorted(np.cumsum(softmax(logits)[ids]), p) + 1])


def min_p(logits: np.ndarray, p: float) -> np.ndarray:
    return kept(logits, np.flatnonzero(logits >= logits.max() + math.log(p)))


def typical(logits: np.ndarray, p: float) -> np.ndarray:
    shares = softmax(logits)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = -np.log(shares)
        entropy = np.nansum(shares * surprise)
    ids = np.argsort(np.abs(surprise - entropy), kind="stable")
    return kept(logits, ids[: np.searchsorted(np.cumsum(shares[ids]), p) + 1])


def xtc(logits: np.ndarray, threshold: float) -> np.ndarray:
    """When it strikes: the least likely of those above the threshold is the first that stays."""
    above = np.flatnonzero(softmax(logits) >= threshold)
    out = above[np.argsort(-logits[above])][:-1]
    left = logits.copy()
    left[out] = -np.inf
    return left


SHARP = 0.12  # a temperature at which few tokens matter
CASES = {
    "temperature": (replace(PLAIN, temperature=SHARP), lambda x: x / SHARP),
    "top_k": (replace(PLAIN, top_k=12, temperature=0.3), lambda x: kept(x, likeliest(x, 12)) / 0.3),
    "top_p": (replace(PLAIN, top_p=0.6, temperature=SHARP), lambda x: top_p(kept(x, likeliest(x, 128)) / SHARP, 0.6)),
    "min_p": (replace(PLAIN, min_p=0.2, temperature=SHARP), lambda x: min_p(x / SHARP, 0.2)),
    "typical_p": (
        replace(PLAIN, typical_p=0.5, temperature=SHARP),
        lambda x: typical(kept(x, likeliest(x, 128)) / SHARP, 0.5),
    ),
    "xtc": (
        replace(PLAIN, xtc_probability=1, xtc_threshold=0.05, top_k=20, temperature=SHARP),
        lambda x: xtc(kept(x, likeliest(x, 20)) / SHARP, 0.05),
    ),
    "logit_bias": (
        replace(PLAIN, top_k=3, logit_bias={10: 30.0, 11: 31.0, 12: 30.5}),
        lambda x: kept(x + 30 * np.isin(np.arange(len(x)), [10, 11, 12]) + np.eye(len(x))[11] + np.eye(len(x))[12] / 2,
                       [10, 11, 12]),
    ),
    "all": (
        replace(PLAIN, top_k=40, top_p=0.9, min_p=0.05, typical_p=0.95, temperature=0.2),
        lambda x: min_p(top_p(typical(kept(x, likeliest(x, 40)) / 0.2, 0.95), 0.9), 0.05),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_tokens_are_drawn_as_the_formula_says(bench: Bench, name: str) -> None:
    sampling, formula = CASES[name]
    expected = softmax(formula(bench.logits))
    counts = np.bincount(bench.draws(sampling, 3000), minlength=VOCABULARY)
    assert not counts[expected < 1e-12].any(), "a token was drawn that was cut"
    assert abs(counts / 3000 - expected).sum() / 2 < 0.12
    if name not in ("temperature", "logit_bias"):
        assert (expected > 1e-12).sum() < 130


def test_temperature_0_takes_the_likeliest(bench: Bench) -> None:
    best = int(bench.logits.argmax())
    assert bench.draws(GREEDY, 3) == [best] * 3
    assert bench.draws(replace(GREEDY, mirostat=2, top_k=3, min_p=0.5), 3) == [best] * 3
    assert bench.draws(replace(PLAIN, temperature=1e-9), 2) == [best] * 2


@pytest.mark.parametrize("window", [-1, 0, 3, 64])
def test_penalties_take_from_what_was_said(bench: Bench, window: int) -> None:
    """On fixed logits greedy decoding with penalties walks down the ranks; in the same order as here."""
    sampling = replace(GREEDY, repeat_penalty=1.3, frequency_penalty=0.2, presence_penalty=0.1, repeat_last_n=window)
    said: list[int] = []
    for _ in range(30):
        values = bench.logits.astype(np.float64)
        seen = said if window < 0 else said[len(said) - min(window, len(said)) :]
        for token in set(seen):
            values[token] *= 1.3 if values[token] <= 0 else 1 / 1.3
            values[token] -= 0.2 * seen.count(token) + 0.1
        said.append(int(values.argmax()))
    assert bench.draws(sampling, 30) == said
    assert (len(set(said)) == 1) == (window == 0)


def test_dry_breaks_a_repetition_off(bench: Bench) -> None:
    """a b c a b: another c would repeat three tokens, and the fourth time it costs more than it is worth."""
    a, b, c = (bench.model.vocabulary.tokenise(letter)[0] for letter in "abc")
    forced = replace(GREEDY, logit_bias={c: 20.0}, dry_multiplier=15.0, dry_base=2.0, dry_allowed_length=1)
    assert bench.draws(forced, 1) == [c]
    assert bench.draws(forced, 1, (a, b)) == [c]
    assert bench.draws(forced, 1, (a, b, c, a, b)) != [c]
    assert bench.draws(replace(forced, dry_allowed_length=3), 1, (a, b, c, a, b)) == [c]
    assert bench.draws(replace(forced, dry_breakers=("b",)), 1, (a, b, c, a, b)) == [c]
    assert bench.draws(replace(forced, dry_last_n=2), 1, (a, b, c, a, b)) == [c]


@pytest.mark.parametrize("version", [1, 2])
def test_mirostat_keeps_the_surprise(bench: Bench, version: Any) -> None:
    """In bits: more where more is asked for, and about that much."""
    surprise = -np.log2(softmax(bench.logits / 0.3))
    means = []
    for tau in (1.0, 5.0):
        sampling = replace(PLAIN, mirostat=version, mirostat_tau=tau, mirostat_eta=0.2, temperature=0.3)
        means.append(float(np.mean(surprise[bench.draws(sampling, 600)[200:]])))
    assert means[0] + 2 < means[1]
    assert abs(means[1] - 5) < 2.5


def test_the_same_seed_gives_the_same_draws(bench: Bench) -> None:
    for seed in (0, 1, -1, 2**32, 2**63 - 1, -(2**63), -(2**53)):
        sampling = replace(PLAIN, seed=seed, xtc_probability=0.5)
        assert bench.draws(sampling, 20) == bench.draws(sampling, 20)
    assert bench.draws(replace(PLAIN, seed=1), 20) != bench.draws(replace(PLAIN, seed=2), 20)
    assert bench.draws(replace(PLAIN, seed=None), 20) != bench.draws(replace(PLAIN, seed=None), 20)


def test_what_is_forced_counts_as_said(bench: Bench) -> None:
    first, second = likeliest(bench.logits, 2).tolist()
    sampling = replace(GREEDY, repeat_penalty=10.0)
    assert bench.draws(sampling, 1) == [first]
    assert bench.draws(sampling, 1, (first,)) == [second]


# ---- log probabilities


@pytest.mark.parametrize("sampling", [GREEDY, replace(PLAIN, temperature=5, top_k=7, logit_bias={3: 50.0})])
def test_log_probabilities_are_those_before_any_setting(bench: Bench, sampling: Sampling) -> None:
    expected = np.log(softmax(bench.logits))
    sampler = Sampler(bench.model, sampling)
    token = sampler.sample(bench.context.handle, 0)
    for top in (0, 1, 20):
        found = sampler.logprobs(bench.context.handle, 0, token, top)
        assert (found.token, found.text) == (token, bench.model.vocabulary.piece(token))
        assert found.logprob == pytest.approx(expected[token], abs=1e-4)
        assert [one.token for one in found.top] == likeliest(bench.logits, top).tolist()
        assert [one.logprob for one in found.top] == pytest.approx(expected[likeliest(bench.logits, top)], abs=1e-4)
    sampler.close()


@given(st.integers(1, 30_000), st.integers(1, 200), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_likeliest_are_among_those_found(size: int, count: int, seed: int, ties: bool) -> None:
    values = np.random.default_rng(seed).standard_normal(size).astype(np.float32)
    values = values.round(1) if ties else values
    found = set(numbers.likeliest(values, count).tolist())
    best = likeliest(values, count)
    assert {int(token) for token in best if values[token] > values[best[-1]]} <= found
    assert len(found) >= min(count, size)
    assert numbers.ranked(values, count)[0] == int(values.argmax())


# ---- what is out of range


FLOATS = [
    "temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "frequency_penalty", "presence_penalty",
    "dry_multiplier", "dry_base", "xtc_probability", "xtc_threshold", "mirostat_tau", "mirostat_eta",
]  # fmt: skip
INTEGERS = ["top_k", "repeat_last_n", "dry_allowed_length", "dry_last_n", "mirostat", "seed"]
WRONG_FLOATS = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, -1e-3 - 10, 100.5, 1e300, 10**400, "1", None, True, [1]]),
    st.floats(min_value=101),
    st.floats(max_value=-11),
)
WRONG_INTEGERS = st.one_of(
    st.sampled_from([2**63, -(2**63) - 1, 10**5000, 1.5, math.nan, "1", True, b"1"]), st.integers(min_value=2**63)
)


@given(
    st.one_of(st.tuples(st.sampled_from(FLOATS), WRONG_FLOATS), st.tuples(st.sampled_from(INTEGERS), WRONG_INTEGERS))
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_out_of_range_is_told_by_its_name(bench: Bench, wrong: tuple[str, Any]) -> None:
    name, value = wrong
    with pytest.raises(InvalidInput) as caught:
        Sampler(bench.model, replace(PLAIN, **{name: value}))
    assert caught.value.code == "bad_sampling"
    assert name in caught.value.message.en
    assert name in caught.value.message.zh


@pytest.mark.parametrize(
    "changes",
    [
        {"logit_bias": {VOCABULARY: 1.0}},
        {"logit_bias": {-1: 1.0}},
        {"logit_bias": {2**31: 1.0}},
        {"logit_bias": {"7": 1.0}},
        {"logit_bias": {7: math.nan}},
        {"logit_bias": {7: math.inf}},
        {"logit_bias": {7: "much"}},
        {"logit_bias": dict.fromkeys(range(MOST_BIASES + 1), 1.0)},
        {"dry_breakers": ("",)},
        {"dry_breakers": ("x" * 41,)},
        {"dry_breakers": ("a\0b",)},
        {"dry_breakers": (3,)},
        {"dry_breakers": ("中" * 14,)},
        {"dry_breakers": tuple("abcdefghijklmnopq")},
    ],
)
def test_biases_and_breakers_are_bounded(bench: Bench, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Sampler(bench.model, replace(PLAIN, **changes))
    assert caught.value.code == "bad_sampling"
    (name,) = changes
    assert name in caught.value.message.zh


@pytest.mark.parametrize("count", [-1, 21, 2**31, True, 1.0, math.nan])
def test_rivals_are_at_most_20(count: Any) -> None:
    with pytest.raises(InvalidInput, match="logprobs"):
        check_logprobs(count)
    check_logprobs(20)
    check_logprobs(None)


IN_RANGE = st.builds(
    Sampling,
    temperature=st.floats(0, 100),
    top_p=st.floats(0, 1),
    top_k=st.one_of(st.integers(-1, 50), st.just(2**31 - 1)),
    min_p=st.floats(0, 1),
    repeat_penalty=st.floats(0.1, 10),
    seed=st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    typical_p=st.floats(0, 1),
    repeat_last_n=st.one_of(st.integers(-1, 300), st.just(2**31 - 1)),
    frequency_penalty=st.floats(-10, 10),
    presence_penalty=st.floats(-10, 10),
    dry_multiplier=st.floats(0, 100),
    dry_base=st.floats(0, 100),
    dry_allowed_length=st.one_of(st.integers(0, 5), st.just(2**31 - 1)),
    dry_last_n=st.one_of(st.integers(-1, 300), st.just(2**31 - 1)),
    dry_breakers=st.lists(st.sampled_from(["\n", "中", "ab"]), max_size=2).map(tuple),
    xtc_probability=st.floats(0, 1),
    xtc_threshold=st.floats(0, 1),
    mirostat=st.sampled_from([0, 0, 1, 2]),
    mirostat_tau=st.floats(0, 20),
    mirostat_eta=st.floats(0, 1),
    logit_bias=st.dictionaries(st.integers(0, VOCABULARY - 1), st.one_of(st.floats(-1e4, 1e4), st.just(-math.inf))),
)


@given(IN_RANGE)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_settings_within_range_give_a_token(bench: Bench, sampling: Sampling) -> None:
    assert all(0 <= token < VOCABULARY for token in bench.draws(sampling, 12, (5, 5, 5)))
