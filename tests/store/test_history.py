"""The history on disk has complete entries, a limited size and merged additions, newest first."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.store import history
from app.store.files import agent_dir


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return agent_dir(tmp_path) / history.FILE


def test_an_entry_has_a_number_time_person_and_address(tmp_path: Path) -> None:
    history.source_address.set("local")
    history.record(tmp_path, "launch", "ana", operation=1)
    history.source_address.set("10.1.2.3")
    history.record(tmp_path, "stop", "ben")
    history.source_address.set("local")

    first, second = history.read_history(tmp_path)

    assert (first["n"], first["what"], first["who"], first["from"]) == (1, "launch", "ana", "local")
    assert (second["n"], second["from"]) == (2, "10.1.2.3")
    assert first["operation"] == 1
    assert first["at"] <= second["at"]


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(
                [b"", b'{"what": "lau', b"\n", b"\xff\xfe", b"[1]\n", b"{}\n", b"\0\0"]
            ),
        ),
        max_size=8,
    )
)
def test_a_crash_loses_no_complete_entry(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | bytes]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    file = agent_dir(folder) / history.FILE
    recorded = []

    for step in steps:
        if isinstance(step, str):
            history.record(folder, "note", step)
            recorded.append(step)
        else:
            with file.open("ab") as torn:
                torn.write(step)

    read = [each["who"] for each in history.read_history(folder) if each.get("what") == "note"]
    assert read == recorded


def test_an_addition_is_merged_into_its_entry(tmp_path: Path) -> None:
    first = history.append(tmp_path, {"what": "exited", "at": "1", "count": 1, "code": 1})
    history.record(tmp_path, "reveal", "ana")
    history.append(tmp_path, {"of": first, "count": 2, "last_at": "2"})
    history.append(tmp_path, {"of": first, "count": 10})

    read = history.read_history(tmp_path)

    assert [each["what"] for each in read] == ["exited", "reveal"]
    assert read[0] == {
        "n": 1, "what": "exited", "at": "1", "count": 10, "code": 1, "last_at": "2"
    }  # fmt: skip
    assert history.record(tmp_path, "stop", "ana") == 5


def test_an_addition_to_an_unknown_entry_is_an_entry_of_its_own(tmp_path: Path, file: Path) -> None:
    file.write_text('{"n": 1, "what": "launch", "of": [1]}\n')

    assert history.read_history(tmp_path) == [{"n": 1, "what": "launch"}]


def test_rotated_history_files_are_read_as_one(tmp_path: Path, file: Path) -> None:
    for number in range(70):
        history.record(tmp_path, "note", "x" * 99_000, number=number)

    read = history.read_history(tmp_path)

    assert sorted(path.name for path in file.parent.iterdir()) == [
        "history.1.jsonl",
        "history.2.jsonl",
        "history.3.jsonl",
        "history.4.jsonl",
        "history.jsonl",
    ]
    assert all(path.stat().st_size <= 1024 * 1024 for path in file.parent.iterdir())
    assert [each["number"] for each in read] == list(range(20, 70))
    assert [each["n"] for each in read] == list(range(21, 71))


def test_only_the_requested_part_of_a_log_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        history.record(tmp_path, "note", "x" * 9_000, number=number)
    blocks = []
    read = history.os.pread  # type: ignore[attr-defined]
    monkeypatch.setattr("os.pread", lambda *given: blocks.append(given) or read(*given))

    assert next(history.newest_first(tmp_path))["number"] == 39

    assert len(blocks) == 1


def test_reading_many_histories_keeps_no_file_open(tmp_path: Path) -> None:
    def first_of(number: int) -> Iterator[history.Entry]:
        folder = tmp_path / str(number)
        folder.mkdir()
        history.record(folder, "launch", "ana")
        entries = history.newest_first(folder)
        next(entries)
        return entries

    before = len(os.listdir("/proc/self/fd"))
    held = [first_of(number) for number in range(20)]

    assert len(os.listdir("/proc/self/fd")) == before
    assert held


def test_concurrent_writers_get_distinct_numbers(tmp_path: Path) -> None:
    def write() -> None:
        for _ in range(40):
            history.record(tmp_path, "note", "x" * 9_000)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each["n"] for each in history.read_history(tmp_path)] == list(range(1, 161))


def test_entries_of_an_older_format_are_read_and_numbering_continues(
    tmp_path: Path, file: Path
) -> None:
    older = [{"at": "1", "what": "configure", "who": "ana"}, {"at": "2", "what": "launch"}]
    file.write_text("".join(json.dumps(each) + "\n" for each in older))

    number = history.record(tmp_path, "stop", "ana")

    assert number == 3
    assert [each["what"] for each in history.read_history(tmp_path)] == [
        "configure",
        "launch",
        "stop",
    ]


def test_a_failed_append_on_a_full_disk_leaves_no_torn_line(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.record(tmp_path, "launch", "ana")
    before = file.read_bytes()
    write = history.os.write  # type: ignore[attr-defined]
    monkeypatch.setattr("os.write", lambda target, data: write(target, data[:7]))

    with pytest.raises(OSError, match="No space"):
        history.record(tmp_path, "stop", "ana")

    assert file.read_bytes() == before


def test_a_history_that_is_a_link_is_not_followed(tmp_path: Path, file: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    file.symlink_to(elsewhere)

    with pytest.raises(OSError, match="symbolic"):
        history.record(tmp_path, "stop", "ana")

    assert history.read_history(tmp_path) == []
    assert elsewhere.read_text() == ""


@pytest.mark.parametrize("number", [None, [1], {}, "1", 1.5, True, -1])
def test_an_entry_without_a_valid_number_hides_nothing(
    tmp_path: Path, file: Path, number: object
) -> None:
    first = history.record(tmp_path, "launch", "ana")
    with file.open("a") as damaged:
        damaged.write(json.dumps({"n": number, "what": "damaged"}) + "\n")
    assert history.append(tmp_path, {"of": first, "count": 2}) > first

    found = list(history.newest_first(tmp_path))

    assert [each["what"] for each in found] == ["damaged", "launch"]
    assert found[1]["count"] == 2
