#!/usr/bin/env bash
# usage: tools/bootstrap.sh FOLDER LOCK: make a virtual environment that holds exactly what the lock names,
# with the newest Python here, or with PYTHON=<program>
set -euo pipefail
venv=$1 lock=$2

python=$(bash "$(dirname "$0")/find_python.sh" newest)

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
