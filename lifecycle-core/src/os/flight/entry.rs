//! What one tick stores, and how it lies in the page: a head, and two slots that are written in turn, each with a number and
//! a checksum. A slot that was torn by the end of the process does not match; the other one is a tick older.

use super::words::text;
use crate::os::process::Identity;
use crate::os::text::Text;

/// Bytes of a name, and of a note.
pub(super) const NAME: usize = 48;
pub(super) const NOTE: usize = 256;

/// Words of the page.
pub(super) const PAGE: usize = 512;
const MAGIC: u64 = u64::from_le_bytes(*b"lcflight");
/// Of the layout: another one is not read.
const VERSION: u64 = 1;

const NUMBERS: usize = 19;
const CONTENTS: usize = NUMBERS + (2 * NAME + NOTE) / 8;
/// Number and checksum, then the contents.
pub(super) const SLOT: usize = 2 + CONTENTS;
const SLOTS: [usize; 2] = [8, 8 + SLOT];
const _: () = assert!(SLOTS[1] + SLOT <= PAGE);

/// How far the process was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting = 1,
    Running = 2,
    Stopping = 3,
}

/// Zero is unknown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) pid: u32,
    pub(crate) start: u64,
    pub(crate) boot: u64,
    pub(crate) wall_ms: u64,
    pub(crate) since_boot_ms: u64,
    pub(crate) uptime_ms: u64,
    pub(crate) state: u32,
    /// Of the process, in bytes.
    pub(crate) resident: u64,
    /// Of its control group without what the kernel can take back at once, else of the machine.
    pub(crate) memory: u64,
    /// A tick before.
    pub(crate) memory_before: u64,
    pub(crate) memory_limit: u64,
    /// Whether memory and limit are the machine's.
    pub(crate) is_machine: u32,
    /// The control group, and how many of its processes were killed for memory.
    pub(crate) group: u64,
    pub(crate) kills: u64,
    /// Hundredths of a per cent of the last ten seconds in which something waited for memory.
    pub(crate) pressure: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
    pub(crate) stale_ms: u64,
    pub(crate) allowed_ms: u64,
    pub(crate) heartbeat: Text<NAME>,
    pub(crate) step: Text<NAME>,
    pub(crate) note: Text<NOTE>,
}

impl Entry {
    /// Whose it is.
    pub(crate) fn process(&self) -> Identity {
        Identity { pid: self.pid, start: Some(self.start).filter(|start| *start > 0) }
    }

    fn to_words(&self) -> [u64; CONTENTS] {
        let mut words = [0; CONTENTS];
        words[..NUMBERS].copy_from_slice(&[
            u64::from(self.pid),
            self.start,
            self.boot,
            self.wall_ms,
            self.since_boot_ms,
            self.uptime_ms,
            u64::from(self.state),
            self.resident,
            self.memory,
            self.memory_before,
            self.memory_limit,
            u64::from(self.is_machine),
            self.group,
            self.kills,
            self.pressure,
            self.descriptors,
            self.threads,
            self.stale_ms,
            self.allowed_ms,
        ]);
        let texts = [self.heartbeat.as_bytes(), self.step.as_bytes(), self.note.as_bytes()];
        let mut at = NUMBERS;
        for (text, longest) in texts.into_iter().zip([NAME, NAME, NOTE]) {
            for (word, bytes) in words[at..].iter_mut().zip(text.chunks(8)) {
                let mut whole = [0; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_le_bytes(whole);
            }
            at += longest / 8;
        }
        words
    }

    fn from_words(words: &[u64]) -> Option<Entry> {
        let texts = words.get(NUMBERS..)?;
        Some(Entry {
            pid: u32::try_from(words[0]).ok()?,
            start: words[1],
            boot: words[2],
            wall_ms: words[3],
            since_boot_ms: words[4],
            uptime_ms: words[5],
            state: u32::try_from(words[6]).ok()?,
            resident: words[7],
            memory: words[8],
            memory_before: words[9],
            memory_limit: words[10],
            is_machine: u32::try_from(words[11]).ok()?,
            group: words[12],
            kills: words[13],
            pressure: words[14],
            descriptors: words[15],
            threads: words[16],
            stale_ms: words[17],
            allowed_ms: words[18],
            heartbeat: text(&texts[..NAME / 8]),
            step: text(&texts[NAME / 8..2 * NAME / 8]),
            note: text(&texts[2 * NAME / 8..]),
        })
    }
}

/// The head, which is stored once.
pub(super) const HEAD: [u64; 2] = [MAGIC, VERSION];

/// A slot's place in the page and what it holds; `number` counts the entries from 1 on.
pub(super) fn slot(number: u64, entry: &Entry) -> (usize, [u64; SLOT]) {
    let contents = entry.to_words();
    let mut slot = [0; SLOT];
    slot[0] = number;
    slot[1] = checksum(number, &contents);
    slot[2..].copy_from_slice(&contents);
    (SLOTS[usize::from(number.is_multiple_of(2))], slot)
}

/// FNV-1a, by words.
fn checksum(number: u64, contents: &[u64]) -> u64 {
    let step = |hash: u64, word: &u64| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    contents.iter().fold(step(0xcbf2_9ce4_8422_2325, &number), step)
}

/// A page with an entry of these bytes, as whole as one of ours: for the fuzzer, which cannot guess a checksum.
#[cfg(any(test, fuzzing))]
pub(crate) fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut page = [0; PAGE];
    page[..2].copy_from_slice(&HEAD);
    let slot = &mut page[SLOTS[0]..SLOTS[0] + SLOT];
    for (word, bytes) in slot[2..].iter_mut().zip(bytes.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_le_bytes(whole);
    }
    slot[0] = 1;
    slot[1] = checksum(1, &slot[2..]);
    page.iter().flat_map(|word: &u64| word.to_le_bytes()).collect()
}

