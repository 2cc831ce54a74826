//! The documents themselves: what compiles, what fits, what leads somewhere, what is complete.

use std::fs;
use std::path::Path;

use lifecycle_tests::documents;
use regex::Regex;

/// `src/lib.rs` lists the documents whose code is compiled and run by `cargo test --doc`; the recipes are in
/// `tests/integration`, which has the crates that they need.
#[test]
fn every_block_of_code_is_a_doctest() {
    let read = |file| fs::read_to_string(documents::root().join(file)).unwrap();
    let facade =
        read("src/lib.rs") + &read("tests/integration/src/lib.rs").replace("../../../docs", "../docs");
    for file in documents::documents() {
        let has_code = documents::blocks(&file).iter().any(|block| block.language.starts_with("rust"));
        let name = format!("include_str!(\"../{}\")", file.display());
        assert!(!has_code || facade.contains(&name), "src/lib.rs has no {name}");
    }
}

#[test]
fn the_readme_fits_on_a_few_screens() {
    let readme = fs::read_to_string(documents::root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 160, "{} lines", readme.lines().count());
    for line in readme.lines() {
        assert!(line.chars().count() <= 100, "too wide: {line}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)#]*)(#[^)]*)?\)").unwrap();
    for file in documents::documents() {
        let from = documents::root().join(&file);
        for found in link.captures_iter(&fs::read_to_string(&from).unwrap()) {
            let (target, anchor) = (&found[1], found.get(2).map_or("", |anchor| anchor.as_str()));
            if target.contains("://") {
                continue;
            }
            let path = if target.is_empty() { from.clone() } else { from.parent().unwrap().join(target) };
            assert!(path.exists(), "{}: {target}", file.display());
            let known = anchor.is_empty() || anchors(&path).iter().any(|known| known == anchor);
            assert!(known, "{}: {target}{anchor}", file.display());
        }
    }
}

/// The headings of a document, as GitHub links to them.
fn anchors(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).unwrap();
    let lines = text.lines().filter(|line| line.starts_with('#'));
    let headings = lines.map(|line| line.trim_start_matches('#').trim_start());
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    let anchor =
        |heading: &str| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
    headings.map(|heading| format!("#{}", anchor(heading))).collect()
}

/// As the list in the source has them.
#[test]
fn the_reference_has_every_variable() {
    let source =
        fs::read_to_string(documents::root().join("lifecycle-core/src/config/variables.rs")).unwrap();
    let quoted = source.split('"').skip(1).step_by(2);
    let known: Vec<&str> = quoted.filter(|text| text.starts_with("LIFECYCLE_")).collect();
    assert!(known.len() >= 30, "{known:?}");
    let reference = fs::read_to_string(documents::root().join("docs/options.md")).unwrap();
    for variable in known {
        assert!(reference.contains(&format!("`{variable}")), "docs/options.md has no {variable}");
    }
}
