//! The store in which replicas share their crashes: where it is, and under which name.

use std::fmt;

use super::reader::Reader;
use crate::config::options::RestartOptions;
use crate::model::error::ConfigError;

/// A Redis, and the service's name in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) url: String,
    pub(crate) service: String,
}

#[cfg(feature = "redis")]
impl Store {
    /// A text of somebody else's, without what is secret in the URL.
    pub(crate) fn redact(&self, text: &str) -> String {
        let parsed = self.url.parse::<redis::ConnectionInfo>().ok();
        let password = parsed.as_ref().and_then(|parsed| parsed.redis_settings().password());
        let text = text.replace(&self.url, &redacted(&self.url));
        password
            .filter(|password| !password.is_empty())
            .map_or(text.clone(), |secret| text.replace(secret, "***"))
    }
}

/// Without its password.
#[cfg(feature = "redis")]
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.url))
    }
}

impl fmt::Debug for Store {
    /// A password must not get into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("url", &redacted(&self.url)).field("service", &self.service).finish()
    }
}

impl Reader<'_> {
    /// The name under which crashes are counted: that of the executable, unless another was chosen.
    pub(super) fn service(&self, options: &RestartOptions) -> String {
        let variable = self.text("LIFECYCLE_RESTART_SERVICE").filter(|service| !service.is_empty());
        variable.or(options.service.map(str::to_owned)).unwrap_or_else(|| self.executable.to_owned())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().trim().to_owned())
    }

    pub(super) fn store(&mut self, options: &RestartOptions, service: &str) -> Option<Store> {
        let variable = self.text("LIFECYCLE_RESTART_STORE");
        let named = match (&variable, options.store) {
            (Some(url), _) => format!("LIFECYCLE_RESTART_STORE={}", redacted(url)),
            (None, Some(url)) => format!("option `store = \"{}\"`", redacted(url)),
            (None, None) => return None,
        };
        let url = variable.or(options.store.map(str::to_owned)).unwrap_or_default();
        match check(&url) {
            Ok(()) => Some(Store { url, service: service.to_owned() }),
            Err(wrong) => {
                self.errors.push(ConfigError::new(format!("{named}: {wrong}")));
                None
            }
        }
    }
}

/// The schemes of the redis crate that need no TLS, which is not built in.
const SCHEMES: [&str; 5] = ["redis", "valkey", "unix", "redis+unix", "valkey+unix"];

const WRITE: &str = "write for example \"redis://host:6379/0\" or \"unix:/run/redis/redis.sock\"";

fn check(url: &str) -> Result<(), String> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "rediss" | "valkeys") {
        return Err(format!("TLS is not supported: {WRITE}"));
    }
    if !SCHEMES.contains(&scheme) {
        return Err(format!("must be the URL of a Redis: {WRITE}"));
    }
    check_rest(url)
}

#[cfg(feature = "redis")]
fn check_rest(url: &str) -> Result<(), String> {
    let parsed = url.parse::<redis::ConnectionInfo>();
    // Its text may hold the URL, and with it the password: only the kind of the mistake is shown.
    parsed.map(drop).map_err(|error| format!("not a URL of a Redis ({:?}): {WRITE}", error.kind()))
}

#[cfg(not(feature = "redis"))]
fn check_rest(_: &str) -> Result<(), String> {
    Err("this build has no Redis: write `lifecycle = { features = [\"redis\"], … }` in Cargo.toml, or remove it".into())
}

/// The URL without its password: that between `:` and `@`, and that of a socket's `?pass=`.
fn redacted(url: &str) -> String {
    let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
    // From the right: a password that was not percent-encoded may hold an `@`, a `/` or a `?`.
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            None => format!("{user}@{host}"),
        },
        None => rest.to_owned(),
    };
    let Some((path, query)) = rest.split_once('?') else { return format!("{scheme}{rest}") };
    let hidden = |part| if str::starts_with(part, "pass=") { "pass=***" } else { part };
    let query: Vec<&str> = query.split('&').map(hidden).collect();
    format!("{scheme}{path}?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("redis://cache:6379/0", "redis://cache:6379/0"),
            ("redis://:secret@cache", "redis://:***@cache"),
            ("redis://bot:sec@re/t@cache:6379", "redis://bot:***@cache:6379"),
            ("redis://bot@cache", "redis://bot@cache"),
            ("redis://bot:secret?@cache", "redis://bot:***@cache"),
            ("unix:/run/redis.sock?db=1&pass=secret", "unix:/run/redis.sock?db=1&pass=***"),
            (":secret@cache", ":***@cache"),
            ("unix:/run/redis.sock?pass=sec@ret", "unix:***@ret"),
            ("cache", "cache"),
        ] {
            assert_eq!(redacted(url), shown);
            assert!(!format!("{:?}", Store { url: url.into(), service: "s".into() }).contains("secret"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_store_is_said() {
        for (url, says) in [
            ("http://cache", "must be the URL of a Redis"),
            ("cache:6379", "must be the URL of a Redis"),
            ("rediss://cache", "TLS is not supported"),
            #[cfg(feature = "redis")]
            ("redis://", "not a URL of a Redis"),
            #[cfg(feature = "redis")]
            ("redis://cache:many", "not a URL of a Redis"),
            #[cfg(feature = "redis")]
            ("redis://cache/first", "not a URL of a Redis"),
            #[cfg(not(feature = "redis"))]
            ("redis://cache", "features = [\"redis\"]"),
        ] {
            let error = check(url).expect_err(url);
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}
