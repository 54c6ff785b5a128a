"""The result of one readiness check, from a function that returns its detail or raises."""

import time
from collections.abc import Callable

from app.core.status.readiness import ReadinessCheck, failed, passed


class CheckFailed(Exception):
    """A check failed; its attributes are those of ReadinessCheck."""

    def __init__(
        self, detail: str, next_step: str = "", hopeless: bool = False, code: str = ""
    ) -> None:
        super().__init__(detail)
        self.detail, self.next_step = detail, next_step
        self.hopeless, self.code = hopeless, code


def result_of(name: str, check: Callable[[], str]) -> ReadinessCheck:
    begun = time.monotonic()
    try:
        detail = check()
    except CheckFailed as error:
        return failed(name, error.detail, error.next_step, error.hopeless, error.code)
    return passed(name, detail, round((time.monotonic() - begun) * 1000))
