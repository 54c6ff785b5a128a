# shellcheck shell=bash
# What all scripts share; sourced, after `set -euo pipefail`. Leaves you in the project's folder.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
PROJECT=$PWD

# Made by scripts/compose where Compose v2 could not be put in place for all users.
if [ -z "${DOCKER_CONFIG:-}" ] && [ -f .docker/config.json ]; then
  export DOCKER_CONFIG=$PROJECT/.docker
fi

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
root() { [ "$(id -u)" = 0 ]; }
debian() { [ -f /etc/debian_version ] && have apt-get; }

# Root on Debian or Ubuntu is the one case in which we install system packages.
apt_install() {
  local log
  log=$(mktemp)
  { apt_quietly update && apt_quietly install --no-install-recommends "$@"; } >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    rm -f "$log"
    die "apt-get could not install $*; the reason is above."
  }
  rm -f "$log"
}

apt_quietly() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# One at a time: two of us may set up the same checkout at once.
lock_project() {
  mkdir -p .cache
  exec 9>.cache/lock
  flock 9
}
