"""Answers are built from the objects that they describe, and written as JSON."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from pydantic import Field, ValidationError

from app.core.answers import Answer, AnswerPart, TextOrNull, Time


@dataclass(frozen=True)
class Gateway:
    name: str
    port: int
    note: str = ""


class GatewayShown(AnswerPart):
    name: str
    port: int
    note: TextOrNull
    seen_at: Time
    source: str = Field("here", serialization_alias="from")


class GatewayAnswer(Answer, GatewayShown):
    pass


AT = datetime(2026, 11, 24, 6, tzinfo=UTC)


def test_an_answer_reads_attributes_by_name_unless_they_are_given() -> None:
    shown = GatewayShown.of(Gateway("Sales", 30163), port=1, seen_at=AT)

    assert shown.as_json() == {
        "name": "Sales",
        "port": 1,
        "note": None,
        "seen_at": "2026-11-24T06:00:00+00:00",
        "from": "here",
    }


def test_a_whole_answer_says_ok_and_has_the_keys_of_its_part() -> None:
    answer = GatewayAnswer.of(Gateway("Sales", 30163, "new"), seen_at=AT)

    assert answer.as_json() == {**GatewayShown.of(answer).as_json(), "ok": True}
    assert (answer.http_status, answer.headers()) == (200, {})


def test_a_key_without_a_value_is_an_error() -> None:
    with pytest.raises(ValidationError, match="seen_at"):
        GatewayShown.of(Gateway("Sales", 30163))
