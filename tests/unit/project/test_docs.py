"""README and docs match the code: settings, calls, packages, pictures and links."""

import re
from pathlib import Path

import pytest

from app import create_app
from app.config import PROJECT, Settings
from app.web.api.openapi import describe_api, path_of

README = (PROJECT / "README.md").read_text()
DOCS = PROJECT / "docs"
PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "CHANGELOG.md",
    PROJECT / "deployments/README.md",
    *sorted(DOCS.glob("*.md")),
]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes for a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_no_link_is_dead(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", page.read_text())
    for link in (first or second for first, second in links):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    named = re.findall(r"`((?:app|tests|templates|packaging|scripts)/[\w./-]+)`", text)
    named += [
        f"app/{each}"
        for each in re.findall(r"`((?:core|store|engine|usecases|web|cli)/[\w./-]+)`", text)
    ]

    assert [each for each in named if not (PROJECT / each).exists()] == []


def test_the_readme_leads_to_every_page_of_the_docs() -> None:
    assert {f"docs/{each.name}" for each in DOCS.glob("*.md")} <= set(
        re.findall(r"\]\(([^)]+)\)", README)
    )


def test_the_settings_page_names_every_setting_and_no_other() -> None:
    named = re.findall(
        r"^\| `DEPLOY_AGENT_(\w+)` \|", (DOCS / "settings.md").read_text(), re.MULTILINE
    )

    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_api_page_names_every_call_with_its_summary(settings: Settings) -> None:
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
    rows = re.findall(r"^\| `(?:GET|POST) /api/.*$", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert rows == [f"| `{call}` | {summary} |" for call, summary in described.items()]


def test_the_architecture_page_says_what_every_package_is_for() -> None:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    asked = {line.lower() for line in lines if line and not line.startswith(("#", "types-"))}
    page = (DOCS / "architecture.md").read_text().lower()
    tables = "\n".join(line for line in page.splitlines() if line.startswith("| "))

    assert {name for name in asked if not re.search(rf"\b{name}\b", tables)} == set()


def test_every_picture_is_light_and_shown_in_both_themes() -> None:
    shown = set(re.findall(r"docs/pictures/([\w-]+\.webp)", README))
    sizes = {each.name: each.stat().st_size for each in (DOCS / "pictures").iterdir()}

    assert shown == set(sizes)
    assert {each.replace("-dark.", "-light.") for each in shown} <= shown
    assert {each.replace("-light.", "-dark.") for each in shown} <= shown
    assert max(sizes.values()) < 150_000
