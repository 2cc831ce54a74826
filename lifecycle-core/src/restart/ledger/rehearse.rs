//! A start with bytes instead of its files.

use std::time::Duration;

use super::admission::{admission, answer};
use super::flight::last_seen;
use super::history::{History, ReadError};
use super::program::Program;
use super::reconcile::{self, reconcile_dead_runs};
use crate::config::resolve::RestartPolicy;
use crate::os::clock::Moment;
use crate::os::flight as flight_recorder;
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

/// What a start says of a flight recorder's page: of these bytes, and of a whole page with an entry of them. Returns how many
/// of the two have an entry.
///
/// # Panics
/// If what it says breaks a line of the log: what the fuzzer looks for.
#[cfg_attr(not(fuzzing), allow(unreachable_pub, reason = "public for the fuzzer"))]
pub fn rehearse_flight(bytes: &[u8]) -> usize {
    let now = Moment::now();
    let pages = [bytes.to_vec(), flight_recorder::sealed(bytes)];
    let entries = pages.iter().filter_map(|page| flight_recorder::newest(page));
    entries
        .inspect(|entry| {
            for (is_this_boot, group) in [(true, Some((entry.group, u64::MAX))), (true, None), (false, None)]
            {
                let said = last_seen(entry, &now, is_this_boot, group).to_string();
                assert!(!said.contains(char::is_control), "{said:?}");
            }
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(of: &str) -> Vec<Vec<u8>> {
        let folder = format!("{}/../fuzz/corpus/{of}", env!("CARGO_MANIFEST_DIR"));
        let files = std::fs::read_dir(folder).expect("the corpus").flatten();
        files.map(|file| std::fs::read(file.path()).expect("readable")).collect()
    }

    /// What the fuzzer found interesting, run as an ordinary test.
    #[test]
    fn nothing_in_the_fuzzers_corpus_does_harm() {
        let files = corpus("ledger");
        let ledgers = files.iter().filter(|bytes| rehearse(bytes).is_ok()).count();
        assert!(ledgers > 3 && files.len() > ledgers, "{ledgers} of {} are ledgers", files.len());
        let pages = corpus("flight");
        let entries: usize = pages.iter().map(|bytes| rehearse_flight(bytes)).sum();
        assert!(entries > 3, "{entries} entries in {} files", pages.len());
    }
}
