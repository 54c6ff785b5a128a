"""A launch pulls a missing image from a registry, with its layers shown, or fails."""

import docker
import pytest
from docker.errors import ImageNotFound

from app.core.operations.layers import Layer, Phase, latest_layers
from app.store.operation_log import log_path, read_records, steps_path
from app.usecases.context import AppContext
from tests.support.api import Api
from tests.support.engine.containers import containers_of
from tests.support.engine.image_registry import Registry, serving
from tests.support.server import free_port
from tests.support.waiting import eventually


def layers(context: AppContext, deployment_id: str) -> tuple[Layer, ...]:
    records = read_records(context.store.folder(deployment_id), 1) or []
    return latest_layers(each for each in records if isinstance(each, Layer))


def is_here(engine: docker.APIClient, image: str) -> bool:
    try:
        engine.inspect_image(image)
    except ImageNotFound:
        return False
    return True


def test_a_pull_shows_its_layers_and_the_launch_continues(
    api: Api, context: AppContext, engine: docker.APIClient
) -> None:
    with serving(Registry()) as registry:
        deployment_id = api.configure(image=registry.image)
        api.launch(deployment_id, wait=False)

        def half() -> bool:
            found = layers(context, deployment_id)
            return len(found) == 3 and any(0 < each.current < each.total for each in found)

        eventually(half)
        page = api.page(f"/deployments/{deployment_id}/operations/1").text
        registry.go.set()
        eventually(lambda: api.get(f"operations/{deployment_id}/1").json["state"] == "failed")

    assert page.count("<progress") == 4, "one for each layer and one for all"
    assert "layer " not in page.partition('role="log"')[2], "bytes are shown, not line by line"
    assert {each.phase for each in layers(context, deployment_id)} == {Phase.DONE}
    assert is_here(engine, registry.image)
    engine.remove_image(registry.image)
    ended = api.get(f"operations/{deployment_id}/1").json
    assert ended["code"] == "command_missing", (
        "it was started; that it holds no program is its own fault"
    )
    folder = context.store.folder(deployment_id)
    assert log_path(folder, 1).stat().st_size < 20_000, "a layer may not flood the log"
    assert steps_path(folder, 1).stat().st_size < 20_000, "nor the records of the steps"


def test_a_running_pull_can_be_cancelled(
    api: Api, context: AppContext, engine: docker.APIClient
) -> None:
    with serving(Registry()) as registry:
        deployment_id = api.configure(image=registry.image)
        api.launch(deployment_id, wait=False)
        assert registry.begun.wait(20)

        answer = api.cancel(deployment_id)

        assert answer.json["operation"]["state"] == "cancelled", answer.text
        registry.go.set()
    assert not is_here(engine, registry.image)
    assert containers_of(engine, deployment_id) == []


@pytest.mark.parametrize("trouble", ["no such image", "nobody there", "spoilt"])
def test_a_failed_pull_says_why(api: Api, engine: docker.APIClient, trouble: str) -> None:
    with serving(Registry(spoilt=True)) as registry:
        registry.go.set()
        nobody = f"127.0.0.1:{free_port()}"
        image, cause, words = {
            "no such image": (
                registry.image.replace(":1", ":2"),
                "image_missing",
                "No registry gave",
            ),
            "nobody there": (
                f"{nobody}/openclaw:1",
                "registry_unreachable",
                f"Nothing answers at the registry's address {nobody}.",
            ),
            "spoilt": (registry.image, "pull_broken_off", "The download of the image broke off"),
        }[trouble]
        deployment_id = api.configure(image=image)

        answer = api.launch(deployment_id)

    assert answer.status_code == 502, answer.text
    assert answer.json["cause"] == cause
    assert words in answer.json["detail"]
    assert not is_here(engine, image)
