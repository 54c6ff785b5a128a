"""Compression of all answers, and the chosen theme of pages."""

import gzip

import pytest

from app.usecases.people import people
from tests.support.api import BASE, Api

GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("path", ["/", "/deployments/new", "/api/deploy/schema"])
def test_answers_are_compressed(api: Api, path: str) -> None:
    answer = api.page(path, headers=GZIP)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert "accept-encoding" in answer.vary.as_set()
    assert len(answer.data) < len(gzip.decompress(answer.data)) / 2
    assert "Content-Encoding" not in api.page(path).headers


def test_answers_with_secrets_and_streams_are_not_compressed(api: Api) -> None:
    deployment_id = api.configure()
    page = f"/deployments/{deployment_id}"
    revealed = api.client.post(f"{page}/reveal", base_url=BASE, headers=GZIP)
    stream = api.page(f"{page}/stream", headers=GZIP)

    assert "#token=" in revealed.text or "revealed" in revealed.text
    for answer in (revealed, stream):
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers
    stream.close()


def test_answers_with_a_new_token_or_set_up_link_are_not_compressed(api: Api) -> None:
    context = api.app.config["CONTEXT"]
    secret = people.begin_setup(context=context)
    setup = api.page(f"/setup/{secret}", headers=GZIP)
    token = api.client.post("/people/tokens", data={"name": "ci"}, base_url=BASE, headers=GZIP)

    assert "new-token" in token.text
    for answer in (setup, token):
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers


def test_the_theme_follows_the_system_until_one_is_chosen(api: Api) -> None:
    assert "data-theme" not in api.page("/").text

    answer = api.client.post("/theme", data={"theme": "dark", "back_to": "/people"}, base_url=BASE)

    assert (answer.status_code, answer.location) == (303, "/people")
    assert 'data-theme="dark"' in api.page("/").text
    assert 'data-theme="dark"' in api.page("/nowhere").text
    api.client.post("/theme", data={"theme": "system"}, base_url=BASE)
    assert "data-theme" not in api.page("/").text


def test_an_unknown_theme_falls_back_to_the_systems(api: Api) -> None:
    form = {"theme": '"><script>', "back_to": "//evil.example"}
    answer = api.client.post("/theme", data=form, base_url=BASE)

    assert answer.location == "/"
    assert "data-theme" not in api.page("/").text
