"""The version is defined in app/version.py only, and shown everywhere."""

import re

import pytest
from click.testing import CliRunner

from app import create_app
from app.cli.main import main
from app.config import PROJECT, Settings
from app.version import VERSION
from tests.support.api import Api


def test_the_newest_release_in_the_changelog_is_this_version() -> None:
    releases = re.findall(
        r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$",
        (PROJECT / "CHANGELOG.md").read_text(),
        re.MULTILINE,
    )

    assert releases[0] == VERSION


def test_the_command_line_names_its_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout == f"deploy-agent, version {VERSION}\n"


@pytest.mark.usefixtures("no_engine")
def test_the_foot_of_each_page_names_the_version(settings: Settings) -> None:
    api = Api(create_app(settings))

    for page in ("/", "/history", "/doctor"):
        assert f"Deploy Agent {VERSION}" in api.page(page).text
