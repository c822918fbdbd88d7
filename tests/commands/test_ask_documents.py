"""`ask --documents`: sources before the first word, citations at the end, and what is said where there is nothing."""

from pathlib import Path

import pytest

from tests.commands.conftest import Inside
from tests.kit.ggufs import scripted_model

HARBOUR = (
    "The harbour of Port Selwyn was dredged in 1887 to a depth of 24 feet. "
    "The work was paid for by a loan of £62,000 from the Bank of Wexcombe."
)
ANSWER = "Port Selwyn was dredged in 1887 [1]. The loan was 99,000 pounds [1]."


@pytest.fixture(scope="module")
def citing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("gguf") / "citing.gguf", "", ANSWER)


def add(inside: Inside, title: str, text: str, collection: int | None = None) -> None:
    for _ in inside.services.documents.add_text(title, text, collection):
        pass


def collection(inside: Inside, name: str) -> int:
    (made,) = inside.services.documents.add_collection(name)
    return made.id


def test_sources_before_the_text_and_citations_at_the_end(inside: Inside, citing: Path) -> None:
    add(inside, "Harbours", HARBOUR)
    ask = ("ask", "--documents", "--temperature", "0", "--model", str(citing), "--context", "4096")
    outcome = inside.run(*ask, "--json", "When was the harbour dredged?")
    assert (outcome.code, outcome.err) == (0, "")
    *events, last = outcome.events
    names = [name for event in events for name in event]
    assert names.index("sources") < names.index("text")
    assert names.count("sources") == 1
    (source,) = next(event["sources"] for event in events if "sources" in event)
    assert (source["n"], source["document"], source["title"], source["text"]) == (1, "Harbours", "Harbours", HARBOUR)
    assert "".join(event.get("text", "") for event in events).strip() == ANSWER
    right, wrong = last["finished"]["citations"]
    assert set(right) == {"n", "document", "page", "start", "end", "quote", "verified"}
    assert (right["n"], right["document"], right["verified"], wrong["verified"]) == (1, "Harbours", True, False)
    assert HARBOUR[right["start"] : right["end"]] == right["quote"]
    assert last["finished"]["finish_reason"] == "stop"
    spoken = inside.run(*ask, "When was the harbour dredged?")
    assert spoken.out.strip() == ANSWER
    assert "[1] Harbours" in spoken.err
    assert "was found in the source" in spoken.err
    plain = inside.run("ask", "--temperature", "0", "--json", "When was the harbour dredged?")
    assert "citations" not in plain.events[-1]["finished"]
    assert not any("sources" in event for event in plain.events)


def test_only_one_collection(inside: Inside, citing: Path) -> None:
    add(inside, "Harbours", HARBOUR)
    bridges = collection(inside, "Bridges")
    ask = ("ask", "--json", "--temperature", "0", "--model", str(citing), "--context", "4096", "--collection")
    empty = inside.run(*ask, "Bridges", "When was the harbour dredged?")
    assert empty.code == 0
    assert empty.events[0] == {"sources": []}
    assert "no documents here" in empty.events[1]["text"]
    assert empty.events[-1]["finished"]["citations"] == []
    add(inside, "Bridge", "The bridge of Hallam was opened in 1903.", bridges)
    found = inside.run(*ask, "Bridges", "When was the bridge opened?")
    assert [one["document"] for one in next(iter(e["sources"] for e in found.events if "sources" in e))] == ["Bridge"]
    assert {one["verified"] for one in found.events[-1]["finished"]["citations"]} == {False}
    missing = inside.run("ask", "--json", "--collection", "Nowhere", "When?")
    assert (missing.code, missing.json["error"]["code"]) == (1, "no_collection")


def test_without_a_model_the_passages_are_the_answer(inside: Inside) -> None:
    add(inside, "Harbours", HARBOUR)
    outcome = inside.run("ask", "--documents", "--json", "When was the harbour of Port Selwyn dredged?")
    assert outcome.code == 0
    assert outcome.events[0]["sources"][0]["document"] == "Harbours"
    assert HARBOUR in outcome.events[1]["text"]
    assert outcome.events[-1]["finished"]["model"] == ""
    spoken = inside.run("ask", "--documents", "古桥有多长？")
    assert spoken.code == 0
    assert "文档中没有找到相关内容" in spoken.out
    assert inside.run("ask", "When?").code == 1  # without documents a model is needed
