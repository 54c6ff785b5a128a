"""The deployments folder: who may read what is in it, whose it is, and what does not belong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell, on_paths, quoted

MODES = DoctorCheck(
    "modes",
    "Who can read the secrets",
    Area.FOLDER,
    "A .env holds the keys that pay for models and the gateway's token; whoever may read it on"
    " this host has them.",
)
OWNERS = DoctorCheck(
    "owners",
    "Owners of the gateways' files",
    Area.FOLDER,
    "A gateway runs as uid 1000; what another user owns in its config/ and workspace/ it can't"
    " write, and fails at it sooner or later.",
)
LINKS = DoctorCheck(
    "links",
    "Links in the folder",
    Area.FOLDER,
    "Links are not followed, so that nothing outside of the folder is ever read, changed or"
    " deleted; what is behind one is not seen.",
)
FOREIGN = DoctorCheck(
    "foreign",
    "What else is in the folder",
    Area.FOLDER,
    "Only folders whose name is an id (ten characters of 0-9 and a-f) are deployments. What has"
    " another name is never listed and never touched, so a gateway in it is easily forgotten.",
)

STRANDED = DoctorCheck(
    "stranded",
    "Left on the engine",
    Area.FOLDER,
    "A container without its deployment's folder holds its port and memory and runs on with its"
    " keys, and a network that was left keeps its addresses; the list shows neither.",
)


@dataclass(frozen=True, slots=True)
class ExposedPath:
    """What others than its owner may use. Where it is not `private` they may read and not write."""

    path: str
    mode: int
    private: bool = True


@dataclass(frozen=True, slots=True)
class MisownedFiles:
    """What in a deployment's data folders is not the gateway's: the first such path of `number`.

    `top` says that it is a whole data folder.
    """

    folder: str
    path: str
    owner: str
    number: int
    runs: bool = False
    top: bool = False


@dataclass(frozen=True, slots=True)
class FolderLink:
    """A link where a file or folder should be; `target` is empty where it leads nowhere."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class ForeignEntry:
    """What is no deployment: its name, and whether it looks like one that has no id."""

    name: str
    is_folder: bool
    looks_like_deployment: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was looked at, so that what is good is not said of what nobody saw."""

    deployments: int
    unreadable: int = 0


def modes_finding(exposed: Sequence[ExposedPath], looked: Coverage, shell: Shell) -> DoctorFinding:
    if not exposed:
        return _looked(MODES, looked, "Only its owner may read each .env and what is ours.")
    shown = [f"{each.path} ({each.mode & 0o7777:04o})" for each in exposed]
    lines = [
        shell.as_root(on_paths(f"chmod {change}", paths))
        for change, private in (("go-rwx", True), ("go-w", False))
        if (paths := [each.path for each in exposed if each.private is private])
    ]
    return MODES.bad(
        f"Others on this host may read or change {listed(shown)}.",
        "Close it to everybody but its owner. Whoever may have read a key there can still use it:"
        " have it replaced at the provider.",
        "\n".join(lines),
    )


def owners_finding(
    misowned: Sequence[MisownedFiles], looked: Coverage, shell: Shell
) -> DoctorFinding:
    # A launch gives whole folders to the gateway, and does not look for single files in them.
    wrong = [each for each in misowned if each.runs or not each.top]
    if not wrong:
        waiting = counted(len(misowned), "deployment gets its", "deployments get theirs")
        by_launch = f" {waiting} with the next launch." if misowned else ""
        words = f"All of config/ and workspace/ is uid 1000's.{by_launch}"
        return _looked(OWNERS, looked, words)
    told = [
        f"{each.path} is {each.owner}'s{f', and {each.number - 1} more' if each.number > 1 else ''}"
        for each in wrong
    ]
    return OWNERS.bad(
        f"Not the gateway's: {listed(told)}.",
        "Give them to the gateway. Links are given, not followed.",
        _give(wrong, shell),
    )


def _give(misowned: Sequence[MisownedFiles], shell: Shell) -> str:
    paths = [f"{each.folder}/{name}" for each in misowned for name in ("config", "workspace")]
    return shell.as_root(on_paths("chown -hR 1000:1000", paths))


def links_finding(links: Sequence[FolderLink], looked: Coverage, shell: Shell) -> DoctorFinding:
    if not links:
        return _looked(LINKS, looked, "None.")
    told = [f"{each.path} leads to {each.target or 'nowhere'}" for each in links]
    first = links[0]
    if not first.target:
        return LINKS.bad(
            f"{listed(told)}.",
            "What it led to is gone. The line removes the link.",
            shell.as_root(quoted("rm", first.path)),
        )
    path, target = quoted(first.path), quoted(first.target)
    return LINKS.bad(
        f"{listed(told)}.",
        "Stop what uses it first. The line puts a copy of what is behind the first in its place;"
        " the original stays where it is.",
        shell.as_root(f"rm {path} && cp -aT {target} {path}"),
    )


def foreign_finding(
    foreign: Sequence[ForeignEntry],
    root: str,
    deployments: int,
    fresh_id: Callable[[], str],
    shell: Shell,
) -> DoctorFinding:
    """`fresh_id` gives an id that nothing has yet."""
    if not foreign:
        return FOREIGN.good(f"{counted(deployments, 'deployment')}, and nothing else.")
    told = [f"{each.name}{'/' if each.is_folder else ''}" for each in foreign]
    seen = f"{listed(told)} in {root}."
    if like := next((each for each in foreign if each.looks_like_deployment), None):
        return FOREIGN.warning(
            seen,
            f"{listed([like.name])} looks like a deployment. Take its containers down first; with"
            " an id for a name it is listed.",
            shell.as_root(quoted("mv", f"{root}/{like.name}", f"{root}/{fresh_id()}")),
        )
    aside = f"{root.rstrip('/')}.aside"
    paths = [f"{root}/{each.name}" for each in foreign]
    return FOREIGN.warning(
        seen,
        "The line moves it out of the way, beside the folder.",
        shell.as_root(f"mkdir -p {quoted(aside)} && {on_paths(f'mv -t {quoted(aside)}', paths)}"),
    )


def stranded_finding(projects: Sequence[str], perhaps: int, shell: Shell) -> DoctorFinding:
    """`projects` are those of ours that are stranded, `perhaps` how many may be others'."""
    others = f" {counted(perhaps, 'project')} may be somebody else's." if perhaps else ""
    if not projects:
        return STRANDED.good(f"Nothing of ours.{others}")
    return STRANDED.warning(
        f"{listed(projects)}.{others}",
        f"The page Stranded tells what each is; the line removes what is left of {projects[0]}.",
        shell.deploy_agent("stranded", "--remove", projects[0]),
    )


def _looked(check: DoctorCheck, looked: Coverage, words: str) -> DoctorFinding:
    where = counted(looked.deployments, "deployment")
    if looked.unreadable:
        return check.unknown(
            f"{words} But {looked.unreadable} of {where} this server's user may not look into."
        )
    return check.good(f"{words} {where} looked at.")
