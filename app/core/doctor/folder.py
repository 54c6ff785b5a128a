"""Checks of the deployments folder: who may read secrets, who owns files, foreign entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core.doctor.finding import Area, DoctorCheck, DoctorFinding, counted, listed
from app.core.doctor.shell import Shell, on_paths, quoted

MODES = DoctorCheck(
    "modes",
    "Who can read the secrets",
    Area.FOLDER,
    "A .env holds the keys that pay for models and the gateway's token. Anybody on this host who"
    " may read the file has these secrets.",
)
OWNERS = DoctorCheck(
    "owners",
    "Owners of the gateways' files",
    Area.FOLDER,
    "A gateway runs as uid 1000. It can't write files in config/ and workspace/ that belong to"
    " another user, and sooner or later it fails.",
)
LINKS = DoctorCheck(
    "links",
    "Links in the folder",
    Area.FOLDER,
    "Links are not followed, so that nothing outside the folder is ever read, changed or deleted."
    " The target of a link is ignored.",
)
FOREIGN = DoctorCheck(
    "foreign",
    "Other things in the folder",
    Area.FOLDER,
    "Only folders named by an id (ten characters of 0-9 and a-f) are deployments. Deploy"
    " Agent never lists or touches anything else, so a gateway there is easily forgotten.",
)

ORPHANS = DoctorCheck(
    "stranded",
    "Orphans on the engine",
    Area.FOLDER,
    "A container whose deployment's folder is gone keeps its port, memory and keys, and a left-over"
    " network keeps its addresses. The list shows neither.",
)


@dataclass(frozen=True, slots=True)
class ExposedPath:
    """A file with too wide a mode. Others may never write; they may read if `private` is false."""

    path: str
    mode: int
    private: bool = True


@dataclass(frozen=True, slots=True)
class MisownedFiles:
    """Files in a deployment's data folders with a wrong owner: the first path, and how many.

    `top` means that the path is a whole data folder.
    """

    folder: str
    path: str
    owner: str
    number: int
    runs: bool = False
    top: bool = False


@dataclass(frozen=True, slots=True)
class FolderLink:
    """A symbolic link in place of a file or folder. `target` is empty if it is broken."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class ForeignEntry:
    """An entry of the deployments folder that is no deployment, though it may look like one."""

    name: str
    is_folder: bool
    looks_like_deployment: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many deployments were checked. A finding covers only these deployments."""

    deployments: int
    unreadable: int = 0


def modes_finding(
    exposed: Sequence[ExposedPath], coverage: Coverage, shell: Shell
) -> DoctorFinding:
    if not exposed:
        return _result(
            MODES, coverage, "Only their owners may read the .env files and Deploy Agent's files."
        )
    shown = [f"{each.path} ({each.mode & 0o7777:04o})" for each in exposed]
    lines = [
        shell.as_root(on_paths(f"chmod {change}", paths))
        for change, private in (("go-rwx", True), ("go-w", False))
        if (paths := [each.path for each in exposed if each.private is private])
    ]
    return MODES.bad(
        f"Others on this host may read or change {listed(shown)}.",
        "Make these files accessible for their owners only. Somebody may already have read a key:"
        " replace it at the provider.",
        "\n".join(lines),
    )


def owners_finding(
    misowned: Sequence[MisownedFiles], coverage: Coverage, shell: Shell
) -> DoctorFinding:
    # A launch makes the gateway the owner of whole folders, but does not check single files.
    wrong = [each for each in misowned if each.runs or not each.top]
    if not wrong:
        waiting = counted(len(misowned), "deployment gets its", "deployments get theirs")
        by_launch = f" {waiting} with the next launch." if misowned else ""
        words = f"Everything in config/ and workspace/ belongs to uid 1000.{by_launch}"
        return _result(OWNERS, coverage, words)
    texts = [
        f"{each.path} is {each.owner}'s{f', and {each.number - 1} more' if each.number > 1 else ''}"
        for each in wrong
    ]
    return OWNERS.bad(
        f"Not owned by the gateway: {listed(texts)}.",
        "Make the gateway's user the owner. Links are changed, not followed.",
        _give(wrong, shell),
    )


def _give(misowned: Sequence[MisownedFiles], shell: Shell) -> str:
    paths = [f"{each.folder}/{name}" for each in misowned for name in ("config", "workspace")]
    return shell.as_root(on_paths("chown -hR 1000:1000", paths))


def links_finding(links: Sequence[FolderLink], coverage: Coverage, shell: Shell) -> DoctorFinding:
    if not links:
        return _result(LINKS, coverage, "None.")
    texts = [f"{each.path} leads to {each.target or 'nowhere'}" for each in links]
    first = links[0]
    if not first.target:
        return LINKS.bad(
            f"{listed(texts)}.",
            "The link's target is gone. This command removes the link.",
            shell.as_root(quoted("rm", first.path)),
        )
    path, target = quoted(first.path), quoted(first.target)
    return LINKS.bad(
        f"{listed(texts)}.",
        "First stop the deployment that uses the link. This command replaces the first link with a"
        " copy of its target; the original stays where it is.",
        shell.as_root(f"rm {path} && cp -aT {target} {path}"),
    )


def foreign_finding(
    foreign: Sequence[ForeignEntry],
    root: str,
    deployments: int,
    fresh_id: Callable[[], str],
    shell: Shell,
) -> DoctorFinding:
    """Report what is in the folder besides deployments. `fresh_id` returns an unused id."""
    if not foreign:
        return FOREIGN.good(f"{counted(deployments, 'deployment')}, and nothing else.")
    names = [f"{each.name}{'/' if each.is_folder else ''}" for each in foreign]
    seen = f"{listed(names)} in {root}."
    if like := next((each for each in foreign if each.looks_like_deployment), None):
        return FOREIGN.warning(
            seen,
            f"{listed([like.name])} looks like a deployment. Remove its containers first; then"
            " this command renames the folder to an id, so that the deployment is listed.",
            shell.as_root(quoted("mv", f"{root}/{like.name}", f"{root}/{fresh_id()}")),
        )
    aside = f"{root.rstrip('/')}.aside"
    paths = [f"{root}/{each.name}" for each in foreign]
    return FOREIGN.warning(
        seen,
        "This command moves such entries to a folder next to the deployments folder.",
        shell.as_root(f"mkdir -p {quoted(aside)} && {on_paths(f'mv -t {quoted(aside)}', paths)}"),
    )


def orphans_finding(projects: Sequence[str], perhaps: int, shell: Shell) -> DoctorFinding:
    """Report orphans: `projects` of ours, and `perhaps` more that may be somebody else's."""
    others = f" {counted(perhaps, 'project')} may be somebody else's." if perhaps else ""
    if not projects:
        return ORPHANS.good(f"None of ours.{others}")
    return ORPHANS.warning(
        f"{listed(projects)}.{others}",
        f"The page Orphans explains each project. This command removes the rest of {projects[0]}.",
        shell.deploy_agent("stranded", "--remove", projects[0]),
    )


def _result(check: DoctorCheck, coverage: Coverage, words: str) -> DoctorFinding:
    checked = counted(coverage.deployments, "deployment")
    if coverage.unreadable:
        return check.unknown(
            f"{words} But this server's user may not read {coverage.unreadable} of {checked}."
        )
    return check.good(f"{words} {checked} checked.")
