"""A log as a download: whole or filtered, also without a container."""

import re
from pathlib import Path

from app.store.last_words import LastWords, save_last_words
from tests.support.api import API_KEY, Api

_TIME = "2026-11-24T09:00:00.000000001Z"


def test_last_words_can_be_downloaded_whole_or_filtered(api: Api, deployments_dir: Path) -> None:
    deployment_id = api.configure()
    lines = [
        f"{_TIME} [gateway] listening\n",
        *(f"{_TIME} step {number}\n" for number in range(1_200)),
        f"{_TIME} [error] <b>disk</b> full\n",
        f"{_TIME} [error] refused with {API_KEY}\n",
    ]
    words = LastWords("2026-11-24T09:00:01+00:00", 1, "", "".join(lines), container="c" * 64)
    save_last_words(deployments_dir / deployment_id, words)
    lines[-1] = lines[-1].replace(API_KEY, "••••••••")

    def file(query: str = "") -> str:
        answer = api.page(f"/deployments/{deployment_id}/logs.txt{query}")
        assert answer.status_code == 200
        assert answer.content_type == "text/plain; charset=utf-8"
        said = answer.headers["Content-Disposition"]
        assert re.fullmatch(
            rf"attachment; filename={deployment_id}-\d{{4}}-\d\d-\d\dT\d{{6}}Z\.log", said
        )
        return answer.text

    assert file() == file("?run=before") == file("?last=nonsense") == "".join(lines)
    assert file("?level=error") == "".join(lines[-2:])
    assert file("?level=error&text=DISK") == lines[-2]
    assert file("?stream=stderr") == file("?text=unheard-of") == ""
