#!/bin/sh
# Says what to install when Node.js 20 or newer, or npm, is missing: Azurite, the storage emulator, runs on them.
set -u

advise() {
  echo "$1 Install it in any of these ways, then call make again:" >&2
  echo "  macOS:     brew install node" >&2
  echo "  anywhere:  nvm install 22   or   https://nodejs.org/en/download" >&2
  exit 1
}

version=$(node --version 2>/dev/null) || advise "The local stack needs Node.js 20 or newer, and found none."
major=${version#v}
major=${major%%.*}
[ "$major" -ge 20 ] 2>/dev/null || advise "The local stack needs Node.js 20 or newer; node here is $version."
npm --version >/dev/null 2>&1 || advise "The local stack needs npm, which comes with Node.js, and found none."
