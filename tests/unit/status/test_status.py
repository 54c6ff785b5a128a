"""The first matching rule decides a status, and every status has a reason."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.deployment import Deployment
from app.core.operations.kinds import OperationKind
from app.core.operations.operation import Operation, OperationState
from app.core.snapshot import Container, EngineProblem, Run, Snapshot
from app.core.status.readiness import Readiness, failed
from app.core.status.rules import status_of
from app.core.status.status import LastStatus, Status
from tests.support.builders import (
    ID,
    NOW,
    a_container,
    a_deployment,
    a_snapshot,
    an_operation,
    before,
    details,
)

LAUNCH, STOP = OperationKind.LAUNCH, OperationKind.STOP
SUCCEEDED, FAILED = OperationState.SUCCEEDED, OperationState.FAILED
RUNNING, INTERRUPTED = OperationState.RUNNING, OperationState.INTERRUPTED

SILENT = Snapshot(
    NOW, problem=EngineProblem("engine_silent", "Docker Engine has not answered for 12 s")
)
YOUNG, OLD = before(20), before(3600)


def seen(deployment: Deployment, *containers: Container) -> tuple[str, str]:
    """Return status and reason of a deployment for which the engine lists these containers."""
    report = status_of(deployment, a_snapshot(*containers), NOW)
    return str(report.status), report.reason


# Rule 1: an invalid folder.


@pytest.mark.parametrize("state", ["created", "running", "restarting", "paused", "exited", "dead"])
def test_an_invalid_folders_reason_says_what_its_container_does(state: str) -> None:
    deployment = a_deployment(port=None, problem="its .env has no PORT")

    status, reason = seen(deployment, a_container(state))

    assert status == "invalid"
    assert reason == f"its .env has no PORT; its container is {state} and can be stopped"


def test_an_invalid_folder_without_a_container_says_so() -> None:
    deployment = a_deployment(problem="it has no .env")

    assert seen(deployment) == ("invalid", "it has no .env; it has no container")


def test_an_invalid_folder_stays_invalid_while_the_engine_is_silent() -> None:
    report = status_of(a_deployment(problem="it has no .env"), SILENT, NOW)

    assert report.status is Status.INVALID
    assert report.reason == "it has no .env; Docker Engine has not answered for 12 s"


def test_an_invalid_folder_is_not_launching() -> None:
    deployment = a_deployment(problem="it has no .env", operation=an_operation(LAUNCH, RUNNING))

    assert seen(deployment)[0] == "invalid"


# Rule 2: an engine that does not answer.


def test_a_silent_engine_is_unknown_and_never_stopped() -> None:
    report = status_of(a_deployment(), SILENT, NOW)

    assert report.status is Status.UNKNOWN
    assert report.reason == "Docker Engine has not answered for 12 s"


def test_with_a_silent_engine_the_last_known_status_is_shown_with_its_time() -> None:
    report = status_of(a_deployment(), SILENT, NOW, LastStatus(Status.RUNNING, before(40)))

    assert report.status is Status.UNKNOWN
    assert report.reason == (
        "Docker Engine has not answered for 12 s; last seen running at 12:03:00 UTC, 40 seconds ago"
    )


def test_the_last_known_status_is_dropped_once_the_engine_answers() -> None:
    report = status_of(a_deployment(), a_snapshot(), NOW, LastStatus(Status.RUNNING, before(40)))

    assert report.status is Status.STOPPED


# Rule 3: a running operation.


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (LAUNCH, "launching"),
        (OperationKind.RESTART, "launching"),
        (STOP, "stopping"),
        (OperationKind.ARCHIVE, "stopping"),
    ],
)
@pytest.mark.parametrize(
    "containers", [(), (a_container(),), (a_container("exited", "Exited (1) 1 second ago"),)]
)
def test_a_running_operation_decides_the_status(
    kind: OperationKind, status: str, containers: tuple[Container, ...]
) -> None:
    operation = an_operation(kind, RUNNING, actor="ana", started_at=before(12))

    assert seen(a_deployment(operation=operation), *containers) == (
        status,
        "started by ana, for 12 seconds",
    )


def test_a_launch_being_cancelled_names_who_cancelled_it() -> None:
    operation = an_operation(LAUNCH, RUNNING, cancelled_by="ben")

    assert seen(a_deployment(operation=operation)) == (
        "stopping",
        "the launch is being cancelled by ben",
    )


# Rule 4: a container.

EXITED = {"finished_at": before(180), "started_at": before(184), "restart_policy": "no"}
CONTAINERS = [
    pytest.param(
        a_container("created", "Created"), "failed", "created but never started", id="created"
    ),
    pytest.param(
        a_container("created", "Created", details=details(error="bind: address already in use")),
        "failed",
        "created but never started: bind: address already in use",
        id="created, with the engine's error",
    ),
    pytest.param(
        a_container("exited", "Exited (78)", details=details(exit_code=78, **EXITED)),
        "failed",
        "exited with code 78 after 4 seconds, 3 minutes ago",
        id="exited by itself",
    ),
    pytest.param(
        a_container("exited", "Exited (137)", details=details(exit_code=137, **EXITED)),
        "failed",
        "exited with code 137 after 4 seconds, 3 minutes ago",
        id="killed",
    ),
    pytest.param(
        a_container(
            "exited", "Exited (137)", details=details(exit_code=137, out_of_memory=True, **EXITED)
        ),
        "failed",
        "ran out of memory and was killed after 4 seconds, 3 minutes ago",
        id="out of memory",
    ),
    pytest.param(
        a_container(
            "exited",
            "Exited (137)",
            details=details(
                exit_code=137, out_of_memory=True, **{**EXITED, "restart_policy": "always"}
            ),
        ),
        "failed",
        "ran out of memory and was killed after 4 seconds, 3 minutes ago",
        id="out of memory, with a policy that restarts",
    ),
    pytest.param(
        a_container(
            "exited",
            "Exited (127)",
            details=details(exit_code=127, error="exec: no such file", **EXITED),
        ),
        "failed",
        "exec: no such file, 3 minutes ago",
        id="exited with the engine's error",
    ),
    pytest.param(
        a_container("exited", "Exited (78) 3 minutes ago"),
        "failed",
        "Exited (78) 3 minutes ago",
        id="exited, not inspected",
    ),
    pytest.param(
        a_container("exited", "Exited (0)", details=details(exit_code=0, **EXITED)),
        "stopped",
        "stopped outside Deploy Agent, exit code 0, 3 minutes ago",
        id="ended by itself",
    ),
    pytest.param(
        a_container("exited", "Exited (143)", details=details(exit_code=143, **EXITED)),
        "stopped",
        "stopped outside Deploy Agent, exit code 143, 3 minutes ago",
        id="asked to end",
    ),
    pytest.param(
        a_container("exited", "Exited (130)", details=details(exit_code=130, **EXITED)),
        "stopped",
        "stopped outside Deploy Agent, exit code 130, 3 minutes ago",
        id="interrupted from a keyboard",
    ),
    pytest.param(
        a_container(
            "exited",
            "Exited (137)",
            details=details(exit_code=137, **{**EXITED, "restart_policy": "unless-stopped"}),
        ),
        "stopped",
        "stopped outside Deploy Agent, exit code 137, 3 minutes ago",
        id="down in spite of a policy that restarts",
    ),
    pytest.param(
        a_container(
            "exited",
            "Exited (1)",
            details=details(exit_code=1, **{**EXITED, "finished_at": before(-900)}),
        ),
        "failed",
        "exited with code 1 after 18 minutes, just now",
        id="exited in the future of a moved clock",
    ),
    pytest.param(
        a_container(
            "exited",
            "Exited (1)",
            details=details(
                exit_code=1, **{**EXITED, "started_at": before(60), "finished_at": before(120)}
            ),
        ),
        "failed",
        "exited with code 1 after a moment, 2 minutes ago",
        id="exited before it started, by a moved clock",
    ),
    pytest.param(
        a_container("restarting", "Restarting (78) 2 seconds ago"),
        "restarting",
        "it keeps exiting and Docker restarts it: exit code 78",
        id="restarting",
    ),
    pytest.param(
        a_container(
            "restarting", "Restarting (78) 2 seconds ago", details=details(restart_count=4)
        ),
        "restarting",
        "it keeps exiting and Docker restarts it: exit code 78, 4 restarts",
        id="restarting, counted",
    ),
    pytest.param(
        a_container(
            "restarting",
            "Restarting (137) 2 seconds ago",
            details=details(restart_count=4, out_of_memory=True),
        ),
        "restarting",
        "it keeps exiting and Docker restarts it: out of memory, 4 restarts",
        id="restarting out of memory",
    ),
    pytest.param(
        a_container(
            status_text="Up 20 seconds", details=details(restart_count=1, started_at=YOUNG)
        ),
        "restarting",
        "it exited and Docker restarted it",
        id="restarted just now",
    ),
    pytest.param(
        a_container(
            status_text="Up 20 seconds (healthy)",
            details=details(restart_count=3, started_at=YOUNG),
        ),
        "restarting",
        "it keeps exiting and Docker restarts it, 3 restarts",
        id="restarted just now, healthy in between",
    ),
    pytest.param(
        a_container(
            status_text="Up 1 hour (healthy)", details=details(restart_count=3, started_at=OLD)
        ),
        "running",
        "up an hour",
        id="restarted long ago",
    ),
    pytest.param(
        a_container(details=details(restart_count=3, started_at=before(60))),
        "running",
        "up a minute",
        id="restarted a minute ago",
    ),
    pytest.param(
        a_container(status_text="Up 20 seconds", details=details(started_at=YOUNG)),
        "running",
        "up 20 seconds",
        id="young, never restarted",
    ),
    pytest.param(
        a_container(status_text="Up 5 seconds", details=details(started_at=before(-900))),
        "running",
        "up a moment",
        id="started in the future of a moved clock",
    ),
    pytest.param(
        a_container(status_text="Up 2 hours (healthy)"), "running", "up 2 hours", id="healthy"
    ),
    pytest.param(
        a_container(status_text="Up 2 hours"), "running", "up 2 hours", id="without health check"
    ),
    pytest.param(
        a_container(status_text="Up 2 hours (unhealthy)"),
        "unhealthy",
        "its health check fails",
        id="unhealthy",
    ),
    pytest.param(
        a_container(
            status_text="Up 1 hour (unhealthy)",
            details=details(health_output=" connect ECONNREFUSED\n"),
        ),
        "unhealthy",
        "its health check fails: connect ECONNREFUSED",
        id="unhealthy, with what the check said",
    ),
    pytest.param(
        a_container("paused", "Up 2 hours (Paused)"),
        "unhealthy",
        f"paused; `docker unpause {ID}-openclaw-1` resumes it",
        id="paused",
    ),
    pytest.param(
        a_container(
            status_text="Up 20 seconds (health: starting)", details=details(started_at=YOUNG)
        ),
        "launching",
        "up 20 seconds, its health check has not answered yet",
        id="health still starting",
    ),
    pytest.param(
        a_container("removing"), "stopping", "Docker is removing its container", id="removing"
    ),
    pytest.param(
        a_container("dead"),
        "failed",
        "Docker could not remove its container; stop the deployment again",
        id="dead",
    ),
    pytest.param(
        a_container("levitating"),
        "unknown",
        "Docker calls its container “levitating”",
        id="a state that Docker does not have yet",
    ),
]


@pytest.mark.parametrize(("container", "status", "reason"), CONTAINERS)
@pytest.mark.parametrize(
    "operation",
    [None, an_operation(LAUNCH, FAILED, reason="x"), an_operation(STOP, SUCCEEDED)],
    ids=["no operation", "a failed launch", "a stop"],
)
def test_the_containers_state_decides_the_status(
    operation: object, container: Container, status: str, reason: str
) -> None:
    assert seen(a_deployment(operation=operation), container) == (status, reason)


STARTING = a_container(
    status_text="Up 20 seconds (health: starting)",
    details=details(started_at=YOUNG, started_at_text="this run"),
)


def test_a_verified_run_is_running_before_docker_reports_health() -> None:
    operation = an_operation(verified=Run(STARTING.id, "this run"))

    assert seen(a_deployment(operation=operation), STARTING) == (
        "running",
        "up 20 seconds, verified at launch",
    )


def test_a_verified_run_is_running_whatever_its_restart_count() -> None:
    recovered = a_container(
        status_text="Up 20 seconds",
        details=details(restart_count=6, started_at=YOUNG, started_at_text="this run"),
    )

    verified = an_operation(verified=Run(recovered.id, "this run"))

    assert seen(a_deployment(operation=verified), recovered) == ("running", "up 20 seconds")
    assert seen(a_deployment(operation=an_operation()), recovered)[0] == "restarting"


@pytest.mark.parametrize(
    "verified",
    [None, Run(STARTING.id, "an earlier run"), Run("another container", "this run")],
)
def test_an_unverified_run_is_launching(verified: Run | None) -> None:
    operation = an_operation(verified=verified)

    assert seen(a_deployment(operation=operation), STARTING)[0] == "launching"


def test_a_verified_run_that_got_unhealthy_is_unhealthy() -> None:
    sick = a_container(
        status_text="Up 20 seconds (unhealthy)", details=details(started_at_text="this run")
    )
    operation = an_operation(verified=Run(sick.id, "this run"))

    assert seen(a_deployment(operation=operation), sick)[0] == "unhealthy"


def test_other_services_do_not_decide_the_status() -> None:
    helper = a_container("exited", "Exited (1)", service="helper", created_at=before(1))

    assert seen(a_deployment(), helper, a_container())[0] == "running"


def test_a_deployment_whose_folder_moved_is_not_stopped() -> None:
    assert seen(a_deployment(), a_container(working_dir="/old/place"))[0] == "running"


def test_other_projects_containers_do_not_count() -> None:
    snapshot = Snapshot(NOW, {"ffffffffff": (a_container(),)})

    assert status_of(a_deployment(), snapshot, NOW).status is Status.STOPPED


# Rule 5: no container.


@pytest.mark.parametrize(
    ("deployment", "status", "reason"),
    [
        pytest.param(
            a_deployment(configured_here=True), "configured", "not launched yet", id="configured"
        ),
        pytest.param(a_deployment(), "stopped", "it has no container", id="an older folder"),
        pytest.param(
            a_deployment(operation=an_operation(LAUNCH, FAILED, reason="Its port is taken.")),
            "failed",
            "3 minutes ago: Its port is taken.",
            id="a failed launch",
        ),
        pytest.param(
            a_deployment(operation=an_operation(LAUNCH, INTERRUPTED, ended_at=None)),
            "failed",
            "the launch was interrupted, 4 minutes ago; launch again",
            id="an interrupted launch",
        ),
        pytest.param(
            a_deployment(
                operation=an_operation(LAUNCH, OperationState.CANCELLED, cancelled_by="ben")
            ),
            "stopped",
            "the launch was cancelled by ben, 3 minutes ago",
            id="a cancelled launch",
        ),
        pytest.param(
            a_deployment(operation=an_operation(STOP, INTERRUPTED, ended_at=None)),
            "stopped",
            "its container was removed outside Deploy Agent",
            id="an interrupted stop that came to its end",
        ),
        pytest.param(
            a_deployment(operation=an_operation(STOP, SUCCEEDED)),
            "stopped",
            "stopped by ana, 3 minutes ago",
            id="a stop",
        ),
        pytest.param(
            a_deployment(operation=an_operation(LAUNCH, SUCCEEDED)),
            "stopped",
            "its container was removed outside Deploy Agent",
            id="a launch that succeeded",
        ),
        pytest.param(
            a_deployment(operation=an_operation(STOP, FAILED, reason="x")),
            "stopped",
            "its container was removed outside Deploy Agent",
            id="a stop that failed",
        ),
        pytest.param(
            a_deployment(operation=an_operation(STOP, SUCCEEDED, ended_at=before(-900))),
            "stopped",
            "stopped by ana, just now",
            id="a stop in the future of a moved clock",
        ),
        pytest.param(
            a_deployment(operation=an_operation(OperationKind.ARCHIVE, SUCCEEDED)),
            "stopped",
            "taken down by ana to be archived, 3 minutes ago",
            id="one that was archived and restored, or whose folder did not move",
        ),
        pytest.param(
            a_deployment(operation=an_operation(OperationKind.RESTART, FAILED, reason="no disk")),
            "failed",
            "3 minutes ago: no disk",
            id="a restart that failed",
        ),
    ],
)
def test_without_a_container_the_latest_operation_decides(
    deployment: Deployment, status: str, reason: str
) -> None:
    assert seen(deployment) == (status, reason)


# Combinations of rules.

moments = st.integers(-10_000, 10_000).map(before) | st.sampled_from([NOW, before(10**9)])
words = st.text(min_size=1).filter(lambda text: text.strip(" ."))
inspected = st.builds(
    details,
    restart_count=st.integers(0, 5),
    started_at=st.none() | moments,
    finished_at=st.none() | moments,
    exit_code=st.sampled_from([0, 1, 78, 130, 137, 143, -1]),
    out_of_memory=st.booleans(),
    error=st.just("") | words,
    restart_policy=st.sampled_from(["", "no", "always", "unless-stopped", "on-failure"]),
    health_output=st.just("") | words,
)
containers = st.builds(
    a_container,
    state=st.sampled_from(
        ["created", "exited", "restarting", "running", "paused", "removing", "dead", "new"]
    ),
    status_text=st.sampled_from(
        [
            "Up 2 hours (healthy)",
            "Up 1 second (unhealthy)",
            "Up 5 seconds (health: starting)",
            "Up 2 hours",
            "Exited (1) now",
            "Restarting (1) 2 seconds ago",
            "Created",
            "Up 2 h (Paused)",
        ]
    ),
    service=st.sampled_from(["openclaw", "helper"]),
    created_at=moments,
    details=st.none() | inspected,
)
operations = st.builds(
    an_operation,
    kind=st.sampled_from(OperationKind),
    state=st.sampled_from(OperationState),
    started_at=moments,
    ended_at=st.none() | moments,
    reason=words,
    verified=st.none() | st.just(Run("c0ffee", details().started_at_text)),
)
deployments = st.builds(
    a_deployment,
    problem=st.none() | words,
    configured_here=st.booleans(),
    operation=st.none() | operations,
)
last_status = st.none() | st.builds(LastStatus, st.sampled_from(Status), moments)
lists = st.lists(containers, max_size=2)


@given(deployments, lists, last_status)
def test_any_deployment_has_a_status_and_a_reason(
    deployment: Deployment, listed: list[Container], seen_before: LastStatus | None
) -> None:
    report = status_of(deployment, a_snapshot(*listed), NOW, seen_before)

    assert report.reason.strip()
    assert (report.status is Status.INVALID) == (deployment.problem is not None)


@given(deployments, lists, last_status)
@example(a_deployment(operation=an_operation(STOP, SUCCEEDED)), [], None)
@example(a_deployment(configured_here=True), [], LastStatus(Status.STOPPED, NOW))
def test_without_an_engine_answer_nothing_is_stopped_or_running(
    deployment: Deployment, listed: list[Container], seen_before: LastStatus | None
) -> None:
    silent = Snapshot(NOW, {ID: tuple(listed)}, SILENT.problem)

    report = status_of(deployment, silent, NOW, seen_before)

    assert report.status in (Status.UNKNOWN, Status.INVALID)
    assert "Docker Engine has not answered for 12 s" in report.reason


@given(deployments, lists, st.integers(-10_000, 10_000))
def test_after_a_clock_change_only_recent_restarts_count(
    deployment: Deployment, listed: list[Container], seconds: int
) -> None:
    restarted = [each for each in listed if each.details and each.details.restart_count]
    steady = a_snapshot(*(each for each in listed if each not in restarted))

    moved = status_of(deployment, steady, NOW + timedelta(seconds=seconds))

    assert moved.status is status_of(deployment, steady, NOW).status


def test_moving_statuses_and_port_holding_statuses_are_distinguished() -> None:
    assert {each for each in Status if each.moving} == {
        Status.LAUNCHING,
        Status.STOPPING,
        Status.RESTARTING,
    }
    assert {each for each in Status if each.up} == {
        Status.RUNNING,
        Status.UNHEALTHY,
        Status.RESTARTING,
        Status.LAUNCHING,
    }


# Ended operations other than launches and stops do not affect the status.

ALLOW = OperationKind.ALLOW_ORIGIN


def test_while_an_origin_is_being_allowed_the_gateway_is_launching() -> None:
    operation = an_operation(ALLOW, RUNNING, actor="ana", started_at=before(12))

    assert seen(a_deployment(operation=operation), a_container()) == (
        "launching",
        "started by ana, for 12 seconds",
    )


def test_a_failed_restart_that_leaves_no_gateway_says_why() -> None:
    stopped = an_operation(STOP, SUCCEEDED)
    for state, verified, status, words in (
        (FAILED, None, "failed", "3 minutes ago: It broke."),
        (INTERRUPTED, None, "failed", "the token rotation was interrupted, 3 minutes ago"),
        (FAILED, Run("c0ffee", "put back"), "stopped", "stopped by ana"),
        (SUCCEEDED, None, "stopped", "stopped by ana"),
    ):
        rotation = an_operation(
            OperationKind.ROTATE_TOKEN, state, reason="It broke.", verified=verified
        )

        found, reason = seen(a_deployment(operation=rotation, earlier=stopped))

        assert found == status
        assert reason.startswith(words)


@pytest.mark.parametrize("state", [SUCCEEDED, FAILED])
@pytest.mark.parametrize(
    ("earlier", "configured_here", "status"),
    [
        (None, True, "configured"),
        (an_operation(STOP, SUCCEEDED), False, "stopped"),
        (an_operation(LAUNCH, FAILED, reason="It broke."), False, "failed"),
    ],
)
def test_allowing_an_origin_does_not_change_the_status(
    state: OperationState, earlier: Operation | None, configured_here: bool, status: str
) -> None:
    deployment = a_deployment(
        operation=an_operation(ALLOW, state), earlier=earlier, configured_here=configured_here
    )

    assert seen(deployment)[0] == status


@pytest.mark.parametrize("out_of_memory", [False, True])
def test_a_crash_loop_has_the_same_words_during_and_between_runs(out_of_memory: bool) -> None:
    between = a_container(
        "restarting",
        "Restarting (137) 2 seconds ago",
        details=details(restart_count=4, out_of_memory=out_of_memory),
    )
    up = a_container(
        status_text="Up 1 second",
        details=details(restart_count=4, started_at=YOUNG),
        previous_exit=between.last_exit,
    )

    assert seen(a_deployment(), up) == seen(a_deployment(), between)


def test_a_start_time_in_the_future_is_no_crash_loop() -> None:
    """Docker restarted the container once, then the host's clock was set back."""
    gateway = a_container(
        status_text="Up 1 hour (healthy)",
        details=details(restart_count=1, started_at=before(-3600)),
    )

    report = status_of(a_deployment(), a_snapshot(gateway), NOW)

    assert report.status is Status.RUNNING


