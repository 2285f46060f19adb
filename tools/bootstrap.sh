#!/usr/bin/env bash
# usage: tools/bootstrap.sh FOLDER LOCK: make a virtual environment that holds exactly what the lock names
set -euo pipefail
venv=$1 lock=$2

python=
for name in python3.11 python3 python; do
  if "$name" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    python=$name
    break
  fi
done
if [ -z "$python" ]; then
  echo "medalliance needs Python 3.11 and found none. Install python3.11 (and python3.11-venv)." >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "$python cannot make virtual environments. Install the package python3-venv." >&2
  exit 1
fi

started=$SECONDS
echo "making $venv with $("$python" --version)" >&2
"$python" -m venv --clear "$venv"

# uv first, checked against the lock like everything else; plain pip where uv cannot be had
awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$lock" >"$venv/uv.txt"
if "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r "$venv/uv.txt" \
  && "$venv/bin/uv" pip sync -q --require-hashes --compile-bytecode --python "$venv/bin/python" "$lock"; then
  "$venv/bin/uv" pip install -q --no-deps --no-build-isolation --offline --python "$venv/bin/python" --editable .
else
  echo "uv is not available: installing with pip, which takes some minutes" >&2
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi
rm -f "$venv/uv.txt"
echo "made $venv in $((SECONDS - started)) s" >&2
