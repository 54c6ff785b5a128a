# shellcheck shell=bash
# Shared by all scripts; source it after `set -euo pipefail`. Changes to the project's folder.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
PROJECT=$PWD
# For dockerd, debootstrap and chroot; `su` alone does not set it.
PATH=$PATH:/usr/sbin:/sbin

# scripts/compose makes it if Compose v2 could not be installed for all users.
use_own_docker_config() {
  if [ -z "${DOCKER_CONFIG:-}" ] && [ -f .docker/config.json ]; then
    export DOCKER_CONFIG=$PROJECT/.docker
  fi
}
use_own_docker_config

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
root() { [ "$(id -u)" = 0 ]; }
# System packages are installed only as root on Debian or Ubuntu.
may_install() { root && [ -f /etc/debian_version ] && have apt-get; }

# The default gateway image. It is declared in app/config.py alone, and read from there as
# text: importing the settings would cost every start a quarter of a second.
gateway_image() {
  local default
  default=$(grep -A 3 '^    image: str' app/config.py | grep -oE '"[^" ]+:[^" ]+"' | head -n 1 | tr -d '"')
  echo "${DEPLOY_AGENT_IMAGE:-$default}"
}

# One set-up of a checkout at a time. Files that root makes in somebody's checkout are given
# to its owner at the end, so that the owner's own `make run` works.
lock_project() {
  [ -z "${PROJECT_IS_LOCKED:-}" ] || return 0
  mkdir -p .cache
  exec 9>.cache/lock
  flock 9
  export PROJECT_IS_LOCKED=1
  trap give_back EXIT
}

give_back() {
  root && [ "$(stat -c %u .)" != 0 ] || return 0
  local made
  for made in .cache .venv; do
    [ ! -e $made ] || chown -hR --reference=. $made
  done
}

apt_install() {
  local log
  log=$(mktemp)
  { apt_update && apt_get install --no-install-recommends "$@"; } >"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    rm -f "$log"
    die "apt-get could not install $*; the reason is above."
  }
  rm -f "$log"
}

# Once an hour is enough. A machine that has just booted may run its own update, and apt-get
# does not wait for that lock.
apt_update() {
  local stamp=/run/deploy-agent.apt-updated answer
  [ -z "$(find $stamp -mmin -60 2>/dev/null)" ] || return 0
  until answer=$(apt_get update 2>&1); do
    [[ $answer == *"get lock"* && $SECONDS -lt 120 ]] || { echo "$answer" && return 1; }
    sleep 5
  done
  touch $stamp
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" </dev/null 9>&-
}
