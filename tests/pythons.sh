#!/usr/bin/env bash
# Run the suite once with every CPython from 3.11 on that is here, each in an environment of its own. pyenv's shims say
# no when run, so its interpreters are asked themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
seen=
for python in python3.{11..14} "$(pyenv root 2>/dev/null || echo "$HOME/.pyenv")"/versions/3.*/bin/python3; do
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  case "$version" in 3.1[1-9]) ;; *) continue ;; esac
  case " $seen " in *" $version "*) continue ;; esac
  seen="$seen $version"
  echo "== $version: $python"
  make test-plain PYTHON="$python" VENV=".venv-$version"
done
echo "ran with:${seen:- nothing, there is no CPython 3.11 or newer here}"
[ -n "$seen" ]
