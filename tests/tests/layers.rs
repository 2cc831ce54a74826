//! The shape of the crates: in `lifecycle-core` imports point from higher layers to lower ones, never sideways and never in a circle;
//! files and functions stay short; `unsafe` stays in the rooms that are made for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lifecycle_tests::documents;
use regex::Regex;

/// Each folder may import those of lower levels, and itself.
const LEVELS: [(&str, u32); 14] = [
    ("testing", 6),
    ("supervisor", 5),
    ("shutdown", 4),
    ("hang", 4),
    ("tasks", 3),
    ("watchdog", 3),
    ("restart", 3),
    ("sockets", 3),
    ("systemd", 3),
    ("probes", 3),
    ("components", 2),
    ("config", 2),
    ("os", 2),
    ("model", 1),
];

/// What names everything, from outside the layers.
const ROOTS: [&str; 2] = ["lib.rs", "private.rs"];

const LONGEST_FILE: usize = 300;
const LONGEST_FUNCTION: usize = 40;

struct Source {
    /// Below `lifecycle-core/src`.
    path: PathBuf,
    /// Without unit tests and comments; lines keep their numbers.
    text: String,
    lines: usize,
}

impl Source {
    fn folder(&self) -> &str {
        self.path.iter().next().and_then(|name| name.to_str()).expect("a name")
    }

    fn is_test(&self) -> bool {
        let stem = self.path.file_stem().and_then(|stem| stem.to_str());
        matches!(stem, Some("tests" | "properties"))
    }

    /// `["os", "stderr", "unix"]` of `os/stderr/unix.rs`, `["os", "stderr"]` of `os/stderr/mod.rs`.
    fn module(&self) -> Vec<String> {
        let path = self.path.with_extension("");
        let names = path.iter().map(|name| name.to_string_lossy().into_owned());
        names.filter(|name| name != "mod").collect()
    }
}

fn sources(krate: &str) -> Vec<Source> {
    let root = documents::root().join(krate).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let source = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("readable");
        let path = path.strip_prefix(&root).expect("below").to_owned();
        Source { lines: text.lines().count(), text: code(&text), path }
    };
    files.into_iter().map(source).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Up to the unit tests, without comments.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Each path that a source names, with its line: `crate::…` and `super::…`, groups taken apart.
fn paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let path = Regex::new(r"\b(?:crate|super)(?:::\w+)*(?:::\{[^;]*?\};)?").expect("a pattern");
    let mut found = Vec::new();
    for whole in path.find_iter(&source.text) {
        let line = 1 + source.text[..whole.start()].matches('\n').count();
        for path in ungroup(whole.as_str().trim_end_matches(';')) {
            found.push((line, absolute(&path, source)));
        }
    }
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn ungroup(path: &str) -> Vec<String> {
    let Some((prefix, group)) = path.split_once("::{") else { return vec![path.to_owned()] };
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let (mut depth, mut items, mut item) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                item.push(c);
            }
        }
    }
    items.push(item);
    let items = items.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
    items.flat_map(|item| ungroup(&format!("{prefix}::{item}"))).collect()
}

/// From the root of the crate.
fn absolute(path: &str, source: &Source) -> Vec<String> {
    let mut names: Vec<String> = path.split("::").map(|name| name.trim().to_owned()).collect();
    if names[0] == "crate" {
        return names.split_off(1);
    }
    let mut module = source.module();
    while names.first().is_some_and(|name| name == "super") {
        names.remove(0);
        module.pop();
    }
    module.extend(names);
    module
}

