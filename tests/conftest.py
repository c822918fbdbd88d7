"""For all tests: examples that Hypothesis draws are the same in every run, and no clock judges them."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "house", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """The bytes of a file name no test: an archive holds the time it was made at, and both of the processes that
    run the tests have to know them by the same names."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None
