"""What will not fit is said before the question is sent, and is what does not fit then."""

from pathlib import Path

import pytest

from backends.chat.answer import TurnsLeftOut
from backends.chat.fit import Fit, rough
from backends.chat.options import Options
from backends.chat.sourced import ConversationScope
from backends.core.errors import InvalidInput
from backends.services import Services
from tests.kit.ggufs import scripted_model

OFF = ConversationScope()
CONTEXT = 8192  # of which half is kept for an answer; a letter is about a token of this model


@pytest.fixture
def ready(services: Services, tmp_path: Path) -> Services:
    model = services.library.add(scripted_model(tmp_path / "answering.gguf", "", "So it is."))
    for key, value in (("models.default_model", model.id), ("models.context", CONTEXT), ("engine.threads", 1)):
        services.settings.set(key, value)
    services.settings.set("engine.try_first", False)
    list(services.loading.load(model))
    return services


def fit(services: Services, conversation_id: int | None, text: str, scope: ConversationScope = OFF) -> Fit:
    (found,) = services.fitting.fit(conversation_id, text, scope)
    return found


def told(services: Services, *questions: str) -> int:
    conversation = services.chats.create()
    for question in questions:
        services.chats.add_message(conversation.id, "user", question)
        services.chats.add_message(conversation.id, "assistant", f"Answer to {question}")
    return conversation.id


def test_without_a_model_it_is_a_guess(services: Services) -> None:
    assert fit(services, None, "a question of some length") == Fit(7, exact=False)
    assert fit(services, None, "深度求索的模型") == Fit(5, exact=False)
    assert rough("") == 0


def test_the_tokens_of_what_is_written_are_the_models_own(ready: Services) -> None:
    (tokens,) = ready.engine.tokenize("How long is this?")
    assert fit(ready, None, "How long is this?") == Fit(len(tokens))


def test_the_turns_that_will_be_left_out_are_those_that_are(ready: Services) -> None:
    conversation = told(ready, *(f"Question {number}: {'word ' * 100}" for number in range(12)))
    text = "And what of all that?"
    found = fit(ready, conversation, text)
    assert found.problem is None
    assert found.left_out > 2
    assert found.first.startswith("Question 0: word")
    assert len(found.last) <= 60
    question = ready.chats.add_message(conversation, "user", text)
    said = [event for event in ready.regenerate(conversation, question.id) if isinstance(event, TurnsLeftOut)]
    assert [event.count for event in said] == [found.left_out]
    before = {message.id: message.content for message in ready.chats.messages(conversation)}
    assert before[said[0].message_ids[-1]].startswith(found.last[:40])


def test_a_question_that_is_too_long_is_refused_with_the_same_numbers(ready: Services) -> None:
    conversation, text = told(ready, "Hello?"), "word " * 2000
    found = fit(ready, conversation, text)
    assert found.problem is not None
    assert found.problem.code == "context_too_long"
    question = ready.chats.add_message(conversation, "user", text)
    with pytest.raises(InvalidInput) as refused:
        list(ready.regenerate(conversation, question.id))
    assert refused.value.message == found.problem.message
    assert f"{CONTEXT:,}" in found.problem.message.en


def test_what_is_far_too_long_is_not_even_counted(ready: Services) -> None:
    found = fit(ready, None, "x" * 2_000_000)
    assert (found.tokens, found.exact) == (500_000, False)
    assert found.problem is not None
    assert "500,000" in found.problem.message.en


def test_instructions_take_their_room(ready: Services) -> None:
    conversation = told(ready, "word " * 300)
    assert fit(ready, conversation, "And?").left_out == 0
    ready.chats.organised.set_options(conversation, Options(instructions="be brief " * 200))
    assert fit(ready, conversation, "And?").left_out == 2
    long = Options(instructions="be brief " * 1000)
    (found,) = ready.fitting.fit(None, "And?", OFF, long)
    assert found.problem is not None


def test_a_document_that_fits_is_read_whole_and_a_longer_one_by_its_passages(ready: Services) -> None:
    conversation = told(ready, "Hello?")
    list(ready.grounding.give_text(conversation, "A note", "The key lies under the mat. " * 3))
    found = fit(ready, conversation, "Where is the key?")
    assert (found.not_whole, found.passages, found.left_out) == ((), None, 0)

    other = told(ready, *(f"Question {number}: {'word ' * 60}" for number in range(4)))
    long = "\n\n".join(f"Day {day}: the ferry left the harbour at {day % 24} o'clock, as always." for day in range(400))
    list(ready.grounding.give_text(other, "The log of the ferry", long))
    found = fit(ready, other, "When did the ferry leave on day 300?")
    assert found.not_whole == ("The log of the ferry",)
    assert found.passages is not None
    assert 0 <= found.passages < found.wanted == 12
    assert found.left_out > 0


def test_a_conversation_that_has_not_begun_knows_its_documents(ready: Services) -> None:
    long = "\n\n".join(f"Day {day}: the ferry left the harbour at {day % 24} o'clock, as always." for day in range(400))
    list(ready.documents.add_text("The log of the ferry", long))
    found = fit(ready, None, "When did the ferry leave?", ConversationScope("all"))
    assert found.not_whole == ("The log of the ferry",)
    assert fit(ready, None, "When did the ferry leave?").passages is None
