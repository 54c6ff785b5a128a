"""Examples of orphans. Other people's projects are never claimed as ours."""

from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.deployment import Deployment
from app.core.operations.operation import OperationState
from app.core.orphans import KnownFolders, Orphan, find_orphans, is_within
from app.core.snapshot import Container, Network, Run
from tests.support.builders import (
    ID,
    NOW,
    a_container,
    a_deployment,
    an_operation,
    before,
    details,
)

ROOT, ELSEWHERE = "/srv/deployments", "/home/ana/deployments"
POOL = IPv4Network("10.192.0.0/12")


def a_network(project: str = ID, **more: Any) -> Network:
    given = {"id": "beef", "name": f"{project}_default", "created_at": before(3600), **more}
    return Network(project=project, **{"subnet": IPv4Network("10.207.0.0/28"), **given})


def a_ground(*deployments: Deployment, **more: Any) -> KnownFolders:
    here = {each.id: each for each in deployments}
    return KnownFolders(**{"roots": (ROOT,), "pool": POOL, "deployments": here, **more})


def found(ground: KnownFolders, *things: Container | Network) -> list[Orphan]:
    containers: dict[str, tuple[Container, ...]] = {}
    for each in things:
        if isinstance(each, Container):
            containers[each.project] = (*containers.get(each.project, ()), each)
    networks = [each for each in things if isinstance(each, Network)]
    return find_orphans(containers, networks, ground, NOW)


def judged(ground: KnownFolders, *things: Container | Network) -> tuple[str, bool] | None:
    """Return the kind of the only orphan and whether its owner is uncertain, or None."""
    stranded = found(ground, *things)
    assert len(stranded) < 2
    return (str(stranded[0].kind), stranded[0].perhaps) if stranded else None


OURS = {"working_dir": f"{ROOT}/{ID}"}
OTHERS = {"working_dir": f"{ELSEWHERE}/{ID}"}
ANOTHERS_PROJECT = {"service": "web", "name": f"{ID}-web-1", "image": "nginx"}


@pytest.mark.parametrize(
    ("container", "ground", "expected"),
    [
        pytest.param(OURS, {}, ("folder_gone", False), id="our folder is gone"),
        pytest.param(
            {**OURS, **ANOTHERS_PROJECT}, {}, ("folder_gone", False), id="ours, whatever it runs"
        ),
        pytest.param(
            {**OURS, "project": "web"}, {}, ("folder_gone", False), id="under another name, gone"
        ),
        pytest.param(
            {**OURS, "project": "web"},
            {"existing": frozenset({f"{ROOT}/{ID}"})},
            ("other_name", True),
            id="under another name",
        ),
        pytest.param(
            {"working_dir": f"/mnt/disk/{ID}"},
            {"roots": (ROOT, "/mnt/disk")},
            ("folder_gone", False),
            id="the deployments folder is a link",
        ),
        pytest.param(
            OTHERS, {"existing": frozenset({f"{ELSEWHERE}/{ID}"})}, None, id="another server's"
        ),
        pytest.param(OTHERS, {}, ("folder_gone", True), id="a gateway from nowhere"),
        pytest.param({}, {}, ("folder_gone", True), id="a gateway that names no folder"),
        pytest.param(
            {**OTHERS, **ANOTHERS_PROJECT}, {}, None, id="a project with a name like an id"
        ),
        pytest.param(
            {**OTHERS, **ANOTHERS_PROJECT, "made_for": ID},
            {},
            ("folder_gone", True),
            id="it has our label",
        ),
        pytest.param(
            {**OTHERS, **ANOTHERS_PROJECT, "image": "ghcr.io/openclaw/openclaw:1"},
            {},
            ("folder_gone", True),
            id="it has OpenClaw's image",
        ),
        pytest.param(
            {**OTHERS, "project": "web", "made_for": ID}, {}, None, id="another name, from nowhere"
        ),
    ],
)
def test_containers_without_a_folder_are_orphans(
    container: dict[str, Any], ground: dict[str, Any], expected: tuple[str, bool] | None
) -> None:
    assert judged(a_ground(**ground), a_container(**container)) == expected


def test_an_orphan_lists_its_parts_and_where_its_folder_went() -> None:
    [stranded] = found(a_ground(archived=frozenset({ID})), a_container(**OURS), a_network())

    assert stranded.parts == f"container {ID}-openclaw-1, network {ID}_default"
    assert stranded.why == f"Its folder {ROOT}/{ID} is in the archive."


