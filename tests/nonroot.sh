#!/usr/bin/env bash
# Run the suite as a user who is not root, from an installed wheel: root may rename, read and write where others may
# not, and a suite that only root has seen hides it. Arguments go to pytest. Where that cannot be, $ELSE is run with
# them as the user who we are; without $ELSE, nothing.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
uid=65534
say() { echo "non-root pass: $*"; }
without() {
  say "$1"
  shift
  if [ -n "${ELSE:-}" ]; then $ELSE "$@"; fi
  exit 0
}

if [ "$(id -u)" != 0 ]; then
  without "not needed, the suite already runs as uid $(id -u)" "$@"
fi
if ! command -v setpriv >/dev/null; then
  without "NOT RUN: there is no setpriv (package util-linux) to become uid $uid with" "$@"
fi
# The environment is made anew too, since ours speaks of a home that uid $uid may not even look into.
as_nobody() { setpriv --reuid $uid --regid $uid --clear-groups -- env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 "$@"; }

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir "$room/home" "$room/tmp" "$room/tree"
chown -R $uid:$uid "$room"

# A pyenv below a home of mode 0700 fails this probe; the distribution's interpreter passes it.
usable() { (cd "$room" && as_nobody "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))') 2>/dev/null; }
python=
for candidate in "$(command -v "${PYTHON:-python3}" || true)" /usr/bin/python3 /usr/local/bin/python3 /usr/bin/python3.1[1-9]; do
  if [ -x "$candidate" ] && usable "$candidate"; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  without "NOT RUN: no Python >= 3.11 with venv here that uid $uid may execute (on Debian: apt-get install python3-venv)" "$@"
fi

git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
  tar --create --null --no-recursion --files-from=- | tar --extract --directory="$room/tree"

# The environment stays from run to run where uid $uid can reach it, and is a throw-away where not.
venv=$PWD/.venv-nobody
mkdir -p "$venv"
if ! as_nobody test -x "$venv"; then venv=$room/venv; fi
stamp="$venv/.ok-$(cat pyproject.toml <("$python" --version) | sha256sum | cut -c1-16)"
pip="$venv/bin/python -m pip install -qq --disable-pip-version-check --root-user-action=ignore"
if [ ! -e "$stamp" ]; then
  "$python" -m venv --clear "$venv"
  $pip "$room/tree[dev]" || { say "pip could not install what pyproject.toml names" >&2; exit 1; }
  touch "$stamp"
fi
$pip --no-deps --no-build-isolation --force-reinstall "$room/tree"
chown -R $uid:$uid "$room/tree"

say "$("$python" --version) from $python as uid $uid"
cd "$room/tree"
as_nobody HOME="$room/home" TMPDIR="$room/tmp" PATH="$venv/bin:/usr/local/bin:/usr/bin:/bin" \
  ${PYTHONOPTIMIZE:+PYTHONOPTIMIZE="$PYTHONOPTIMIZE"} "$venv/bin/python" -m pytest -n "${WORKERS:-auto}" "$@"
