"""The command that a button copies is exact, and safe to paste for any folder name."""

import shlex

import pytest

from app.core.diagnosis.command_lines import command_of
from app.core.operations.kinds import OperationKind
from tests.support.builders import ID, a_deployment


@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        (OperationKind.LAUNCH, "up -d"),
        (OperationKind.STOP, "down"),
        (OperationKind.RESTART, "up -d --force-recreate"),
        (OperationKind.ARCHIVE, "down"),
        (OperationKind.ALLOW_ORIGIN, "restart"),
        (OperationKind.ROTATE_TOKEN, "up -d --force-recreate"),
        (OperationKind.RECONFIGURE, "up -d"),
    ],
)
def test_a_command_does_in_the_folder_what_the_button_does(kind: OperationKind, verb: str) -> None:
    deployment = a_deployment(has_compose_file=True)

    assert command_of(kind, deployment) == f"cd /srv/{ID} && docker compose {verb}"


def test_a_folder_of_any_name_is_one_word_of_the_command() -> None:
    folder = f"/srv/it's $(here)/{ID}"

    words = shlex.split(
        command_of(OperationKind.LAUNCH, a_deployment(folder=folder, has_compose_file=True))
    )

    assert words == ["cd", folder, "&&", "docker", "compose", "up", "-d"]


@pytest.mark.parametrize(
    "trouble", [{"problem": "PORT is missing", "has_compose_file": True}, {}], ids=["env", "file"]
)
def test_a_damaged_folder_is_addressed_by_its_project_name(
    trouble: dict[str, object],
) -> None:
    line = command_of(OperationKind.STOP, a_deployment(**trouble))

    assert line == f"docker compose -p {ID} down"


@pytest.mark.parametrize("kind", OperationKind)
def test_every_kind_has_its_command(kind: OperationKind) -> None:
    assert command_of(kind, a_deployment())
