"""Last words on disk: limited in size, of the latest five containers, newest first."""

from pathlib import Path

from app.store.last_words import LastWords, list_last_words, save_last_words


def words(created: int, log: str, container: str = "c0ffee") -> LastWords:
    return LastWords(
        "2026-11-24T12:00:00+00:00", 1, "unhealthy", log, container=container, created=created
    )


def test_last_words_of_the_last_five_containers_are_kept_newest_first(tmp_path: Path) -> None:
    for number in (1, 3, 2, 4, 5, 6, 7):
        save_last_words(tmp_path, words(number, f"said {number}\n", f"{number:064x}"))

    kept = list_last_words(tmp_path)

    assert [each.log for each in kept] == [f"said {number}\n" for number in (7, 6, 5, 4, 3)]


def test_later_last_words_of_a_container_replace_earlier_ones(tmp_path: Path) -> None:
    save_last_words(tmp_path, words(1, "first\n"))
    save_last_words(tmp_path, words(1, "first\nsecond\n"))

    assert [each.log for each in list_last_words(tmp_path)] == ["first\nsecond\n"]


def test_a_large_log_is_cut_to_its_last_whole_lines(tmp_path: Path) -> None:
    log = "".join(f"{number} {'ä' * 3000}\n" for number in range(1000))
    save_last_words(tmp_path, words(1, log))

    [kept] = list_last_words(tmp_path)

    assert len(kept.log.encode()) <= 2 * 1024 * 1024
    assert log.endswith(kept.log)
    assert kept.log[:1].isdigit()


def test_a_damaged_file_hides_no_other(tmp_path: Path) -> None:
    save_last_words(tmp_path, words(1, "older\n", "a" * 64))
    damaged = tmp_path / ".deploy-agent/last-words/000000000002-bbbbbbbbbbbb.json"
    damaged.write_text('{"at": ')

    [found] = list_last_words(tmp_path)

    assert found.log == "older\n"