#[test]
fn imports_point_from_higher_layers_to_lower_ones() {
    let levels: BTreeMap<&str, u32> = LEVELS.into();
    let mut wrong = Vec::new();
    for source in sources("lifecycle-core") {
        if ROOTS.iter().any(|root| source.path == Path::new(root)) {
            continue;
        }
        let own = source.folder().to_owned();
        let level = levels.get(own.as_str()).unwrap_or_else(|| panic!("{}: no layer", source.path.display()));
        for (line, path) in paths(&source) {
            let Some(other) = path.first().filter(|other| **other != own) else { continue };
            let known = levels.get(other.as_str());
            if known.is_some_and(|other| other >= level) {
                wrong.push(format!(
                    "{}:{line}: {own} must not import {}",
                    source.path.display(),
                    path.join("::")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_two_files_import_each_other_in_a_circle() {
    let krates = ["lifecycle-core", "lifecycle-hang", "lifecycle-os"];
    let found: Vec<String> = krates.into_iter().flat_map(circles).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn circles(krate: &str) -> Vec<String> {
    let sources = sources(krate);
    let modules: BTreeMap<Vec<String>, usize> =
        sources.iter().enumerate().map(|(index, source)| (source.module(), index)).collect();
    let edges: Vec<BTreeSet<usize>> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let file = |(_, path): (usize, Vec<String>)| {
                (1..=path.len()).rev().find_map(|len| modules.get(&path[..len]).copied())
            };
            let found = if source.is_test() { Vec::new() } else { paths(source) };
            found.into_iter().filter_map(file).filter(|other| *other != index).collect()
        })
        .collect();
    let reaches = |from: usize| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            open.extend(edges[file].iter().filter(|next| seen.insert(**next)));
        }
        seen
    };
    let circular = (0..sources.len()).filter(|file| reaches(*file).contains(file));
    let shown = circular.map(|file| {
        let back = edges[file].iter().filter(|next| reaches(**next).contains(&file));
        let back: Vec<_> = back.map(|next| sources[*next].path.display().to_string()).collect();
        format!("{krate}/src/{} -> {}", sources[file].path.display(), back.join(", "))
    });
    shown.collect()
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for krate in ["lifecycle-core", "lifecycle-hang", "lifecycle-macros", "lifecycle-os"] {
        for source in sources(krate) {
            if source.lines > LONGEST_FILE {
                long.push(format!("{krate}/src/{}: {} lines", source.path.display(), source.lines));
            }
            // Tables of expected tokens are long by nature.
            let functions = (!source.is_test()).then(|| long_functions(&source));
            long.extend(functions.into_iter().flatten().map(|function| format!("{krate}/src/{function}")));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// A function ends at the first brace that closes at its own indentation.
fn long_functions(source: &Source) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let head = Regex::new(r#"^( *)(?:pub(?:\([a-z]+\))? )?(?:const |async |unsafe |extern "C" )*fn (\w+)"#)
        .expect("a pattern");
    let long = lines.iter().enumerate().filter_map(|(start, line)| {
        // A method that a trait only declares has no end.
        let head = head.captures(line).filter(|_| !line.ends_with(';'))?;
        let end = format!("{}}}", &head[1]);
        let length = lines[start..].iter().position(|line| *line == end)? + 1;
        (length > LONGEST_FUNCTION)
            .then(|| format!("{}:{}: {} has {length} lines", source.path.display(), start + 1, &head[2]))
    });
    long.collect::<Vec<_>>().into_iter()
}

#[test]
fn unsafe_code_stays_in_the_rooms_that_are_made_for_it() {
    let word = Regex::new(r"\bunsafe\b").expect("a pattern");
    let mut found = Vec::new();
    for krate in ["lifecycle-core", "lifecycle-macros", "."] {
        for source in sources(krate) {
            let is_made_for_it = krate == "lifecycle-core" && source.folder() == "os";
            // The macros write `unsafe(export_name)`, which their users need not.
            if is_made_for_it || krate == "lifecycle-macros" {
                continue;
            }
            let lines = source.text.lines().enumerate().filter(|(_, line)| word.is_match(line));
            found
                .extend(lines.map(|(line, _)| format!("{krate}/src/{}:{}", source.path.display(), line + 1)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
