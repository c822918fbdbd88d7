"""Made conversations in both languages, for pictures and for stories of the chat page."""

import time
from dataclasses import replace

from app.lists.messages import Live, MessageRow
from backends.chat.types import Conversation, Problem
from backends.core.errors import InvalidInput
from backends.core.phrase import Language, Phrase

ANSWER_EN = """Both work, but they solve **different problems**. Here is the short version:

1. A *list* keeps every item, in order. Looking something up means walking through it.
2. A *set* keeps each item once, and finds it at once:

   ```python
   def unique_lines(path: str) -> list[str]:
       \"\"\"Lines of a file, each once, in the order they came.\"\"\"
       seen: set[str] = set()
       result = []
       for line in open(path, encoding="utf-8"):
           if line not in seen:  # O(1) on average
               seen.add(line)
               result.append(line.rstrip("\\n"))
       return result
   ```

3. With `dict.fromkeys` it is one line, since dictionaries keep their order.

### What it costs

| Container | Membership test | Memory for 1 M lines |
|:----------|:---------------:|---------------------:|
| `list`    | O(n)            | 8 MB                 |
| `set`     | O(1)            | 33 MB                |

> Measure before you optimise: below a few hundred lines nobody will notice.

See <https://docs.python.org/3/library/stdtypes.html#set> for the details.
"""

ANSWER_ZH = """两种写法都可以，但它们解决的是**不同的问题**。简单来说：

1. *列表*按顺序保留所有元素，查找时需要逐个比较。
2. *集合*每个元素只保留一份，查找几乎是瞬间完成的：

   ```python
   def unique_lines(path: str) -> list[str]:
       \"\"\"按出现顺序返回文件中不重复的行。\"\"\"
       seen: set[str] = set()
       result = []
       for line in open(path, encoding="utf-8"):
           if line not in seen:  # 平均 O(1)
               seen.add(line)
               result.append(line.rstrip("\\n"))
       return result
   ```

3. 由于字典会保持插入顺序，用 `dict.fromkeys` 一行就能完成。

### 代价是什么

| 容器   | 查找   | 100 万行占用内存 |
|:-------|:------:|-----------------:|
| `list` | O(n)   | 8 MB             |
| `set`  | O(1)   | 33 MB            |

> 先测量，再优化：几百行以内的文件感觉不到任何区别。

详情参见 <https://docs.python.org/zh-cn/3/library/stdtypes.html#set>。
"""

THOUGHTS_EN = """The user asks about removing duplicates. They probably care about **order**.

- A set alone loses the order.
- `dict.fromkeys` keeps it.

I should show the plain loop first, because it is easier to follow, and then mention the short form."""

THOUGHTS_ZH = """用户想去除重复行，很可能在意**顺序**。

- 单独使用集合会丢失顺序。
- `dict.fromkeys` 可以保留顺序。

先给出容易理解的循环写法，再提到简短的写法。"""


def conversations(language: Language) -> tuple[Conversation, ...]:
    now = time.time()
    day = 86_400.0
    titles = (
        (Phrase("List or set for unique lines?", "去重用列表还是集合？"), 0.0),
        (Phrase("A letter to the landlord about the heating", "给房东写一封关于暖气的信"), 0.0),
        (Phrase("Three days in Chengdu", "成都三日游"), day),
        (Phrase("Why is the sky blue at noon and red in the evening?", "为什么天空中午是蓝色，傍晚是红色？"), 3 * day),
        (Phrase("Regular expressions for postal codes", "匹配邮政编码的正则表达式"), 5 * day),
        (Phrase("Summary of the quarterly report", "季度报告摘要"), 12 * day),
        (Phrase("Bread without kneading", "免揉面包"), 60 * day),
    )
    return tuple(
        Conversation(n + 1, title.to(language), False, "", now - age, now - age)
        for n, (title, age) in enumerate(titles)
    )


def finished(language: Language) -> tuple[MessageRow, ...]:
    """A question and its whole answer."""
    zh = language == "zh"
    return (
        MessageRow(
            1,
            "user",
            "读取文件时怎样去掉重复的行？应该用列表还是集合？"
            if zh
            else "How do I drop duplicate lines when I read a file? Should I use a list or a set?",
        ),
        MessageRow(
            2,
            "assistant",
            ANSWER_ZH if zh else ANSWER_EN,
            THOUGHTS_ZH if zh else THOUGHTS_EN,
            reasoning_s=12.4,
            model="DeepSeek R1-0528 Qwen3 8B",
            device="CUDA0",
            tokens=412,
            tokens_per_s=38.2,
        ),
    )


def follow_up(language: Language) -> MessageRow:
    zh = language == "zh"
    return MessageRow(3, "user", "如果文件有 20 GB 呢？" if zh else "And if the file has 20 GB?")


def on_its_way(live: Live, language: Language, text: bool = False) -> MessageRow:
    zh = language == "zh"
    return MessageRow(
        4,
        "assistant",
        ("那样的话，内存放不下所有的行。" if zh else "Then the lines no longer fit into memory, ") if text else "",
        (THOUGHTS_ZH if zh else THOUGHTS_EN) if live.stage in ("thinking", "writing") else "",
        reasoning_s=0.0 if live.stage == "thinking" else 7.6,
        live=live,
    )


def cut_off(language: Language, problem: Problem | None = None) -> MessageRow:
    """An answer that was begun; a `problem` or the person came between."""
    row = replace(on_its_way(Live("writing"), language, text=True), live=None, cut_off=True, problem=problem)
    return row if problem else replace(row, stopped=True, tokens=37, tokens_per_s=12.6, device="CPU")


def failed() -> MessageRow:
    error = InvalidInput(
        Phrase(
            "The conversation has 18,204 tokens and the model was loaded for 16,384.",
            "对话共有 18,204 个 token，而模型加载时的上下文长度为 16,384。",
        ),
        Phrase(
            "Begin a new chat, or load the model with a longer context.", "请开始新对话，或以更长的上下文重新加载模型。"
        ),
        code="context_too_long",
    )
    return MessageRow(4, "assistant", problem=Problem.of(error))
