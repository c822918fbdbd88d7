"""Whatever a program sends is put into the engine's words, or refused with the field that is wrong: nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backends.api import openai_chat, openai_completions, putting
from backends.api.errors import ApiError
from backends.api.openai_types import ChatRequest, CompletionRequest
from backends.engine.protocol import JsonSchema, NamedTool, Sampling, Tool, ToolCall, Turn

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
_WORDS = (
    "type function name role content text tool_calls arguments json_schema schema mode user assistant tool tools "
    "allowed_tools parameters enabled 1 object tool_call_id required"
)
_FIELDS = (
    "messages tools tool_choice response_format stop logit_bias seed n temperature prompt top_logprobs logprobs "
    "thinking reasoning_effort chat_template_kwargs min_p mirostat grammar dry_sequence_breakers max_tokens "
    "json_schema suffix enable_thinking thinking_budget echo"
)
WORDS, FIELDS = (st.sampled_from(words.split()) for words in (_WORDS, _FIELDS))
ANYTHING = st.recursive(
    LEAVES | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)


@pytest.mark.parametrize(
    ("read", "kind", "base"),
    [
        (openai_chat.read, ChatRequest, {"messages": [{"role": "user", "content": "x"}]}),
        (openai_completions.read, CompletionRequest, {"prompt": "x"}),
    ],
    ids=["chat", "completions"],
)
@given(body=st.dictionaries(FIELDS, ANYTHING, max_size=3))
def test_anything(read: Callable[..., Any], kind: Any, base: dict[str, Any], body: dict[str, Any]) -> None:
    try:
        asked = kind.model_validate(base | body)
    except ValidationError:  # which is a 400, too
        return
    told: ApiError | None = None
    try:
        read(asked, Sampling())
    except ApiError as error:
        told = error
    assert told is None or (told.status == 400 and told.param)


def test_a_conversation() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    turns = putting.turns(
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "no", "reasoning_content": "forgotten"},
            {"role": "assistant", "content": None, "reasoning": "kept", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
            {"role": "assistant", "function_call": {"name": "g", "arguments": "broken {"}},
            {"role": "function", "name": "g", "content": "2"},
        ]
    )
    assert turns == (
        Turn("system", "Be brief."),
        Turn("user", "ab"),
        Turn("assistant", "no"),
        Turn("assistant", "", "kept", (ToolCall("c1", "f", {"a": 1}),)),
        Turn("tool", "1", tool_call_id="c1"),
        Turn("assistant", "", "", (ToolCall("g", "g", {"arguments": "broken {"}),)),
        Turn("tool", "2", tool_call_id="g"),
    )


def test_which_tools_may_be_called() -> None:
    tools = (Tool("a"), Tool("b"))
    named = {"type": "function", "function": {"name": "b"}}
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
    assert putting.tool_choice(None, tools) == ("auto", tools)
    assert putting.tool_choice(named, tools) == (NamedTool("b"), tools)
    assert putting.tool_choice({"type": "function", "name": "b"}, tools) == (NamedTool("b"), tools)
    assert putting.tool_choice(allowed, tools) == ("required", tools[1:])
    assert putting.tool_choice("required", tools[:1], parallel=False) == (NamedTool("a"), tools[:1])


def test_formats() -> None:
    assert putting.response_format({"type": "text"}) is None
    assert putting.response_format({"type": "json_object"}) == JsonSchema({})
    named = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array"}}}
    assert putting.response_format(named) == JsonSchema({"type": "array"})


def test_sampling_by_every_name() -> None:
    given_ = {"repetition_penalty": 1.1, "typ_p": 0.9, "dry_penalty_last_n": 9, "dry_sequence_breakers": ["x"]}
    found = putting.sampling(given_ | {"temperature": None, "seed": -1, "logit_bias": {"5": 3}}, Sampling(0.7))
    assert (found.repeat_penalty, found.typical_p, found.dry_last_n, found.dry_breakers) == (1.1, 0.9, 9, ("x",))
    assert (found.temperature, found.seed, found.logit_bias) == (0.7, 2**32 - 2, {5: 3.0})
    assert putting.logit_bias([[7, False], [8, 1.5]]) == {7: float("-inf"), 8: 1.5}


@pytest.mark.parametrize(
    ("effort", "thought"),
    [
        ("none", putting.Thought(False, "", 0)),
        ("minimal", putting.Thought(True, "low", 512)),
        ("low", putting.Thought(True, "low", 2048)),
        ("high", putting.Thought(True, "high", None)),
        ("xhigh", putting.Thought(True, "max", None)),
    ],
    ids=["none", "minimal", "low", "high", "xhigh"],
)
def test_effort(effort: str, thought: putting.Thought) -> None:
    assert putting.thought({"reasoning_effort": effort}) == thought
    assert putting.thought({"chat_template_kwargs": {"reasoning_effort": effort}}) == thought
    budget = putting.thought({"reasoning_effort": effort, "thinking": {"type": "enabled", "budget_tokens": 9}})
    assert (budget.thinking, budget.budget) == (True, 9)
