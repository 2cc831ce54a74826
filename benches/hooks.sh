#!/usr/bin/env bash
# What a hook costs to check and to build above the same method without the attribute: HOOKS of them (1000), best of 3.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD hooks=${HOOKS:-1000} folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkdir "$folder/src"
cp Cargo.lock "$folder"
cat >"$folder/Cargo.toml" <<EOF
[package]
name = "hooks"
version = "0.0.0"
edition = "2024"

[dependencies]
lifecycle = { package = "lifecycle-manager", path = "$root" }

[workspace]
EOF
cd "$folder"

# $1: the attribute, or nothing; $2: async, or nothing.
program() {
    printf '#![allow(dead_code)]\nfn main() { println!("{}", lifecycle::plan().hooks.len()); }\n'
    for ((i = 0; i < hooks; i++)); do
        printf 'pub struct S%d(u64);\nimpl S%d {\n    %s\n    pub %s fn close(&self) -> Result<(), String> { Ok(()) }\n}\n' "$i" "$i" "$1" "$2"
    done
}

# Milliseconds by the clock, best of 3, of the crate alone.
best() {
    local best=999999 begun took
    for _ in 1 2 3; do
        touch src/main.rs
        begun=$(date +%s%N)
        CARGO_INCREMENTAL=0 cargo "$1" --quiet --offline
        took=$((($(date +%s%N) - begun) / 1000000))
        ((took < best)) && best=$took
    done
    echo "$best"
}

measure() {
    program "$1" "$2" >src/main.rs
    check=$(best check) build=$(best build) size=$(stat -c %s target/debug/hooks)
}

echo 'fn main() {}' >src/main.rs
cargo build --quiet --offline && cargo check --quiet --offline
echo '| hook | check, ms | build, ms | executable, kB |'
echo '|---|---|---|---|'
for kind in async plain; do
    word=${kind#plain}
    measure '' "$word"
    before=("$check" "$build" "$size")
    measure '#[lifecycle::component]' "$word"
    awk -v kind="$kind" -v n="$hooks" -v check=$((check - before[0])) -v build=$((build - before[1])) -v size=$((size - before[2])) \
        'BEGIN { printf "| %s | %.2f | %.2f | %.1f |\n", kind, check / n, build / n, size / n / 1000 }'
done
