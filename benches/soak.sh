#!/usr/bin/env bash
# No false verdict: a healthy service under eight busy processes, stopped and continued at random, with gdb attached for a
# minute. Usage: benches/soak.sh [MINUTES, default 30]. Ends with 0 if the service lived and then stopped cleanly.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-30}
cargo build --release -p lifecycle-tests --bin beats
service=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/beats
folder=$(mktemp -d)
busy=()
finish() {
    kill "${busy[@]}" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

for _ in 1 2 3 4 5 6 7 8; do
    sh -c 'while :; do :; done' &
    busy+=($!)
done
(cd "$folder" && exec env LIFECYCLE_WATCHDOG_TIMEOUT=2s "$service" beats) >"$folder/log" 2>&1 &
pid=$!
end=$((SECONDS + minutes * 60))
gdb_at=$((SECONDS + minutes * 20))
stops=0
while [ $SECONDS -lt $end ] && kill -0 $pid 2>/dev/null; do
    sleep "$((RANDOM % 4)).$((RANDOM % 10))"
    kill -STOP $pid || break
    sleep "$((RANDOM % 6)).$((RANDOM % 10))"
    kill -CONT $pid || break
    stops=$((stops + 1))
    if [ -n "$gdb_at" ] && [ $SECONDS -gt "$gdb_at" ] && command -v gdb >/dev/null; then
        gdb_at=
        timeout 90 gdb -q -p $pid -batch -ex 'shell sleep 60' -ex detach >"$folder/gdb" 2>&1 || true
        echo "gdb was attached: $(grep -c 'LWP' "$folder/gdb") lines on threads"
    fi
done
kill -TERM $pid || true
code=0
wait $pid || code=$?
echo "$minutes minutes, stopped and continued $stops times: exit code $code, $(grep -c 'half of the' "$folder/log" || true) half-time warnings, $(grep -c CRITICAL "$folder/log" || true) verdicts"
[ "$code" = 0 ] || cat "$folder/log"
exit "$code"
