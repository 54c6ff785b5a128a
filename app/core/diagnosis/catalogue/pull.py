"""What a failed pull of an image reports."""

from app.core.diagnosis.catalogue.entry import CatalogueEntry

PULL = (
    CatalogueEntry(
        "registry_unknown",
        r"lookup (?P<what>[\w.-]{1,253})(?: on \S+)?: (?:no such host|server misbehaving)",
        "This host can't resolve the registry's name, {what}.",
        "Check the network and the image's name in .env (OPENCLAW_IMAGE), or build it here with"
        " `make image`.",
        ("{reconfigure} --set image={image}",),
    ),
    CatalogueEntry(
        "registry_unreachable",
        r"dial tcp (?P<what>[\w.:\[\]-]{1,60}): (?:connect: connection refused|connect: no route"
        r"|i/o timeout)",
        "Nothing answers at the registry's address {what}.",
        "Check the network and the image's name in .env (OPENCLAW_IMAGE), or build it here with"
        " `make image`.",
        ("{reconfigure} --set image={image}",),
    ),
    CatalogueEntry(
        "registry_busy",
        r"toomanyrequests",
        "The registry refuses more requests from this address for now.",
        "Wait and launch again, or log in to the registry (docker login).",
    ),
    CatalogueEntry(
        "pull_broken_off",
        r"unexpected EOF|connection reset by peer|TLS handshake timeout|i/o timeout"
        r"|filesystem layer verification failed|unknown blob|error pulling image",
        "The download of the image broke off.",
        "Launch again. If it keeps happening, check the registry and the network.",
    ),
)
