//! What a dying process leaves beside its ledger: the fatal signal, the panic that aborts, or that it called `exit`.
//!
//! One line, written by async-signal-safe calls alone; whatever handled the signal before is called after it.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{arm, disarm, note, run_begins, service_is_up};
#[cfg(unix)]
pub(crate) use unix::{arm, disarm, note, run_begins, service_is_up};

/// The note of an `exit` that is no crash.
pub(crate) const LEFT: &str = "left with exit code";

/// `exit(0)` is meant, and so is `--help`, a wrong option or a wrong configuration (sysexits.h) before the service was up.
#[cfg_attr(not(unix), allow(dead_code))]
fn is_meant(code: i32, was_up: bool) -> bool {
    code == 0 || (!was_up && (code == 2 || (64..=78).contains(&code)))
}

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn an_exit_is_meant_if_it_succeeds_or_refuses_to_start() {
        for (code, was_up, meant) in [
            (0, false, true),
            (0, true, true),
            (2, false, true),
            (2, true, false),
            (1, false, false),
            (63, false, false),
            (64, false, true),
            (78, false, true),
            (78, true, false),
            (79, false, false),
        ] {
            assert_eq!(is_meant(code, was_up), meant, "{code} {was_up}");
        }
    }
}
