"""Stories of the window run on Qt's offscreen platform, with the real Application around them."""

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def qapp_cls() -> type:
    from app.application import Application

    return Application


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["deskseek"]
