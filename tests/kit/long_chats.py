"""Long answers and long conversations, the same at every call: what DeepSeek writes at length, in both languages."""

from collections.abc import Iterator

from backends.chat.store import ChatStore
from backends.chat.types import Author, Conversation

_PARTS = (
    """## {n}. How the cache grows

Every token that the model reads leaves a **key** and a *value* behind. With \\(n\\) layers and a context of \\(c\\)
tokens that is \\(2 n c d\\) numbers, and each of them is read again for every token that comes after. Keep `n_ctx` as
small as the work allows, see <https://example.org/cache/{n}> for what it costs.

1. Measure what a turn really needs; most conversations stay below four thousand tokens.
2. Quantise the cache before the weights: it is the smaller loss.
   - `q8_0` is hardly to be told from the original,
   - `q4_0` is, with long contexts.
3. Offload whole layers.

""",
    """```python
def plan_{n}(layers: int, context: int, width: int = 128) -> int:
    \"\"\"Bytes that the cache of `context` tokens takes.\"\"\"
    total = 0
    for layer in range(layers):
        # the first layers are no different from the last ones
        total += 2 * context * width * 2
    if total > 1 << 30:
        raise MemoryError(f"{total} bytes are too many")
    return total
```

""",
    """| Quant | Bits | Size at {n} B | Loss |
|:------|-----:|-------------:|:----:|
| Q8_0  | 8.5  | {n}.5 GB     | none |
| Q6_K  | 6.6  | {n}.1 GB     | hardly any |
| Q4_K_M | 4.8 | {n}.0 GB     | *some* |
| Q2_K  | 2.6  | {n}.3 GB     | **much** |

$$
\\mathrm{softmax}(x_i) = \\frac{e^{x_i}}{\\sum_j e^{x_j}}
$$

""",
    """### {n}. 缓存为什么会变大

模型每读入一个 token，都会在每一层留下一组**键**和*值*。上下文越长，每一步需要读取的数据就越多，因此速度会变慢。
如果显存不足，可以先把缓存量化为 `q8_0`，再考虑减少上下文长度；权重的量化损失更大，应该放在最后。

- 先测量实际需要的长度，大多数对话不超过四千个 token。
- 然后把整层放到显卡上，注意力的计算最受益。

> 先测量，再优化：没有数据的优化往往是浪费时间。

""",
)


def pieces(tokens: int) -> Iterator[str]:
    """An answer of so many tokens, a token at a time: about four letters, or one and a half Chinese characters."""
    made, n = 0, 0
    while True:
        n += 1
        for part in _PARTS:
            for piece in _tokens(part.replace("{n}", str(n))):
                yield piece
                made += 1
                if made == tokens:
                    return


def _tokens(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        wide = text[place] >= "\u3000"
        length = (1 + place % 2) if wide else 4
        yield text[place : place + length]
        place += length


def fill(store: ChatStore, messages: int, title: str) -> Conversation:
    """A conversation of so many messages, half of them answers of 120 to 900 tokens."""
    conversation = store.create(title)
    for role, text in turns(messages):
        store.add_message(conversation.id, role, text)
    return conversation


def turns(messages: int) -> Iterator[tuple[Author, str]]:
    """Who says what in a conversation of so many messages."""
    long = "".join(pieces(4000))
    for n in range(messages // 2):
        yield "user", f"Question {n}: why does it grow? " * (1 + n % 4)
        length = 500 + 7 * (n * 37 % 400)
        yield "assistant", f"Answer {n}.\n\n" + _cut(long, n * 97, length)


def _cut(text: str, place: int, length: int) -> str:
    begin = text.find("\n\n", place % (len(text) // 2)) + 2
    return text[begin : begin + length]
