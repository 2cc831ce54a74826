//! What the attributes accept, and what they say to a mistake. `TRYBUILD=overwrite` writes the messages anew.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The messages in `ui/*/fail/*.stderr` are those of this compiler; others word some of them differently.
const SNAPSHOTS: &str = "rustc 1.95.";

/// One file a mistake; the messages beside it are the compiler's. Apart from what compiles: all of it is checked at once, and
/// nothing is built.
#[test]
fn mistakes_are_explained_at_their_own_tokens() {
    if can_compare_messages() {
        trybuild::TestCases::new().compile_fail("ui/*/fail/*.rs");
    }
}

#[test]
fn what_is_no_mistake_compiles_and_runs() {
    without_debug_information();
    trybuild::TestCases::new().pass("ui/*/pass/*.rs");
}

/// The programs are linked, and nobody looks into them: with it they take gigabytes.
fn without_debug_information() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tests").join("trybuild/.cargo");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "[profile.dev]\ndebug = false\n").unwrap();
}

/// `ui/strict.rs` forbids and denies whatever a user might.
#[test]
fn strict_crates_compile_in_every_edition_and_under_another_name() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = package("strict", &dependency("renamed", tests.parent().unwrap()));
    for edition in ["2021", "2024"] {
        let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("strict-{edition}"));
        fs::create_dir_all(package.join("src")).unwrap();
        fs::write(package.join("Cargo.toml"), manifest.replace("2024", edition) + "\n[workspace]\n").unwrap();
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

/// Two libraries of one text and a binary, each with a `close` at the same places, compiled without a variable of cargo's,
/// as Bazel and Buck do; and a test build and a doctest beside each library, with hooks of their own.
#[test]
fn hooks_of_one_name_and_place_in_several_crates_are_all_found() {
    let lifecycle = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("twins");
    // The second one has another name for the runtime, which its attributes find by themselves.
    for (twin, name) in [("one", "lifecycle"), ("two", "renamed")] {
        fs::create_dir_all(root.join(twin).join("src")).unwrap();
        fs::write(root.join(twin).join("Cargo.toml"), package(twin, &dependency(name, lifecycle))).unwrap();
        fs::write(
            root.join(twin).join("src/lib.rs"),
            format!("{HOOKS}{TWIN}").replace("lifecycle::", &format!("{name}::")).replace("TWIN", twin),
        )
        .unwrap();
    }
    fs::create_dir_all(root.join("src")).unwrap();
    let twins = "one = { path = \"one\" }\ntwo = { path = \"two\" }\n";
    let manifest = package("twins", &(dependency("lifecycle", lifecycle) + twins));
    fs::write(root.join("Cargo.toml"), manifest + "\n[workspace]\nmembers = [\"one\", \"two\"]\n").unwrap();
    fs::write(root.join("src/main.rs"), format!("{HOOKS}fn main() {{ one::count(6); two::count(6); }}\n"))
        .unwrap();
    fs::copy(lifecycle.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();

    for command in [["run", "--quiet"], ["test", "--workspace"]] {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(command).args(["--offline", "--target-dir"]).arg(root.join("target")).current_dir(&root);
        let output = cargo.env("RUSTC_WORKSPACE_WRAPPER", without_cargo(&root)).output().unwrap();
        assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A compiler that is told nothing by cargo but its command line.
fn without_cargo(folder: &Path) -> PathBuf {
    const SCRIPT: &str = "#!/bin/sh
for name in $(env | sed -n 's/^\\(CARGO_[A-Z_]*\\)=.*/\\1/p'); do unset \"$name\"; done
exec \"$@\"
";
    let script = folder.join("without-cargo");
    fs::write(&script, SCRIPT).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// What each of the crates begins with.
const HOOKS: &str = "#[lifecycle::component]
fn close() {}

pub struct Store;

impl Store {
    #[lifecycle::component]
    fn close(&self) {}
}

";

/// What follows in a library.
const TWIN: &str = "/// ```
/// #[lifecycle::component]
/// fn close() {}
///
/// # fn main() {
/// TWIN::count(3);
/// # }
/// ```
pub fn count(hooks: usize) {
    assert_eq!(lifecycle::plan().hooks.len(), hooks);
}

#[cfg(test)]
mod tests {
    #[lifecycle::component]
    fn close() {}

    #[test]
    fn counts() {
        super::count(3);
    }
}
";

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

fn package(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}"
    )
}

fn dependency(name: &str, lifecycle: &Path) -> String {
    format!("{name} = {{ package = \"lifecycle-manager\", path = {lifecycle:?} }}\n")
}
