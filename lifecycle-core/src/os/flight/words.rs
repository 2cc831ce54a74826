//! A short text that any thread may replace and any thread may read, without a lock.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::os::text::{Text, prefix};

/// Eight bytes each.
pub(super) struct Words<const N: usize>([AtomicU64; N]);

impl<const N: usize> Words<N> {
    pub(super) const fn new() -> Words<N> {
        Words([const { AtomicU64::new(0) }; N])
    }

    /// Word by word: a reader that comes in between sees a mixed text, and nothing worse.
    pub(super) fn set(&self, text: &str) {
        let mut bytes = [[0; 8]; N];
        let cut = prefix(text, N * 8).as_bytes();
        bytes.as_flattened_mut()[..cut.len()].copy_from_slice(cut);
        for (word, bytes) in self.0.iter().zip(bytes) {
            word.store(u64::from_le_bytes(bytes), Relaxed);
        }
    }

    pub(super) fn get<const BYTES: usize>(&self) -> Text<BYTES> {
        let words = self.0.each_ref().map(|word| word.load(Relaxed));
        text(&words)
    }
}

/// Up to the first zero, as far as it is UTF-8.
pub(super) fn text<const BYTES: usize>(words: &[u64]) -> Text<BYTES> {
    let mut bytes = [0; BYTES];
    for (bytes, word) in bytes.chunks_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
    }
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(BYTES);
    match std::str::from_utf8(&bytes[..len]) {
        Ok(text) => Text::of(text),
        Err(error) => Text::of(std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()),
    }
}
