#!/usr/bin/env bash
# Runs the fault tests of `trading` again and again, and counts: tests/faults.sh [ROUNDS]. Needs PostgreSQL and Redis.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-50}
export CARGO_INCREMENTAL=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test -p lifecycle-integration-tests --test trading --locked --no-run

passed=0 failed=0 audits=0 skipped=0 done=0
tally() {
    echo "rounds: $done of $rounds; tests passed: $passed, failed: $failed; audits: $audits; skipped: $skipped; $SECONDS s"
}

while [ "$done" -lt "$rounds" ]; do
    if ! cargo test -q -p lifecycle-integration-tests --test trading --locked -- \
        --test-threads=2 --nocapture faults:: outages:: >"$log" 2>&1; then
        cat "$log"
    fi
    result=$(grep '^test result:' "$log") || { echo "the tests did not run"; exit 1; }
    passed=$((passed + $(sed -E 's/.* ([0-9]+) passed.*/\1/' <<<"$result")))
    failed=$((failed + $(sed -E 's/.* ([0-9]+) failed.*/\1/' <<<"$result")))
    audits=$((audits + $(grep -c '^\.*audited:' "$log" || true)))
    skipped=$((skipped + $(grep -c '^\.*skipped:' "$log" || true)))
    done=$((done + 1))
    tally
done
[ "$failed" = 0 ]
