"""A person lets programs use the model: switches it on, makes a key, sees them ask, ends one, takes the key back."""

import re
import threading
from pathlib import Path

import httpx
import pytest

from tests.end2end.person import CLEAN, Home
from tests.kit.ggufs import scripted_model
from tests.kit.set_up import closed_port

SWITCH = "Let programs on this computer use the model"
OFF = re.compile("(?m)^Off$")  # not before the port is free
SECRET = re.compile(r"dsk_[0-9a-f]{12}_[0-9a-f]{64}")
WORDS = "All is well, and more of it comes without an end."


@pytest.fixture
def talker(tmp_path: Path) -> Path:
    return scripted_model(tmp_path / "talker.gguf", "", WORDS, name="Talker", endless=True, slow=40)


class Program:
    """One that asks as the examples on the page do."""

    def __init__(self, port: int, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        base = f"http://127.0.0.1:{port}/v1"
        self._client = httpx.Client(base_url=base, headers=headers, timeout=120, trust_env=False)
        self.came = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def asks(self) -> httpx.Response:
        said = {"model": "default", "max_tokens": 5, "messages": [{"role": "user", "content": "Is all well?"}]}
        return self._client.post("/chat/completions", json=said)

    def begins_to_ask(self) -> None:
        """For an answer that has no end."""
        self._thread.start()
        assert self.came.wait(120)

    def has_ended(self) -> None:
        self._thread.join(120)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self._client.close()

    def _listen(self) -> None:
        said = {"stream": True, "messages": [{"role": "user", "content": "Is all well?"}]}
        try:
            with self._client.stream("POST", "/chat/completions", json=said | {"model": "default"}) as answer:
                for line in answer.iter_lines():
                    if '"content":"' in line.replace(" ", ""):
                        self.came.set()
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return  # it was broken off


def test_programs_are_let_in_seen_ended_and_shut_out(home: Home, talker: Path) -> None:
    port = closed_port()
    home.has(talker, threads=2)
    for key, value in (("api.port", str(port)), ("api.enabled", "true")):
        assert home.shell.run("settings", "set", key, value).code == 0
    address = f"http://127.0.0.1:{port}"
    on = re.compile(f"(?m)^{address}$")
    with home.start() as window:
        window.sees("Ask anything")
        window.presses("API")
        assert not OFF.search(window.sees(on, "YOUR_KEY", "Only this computer can ask, with a key."))
        assert httpx.get(f"{address}/v1/models", trust_env=False, timeout=60).status_code == 401
        window.presses(SWITCH)
        window.sees(OFF)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/health", trust_env=False, timeout=60)
        window.presses(SWITCH)
        window.sees(on)

        window.presses("New key…")
        window.clicks_into("Name")
        window.types("editor")
        window.presses("Make the key")
        (secret,) = set(SECRET.findall(window.sees("cannot be shown again", SECRET)))
        assert "Copied" in window.presses("Copy the key")  # it says so for a moment
        window.presses("Done")
        assert secret not in window.sees_no_more("cannot be shown again")

        program = Program(port, secret)
        answer = program.asks()
        assert answer.status_code == 200
        assert answer.json()["choices"][0]["message"]["content"].startswith("All")
        window.presses(re.compile("Requests.*"))
        window.sees(re.compile(r"POST /v1/chat/completions\. 200\. .*editor.* tokens"))

        program.begins_to_ask()
        window.sees("writes", re.compile(r"Requests \(1\)"))
        window.presses("Cancel: editor, /v1/chat/completions")
        program.has_ended()
        window.sees(re.compile(r"POST /v1/chat/completions\. cancelled"), "No program is asking.")
        program.close()

        another = Program(port, secret)
        another.begins_to_ask()
        window.presses("Keys")
        window.presses("Revoke editor")
        window.sees("What runs for it ends.")
        window.presses("Revoke")
        window.sees("Revoked")
        another.has_ended()
        assert another.asks().status_code == 401
        another.close()
        window.presses(SWITCH)
        window.sees(OFF)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/health", trust_env=False, timeout=60)
        assert window.is_closed() == CLEAN
