//! A start with bytes instead of a file.

use std::time::Duration;

use super::admission::{admission, answer};
use super::history::{History, ReadError};
use super::program::Program;
use super::reconcile::{self, reconcile_dead_runs};
use crate::config::resolve::RestartPolicy;
use crate::os::clock::Moment;
use crate::os::process::Identity;

/// All that a start does with the bytes of a file, without the file: for the fuzzer.
///
/// # Errors
/// If they are not a ledger.
///
/// # Panics
/// If a ledger makes a wait that is too long, or cannot be read again: what the fuzzer looks for.
#[cfg_attr(not(fuzzing), allow(unreachable_pub, reason = "public for the fuzzer"))]
pub fn rehearse(bytes: &[u8]) -> Result<Duration, ReadError> {
    let shown = History::try_from(bytes)?;
    let (mut record, now, program) = (shown.record().clone(), Moment::now(), Program::app());
    reconcile_dead_runs(&mut record, &Identity::own(), &now);
    let _ = reconcile::previous(&record, &program).map(|previous| previous.to_string());
    answer(&mut record, &program, RestartPolicy::DEFAULT, &now);
    let wait = admission(&record, &program, RestartPolicy::DEFAULT, &now);
    let _ = wait.explain(&RestartPolicy::DEFAULT, now.at, std::path::Path::new(".restart_count"));
    let wait = wait.wait;
    assert!(wait <= RestartPolicy::DEFAULT.max_wait.max(RestartPolicy::DEFAULT.max_retry_after), "{wait:?}");
    let again = History::try_from(&record.to_bytes()[..]).expect("what is written can be read");
    let twice = History::try_from(&again.record().to_bytes()[..]).expect("what is written can be read");
    assert!(twice == again, "nothing is lost between a write and a read");
    let _ = format!("{shown}{again}");
    Ok(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the fuzzer found interesting, run as an ordinary test.
    #[test]
    fn nothing_in_the_fuzzers_corpus_does_harm() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/ledger");
        let files: Vec<_> = std::fs::read_dir(corpus).expect("the corpus").flatten().collect();
        let ledgers = files
            .iter()
            .filter(|file| rehearse(&std::fs::read(file.path()).expect("readable")).is_ok())
            .count();
        assert!(ledgers > 3 && files.len() > ledgers, "{ledgers} of {} are ledgers", files.len());
    }
}
