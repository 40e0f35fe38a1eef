#!/bin/sh
# Prints the path of a working Python 3.13, or how to install one.
# A pyenv shim of that name may be on PATH but refuse to run, so each candidate is tested.
set -u

runs() { [ "$("$1" -c 'import sys, venv, ssl; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = 3.13 ]; }

for candidate in "${PYTHON:-}" python3 python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python3.13; do
  [ -n "$candidate" ] || continue
  if path=$(command -v "$candidate" 2>/dev/null) && runs "$path"; then
    echo "$path"
    exit 0
  fi
done

if command -v uv >/dev/null 2>&1; then
  if path=$(uv python find 3.13 2>/dev/null) || { uv python install 3.13 >&2 && path=$(uv python find 3.13); }; then
    if runs "$path"; then
      echo "$path"
      exit 0
    fi
  fi
fi

echo "Callvault needs Python 3.13 with venv, but none was found. Install it in one of these ways, then run make again:" >&2
echo "  Debian, Ubuntu:  apt install python3.13 python3.13-venv" >&2
echo "  macOS:           brew install python@3.13" >&2
echo "  anywhere:        pyenv install 3.13   or   uv python install 3.13" >&2
echo "Or set its path: make PYTHON=/path/to/python3.13 run" >&2
exit 1
