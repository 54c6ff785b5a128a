"""Fixtures that several rooms of web tests use."""

import pytest

from app.usecases.context import AppContext
from tests.support.api import Api
from tests.support.people import add_operator_and_viewer


@pytest.fixture
def context_with_people(api: Api) -> AppContext:
    """An app's context after the operator `ana` and the viewer `vic` were added."""
    context: AppContext = api.app.config["CONTEXT"]
    add_operator_and_viewer(context)
    return context
