"""Make Hypothesis try the same examples in every run, so that failures can be reproduced."""

from hypothesis import settings

settings.register_profile("same-every-time", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("same-every-time")
