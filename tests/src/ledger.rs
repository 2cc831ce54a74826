//! The ledger as an outsider reads it: the JSON in `.restart_count`.

use std::path::Path;

use serde_json::Value;

/// What stands in `.restart_count` in the folder.
///
/// # Panics
/// If there is none, or it is not JSON.
#[must_use]
pub fn read(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join(".restart_count")).expect("a ledger");
    serde_json::from_str(&text).expect("JSON")
}

/// How many crashes it lists.
///
/// # Panics
/// If it lists none at all.
#[must_use]
pub fn crashes(folder: &Path) -> usize {
    read(folder)["crashes"].as_array().expect("a list").len()
}

/// The state of the newest run.
#[must_use]
pub fn state(folder: &Path) -> String {
    let ledger = read(folder);
    let last = ledger["runs"].as_array().and_then(|runs| runs.last().cloned()).unwrap_or_default();
    last["state"].as_str().unwrap_or_default().to_owned()
}
