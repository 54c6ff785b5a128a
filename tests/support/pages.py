"""Read pages and send forms, as a browser without JavaScript does."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.api import BASE

HTMX = {"HX-Request": "true"}


def csrf_token(page: str) -> str:
    """Return the token in a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def csrf_token_at(client: FlaskClient, path: str = "/login") -> str:
    """Return the token in the form at an address."""
    return csrf_token(client.get(path, base_url=BASE).text)


def submit(client: FlaskClient, path: str, form: str = "/login", **fields: str) -> TestResponse:
    """Send fields to `path`, with the CSRF token from the page at `form`."""
    fields["csrf_token"] = csrf_token_at(client, form)
    return client.post(path, data=fields, base_url=BASE, headers={"Origin": BASE})
