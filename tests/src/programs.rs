//! Programs of other packages of the workspace, built by cargo when a test first asks for one.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::documents;

/// Where cargo puts them, whatever the profile and the target folder are.
static PROGRAMS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    // The whole workspace decides on the features of the dependencies: `-p` would build most of them anew.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--workspace", "--bin", "trading", "--examples"]);
    cargo.arg("--message-format=json-render-diagnostics");
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.current_dir(documents::root()).stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "the programs do not build");
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
    let programs = messages.filter_map(|message| {
        let message = message.expect("cargo writes JSON");
        Some((message["target"]["name"].as_str()?.to_owned(), message["executable"].as_str()?.to_owned()))
    });
    programs.collect()
});

/// The path of `trading`, or of an example.
///
/// # Panics
/// If there is no such program, or it does not build.
#[must_use]
pub fn program(name: &str) -> &'static str {
    PROGRAMS.get(name).unwrap_or_else(|| panic!("no program {name}"))
}
