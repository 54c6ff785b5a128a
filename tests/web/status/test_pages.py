"""A page and its fragments share address and template; forms work without JavaScript."""

import re
from pathlib import Path

import pytest

from tests.support.api import API_KEY, BASE, Api
from tests.support.pages import HTMX


def paths(deployment_id: str) -> list[str]:
    own = f"/deployments/{deployment_id}"
    pages = ["/", "/deployments/new", "/history", "/messages"]
    return [*pages, own, f"{own}/status", f"{own}/logs", f"{own}/history"]


def test_htmx_gets_each_page_as_a_fragment_of_the_same_template(api: Api) -> None:
    for path in paths(api.configure(name="Support bot")):
        page, fragment = api.page(path), api.page(path, headers=HTMX)

        assert page.status_code == fragment.status_code == 200
        assert "<!doctype html>" in page.text
        assert "<html" not in fragment.text
        assert "HX-Request" in page.headers["Vary"]
        assert "HX-Request" in fragment.headers["Vary"]
        first_tag = re.search(r"<(section|article|p)[^>]*>", fragment.text)
        assert first_tag
        assert first_tag[0] in page.text


@pytest.mark.parametrize("more", [{"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}])
def test_history_restore_and_boosted_links_get_the_whole_page(
    api: Api, more: dict[str, str]
) -> None:
    assert "<!doctype html>" in api.page("/", headers={**HTMX, **more}).text


def test_a_script_sends_the_form_without_a_token(api: Api) -> None:
    answer = api.client.post(
        "/deployments/new", data={"openrouter_api_key": API_KEY}, base_url=BASE
    )

    assert answer.status_code == 303
    assert len(api.get("list").json) == 1


def test_htmx_gets_an_error_as_a_fragment(api: Api) -> None:
    page = api.page("/deployments/0123456789")
    fragment = api.page("/deployments/0123456789", headers=HTMX)

    assert page.status_code == fragment.status_code == 404
    assert "<!doctype html>" in page.text
    assert "<html" not in fragment.text
    assert fragment.headers["HX-Retarget"] == "#messages"


def test_names_are_escaped_on_every_page(api: Api) -> None:
    deployment_id = api.configure(name="<script>alert(1)</script>")

    for path in paths(deployment_id):
        assert "<script>alert" not in api.page(path).text


def test_links_use_the_host_name_that_the_reader_used(api: Api) -> None:
    deployment_id = api.configure()
    port = api.listed(deployment_id)["port"]

    by_address = api.client.get("/api/deploy/list", base_url="http://127.0.0.1:8000").json[0]
    by_name = api.client.get("/api/deploy/list", base_url="http://localhost:8000").json[0]

    assert by_address["ws_url"] == f"ws://127.0.0.1:{port}"
    assert by_name["ws_url"] == f"ws://localhost:{port}"


def test_a_password_in_a_url_is_masked(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    with (deployments_dir / deployment_id / ".env").open("a") as env:
        env.write("HTTPS_PROXY=https://ana:pa55word@proxy.example/v1\n")

    page = api.page(f"/deployments/{deployment_id}")

    assert "ana:••••••••@proxy.example" in page.text.replace("<wbr>", "")
    assert "pa55word" not in page.text
