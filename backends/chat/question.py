"""The last question so that it can be searched for by itself.

"And in 1974?" is no question to a search. Where a question leans on what was said before (a pronoun, an ellipsis), the
model writes it anew, thinking closed, in at most 64 tokens and 2 seconds; if it does not, the words of the question
before are added.
"""

import re
import threading
import time
from collections.abc import Sequence

from backends.chat.citations import without_marks
from backends.chat.prompts import filled, tongue
from backends.chat.types import Message
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.engine.protocol import Engine, GenerateRequest, Priority, Sampling, TextDelta, Turn

DEADLINE = 2.0  # seconds
MOST_TOKENS = 64
_KEPT = 4  # messages before the question that the model sees, and of each
_CHARACTERS = 600
_LONGEST = 300  # characters of a question that was written anew

_LEANING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|there|then|the (?:same|former|"
    r"latter|other|first|second|last) one|one of them|above|previous(?:ly)?|again|so|such|else|more details?)\b",
    re.IGNORECASE,
)
_LEANING_ZH = re.compile(
    "[它她他]|它们|[这那此该其](?!么说)|上述|前者|后者|前面|刚才|上面|同样|之前|之后呢|呢[?？]?$|还有(?:呢|吗|哪些|什么)|另外|继续|具体|"
    "^(?:那|那么|然后|而且|为什么|怎么|如何|多少|什么时候|在哪里?|谁)[?？]?$"
)
_BEGINNING = re.compile(r"^\s*(?:and|but|or|so|also|then|what about|how about|why|when|where|who|how)\b", re.IGNORECASE)
_ALONE = re.compile(r"\b(?:it|that|this) (?:is|was) (?:true|said|known|possible)\b|\b(?:is|was|are|were) there\b", re.I)


def leans(question: str) -> bool:
    """Whether it may need what was said before it."""
    text = question.strip()
    if tongue(text) == "zh":
        return len(text) <= 4 or _LEANING_ZH.search(text) is not None
    words = re.findall(r"\w+", text)
    if len(words) <= 2 or (len(words) <= 5 and _BEGINNING.match(text) is not None):
        return True
    return _LEANING.search(_ALONE.sub("", text)) is not None


def standing_alone(
    engine: Engine,
    before: Sequence[Message | Turn],
    question: str,
    *,
    priority: Priority = "person",
    deadline: float = DEADLINE,
    cancel: CancelToken,
) -> str:
    """`question`, or what to search for in its place. `before`: the conversation up to it."""
    spoken = [message for message in before if message.content.strip()]
    if not spoken or not leans(question):
        return question
    cancel.check()
    return _rewritten(engine, spoken, question, priority, deadline, cancel) or with_words_before(spoken, question)


def with_words_before(before: Sequence[Message | Turn], question: str) -> str:
    """The words of the last question before are added."""
    last = next((message.content for message in reversed(before) if message.role == "user"), "")
    return f"{question} {last[:_LONGEST]}".strip()


def _rewritten(
    engine: Engine,
    before: Sequence[Message | Turn],
    question: str,
    priority: Priority,
    deadline: float,
    cancel: CancelToken,
) -> str:
    """ "" when it took too long, failed, or was no question."""
    language = tongue(question)
    who = {"user": ("Person", "用户"), "assistant": ("Answer", "回答")}
    said = [
        f"{who[message.role][language == 'zh']}: {' '.join(without_marks(message.content).split())[:_CHARACTERS]}"
        for message in before[-_KEPT:]
    ]
    prompt = filled("rewrite", language, conversation="\n".join(said), question=question)
    request = GenerateRequest(
        [Turn("user", prompt)],
        Sampling(temperature=0.0),
        MOST_TOKENS,
        thinking=False,
        thinking_budget=0,
        priority=priority,
    )
    text = _heard(engine, request, deadline, cancel).rpartition("</think>")[2]  # some close it once more
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = re.sub(r"^(?:(?:Last |Rewritten )?[Qq]uestion|改写后的问题|最后一个问题|问题)\s*[:：]\s*", "", line)
    line = line.strip('"“”「」*')
    sound = 2 < len(line) <= _LONGEST and tongue(line) == language
    return line if sound else ""


def _heard(engine: Engine, request: GenerateRequest, deadline: float, cancel: CancelToken) -> str:
    """What the model says, "" if it is not done in time."""
    stream = engine.generate(request)
    woken, until, text = threading.Event(), time.monotonic() + deadline, ""
    forget = cancel.on_cancel(stream.cancel)
    stream.on_wake(woken.set)
    try:
        while not stream.finished:
            if not woken.wait(max(0.0, until - time.monotonic())):
                return ""
            woken.clear()
            text += "".join(event.text for event in stream.drain() if isinstance(event, TextDelta))
            if time.monotonic() > until:
                return ""
        cancel.check()
        return text
    except BackendError:  # a helper call that fails costs nothing but its help
        cancel.check()
        return ""
    finally:
        stream.on_wake(None)
        forget()
        stream.cancel()
