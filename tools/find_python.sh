#!/usr/bin/env bash
# usage: tools/find_python.sh newest|oldest|all: print the finished releases of Python 3.11 to 3.14
# that are here and can make a virtual environment, newest first, one path a version.
# They are looked for on PATH, then among the versions that pyenv and uv keep.
# PYTHON=<program> takes that one and no other.
set -euo pipefail
asked=${1:-newest}
first=11 last=14

check='import sys
v = sys.version_info
sys.exit(0 if v[0] == 3 and '"$first <= v[1] <= $last"' and v.releaselevel == "final" else 1)'

usable() { "$1" -c "$check" >/dev/null 2>&1 && "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

place() { "$1" -c 'import sys; print(sys.executable)'; }

if [ -n "${PYTHON:-}" ]; then
  if usable "$PYTHON"; then
    place "$PYTHON"
    exit 0
  fi
  echo "PYTHON=$PYTHON is no finished Python 3.$first to 3.$last with venv and ensurepip. Name another, or none." >&2
  exit 1
fi

shopt -s nullglob
found=()
for minor in $(seq "$last" -1 "$first"); do
  name=python3.$minor
  kept=("${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/"$name"
    "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}/cpython-3.$minor".*/bin/"$name")
  for program in "$name" python3 python "${kept[@]}"; do
    if "$program" -c "import sys; sys.exit(sys.version_info[:2] != (3, $minor))" >/dev/null 2>&1 &&
      usable "$program"; then
      found+=("$(place "$program")")
      break
    fi
  done
  if [ "$asked" = newest ] && [ "${#found[@]}" -gt 0 ]; then break; fi
done
if [ "${#found[@]}" -eq 0 ]; then
  echo "medalliance needs Python 3.$first to 3.$last with its venv module and found none. Install python3 and python3-venv (Debian 12 and later, Ubuntu 24.04 and later), or name one: make PYTHON=/path/to/python3.13." >&2
  exit 1
fi
case $asked in
  newest) echo "${found[0]}" ;;
  oldest) echo "${found[-1]}" ;;
  all) printf '%s\n' "${found[@]}" ;;
  *) echo "usage: tools/find_python.sh newest|oldest|all" >&2; exit 2 ;;
esac
