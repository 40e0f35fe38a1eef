#!/bin/sh
# count-packages.sh TITLE LOCK COMMAND …
# Runs pip or npm and shows how many of the packages in the lock file it has fetched: in a terminal on one line, else
# about ten lines. If the command fails, prints the last lines of its output and exits with its code.
set -u

title=$1
lock=$2
shift 2

case $lock in
  *.json) total=$(grep -c '"integrity":' "$lock") ;;
  *) total=$(grep -c '^[a-zA-Z0-9].*==' "$lock") ;;
esac
output=$(mktemp) || exit 1
trap 'rm -f "$output" "$output.code"' EXIT
terminal=0
test -t 1 && terminal=1

show() {
  if [ "$terminal" = 1 ]; then printf '\r%s … %-20s' "$title" "$1"; else echo "$title … $1"; fi
}

# pip prints "Collecting NAME==VERSION", and npm "npm http fetch GET 200 …/NAME-VERSION.tgz" or the same with "cache".
count=0
step=$((total / 10 + 1))
show "0 of $total"
{ "$@" 2>&1; echo $? >"$output.code"; } | tee "$output" | {
  while IFS= read -r line; do
    case $line in
      "Collecting "* | "npm http "*.tgz*)
        [ "$count" -ge "$total" ] || count=$((count + 1))
        [ "$terminal" = 0 ] && [ $((count % step)) != 0 ] || show "$count of $total"
        ;;
      "Installing collected "*) show "unpacking" ;;
    esac
  done
}
[ "$terminal" = 0 ] || echo
code=$(cat "$output.code")
if [ "$code" -ne 0 ]; then
  tail -n 40 "$output" >&2
fi
exit "$code"
