"""People who log in."""

from flask.testing import FlaskClient

from app.usecases.context import AppContext
from app.usecases.people import people
from tests.support.api import Api
from tests.support.pages import submit

PASSWORD = "correct horse battery"
OTHER_PASSWORD = "another long password"


def add_operator_and_viewer(context: AppContext) -> None:
    """Add the operator `ana` and the viewer `vic`. Once users exist, everybody must log in."""
    people.add_user("ana", "operator", PASSWORD, by="test", context=context)
    people.add_user("vic", "viewer", PASSWORD, by="test", context=context)


def logged_in(api: Api, name: str, password: str = PASSWORD) -> FlaskClient:
    client = api.app.test_client()
    answer = submit(client, "/login", name=name, password=password)
    assert answer.status_code == 303, answer.text
    return client
