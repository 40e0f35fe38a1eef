#!/bin/sh
# Prints how to install Node.js 20 or newer, or npm, if one is missing. Azurite, the storage emulator, needs both.
set -u

advise() {
  echo "$1 Install it in one of these ways, then run make again:" >&2
  echo "  macOS:     brew install node" >&2
  echo "  anywhere:  nvm install 22   or   https://nodejs.org/en/download" >&2
  exit 1
}

version=$(node --version 2>/dev/null) || advise "The local stack needs Node.js 20 or newer, but there is no node on PATH."
major=${version#v}
major=${major%%.*}
[ "$major" -ge 20 ] 2>/dev/null || advise "The local stack needs Node.js 20 or newer; node here is $version."
npm --version >/dev/null 2>&1 || advise "The local stack needs npm, which is a part of Node.js, but there is no npm on PATH."
