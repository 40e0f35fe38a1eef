#!/bin/sh
# Prints the path of a Chromium for the tests of the page: $CHROMIUM, or one on PATH, or Debian's. The latter is
# downloaded to .local/browser, with a font and missing libraries. This needs no root and installs nothing on the
# system, because apt uses its own directories there. Concurrent calls wait for one download.
# With --no-fetch, nothing is downloaded.
set -u

for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
  [ -n "$candidate" ] || continue
  # A snap's stub may be on PATH but not run, so each candidate is tested.
  if path=$(command -v "$candidate" 2>/dev/null) && "$path" --version >/dev/null 2>&1; then
    echo "$path"
    exit 0
  fi
done

here=$(cd "$(dirname "$0")/.." && pwd)/.local/browser
launcher=$here/chromium

fetch() {
  work=$(mktemp -d "$here/fetching.XXXXXX") || return 1
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
  apt() {
    apt-get -qq -y -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Dir::State::lists="$work/lists" \
      -o Dir::State::extended_states="$work/states" -o Dir::Cache="$work" -o Dir::Cache::archives="$work/archives" "$@"
  }
  apt update && apt install --no-install-recommends --download-only chromium-headless-shell fonts-open-sans || return 1
  for package in "$work"/archives/*.deb; do
    dpkg-deb --extract "$package" "$work/root" || return 1
  done
  rm -rf "$here/root" && mv "$work/root" "$here/root" || return 1
  libraries=$(find "$here/root" -name '*.so*' -exec dirname {} \; | sort -u | paste -s -d : -)
  cat >"$here/root/fonts.conf" <<END
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>$here/root/usr/share/fonts</dir>
  <match target="pattern">
    <test name="family"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Open Sans</string></edit>
  </match>
</fontconfig>
END
  cat >"$work/chromium" <<END
#!/bin/sh
export FONTCONFIG_FILE="$here/root/fonts.conf"
LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$here/root/usr/lib/chromium/chromium-headless-shell" "\$@"
END
  chmod +x "$work/chromium" && "$work/chromium" --version >/dev/null && mv "$work/chromium" "$launcher"
}

has() { command -v "$1" >/dev/null 2>&1; }

if has apt-get && has dpkg-deb && has flock && mkdir -p "$here"; then
  (
    flock 9
    [ -x "$launcher" ] && "$launcher" --version >/dev/null 2>&1 && exit 0
    [ "${1:-}" != --no-fetch ] || exit 1
    echo "Downloading Debian's Chromium …" >&2
    fetch >&2
  ) 9>"$here/lock" && echo "$launcher" && exit 0
fi

echo "The tests of the page need Chromium, but none was found. Install it in one of these ways, then run make again:" >&2
echo "  Debian, Ubuntu:  apt install chromium" >&2
echo "  macOS:           brew install --cask chromium" >&2
echo "Or set its path: make CHROMIUM=/path/to/chromium test" >&2
exit 1