@pytest.mark.parametrize(
    ("kind", "verified", "seen"),
    [
        (OperationKind.LAUNCH, Run("c0ffee", "now"), "; last seen running at 12:00:40 UTC"),
        (OperationKind.STOP, None, "; last seen stopped at 12:00:40 UTC"),
        (OperationKind.UPDATE, None, ""),
    ],
)
def test_without_an_observation_the_last_operation_gives_the_last_status(
    kind: OperationKind, verified: Run | None, seen: str
) -> None:
    deployment = a_deployment(operation=an_operation(kind, verified=verified))

    reason = status_of(deployment, SILENT, NOW).reason

    assert reason.removeprefix("Docker Engine has not answered for 12 s").startswith(seen)
    assert ("last seen" in reason) is bool(seen)


# The effect of readiness checks on the status.

GRACE = timedelta(seconds=180)
REFUSES = failed(
    "token", "The gateway refuses the token of .env (AUTH_TOKEN_MISMATCH).", "", True, "X"
)


def checked(deployment: Deployment, container: Container, **more: Any) -> tuple[str, str]:
    """Return status and reason after a failed check of this container run.

    `more` overrides attributes of the readiness.
    """
    given = {"container_id": container.id, "started_at": container.runs_since, "has_passed": False}
    readiness = Readiness(**{"failed_check": REFUSES, "grace": GRACE, **given, **more})
    report = status_of(deployment, a_snapshot(container), NOW, None, readiness)
    return str(report.status), report.reason


