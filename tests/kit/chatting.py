"""A client of OpenAI's chat: what it asks and what it makes of the answers."""

import json
from typing import Any

import openai

from tests.kit.api_server import ApiServed

CHAT = "/v1/chat/completions"
MODEL = "default"  # the one that answers now
LONG = 120.0  # seconds


def strict(served: ApiServed, *, valid: bool = True) -> openai.OpenAI:
    """The real client; what does not fit its types is an error (if it has to be `valid`), and nothing is asked
    twice."""
    url = f"{served.url}/v1"
    return openai.OpenAI(
        base_url=url, api_key=served.key, max_retries=0, timeout=LONG, _strict_response_validation=valid
    )


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def chunks(served: ApiServed, **asked: Any) -> list[dict[str, Any]]:
    """The data of a stream, without its [DONE], which is the last."""
    body = {"model": MODEL, "stream": True, **asked}
    with served.client(timeout=LONG) as client, client.stream("POST", CHAT, json=body) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line and not line.startswith(":")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def joined(stream: list[dict[str, Any]], index: int = 0) -> dict[str, Any]:
    """What a client makes of a stream: the message, and why it ended."""
    said: dict[str, Any] = {"content": "", "reasoning": "", "calls": [], "reasons": []}
    for choice in [one for chunk in stream for one in chunk["choices"] if one["index"] == index]:
        delta = choice["delta"]
        said["content"] += delta.get("content") or ""
        said["reasoning"] += delta.get("reasoning_content") or ""
        assert delta.get("reasoning_content") == delta.get("reasoning")
        for call in delta.get("tool_calls", ()):
            if call["index"] == len(said["calls"]):
                assert set(call) == {"index", "id", "type", "function"}
                assert call["function"]["arguments"] == ""
                said["calls"].append({"id": call["id"], "name": call["function"]["name"], "arguments": ""})
            else:
                assert set(call) == {"index", "function"}
                assert set(call["function"]) == {"arguments"}
                said["calls"][call["index"]]["arguments"] += call["function"]["arguments"]
        said["reasons"] += [choice["finish_reason"]] if choice["finish_reason"] else []
    return said


def whole(served: ApiServed, **asked: Any) -> Any:
    body: dict[str, Any] = {"model": MODEL, **asked}
    with strict(served) as client:
        return client.chat.completions.create(**body)


def refused(served: ApiServed, **asked: Any) -> dict[str, Any]:
    """The error of a 400."""
    with served.client(timeout=LONG) as client:
        answer = client.post(CHAT, json={"model": MODEL, **asked})
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]
