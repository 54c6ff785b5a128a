"""Turn a check function, which returns a detail or raises CheckFailed, into a ReadinessCheck."""

import time
from collections.abc import Callable

from app.core.status.readiness import ReadinessCheck, failed, passed


class CheckFailed(Exception):
    """A readiness check failed. The attributes are the same as ReadinessCheck's."""

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
