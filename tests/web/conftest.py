"""Fixtures for several folders of web tests."""

import pytest

from app.usecases.context import AppContext
from tests.support.api import Api
from tests.support.people import add_operator_and_viewer


@pytest.fixture
def context_with_people(api: Api) -> AppContext:
    """The app's context, with the operator `ana` and the viewer `vic` as users."""
    context: AppContext = api.app.config["CONTEXT"]
    add_operator_and_viewer(context)
    return context
