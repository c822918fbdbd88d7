"""The numbers of published models: what `tests/kit/shapes.py` makes files of."""

from dataclasses import dataclass, replace

_V4_RATIOS = (0, 0, *(4 if n % 2 == 0 else 128 for n in range(41)))


@dataclass(frozen=True, slots=True)
class Real:
    """The numbers of a published model. `head` is a key's length without rotation where `rope` is beside it."""

    architecture: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    head: int
    ff: int
    vocabulary: int
    context: int
    pre: str
    merges: int = 0  # 0: as many as tokens
    tied: bool = False
    rope: int = 0
    value: int = 0
    q_rank: int = 0
    kv_rank: int = 0
    mla: bool = True
    experts: int = 0
    used: int = 0
    expert_ff: int = 0
    shared: int = 0
    dense: int = 0
    indexer: int = 0  # heads of the indexer, of 128 values
    top_k: int = 0
    ratios: tuple[int, ...] = ()
    hashed: int = 0
    pooling: int = 0  # enum llama_pooling_type
    classes: bool = False  # the head of a reranker

    def small(self, layers: int = 3, experts: int = 8, vocabulary: int = 4096) -> "Real":
        """As wide as the real one, but with few layers, experts and words: it loads in some 2 GiB.

        llama.cpp knows V2-Lite by its 27 layers.
        """
        return replace(
            self,
            layers=self.layers if self.kv_rank and not self.q_rank else min(self.layers, layers),
            experts=min(self.experts, experts),
            vocabulary=min(self.vocabulary, vocabulary),
            dense=min(self.dense, 1),
            ratios=(0, 4, 128, 4)[:layers] if self.ratios else (),
            hashed=min(self.hashed, 1),
        )


_QWEN, _LLAMA, _V2, _V3 = "deepseek-r1-qwen", "llama-bpe", "deepseek-llm", "deepseek-v3"
_LITE = Real(
    "deepseek2", 27, 2048, 16, 1, 128, 10944, 102400, 163840, _V2, rope=64, value=128, kv_rank=512,
    experts=64, used=6, expert_ff=1408, shared=2, dense=1,
)  # fmt: skip
_V3_671B = Real(
    "deepseek2", 61, 7168, 128, 1, 128, 18432, 129280, 163840, _V3, rope=64, value=128, q_rank=1536, kv_rank=512,
    experts=256, used=8, expert_ff=2048, shared=1, dense=3,
)  # fmt: skip
REAL = {
    "r1-distill-qwen-1.5b": Real("qwen2", 28, 1536, 12, 2, 128, 8960, 151936, 131072, _QWEN),
    "r1-distill-qwen-7b": Real("qwen2", 28, 3584, 28, 4, 128, 18944, 152064, 131072, _QWEN),
    "r1-distill-llama-8b": Real("llama", 32, 4096, 32, 8, 128, 14336, 128256, 131072, _LLAMA, merges=280147),
    "r1-0528-qwen3-8b": Real("qwen3", 36, 4096, 32, 8, 128, 12288, 151936, 131072, _QWEN),
    "r1-distill-qwen-14b": Real("qwen2", 48, 5120, 40, 8, 128, 13824, 152064, 131072, _QWEN),
    "r1-distill-qwen-32b": Real("qwen2", 64, 5120, 40, 8, 128, 27648, 152064, 131072, _QWEN),
    "r1-distill-llama-70b": Real("llama", 80, 8192, 64, 8, 128, 28672, 128256, 131072, _LLAMA, merges=280147),
    "math-7b": Real("llama", 30, 4096, 32, 32, 128, 11008, 102400, 4096, _V2),
    "v2-lite": _LITE,
    "v2-lite-legacy": replace(_LITE, mla=False),
    "v2": replace(_LITE, layers=60, width=5120, heads=128, ff=12288, q_rank=1536, experts=160, expert_ff=1536),
    "v3": _V3_671B,
    "v3-legacy": replace(_V3_671B, mla=False),
    "v3.2": replace(_V3_671B, architecture="deepseek32", indexer=64, top_k=2048),
    "v4-flash-0731": Real(
        "deepseek4", 43, 4096, 64, 1, 512, 2048, 129280, 1048576, _V3, rope=64, q_rank=1024,
        experts=256, used=6, expert_ff=2048, shared=1, indexer=64, top_k=512, ratios=_V4_RATIOS, hashed=3,
    ),
    "qwen3-embedding-0.6b": Real(
        "qwen3", 28, 1024, 16, 8, 128, 3072, 151669, 32768, "qwen2", tied=True, pooling=3
    ),
    "bge-m3": Real("bert", 24, 1024, 16, 16, 64, 4096, 250002, 8192, "default", tied=True, pooling=2),
    "bge-reranker-v2-m3": Real(
        "bert", 24, 1024, 16, 16, 64, 4096, 250002, 8192, "default", tied=True, pooling=4, classes=True
    ),
}  # fmt: skip
CATALOGUE = {"v2-lite-chat": "v2-lite-legacy", "coder-v2-lite-instruct": "v2-lite-legacy"}
"""Where a model of the catalogue stands here under another name: their files are of before April 2025."""


def real(catalog_id: str) -> Real:
    return REAL[CATALOGUE.get(catalog_id, catalog_id)]
