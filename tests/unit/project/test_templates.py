"""All endpoints and templates that a template names exist."""

import re
from pathlib import Path

import pytest

from app import create_app
from app.config import PROJECT, Settings

TEMPLATES = PROJECT / "templates"
PAGES = sorted(TEMPLATES.rglob("*.html"))


@pytest.fixture
def endpoints(settings: Settings) -> set[str]:
    return {rule.endpoint for rule in create_app(settings).url_map.iter_rules()}


def test_every_address_leads_to_an_endpoint(endpoints: set[str]) -> None:
    named = {
        name
        for page in PAGES
        for name in re.findall(r"url_for\(\s*[\"']([\w.]+)[\"']\s*[,)]", page.read_text())
    }

    assert named
    assert named - endpoints == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TEMPLATES)))
def test_every_included_template_exists(page: Path) -> None:
    named = re.findall(r"{%-? (?:include|extends|from|import) \"([^\"]+)\"", page.read_text())

    assert [each for each in named if not (TEMPLATES / each).exists()] == []
