"""What an error carries."""

import pytest

from backends.core import errors
from backends.core.errors import BackendError, Cancelled, DownloadError, InvalidInput
from backends.core.phrase import NOTHING, Phrase

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BackendError)]


def test_an_error_is_a_sentence_a_hint_and_a_code() -> None:
    error = InvalidInput(Phrase("Bad.", "不行。"), Phrase("Try again.", "请重试。"), code="bad")
    assert str(error) == "Bad. Try again."
    assert (error.message.to("zh"), error.hint.to("en"), error.code) == ("不行。", "Try again.", "bad")
    assert error.args == ("Bad.",)


def test_every_kind_has_a_code_of_its_own() -> None:
    codes = [kind(Phrase("a", "b")).code for kind in KINDS]
    assert len(set(codes)) == len(KINDS) == 8
    assert all(code.isidentifier() and code.islower() for code in codes)
    assert DownloadError(Phrase("a", "b")).hint is NOTHING


def test_cancelled_is_no_error_of_the_world() -> None:
    assert not issubclass(Cancelled, BackendError)
    with pytest.raises(Cancelled):
        raise Cancelled


def test_a_phrase_speaks_both_languages() -> None:
    phrase = Phrase("Stop", "停止")
    assert (phrase.to("en"), phrase.to("zh"), str(phrase)) == ("Stop", "停止", "Stop")
