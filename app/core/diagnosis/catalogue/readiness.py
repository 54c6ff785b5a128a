"""Causes of a failed readiness check. The check itself gives the message."""

from app.core.diagnosis.catalogue.entry import LAUNCH, CatalogueEntry


def _check(code: str, pattern: str, *fix: str) -> CatalogueEntry:
    return CatalogueEntry(code, pattern, words="", next_step="", fix=fix)


# Matched against "<check> <the gateway's own code> <detail>". A check without an entry gets a code
# made from its name.
LADDER = (
    _check("token_missing", r"^token  There is no token in \.env", "{rotate}", LAUNCH),
    _check("token_refused", r"^token AUTH_TOKEN_MISMATCH ", "{equalize}"),
    _check("token_locked_out", r"^token AUTH_RATE_LIMITED ", "{restart}"),
    _check("token_unanswered", r"^token  No answer to the token", "{restart}"),
    _check("connect_refused", r"^token \S.* The gateway refuses the connection"),
    _check("config_token_refused", r"^config_token ", "{equalize}"),
    _check("healthz_refused", r"^healthz  /healthz gave no answer", "{restart}"),
)
