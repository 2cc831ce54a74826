#!/usr/bin/env bash
# Runs hang reports on aarch64, by qemu-user: unit tests, threads that run, and a program whose line must be named.
# Needs Debian and the Rust toolchain; says so and ends well where something that it needs cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
libraries=/usr/aarch64-linux-gnu
tests=(--locked --target "$target" -p lifecycle-hang -p lifecycle-os --lib --test '*')

export CARGO_INCREMENTAL=0
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc

skip() {
    echo "aarch64: skipped: $*"
    exit 0
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_missing() {
    local packages=()
    command -v qemu-aarch64 >/dev/null || packages+=(qemu-user)
    command -v aarch64-linux-gnu-gcc >/dev/null || packages+=(gcc-aarch64-linux-gnu)
    [ -e "$libraries/lib/libc.so.6" ] && [ -e "$libraries/lib/crt1.o" ] || packages+=(libc6-dev-arm64-cross)
    if [ ${#packages[@]} -gt 0 ]; then
        as_root apt-get update -q || true
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}" </dev/null ||
            skip "${packages[*]} cannot be installed"
    fi
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target" || skip "no target $target here"
}

# A report looks names up in a copy of the program, which the kernel must know how to start. It learns that for this
# command alone, in a user namespace: since Linux 6.7 each may have formats of its own.
emulated() {
    # shellcheck disable=SC2016
    unshare --user --map-root-user --mount sh -ec '
        formats=/proc/sys/fs/binfmt_misc
        mount -t binfmt_misc binfmt_misc "$formats"
        magic="\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
        mask="\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
        printf %s ":aarch64:M:0:$magic:$mask:$0:" >"$formats/register"
        exec "$@"' "$interpreter" "$@"
}

install_missing
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
interpreter=$folder/qemu
printf '#!/bin/sh\nexec qemu-aarch64 -L %s "$@"\n' "$libraries" >"$interpreter"
chmod +x "$interpreter"
emulated true 2>/dev/null || skip "the kernel has no binfmt_misc for user namespaces (Linux 6.7)"

# The example first: a test starts it.
cargo build --locked --target "$target" -p lifecycle-hang --example where_it_hangs
cargo test "${tests[@]}" --no-run
# Threads that spin take turns with the copy that looks names up: one test at a time.
emulated cargo test "${tests[@]}" --no-fail-fast -- --test-threads 1
report=$(emulated "${CARGO_TARGET_DIR:-target}/$target/debug/examples/where_it_hangs" 2>&1) || true
echo "$report"
place="lifecycle-hang/examples/where_it_hangs.rs:$(sed -n '/It hangs here/=' lifecycle-hang/examples/where_it_hangs.rs)"
grep -q "^SUSPECT .* blocked on a Mutex in transfer at $place\$" <<<"$report" || { echo "aarch64: no $place in the report"; exit 1; }
echo "aarch64: all is well (after $SECONDS s)"
