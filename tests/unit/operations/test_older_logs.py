"""The steps of operations of older versions are parsed from their logs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.operations.kinds import OperationKind
from app.core.operations.layers import Layer, Phase
from app.core.operations.older_logs import layer_in, records_in
from app.core.operations.operation import ROLLBACK_FAILED, Operation, OperationState
from app.core.operations.progress import StepProgress, StepState, progress_of
from tests.support.builders import an_operation, before

BEGAN = before(240)
FOLDERS = "Preparing the data folders"
ANSWERS = "Waiting for the gateway to answer"
READY = "The gateway answers; waiting until it is ready"
WORDS = "Keeping its last words"
MOVE = "Moving the folder to the archive"
COPY = "Setting the state aside"
BACK = "Going back from"
NEW_TOKEN = "Writing a new token into .env"
LAUNCHED = [
    (1, "docker compose config"),
    (2, "docker compose pull openclaw  # registry/openclaw:1"),
    (3, "layer 7df4b48abd32 downloading 50/100"),
    (30, "layer 7df4b48abd32 done 0/0"),
    (31, FOLDERS),
    (32, "docker compose up -d"),
    (33, "Container x-openclaw-1 Creating"),
    (34, "Container x-openclaw-1 Starting"),
    (35, "Container x-openclaw-1 Started"),
    (36, ANSWERS),
    (37, "/healthz gave no answer"),
    (40, READY),
    (42, "It is ready and accepts the token"),
    (42, "Done"),
]


def lines(said: Sequence[tuple[int, str]]) -> list[tuple[str, str]]:
    return [((BEGAN + timedelta(seconds=at)).isoformat(), text) for at, text in said]


def operation(
    state: OperationState, kind: OperationKind = OperationKind.LAUNCH, **more: object
) -> Operation:
    ended = None if state is OperationState.RUNNING else BEGAN + timedelta(seconds=50)
    return an_operation(kind, state, started_at=BEGAN, ended_at=ended, **more)


def steps_of(operation: Operation, lines: Sequence[tuple[str, str]]) -> tuple[StepProgress, ...]:
    return progress_of(operation, records_in(lines))


def shown(steps: Sequence[StepProgress]) -> dict[str, str]:
    return {each.step: str(each.state) for each in steps}


def seconds(step: StepProgress) -> float | None:
    return step.took.total_seconds() if step.took is not None else None


def test_a_successful_launch_shows_the_time_of_each_step() -> None:
    steps = steps_of(operation(OperationState.SUCCEEDED), lines(LAUNCHED))

    assert {each.state for each in steps} == {StepState.DONE}
    assert [(each.step, seconds(each)) for each in steps] == [
        ("check", 2),
        ("pull", 29),
        ("folders", 1),
        ("create", 2),
        ("start", 2),
        ("answers", 4),
        ("ready", 10),
    ]
    assert steps[1].layers == (Layer("7df4b48abd32", Phase.DONE, 100, 100),)


def test_the_running_step_shows_the_latest_output() -> None:
    steps = {
        each.step: each
        for each in steps_of(operation(OperationState.RUNNING), lines(LAUNCHED[:11]))
    }

    answers = steps["answers"]
    assert (answers.state, answers.detail) == (StepState.RUNNING, "/healthz gave no answer")
    assert (answers.began_at, answers.took) == (BEGAN + timedelta(seconds=36), None)
    assert steps["ready"].state is StepState.PENDING
    assert steps["start"].detail == ""


def test_unnecessary_steps_are_skipped() -> None:
    said = [each for each in LAUNCHED if "layer" not in each[1] and "pull" not in each[1]]
    said = [each for each in said if "Start" not in each[1]]

    steps = shown(steps_of(operation(OperationState.SUCCEEDED), lines(said)))

    assert (steps["pull"], steps["start"], steps["create"]) == ("skipped", "skipped", "done")


TAKEN_DOWN = [(31, "docker compose stop"), (31, WORDS), (31, "docker compose down")]


def test_a_restart_stops_the_gateway_in_steps_and_rolls_back_after_them() -> None:
    said = [*LAUNCHED[:5], *TAKEN_DOWN, *LAUNCHED[5:10]]
    undoing = [*said, *((40, text) for _, text in TAKEN_DOWN)]

    def seen(state: OperationState, said: Sequence[tuple[int, str]]) -> dict[str, str]:
        return shown(steps_of(operation(state, OperationKind.RESTART), lines(said)))

    assert set(seen(OperationState.SUCCEEDED, said).values()) == {"done", "skipped"}
    assert list(seen(OperationState.SUCCEEDED, said))[3:6] == ["stop", "words", "remove"]
    failed = seen(OperationState.FAILED, undoing)
    assert (failed["remove"], failed["answers"], failed["undo"]) == ("done", "failed", "done")


def test_moving_the_folder_is_the_last_step_of_archiving() -> None:
    said = lines([*TAKEN_DOWN, (33, MOVE), (33, "It is in the archive")])

    steps = shown(steps_of(operation(OperationState.FAILED, OperationKind.ARCHIVE), said))

    assert steps == {"stop": "done", "words": "done", "remove": "done", "move": "failed"}


@pytest.mark.parametrize(
    ("state", "more", "broken", "undone"),
    [
        (OperationState.FAILED, {}, "failed", "done"),
        (OperationState.CANCELLED, {"cancelled_by": "ben"}, "cancelled", "done"),
        (OperationState.INTERRUPTED, {}, "failed", "failed"),
        (OperationState.RUNNING, {}, "failed", "running"),
        (OperationState.RUNNING, {"cancelled_by": "ben"}, "cancelled", "running"),
    ],
)
def test_removing_an_interrupted_operations_containers_is_its_own_step(
    state: OperationState, more: dict[str, str], broken: str, undone: str
) -> None:
    said = [*LAUNCHED[:11], (38, "docker compose stop"), (39, WORDS), (40, "docker compose down")]

    steps = shown(steps_of(operation(state, **more), lines(said)))

    assert (steps["answers"], steps["ready"], steps["undo"]) == (broken, "pending", undone)


@pytest.mark.parametrize(
    ("state", "code", "back"),
    [
        (OperationState.RUNNING, "", "running"),
        (OperationState.FAILED, "token_refused", "done"),
        (OperationState.FAILED, ROLLBACK_FAILED, "failed"),
        (OperationState.INTERRUPTED, "", "failed"),
    ],
)
@pytest.mark.parametrize("taken_down", [True, False])
def test_a_rollback_is_its_own_step_even_if_nothing_was_stopped(
    taken_down: bool, state: OperationState, code: str, back: str
) -> None:
    said = [
        (0, NEW_TOKEN),
        (1, "docker compose config"),
        *([(2, "docker compose up -d"), (3, "docker compose stop")] if taken_down else []),
        (4, f"{BACK} the new token"),
        (5, "docker compose config"),
        (6, "docker compose up -d"),
        (7, "docker compose stop"),
    ]

    steps = shown(steps_of(operation(state, OperationKind.ROTATE_TOKEN, code=code), lines(said)))

    assert steps["create" if taken_down else "check"] == "failed"
    assert steps["token"] == "done"
    assert list(steps)[-1] == "back"
    assert steps["back"] == back
    assert steps.get("undo") == ("done" if taken_down else None)


def test_a_stop_has_its_own_steps() -> None:
    said = [
        (0, "docker compose stop"),
        (10, "Container x-openclaw-1 Stopped"),
        (11, WORDS),
        (12, "docker compose down"),
    ]

    steps = steps_of(operation(OperationState.SUCCEEDED, OperationKind.STOP), lines(said))

    assert [(each.step, seconds(each)) for each in steps] == [
        ("stop", 11),
        ("words", 1),
        ("remove", 38),
    ]


@pytest.mark.parametrize("state", OperationState)
@pytest.mark.parametrize("kind", OperationKind)
def test_an_operation_without_output_is_at_its_first_step(
    kind: OperationKind, state: OperationState
) -> None:
    first, *rest = steps_of(operation(state, kind), [])

    assert first.state not in (StepState.PENDING, StepState.SKIPPED)
    assert not {each.state for each in rest} & {StepState.RUNNING, StepState.FAILED}


TEXTS = st.one_of(
    st.text(),
    st.sampled_from([text for _, text in LAUNCHED] + ["docker compose stop", WORDS, BACK]),
)
TIMES = st.one_of(
    st.text(),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.just(BEGAN.isoformat()),
)


@given(
    st.sampled_from(OperationKind),
    st.sampled_from(OperationState),
    st.lists(st.tuples(TIMES, TEXTS)),
)
def test_steps_of_any_log_are_in_order(
    kind: OperationKind, state: OperationState, output: list[tuple[str, str]]
) -> None:
    steps = steps_of(operation(state, kind), output)

    states = [each.state for each in steps if each.step not in ("undo", "back")]
    reached = [each for each in states if each is not StepState.PENDING]
    assert states[: len(reached)] == reached, "what is pending stands after what is not"
    assert states.count(StepState.RUNNING) <= 1
    assert all(each.took is None or each.took >= timedelta(0) for each in steps)
    assert all(each.label == each.step.label for each in steps)


UPDATED = [*LAUNCHED[:3], *TAKEN_DOWN, (32, COPY), (33, "Writing openclaw:2 into .env")]
GONE_BACK = [(45, f"{BACK} openclaw:2"), *((46, text) for _, text in TAKEN_DOWN), *LAUNCHED[5:]]


@pytest.mark.parametrize(
    ("code", "back"), [("launch_timeout", "done"), (ROLLBACK_FAILED, "failed")]
)
def test_a_failed_update_shows_its_failed_step_and_its_rollback(code: str, back: str) -> None:
    said = [*UPDATED, *LAUNCHED[5:10], *((44, text) for _, text in TAKEN_DOWN), *GONE_BACK]
    failed = operation(OperationState.FAILED, OperationKind.UPDATE, code=code)

    steps = shown(steps_of(failed, lines(said)))

    assert (steps["copy"], steps["write"], steps["create"]) == ("done", "done", "done")
    assert (steps["answers"], steps["ready"], steps["back"]) == ("failed", "pending", back)


def test_a_launch_that_first_rolls_back_an_update_shows_that_step_first() -> None:
    said = [(0, f"{BACK} openclaw:2"), *((1, text) for _, text in TAKEN_DOWN), *LAUNCHED]

    steps = steps_of(operation(OperationState.SUCCEEDED), lines(said))

    assert [each.step for each in steps][:3] == ["back", "check", "pull"]
    assert {each.state for each in steps} == {StepState.DONE}


@pytest.mark.parametrize(
    ("line", "layer"),
    [
        ("layer 7df4b48abd32 downloading 294912/3001169", (Phase.DOWNLOADING, 294912, 3001169)),
        ("layer 7df4b48abd32 done 0/0", (Phase.DONE, 0, 0)),
    ],
)
def test_a_pull_line_of_a_layer_is_parsed(line: str, layer: tuple[Phase, int, int]) -> None:
    assert layer_in(line) == Layer("7df4b48abd32", *layer)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "layer",
        "layer 7df4b48abd32 flying 1/2",
        "layer 7df4b48abd32 done 1/2 more",
        "xlayer 7df4b48abd32 done 1/2",
    ],
)
def test_other_pull_output_is_not_a_layer(line: str) -> None:
    assert layer_in(line) is None
