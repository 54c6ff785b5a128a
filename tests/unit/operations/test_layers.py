"""The layers of an image during a pull, and their total progress."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.operations.layers import Layer, Phase, latest_layers, percent_of

A, B = "7df4b48abd32", "f4690cf19201"

layers = st.builds(
    Layer,
    st.text("0123456789abcdef", min_size=12, max_size=12),
    st.sampled_from(Phase),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
)


@given(st.lists(layers))
def test_pull_progress_is_a_percentage_for_any_numbers(layers: list[Layer]) -> None:
    known = latest_layers(layers)

    assert 0 <= percent_of(known) <= 100
    assert all(0 <= each.percent <= 100 for each in known)


def test_a_layer_keeps_its_size_after_its_download() -> None:
    layers = [Layer(A, Phase.DOWNLOADING, 50, 200), Layer(B, Phase.WAITING), Layer(A, Phase.DONE)]

    assert latest_layers(layers) == (Layer(A, Phase.DONE, 200, 200), Layer(B, Phase.WAITING))


def test_a_layer_of_unknown_size_counts_as_the_average() -> None:
    large, small = Layer(A, Phase.DOWNLOADING, 0, 900), Layer(B, Phase.DONE, 100, 100)

    assert percent_of([large, small]) == 10
    assert percent_of([small, Layer(A, Phase.WAITING)]) == 50
    assert percent_of([]) == 0
