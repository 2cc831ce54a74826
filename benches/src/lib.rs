//! Measures `lifecycle` next to what its users would otherwise write; each part is a file, its services are children.
#![cfg(target_os = "linux")]

mod child;
mod clock;
mod machine;
mod table;

mod beat;
mod builds;
mod hang;
mod idle;
mod latency;
mod many;
mod poll;
mod restarts;
mod services;
mod storms;
mod worst;

use std::process::ExitCode;

/// A part of the measurements: its letter, and what measures it and returns its section.
type Part = (&'static str, fn() -> String);

const PARTS: [Part; 10] = [
    ("a", worst::section),
    ("b", many::section),
    ("c", beat::section),
    ("d", latency::section),
    ("e", idle::section),
    ("f", builds::section),
    ("g", poll::section),
    ("h", hang::section),
    ("i", storms::section),
    ("j", restarts::section),
];

/// The program: the measurements, or, as a child of theirs, one service.
#[must_use]
pub fn run() -> ExitCode {
    clock::entered();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("worst") => child::bounded(|| worst::service(&arguments[1])),
        Some("many") => child::bounded(|| many::service(&arguments[1])),
        Some("service") => child::bounded(|| services::service(&arguments[1])),
        Some("restarts") => restarts::service(&arguments[1..]),
        Some("hang") => child::bounded(hang::service),
        _ => measure(&arguments),
    }
}

/// All parts go to the file; some parts are for whoever works on them.
fn measure(letters: &[String]) -> ExitCode {
    let mut text = machine::head();
    print!("{text}");
    for (letter, section) in PARTS {
        if letters.is_empty() || letters.iter().any(|wanted| wanted == letter) {
            let section = section();
            println!("{section}");
            text.push_str(&format!("{section}\n"));
        }
    }
    let foot = machine::foot();
    print!("{foot}");
    text.push_str(&foot);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");
    if letters.is_empty()
        && let Err(error) = std::fs::write(file, text)
    {
        eprintln!("{file}: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
