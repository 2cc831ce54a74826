//! What the service does in the environment of each platform.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use lifecycle_tests::http::Probes;
use lifecycle_tests::programs::program;
use lifecycle_tests::{Output, Service, documents};
use regex::Regex;

use crate::files::{Variables, compose, container, environments, instruction, pod, railway, read, text};

/// `trading` in this environment, with its ledger in the folder of the test.
fn trading(variables: &Variables) -> Service {
    let service = Service::new(program("trading"));
    let here = variables.iter().filter(|(name, _)| *name != "LIFECYCLE_RESTART_FILE");
    here.fold(service, |service, (name, value)| service.env(name, value))
}

fn plan(variables: &Variables) -> Output {
    trading(variables).env("LIFECYCLE_PLAN", "1").run().expect_code(0)
}

/// The seconds that the platform must grant.
fn wanted(plan: &Output) -> u64 {
    let wanted = Regex::new(r"terminationGracePeriodSeconds: (\d+)").unwrap();
    let found = wanted.captures(&plan.stdout).unwrap_or_else(|| panic!("{}{}", plan.stdout, plan.stderr));
    found[1].parse().expect("seconds")
}

fn granted(platform: &str) -> u64 {
    match platform {
        "compose" => {
            let period = compose()["stop_grace_period"].clone();
            text(&period).strip_suffix('s').expect("seconds").parse().expect("a number")
        }
        "kubernetes" => pod()["terminationGracePeriodSeconds"].as_u64().expect("a number"),
        _ => railway()["deploy"]["drainingSeconds"].as_u64().expect("a number"),
    }
}

#[test]
fn each_platform_waits_as_long_as_the_plan_says() {
    for (platform, mut variables) in environments() {
        let granted = granted(platform);
        let allowed = plan(&variables);
        assert!(wanted(&allowed) <= granted, "{platform} grants {granted} s:\n{}", allowed.stdout);
        // Whoever gives the shutdown more time sees it here.
        variables.insert("LIFECYCLE_SHUTDOWN_TIMEOUT".to_owned(), format!("{granted}s"));
        assert!(wanted(&plan(&variables)) > granted, "{platform} grants {granted} s");
    }
}

/// On Railway the service reads it, if it is set as a variable, too; with less, its shutdown has less time.
#[test]
fn railway_grants_the_whole_budget() {
    let [.., (_, mut variables)] = environments();
    let whole = wanted(&plan(&variables));
    variables.insert("RAILWAY_SERVICE_ID".to_owned(), "id".to_owned());
    for (draining, fits) in [(granted("railway"), true), (whole, true), (whole - 1, false)] {
        variables.insert("RAILWAY_DEPLOYMENT_DRAINING_SECONDS".to_owned(), draining.to_string());
        let planned = plan(&variables);
        assert_eq!(wanted(&planned) == whole, fits, "{draining} s:\n{}", planned.stdout);
    }
}

#[test]
fn each_variable_is_an_option() {
    let options = read("docs/options.md");
    let help = Service::new(program("trading")).arg("--help").run().expect_code(0).stdout;
    for (platform, variables) in environments() {
        for name in variables.keys() {
            let known = if name.starts_with("LIFECYCLE_") {
                options.contains(&format!("| `{name}` |"))
            } else {
                Regex::new(&format!(r"\[env: {name}\W")).unwrap().is_match(&help)
            };
            assert!(known, "{platform}: {name}");
        }
    }
}

/// What the platforms ask for, with where it is written.
fn probed() -> Vec<(String, &'static str)> {
    let mut probed = Vec::new();
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let asked = &container()[probe]["httpGet"];
        assert_eq!(asked["port"], container()["ports"][0]["name"], "{probe}");
        probed.push((text(&asked["path"]).to_owned(), probe));
    }
    probed.push((text(&railway()["deploy"]["healthcheckPath"]).to_owned(), "railway.json"));
    probed
}

