//! Which path is answered with what.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Response, StatusCode, Uri};

use super::{Source, metrics, passwords, reader};
use crate::model::status::{State, Status};

const TEXT: &str = "text/plain; charset=utf-8";

/// Where a service that has a page of its own shows this one.
const PAGE: &str = "/lifecycle";

/// All but `/`, which may be the service's own.
pub(super) const PATHS: [&str; 9] =
    ["/livez", "/readyz", "/startupz", "/status", "/plan", "/history", "/hang-report", "/metrics", PAGE];

/// Asks nobody for more than a few flags, where a probe is asked.
pub(super) async fn answer(method: &Method, uri: &Uri, source: Source) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET and HEAD only\n");
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    get(uri.path(), source).await
}

pub(super) async fn get(path: &str, source: Source) -> Response<Full<Bytes>> {
    match path {
        "/livez" => probe((source.is_live)(), "live", || "not live: a heartbeat is stale".into()),
        "/readyz" => probe((source.is_ready)(), "ready", || not_ready(&(source.status)())),
        "/startupz" => probe((source.has_started)(), "started", || not_ready(&(source.status)())),
        "/status" => json(&(source.status)()),
        "/plan" => json(&(source.plan)()),
        "/history" => reader::read(source.history).await.map_or_else(no_disk, |history| json(&history)),
        "/hang-report" => reader::read(source.hang_report).await.map_or_else(no_disk, hang_report),
        "/metrics" => respond(StatusCode::OK, metrics::CONTENT_TYPE, metrics::encode(source)),
        "/" | PAGE => respond(StatusCode::OK, "text/html; charset=utf-8", include_str!("page.html")),
        _ => respond(StatusCode::NOT_FOUND, TEXT, format!("there are\n{}\n", PATHS.join("\n"))),
    }
}

fn probe(is_well: bool, well: &'static str, why: impl FnOnce() -> String) -> Response<Full<Bytes>> {
    if is_well {
        return respond(StatusCode::OK, TEXT, format!("{well}\n"));
    }
    respond(StatusCode::SERVICE_UNAVAILABLE, TEXT, why() + "\n")
}

fn not_ready(status: &Status) -> String {
    match status.state {
        State::Running => "not ready: starting".into(),
        State::Stopping => "not ready: stopping".into(),
        State::BackingOff { left } => format!("not ready: backing off for another {left:.1?}"),
    }
}

fn no_disk() -> Response<Full<Bytes>> {
    respond(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the disk does not respond\n")
}

fn hang_report(report: Result<String, String>) -> Response<Full<Bytes>> {
    match report {
        Ok(report) => respond(StatusCode::OK, TEXT, passwords::hide(&report) + "\n"),
        Err(hint) => respond(StatusCode::NOT_FOUND, TEXT, hint + "\n"),
    }
}

fn json(value: &impl serde::Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_string(value) {
        Ok(body) => respond(StatusCode::OK, "application/json", passwords::hide(&body)),
        Err(error) => respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, error.to_string()),
    }
}

fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    // A proxy must not keep what was true once.
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}
