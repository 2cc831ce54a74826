//! The image: what is built, by whom it is run, where its files are.

use lifecycle_tests::documents;
use regex::Regex;

use crate::files::{compose, container, environments, image, instruction, pod, railway, read, text, yaml};

#[test]
fn every_platform_takes_the_same_file_and_it_is_there() {
    let build = &compose()["build"];
    let context =
        documents::root().join("deploy").join(text(&build["context"])).canonicalize().expect("there");
    assert_eq!(context, documents::root().canonicalize().expect("there"));
    for file in [&build["dockerfile"], &railway()["build"]["dockerfilePath"]] {
        assert!(context.join(text(file)).is_file(), "{file}");
        assert_eq!(text(file), "deploy/Dockerfile");
    }
    // By this name Docker finds it; a target folder has gigabytes.
    assert!(read("deploy/Dockerfile.dockerignore").lines().any(|line| line == "target"));
}

#[test]
fn the_program_that_is_built_is_the_one_that_starts() {
    let all = image(false);
    let (_, build) =
        all.iter().find(|(name, rest)| name == "RUN" && rest.contains("cargo")).expect("a build");
    let named = Regex::new(r"^cargo build --locked --profile ([\w-]+) -p (\w+)$").unwrap();
    let named = named.captures(build).unwrap_or_else(|| panic!("{build}"));
    let (profile, package) = (&named[1], &named[2]);
    assert!(read("Cargo.toml").contains(&format!("\n[profile.{profile}]\n")), "{profile}");
    assert!(read("examples/trading/Cargo.toml").contains(&format!("\nname = \"{package}\"\n")), "{package}");

    let folder = all.iter().find(|(name, _)| name == "WORKDIR").expect("a folder").1.clone();
    let copied = instruction("COPY");
    let (built, installed) =
        copied.strip_prefix("--from=build ").expect("a stage").split_once(' ').expect("two");
    assert_eq!(built, format!("{folder}/target/{profile}/{package}"));
    // A list in JSON is the exec form: it starts no shell.
    let started: Vec<String> = serde_json::from_str(&instruction("ENTRYPOINT")).expect("the exec form");
    assert_eq!(started, [installed]);
}

#[test]
fn the_compiler_is_new_enough() {
    let (_, from) = &image(false)[0];
    let used = Regex::new(r"^rust:1\.(\d+)-slim-(\w+) AS build$").unwrap();
    let used = used.captures(from).unwrap_or_else(|| panic!("{from}"));
    let needed = Regex::new(r#"\nrust-version = "1\.(\d+)""#).unwrap();
    let manifest = read("examples/trading/Cargo.toml");
    let needed: u32 = needed.captures(&manifest).expect("a version")[1].parse().expect("a number");
    assert!(used[1].parse::<u32>().expect("a number") >= needed, "{from}, and trading needs 1.{needed}");
    // What is linked against a newer C library does not start.
    assert_eq!(instruction("FROM"), format!("debian:{}-slim", &used[2]));
}

#[test]
fn nobody_is_root_and_the_ledger_is_on_the_volume() {
    let user = instruction("USER");
    let (user, group) = user.split_once(':').expect("a user and a group");
    let security = pod()["securityContext"].clone();
    assert_ne!(user, "0");
    assert_eq!(security["runAsUser"].to_string(), user);
    assert_eq!(security["fsGroup"].to_string(), group);
    assert_eq!(security["runAsNonRoot"], true);
    let made = image(true).into_iter().any(|(name, rest)| {
        name == "RUN"
            && rest.contains(&format!("--uid {user} "))
            && rest.contains(&format!("-o {user} -g {group} "))
    });
    assert!(made, "nobody makes user {user} and a folder that belongs to it");

    let folder = instruction("WORKDIR");
    for (platform, variables) in environments() {
        let ledger = &variables["LIFECYCLE_RESTART_FILE"];
        assert_eq!(*ledger, format!("{folder}/.restart_count"), "{platform}");
    }
    let mounted = container()["volumeMounts"][0].clone();
    assert_eq!(text(&mounted["mountPath"]), folder);
    let claims = yaml("deploy/kubernetes.yaml")[0]["spec"]["volumeClaimTemplates"].clone();
    assert_eq!(claims[0]["metadata"]["name"], mounted["name"]);
    let volume = compose()["volumes"][0].clone();
    let (volume, at) = text(&volume).split_once(':').expect("a volume and its place");
    assert_eq!(at, folder);
    assert!(yaml("deploy/compose.yaml")[0]["volumes"].get(volume).is_some(), "{volume}");
    // Railway refuses to build an image with a `VOLUME`.
    assert!(image(true).iter().all(|(name, _)| name != "VOLUME"));
}

#[test]
fn two_instances_never_share_a_ledger() {
    let set = &yaml("deploy/kubernetes.yaml")[0]["spec"];
    assert_eq!(set["replicas"], 1);
    assert_eq!(railway()["deploy"]["overlapSeconds"], 0);
}

#[test]
fn what_failed_is_started_again() {
    assert_eq!(compose()["restart"], "unless-stopped");
    assert_eq!(railway()["deploy"]["restartPolicyType"], "ON_FAILURE");
    // The only one that a stateful set may have, and its default.
    assert!(pod().get("restartPolicy").is_none_or(|policy| policy == "Always"));
}
