"""Properties are tried with the same examples in every run, so that a red run stays red."""

from hypothesis import settings

settings.register_profile("same-every-time", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("same-every-time")
