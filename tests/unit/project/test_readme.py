"""The README tells the truth about settings, API and packages."""

import re

import pytest

from app import create_app
from app.config import PROJECT, Settings
from app.web.api.openapi import describe_api, path_of

README = (PROJECT / "README.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"| `DEPLOY_AGENT_{name.upper()}` |" in README


def test_the_readme_names_no_setting_that_is_not_there() -> None:
    named = set(re.findall(r"^\| `DEPLOY_AGENT_(\w+)`", README, re.MULTILINE))

    assert named == {name.upper() for name in Settings.model_fields}


def test_every_call_of_the_api_is_described_and_in_the_readme(settings: Settings) -> None:
    app = create_app(settings)
    calls = {
        f"{method} {path_of(rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
        if rule.rule.startswith("/api/")
    }
    described = {
        f"{method.upper()} {path}": call["summary"]
        for path, methods in describe_api(app)["paths"].items()
        for method, call in methods.items()
    }

    assert calls == described.keys(), "a call's view declares it with @call"
    rows = re.findall(r"^\| `(?:GET|POST) /api/.*$", README, re.MULTILINE)
    assert rows == [f"| `{call}` | {summary} |" for call, summary in described.items()]


def test_every_package_that_is_asked_for_is_in_the_readme() -> None:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    asked = {line.lower() for line in lines if line and not line.startswith(("#", "types-"))}
    tables = "\n".join(line for line in README.lower().splitlines() if line.startswith("| "))

    assert {name for name in asked if not re.search(rf"\b{name}\b", tables)} == set()


def test_every_picture_is_light_and_shown_in_both_themes() -> None:
    shown = set(re.findall(r"docs/pictures/([\w-]+\.webp)", README))
    sizes = {each.name: each.stat().st_size for each in (PROJECT / "docs/pictures").iterdir()}

    assert shown == set(sizes)
    assert {each.replace("-dark.", "-light.") for each in shown} <= shown
    assert {each.replace("-light.", "-dark.") for each in shown} <= shown
    assert max(sizes.values()) < 150_000