/// The newest entry that is whole.
pub(crate) fn newest(page: &[u8]) -> Option<Entry> {
    let words = page.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
    let words: Vec<u64> = words.collect();
    if words.len() != PAGE || words[..2] != HEAD {
        return None;
    }
    let slots = SLOTS.map(|at| &words[at..at + SLOT]);
    let whole = slots.into_iter().filter(|slot| slot[0] > 0 && slot[1] == checksum(slot[0], &slot[2..]));
    Entry::from_words(&whole.max_by_key(|slot| slot[0])?[2..])
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn entry(wall_ms: u64) -> Entry {
        let note = Text::of("importing the order book ü");
        Entry { pid: 7, wall_ms, allowed_ms: 9, heartbeat: Text::of("tick"), note, ..Entry::default() }
    }

    fn page(entries: &[(u64, Entry)]) -> Vec<u8> {
        let mut words = [0; PAGE];
        words[..2].copy_from_slice(&HEAD);
        for (number, entry) in entries {
            let (at, slot) = slot(*number, entry);
            words[at..at + SLOT].copy_from_slice(&slot);
        }
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn the_newest_entry_is_read_and_a_torn_one_gives_way_to_the_one_before() {
        let whole = page(&[(1, entry(100)), (2, entry(200)), (3, entry(300))]);
        let read = newest(&whole).expect("an entry");
        assert_eq!((read.pid, read.wall_ms, read.allowed_ms), (7, 300, 9));
        assert_eq!((read.heartbeat.as_str(), read.note.as_str()), ("tick", "importing the order book ü"));
        for word in SLOTS[0]..SLOTS[0] + SLOT {
            let mut torn = whole.clone();
            torn[word * 8] ^= 1;
            assert_eq!(newest(&torn).map(|entry| entry.wall_ms), Some(200), "word {word}");
        }
    }

    #[test]
    fn what_is_not_a_whole_page_of_this_version_is_not_read() {
        let whole = page(&[(1, entry(100))]);
        for cut in [0, 1, 8, 4095] {
            assert!(newest(&whole[..cut]).is_none(), "{cut}");
        }
        for foreign in [0, 8] {
            let mut page = whole.clone();
            page[foreign] ^= 1;
            assert!(newest(&page).is_none(), "{foreign}");
        }
        assert!(newest(&page(&[])).is_none() && newest(&[0xff; 4096]).is_none());
    }

    proptest! {
        /// Whatever a page of ours holds, whole or not: it is read or left, and never misread.
        #[test]
        fn any_words_are_read_or_left(contents in vec(any::<u64>(), CONTENTS), cut in 0..SLOT, flip in any::<u64>()) {
            let mut words = [0; PAGE];
            words[..2].copy_from_slice(&HEAD);
            let at = SLOTS[0];
            (words[at], words[at + 1]) = (3, checksum(3, &contents));
            words[at + 2..at + SLOT].copy_from_slice(&contents);
            let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
            if let Some(entry) = newest(&bytes(&words)) {
                prop_assert_eq!((entry.start, entry.allowed_ms), (contents[1], contents[18]));
            }
            words[at + cut] ^= flip;
            prop_assert!(flip == 0 || newest(&bytes(&words)).is_none());
        }
    }
}