REFUSED = ("unhealthy", "the gateway refuses the token of .env (AUTH_TOKEN_MISMATCH)")


@pytest.mark.parametrize("health", ["", " (healthy)", " (unhealthy)", " (health: starting)"])
def test_a_failed_readiness_check_means_unhealthy_whatever_docker_reports(health: str) -> None:
    container = a_container(status_text=f"Up 1 hour{health}", details=details())

    assert checked(a_deployment(), container) == REFUSED


def test_an_unverified_run_may_take_as_long_as_a_launch() -> None:
    young = a_container(status_text="Up 1 minute (healthy)", started_at=before(80))

    status, reason = checked(a_deployment(), young)

    assert status == "launching"
    assert reason.startswith("up a minute, not ready yet: the gateway refuses")
    assert checked(a_deployment(), young, grace=timedelta(seconds=60)) == REFUSED
    # A gateway whose checks have all passed once has started, so a failure counts at once.
    assert checked(a_deployment(), young, has_passed=True) == REFUSED
    # Docker reports `unhealthy` only after its own start period, so the failure counts at once.
    ill = replace(young, status_text="Up 1 minute (unhealthy)")
    assert checked(a_deployment(), ill) == REFUSED


@pytest.mark.parametrize("inspected", [True, False])
def test_a_verified_run_gets_no_start_period(inspected: bool) -> None:
    inspection = details(started_at=before(200))
    gateway = a_container(started_at=before(200), details=inspection if inspected else None)
    verified = Run(gateway.id, inspection.started_at_text)
    launch = an_operation(LAUNCH, SUCCEEDED, verified=verified, ended_at=before(190))
    long = timedelta(seconds=600)

    assert checked(a_deployment(operation=launch), gateway, grace=long) == REFUSED
    # A later run of the same container is not the run that the launch verified.
    again = replace(
        gateway,
        started_at=before(100),
        details=replace(inspection, started_at=before(100), started_at_text="later")
        if inspected
        else None,
    )
    assert checked(a_deployment(operation=launch), again, grace=long)[0] == "launching"