#[test]
fn each_probe_is_answered() {
    for (platform, mut variables) in environments() {
        // Without it the stop is the same, only later.
        variables.remove("LIFECYCLE_DRAIN_DELAY");
        let service = trading(&variables);
        let (probes, socket) = Probes::inside(service.folder().path());
        let mut service = service.env("LIFECYCLE_PROBES", socket).start();
        service.line("day 1:");
        for (path, place) in probed() {
            probes.wait_for(&path, 200);
            let (status, _) = probes.get(&format!("{path}x"));
            assert_eq!(status, 404, "{platform}: {place}");
        }
        service.signal(libc::SIGTERM);
        let _ = service.wait().expect_code(0);
    }
}

#[test]
fn all_ports_are_that_of_the_probes() {
    let exposed: u64 = instruction("EXPOSE").parse().expect("a port");
    for (platform, variables) in environments() {
        assert_eq!(variables["LIFECYCLE_PROBES"], format!("0.0.0.0:{exposed}"), "{platform}");
    }
    assert_eq!(container()["ports"][0]["containerPort"], exposed);
    assert!(healthcheck()[2].contains(&format!("/dev/tcp/127.0.0.1/{exposed} ")), "{:?}", healthcheck());
}

/// The program and its arguments.
fn healthcheck() -> Vec<String> {
    let test = compose()["healthcheck"]["test"].clone();
    let test = test.as_array().expect("a list").iter().map(|part| text(part).to_owned());
    let test: Vec<String> = test.collect();
    assert_eq!(test[0], "CMD", "{test:?}");
    test[1..].to_vec()
}

/// How it ends when this listener stands for the service's port.
fn check_health_at(listener: &TcpListener) -> bool {
    let port = listener.local_addr().expect("bound").port();
    let [program, flag, script] = &healthcheck()[..] else { panic!("{:?}", healthcheck()) };
    let script = script.replace("/8080 ", &format!("/{port} "));
    let mut check = Command::new(program);
    check.args([flag, &script]).current_dir(documents::root());
    check.status().expect("it runs").success()
}

/// Answers one connection by what is behind the socket, or by nothing if that is gone; then says so.
fn relay(listener: &TcpListener, socket: PathBuf) -> Receiver<()> {
    let (answered, answers) = channel();
    let listener = listener.try_clone().expect("a descriptor");
    thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        let lines = BufReader::new(&client).lines().map(|line| line.expect("a request"));
        let request: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        if let Ok(mut service) = UnixStream::connect(socket) {
            write!(service, "{}\r\n\r\n", request.join("\r\n")).expect("it listens");
            let mut answer = String::new();
            service.read_to_string(&mut answer).expect("an answer");
            // It may have seen enough.
            let _ = (&client).write_all(answer.as_bytes());
        }
        let _ = answered.send(());
    });
    answers
}

#[test]
fn docker_finds_a_service_healthy_while_it_is_ready() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let check = |socket: &Path| {
        let answered = relay(&listener, socket.to_owned());
        let healthy = check_health_at(&listener);
        answered.recv_timeout(Duration::from_secs(60)).expect("the service was asked");
        healthy
    };
    let service = Service::new(program("trading")).env("LIFECYCLE_READY", "explicit");
    let (probes, variable) = Probes::inside(service.folder().path());
    let socket = Path::new(variable.strip_prefix("unix:").expect("a socket"));
    // Far longer than the check takes; should it be over all the same, the answer is none, which is not healthy either.
    let mut service = service.env("LIFECYCLE_PROBES", &variable).env("LIFECYCLE_DRAIN_DELAY", "20s").start();
    service.line("day 1:");
    probes.wait_for("/readyz", 200);
    assert!(check(socket), "ready");
    service.signal(libc::SIGTERM);
    probes.wait_for("/readyz", 503);
    assert!(!check(socket), "stopping");
    let _ = service.signal_if_alive(libc::SIGKILL);
    let _ = service.wait();
    assert!(!check(socket), "gone");
}
