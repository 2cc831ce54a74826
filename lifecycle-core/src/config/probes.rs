//! Where probes are answered.

use super::options::{Options, Readiness};
use super::reader::Reader;
use crate::model::address::ListenAddress;
use crate::model::error::ConfigError;

/// An address, and how whoever chose it knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "http"), allow(dead_code, reason = "refused when it is read"))]
pub(crate) struct Probes {
    pub(crate) address: ListenAddress,
    /// `LIFECYCLE_PROBES=0.0.0.0:8080`, or the option.
    pub(crate) named: String,
}

const WRITE: &str = "write for example \"0.0.0.0:8080\" or \"unix:/run/app/probes.sock\"";

impl Reader<'_> {
    /// The variable wins, also with `off`. Whether the service counts as up by itself must have been decided by somebody.
    pub(super) fn probes(&mut self, options: &Options) -> Option<Probes> {
        let variable = self.get("LIFECYCLE_PROBES").map(|value| value.to_string_lossy().trim().to_owned());
        let (text, named) = match (variable, options.probes) {
            (Some(text), _) if text.eq_ignore_ascii_case("off") => return None,
            (Some(text), _) => (text.clone(), format!("LIFECYCLE_PROBES={text}")),
            (None, Some(text)) => (text.to_owned(), format!("option `probes = \"{text}\"`")),
            (None, None) => return None,
        };
        let checked = parse(&text).and_then(|address| {
            self.check_readiness(options.ready)?;
            Ok(Probes { address, named: named.clone() })
        });
        checked.map_err(|wrong| self.errors.push(ConfigError::new(format!("{named}: {wrong}")))).ok()
    }

    fn check_readiness(&self, ready: Option<Readiness>) -> Result<(), String> {
        if ready.is_some() || self.get("LIFECYCLE_READY").is_some() {
            return Ok(());
        }
        Err("a platform trusts /readyz, so one of two must be written: `ready = \"explicit\"` (or LIFECYCLE_READY=explicit) for a \
             service that calls `lifecycle::ready()`, or \"implied\" for one that is up after a second"
            .into())
    }
}

fn parse(text: &str) -> Result<ListenAddress, String> {
    if !cfg!(feature = "http") {
        return Err(
            "this build has no HTTP: write `lifecycle = { features = [\"http\"], … }` in Cargo.toml, or remove it".into()
        );
    }
    match text.strip_prefix("unix:") {
        Some(_) if !cfg!(unix) => {
            Err("this system has no Unix sockets: write for example \"0.0.0.0:8080\"".into())
        }
        Some(path) if path.starts_with('/') => Ok(ListenAddress::Unix(path.into())),
        Some(_) => Err(format!("must be an absolute path: {WRITE}")),
        None => text
            .parse()
            .map(ListenAddress::Tcp)
            .map_err(|_| format!("must be an IP address and a port: {WRITE}")),
    }
}

#[cfg(test)]
#[cfg(all(unix, feature = "http"))]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_with_what_to_write() {
        for address in ["0.0.0.0:8080", "[::]:0", "unix:/run/app.sock"] {
            assert_eq!(parse(address).expect("an address").to_string(), address);
        }
        for (text, says) in [
            ("8080", "must be an IP address and a port"),
            (":8080", "must be an IP address and a port"),
            ("localhost:8080", "must be an IP address and a port"),
            ("0.0.0.0:99999", "must be an IP address and a port"),
            ("unix:app.sock", "must be an absolute path"),
            ("unix:", "must be an absolute path"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(says) && error.contains("0.0.0.0:8080"), "{text}: {error}");
        }
    }
}
