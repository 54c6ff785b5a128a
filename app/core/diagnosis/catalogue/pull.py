"""What the pull of an image says when it fails."""

from app.core.diagnosis.catalogue.entry import entry

PULL = (
    entry(
        "registry_unknown",
        r"lookup (?P<what>[\w.-]{1,253})(?: on \S+)?: (?:no such host|server misbehaving)",
        "The name of the registry {what} is not known on this host.",
        "Check the network and the image's name in .env (OPENCLAW_IMAGE), or build it here with"
        " `make image`.",
        ("{reconfigure} --set image={image}",),
    ),
    entry(
        "registry_unreachable",
        r"dial tcp (?P<what>[\w.:\[\]-]{1,60}): (?:connect: connection refused|connect: no route"
        r"|i/o timeout)",
        "Nothing answers at the registry's address {what}.",
        "Check the network and the image's name in .env (OPENCLAW_IMAGE), or build it here with"
        " `make image`.",
        ("{reconfigure} --set image={image}",),
    ),
    entry(
        "registry_busy",
        r"toomanyrequests",
        "The registry has had too many requests from this address.",
        "Wait and launch again, or log in to it (docker login).",
    ),
    entry(
        "pull_broken_off",
        r"unexpected EOF|connection reset by peer|TLS handshake timeout|i/o timeout"
        r"|filesystem layer verification failed|unknown blob|error pulling image",
        "The download broke off before the image was whole.",
        "Launch again; if this stays, look at the registry and the network.",
    ),
)
