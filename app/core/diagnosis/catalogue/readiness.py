"""What a broken rung of the ladder means; its words are the probe's own."""

from app.core.diagnosis.catalogue.entry import LAUNCH, CatalogueEntry, entry


def _rung(code: str, pattern: str, *fix: str) -> CatalogueEntry:
    return entry(code, pattern, words="", next_step="", fix=fix)


# Matched against "<rung> <the gateway's own code> <what was seen>"; a rung that is not here
# is called by its name.
LADDER = (
    _rung("token_missing", r"^token  There is no token in \.env", "{rotate}", LAUNCH),
    _rung("token_refused", r"^token AUTH_TOKEN_MISMATCH ", "{equalize}"),
    _rung("token_locked_out", r"^token AUTH_RATE_LIMITED ", "{restart}"),
    _rung("token_unanswered", r"^token  No answer to the token", "{restart}"),
    _rung("connect_refused", r"^token \S.* The gateway refuses the connection"),
    _rung("config_token_refused", r"^config_token ", "{equalize}"),
    _rung("healthz_refused", r"^healthz  /healthz gave no answer", "{restart}"),
)
