"""Our device key is made once, private, and shared by all servers of a deployments folder."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.store.keys import device_seed


def test_the_key_is_made_once_even_concurrently(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        seeds = set(pool.map(lambda _: device_seed(tmp_path), range(16)))

    path = tmp_path / ".deploy-agent" / "device.json"
    assert len(seeds) == 1
    assert len(seeds.pop()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"[]", b"7", b'{"private_key": 7}', b'{"private_key": "AAAA"}', b"\xff"]
)
def test_a_damaged_key_is_replaced(tmp_path: Path, damaged: bytes) -> None:
    device_seed(tmp_path)
    path = tmp_path / ".deploy-agent" / "device.json"
    path.write_bytes(damaged)

    seed = device_seed(tmp_path)

    assert len(seed) == 32
    assert device_seed(tmp_path) == seed