@pytest.mark.parametrize("other", [{"container_id": "another"}, {"started_at": before(9)}])
def test_checks_of_an_earlier_run_say_nothing_about_this_one(other: dict[str, Any]) -> None:
    container = a_container(status_text="Up 1 hour (healthy)", started_at=OLD)

    assert checked(a_deployment(), container, **other) == ("running", "up an hour")


def test_a_gateway_that_passed_its_checks_runs_before_dockers_health_check() -> None:
    young = a_container(status_text="Up 9 seconds (health: starting)", started_at=before(9))
    reason = "up 9 seconds, it answers and accepts its token"

    assert checked(a_deployment(), young, failed_check=None, has_passed=True) == ("running", reason)
    assert checked(a_deployment(), young, failed_check=None)[0] == "launching"
    ill = replace(young, status_text="Up 9 seconds (unhealthy)")
    assert checked(a_deployment(), ill, failed_check=None, has_passed=True)[0] == "unhealthy"


def test_a_gateway_that_passes_its_checks_has_dockers_status() -> None:
    ill = a_container(status_text="Up 1 hour (unhealthy)", details=details(health_output="no"))

    assert checked(a_deployment(), ill, failed_check=None) == (
        "unhealthy",
        "its health check fails: no",
    )


@pytest.mark.parametrize("state", ["paused", "exited", "restarting", "created", "dead"])
def test_checks_are_ignored_while_the_container_is_not_up(state: str) -> None:
    container = a_container(state, "", details=details())

    assert checked(a_deployment(), container) == seen(a_deployment(), container)
