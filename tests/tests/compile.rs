//! What the attributes accept, and what they say to a mistake. `TRYBUILD=overwrite` writes the messages anew.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// The messages in `ui/*/fail/*.stderr` are those of this compiler; others word some of them differently.
const SNAPSHOTS: &str = "rustc 1.95.";

/// One file a mistake; the messages beside it are the compiler's.
#[test]
fn mistakes_are_explained_at_their_own_tokens() {
    let cases = trybuild::TestCases::new();
    if can_compare_messages() {
        cases.compile_fail("ui/*/fail/*.rs");
    }
    cases.pass("ui/*/pass/*.rs");
}

/// `ui/strict.rs` forbids and denies whatever a user might.
#[test]
fn strict_crates_compile_in_every_edition_and_under_another_name() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for edition in ["2021", "2024"] {
        let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("strict-{edition}"));
        fs::create_dir_all(package.join("src")).unwrap();
        fs::write(package.join("Cargo.toml"), manifest(edition, tests.parent().unwrap())).unwrap();
        fs::copy(tests.join("ui/strict.rs"), package.join("src/main.rs")).unwrap();
        // The workspace's versions, so that nothing is asked of the network.
        fs::copy(tests.join("../Cargo.lock"), package.join("Cargo.lock")).unwrap();

        let clippy = Command::new(env!("CARGO"))
            .args(["clippy", "--quiet", "--offline", "--all-targets", "--target-dir"])
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("strict"))
            .current_dir(&package)
            .output()
            .unwrap();
        assert!(clippy.status.success(), "edition {edition}:\n{}", String::from_utf8_lossy(&clippy.stderr));
    }
}

/// Another compiler is no mistake, so the messages are skipped with a word; CI must not skip them unnoticed.
fn can_compare_messages() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    if version.starts_with(SNAPSHOTS) || std::env::var_os("TRYBUILD").is_some() {
        return true;
    }
    let skipped = format!("messages of compile errors are those of {SNAPSHOTS}x, this is {}", version.trim());
    assert!(std::env::var_os("CI").is_none(), "{skipped}: see CONTRIBUTING.md, \"Toolchains\"");
    // Not `eprintln!`, which the test harness keeps for failures.
    std::io::stderr().write_all(format!("SKIPPED: {skipped}\n").as_bytes()).unwrap();
    false
}

fn manifest(edition: &str, lifecycle: &Path) -> String {
    format!(
        "[package]
name = \"strict\"
version = \"0.1.0\"
edition = \"{edition}\"

[dependencies]
renamed = {{ package = \"lifecycle-manager\", path = {lifecycle:?} }}

[workspace]
"
    )
}
