//! The features `axum` and `metrics`: a service's own server and recorder say what the listener of the probes says. And the recipe for
//! OpenTelemetry: what a shutdown says is exported, too.

use std::collections::BTreeSet;

use lifecycle_tests::Service;
use lifecycle_tests::http::Probes;

/// Names and labels, without the values.
fn series(text: &str) -> BTreeSet<String> {
    let values = text.lines().filter(|line| line.starts_with("lifecycle_"));
    values.map(|line| line.rsplit_once(' ').expect("a value").0.to_owned()).collect()
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(&format!("{series} ")));
    let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    value.unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

#[test]
fn a_router_and_a_recorder_say_what_the_listener_says() {
    let service = Service::new(env!("CARGO_BIN_EXE_observed"));
    let (listener, variable) = Probes::inside(service.folder().path());
    let mut service = service.env("LIFECYCLE_PROBES", variable).start();
    service.line("listens");
    let own = Probes::at(service.folder().join("app.sock"));
    for (go, expected) in [(false, "not ready: starting\n"), (true, "ready\n")] {
        if go {
            std::fs::write(service.folder().join("go"), "").expect("written");
            service.line("up");
        }
        assert_eq!(own.get("/readyz").1, expected);
        for path in ["/livez", "/readyz", "/startupz", "/lifecycle"] {
            assert_eq!(own.get(path), listener.get(path), "{path}");
            assert_eq!(own.get(&format!("/ops{path}")), listener.get(path), "/ops{path}");
        }
        assert_eq!(own.get("/plan"), listener.get("/plan"));
        assert_eq!(own.get("/hang-report"), listener.get("/hang-report"));
        let history: serde_json::Value = serde_json::from_str(&own.get("/history").1).expect("JSON");
        assert_eq!(history["runs"][0]["pid"], service.pid());
        let status: serde_json::Value = serde_json::from_str(&own.get("/status").1).expect("JSON");
        assert_eq!(status["ready"], go);

        let (recorded, scraped) = (own.get("/own").1, listener.get("/metrics").1);
        let named: BTreeSet<String> = series(&scraped);
        assert!(named.contains("lifecycle_state{state=\"running\"}"), "{named:?}");
        // An exporter leaves out what it has no value for, as the text of the listener does.
        assert_eq!(series(&recorded), named);
        assert_eq!(series(&own.get("/metrics").1), named);
        assert_eq!(value(&recorded, "lifecycle_ready"), f64::from(u8::from(go)));
        assert_eq!(value(&recorded, "lifecycle_runs_total"), 1.0);
        assert!(recorded.contains("orders_total"), "{recorded}");
    }
    assert_eq!(own.get("/").1, "its own");
    assert_eq!(
        own.send("POST /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("answered").0,
        405
    );
    assert_eq!(own.get("/stop").0, 200);
    own.wait_for("/readyz", 503);
    assert_eq!(own.get("/readyz"), (503, "not ready: stopping\n".into()));
    assert_eq!(own.get("/livez").0, 200);
    let recorded = own.get("/own").1;
    assert_eq!(value(&recorded, "lifecycle_ready"), 0.0);
    assert_eq!(value(&recorded, "lifecycle_state{state=\"stopping\"}"), 1.0);
    let _ = service.wait().expect_code(0);
}

/// The program's exporter writes the names of spans into a file.
#[test]
fn a_span_that_begins_during_the_shutdown_is_exported_before_the_exit() {
    // In the second one nothing flushes: so it is the flush that exports.
    for (scenario, exported) in [("flushed", "open orders\nclose orders\n"), ("unflushed", "")] {
        let mut service = Service::new(env!("CARGO_BIN_EXE_telemetry")).arg(scenario).start();
        let file = service.folder().join("exported");
        service.line("up");
        assert!(!file.exists(), "exported before the flush");
        service.signal(libc::SIGTERM);
        let ended = service.wait().expect_code(0);
        let written = std::fs::read_to_string(ended.path("exported")).unwrap_or_default();
        assert_eq!(written, exported, "{scenario}:\n{}\n{}", ended.stdout, ended.stderr);
    }
}