@pytest.mark.parametrize(
    ("network", "ground", "expected"),
    [
        ({}, {"archived": frozenset({ID})}, ("network_left", False)),
        ({}, {}, ("network_left", True)),
        ({"created_at": before(5)}, {}, None),
        ({"subnet": IPv4Network("172.20.0.0/16")}, {}, None),
        ({"subnet": None}, {}, None),
        ({"project": "web"}, {}, None),
    ],
)
def test_networks_without_containers_are_orphans(
    network: dict[str, Any], ground: dict[str, Any], expected: tuple[str, bool] | None
) -> None:
    assert judged(a_ground(**ground), a_network(**network)) == expected


PROVEN = an_operation(verified=Run("gone", "then"))
CREATED = a_container("created", "Created", details=details(error="port is already allocated"))
HELPER = a_container(service="db", id="d8", name=f"{ID}-db-1")


@pytest.mark.parametrize(
    ("deployment", "things", "kind"),
    [
        ({}, [CREATED], "never_started"),
        ({}, [CREATED, a_container()], None),
        ({}, [a_container("created", "Created", created_at=before(5))], None),
        ({"operation": an_operation(state=OperationState.RUNNING)}, [CREATED], None),
        ({}, [a_container(), a_network()], None),
        ({}, [a_container("exited", "Exited (1)")], None),
        ({"operation": PROVEN}, [HELPER], "gateway_gone"),
        ({"operation": PROVEN}, [HELPER, a_container()], None),
        ({}, [HELPER], None),
        ({}, [a_network()], "network_left"),
        ({}, [a_network(created_at=before(5))], None),
    ],
)
def test_orphaned_parts_of_a_listed_deployment(
    deployment: dict[str, Any], things: list[Container | Network], kind: str | None
) -> None:
    listed = a_deployment(**deployment)

    stranded = found(a_ground(listed), *things)

    assert [str(each.kind) for each in stranded] == ([kind] if kind else [])
    assert all(each.deployment is listed and not each.perhaps for each in stranded)


def test_a_container_that_never_started_says_why() -> None:
    [stranded] = found(a_ground(a_deployment()), CREATED)

    assert stranded.why == "It was created but never started: port is already allocated."


def test_orphans_that_are_certainly_ours_come_first() -> None:
    perhaps, ours = a_container(project="0" * 10, made_for=ID), a_container(**OURS)

    assert [each.perhaps for each in found(a_ground(), perhaps, ours)] == [False, True]


places = st.sampled_from(["", f"{ROOT}/{ID}", f"{ELSEWHERE}/{ID}", "/srv/deployments-2/x", "x"])
projects = st.sampled_from([ID, "0badc0ffee", "web"])
containers = st.builds(
    a_container,
    state=st.sampled_from(["created", "running", "exited", "restarting", "dead"]),
    project=projects,
    service=st.sampled_from(["openclaw", "web"]),
    image=st.sampled_from(["nginx", "ghcr.io/openclaw/openclaw:1"]),
    working_dir=places,
    made_for=st.sampled_from(["", ID]),
    one_off=st.booleans(),
    created_at=st.integers(-100, 10_000).map(before),
)
networks = st.builds(
    a_network, projects, created_at=st.integers(-100, 10_000).map(before), subnet=st.none()
)
grounds = st.builds(
    a_ground,
    archived=st.frozensets(projects),
    existing=st.frozensets(places),
)


@given(grounds, st.lists(containers | networks, max_size=6))
def test_projects_with_a_folder_elsewhere_are_not_reported(
    ground: KnownFolders, things: list[Container | Network]
) -> None:
    for stranded in found(ground, *things):
        for container in stranded.containers:
            elsewhere = container.working_dir and not ground.holds(container.working_dir)
            assert not (elsewhere and container.working_dir in ground.existing)


@given(grounds, st.lists(containers | networks, max_size=6))
def test_only_our_folder_or_archive_makes_an_orphan_certain(
    ground: KnownFolders, things: list[Container | Network]
) -> None:
    for stranded in found(ground, *things):
        named = any(ground.holds(each.working_dir) for each in stranded.containers)
        lone = not stranded.containers and stranded.project in ground.archived
        assert stranded.perhaps or named or lone
        assert stranded.why
        assert stranded.parts


@given(st.lists(containers | networks, max_size=6))
def test_a_working_deployment_is_no_orphan(things: list[Container | Network]) -> None:
    works = a_container(created_at=NOW - timedelta(days=1))

    stranded = found(a_ground(a_deployment()), works, *things)

    assert all(each.project != ID for each in stranded)


def test_a_folder_with_the_same_name_prefix_is_not_ours() -> None:
    assert is_within(f"{ROOT}/{ID}", (ROOT,))
    assert not is_within(f"{ROOT}-2/{ID}", (ROOT,))
    assert not is_within(ROOT, (ROOT,))
    assert not is_within("", (ROOT,))
