//! What is written in the files.

use std::collections::BTreeMap;
use std::fs;

use lifecycle_tests::documents;
use serde_json::Value;

/// Names and values.
pub(crate) type Variables = BTreeMap<String, String>;

pub(crate) fn read(file: &str) -> String {
    let path = documents::root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn yaml(file: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub(crate) fn railway() -> Value {
    serde_json::from_str(&read("deploy/railway.json")).expect("JSON")
}

/// The service in the file of Compose.
pub(crate) fn compose() -> Value {
    yaml("deploy/compose.yaml")[0]["services"]["trading"].clone()
}

/// The pod in the file of Kubernetes.
pub(crate) fn pod() -> Value {
    let documents = yaml("deploy/kubernetes.yaml");
    let set = documents.iter().find(|document| document["kind"] == "StatefulSet");
    set.expect("a stateful set")["spec"]["template"]["spec"].clone()
}

pub(crate) fn container() -> Value {
    pod()["containers"][0].clone()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The instructions of the image's last stage, which is what runs, or of all stages.
pub(crate) fn image(last_stage: bool) -> Vec<(String, String)> {
    let file = read("deploy/Dockerfile");
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let instructions = lines.map(|line| {
        let (name, rest) = line.split_once(' ').unwrap_or_else(|| panic!("no instruction: {line}"));
        (name.to_owned(), rest.to_owned())
    });
    let instructions: Vec<_> = instructions.collect();
    let last = instructions.iter().rposition(|(name, _)| name == "FROM").expect("a stage");
    instructions[if last_stage { last } else { 0 }..].to_vec()
}

/// What stands behind an instruction of the last stage that is there once.
pub(crate) fn instruction(name: &str) -> String {
    let mut found = image(true).into_iter().filter(|(instruction, _)| instruction == name);
    let (_, rest) = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "{name} twice");
    rest
}

/// What the service finds in its environment, by platform: of the image, and of the platform's file.
pub(crate) fn environments() -> [(&'static str, Variables); 3] {
    let image = image(true).into_iter().filter(|(name, _)| name == "ENV");
    let image: Variables = image
        .map(|(_, variable)| {
            let (name, value) = variable.split_once('=').expect("NAME=value");
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let compose = compose();
    let compose = compose["environment"].as_object().expect("names and values").iter();
    let compose = compose.map(|(name, value)| (name.clone(), text(value).to_owned()));
    let container = container();
    let kubernetes = container["env"].as_array().expect("a list").iter();
    let kubernetes =
        kubernetes.map(|entry| (text(&entry["name"]).to_owned(), text(&entry["value"]).to_owned()));
    [
        ("compose", image.clone().into_iter().chain(compose).collect()),
        ("kubernetes", image.clone().into_iter().chain(kubernetes).collect()),
        ("railway", image),
    ]
}
