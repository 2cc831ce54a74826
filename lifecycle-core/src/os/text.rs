//! A text in place, without allocation: zeroed memory is an empty one, so it may lie in shared memory.

use std::fmt::{self, Write};

/// The longest part of `text` that has at most `longest` bytes and ends at a character.
pub(crate) fn prefix(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// At most `N` bytes; what does not fit is cut.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Text<const N: usize> {
    len: u32,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    pub(crate) const fn new() -> Text<N> {
        Text { len: 0, bytes: [0; N] }
    }

    pub(crate) fn of(text: &str) -> Text<N> {
        let mut new = Text::new();
        // Never fails: it cuts.
        let _ = new.write_str(text);
        new
    }

    /// What was written; up to the first byte that is no UTF-8, since another process may have been killed in the middle.
    pub(crate) fn as_str(&self) -> &str {
        let bytes = self.as_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }

    /// What was written, to be handed on as it is.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..(self.len as usize).min(N)]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes the last bytes off, as far as they are `suffix`.
    pub(crate) fn strip_suffix(&mut self, suffix: &str) {
        if self.as_str().ends_with(suffix) {
            self.len -= u32::try_from(suffix.len()).unwrap_or(0);
        }
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let len = (self.len as usize).min(N);
        let fits = prefix(text, N - len).as_bytes();
        self.bytes[len..len + fits.len()].copy_from_slice(fits);
        self.len = u32::try_from(len + fits.len()).unwrap_or(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_at_a_character() {
        assert_eq!(Text::<8>::of("short").as_str(), "short");
        assert_eq!(Text::<3>::of("aÜÜ").as_str(), "aÜ");
        assert_eq!(Text::<4>::of("aÜÜ").as_str(), "aÜ");
        let mut text = Text::<16>::of("frame::");
        text.strip_suffix("::");
        text.strip_suffix("x");
        assert_eq!(text.as_str(), "frame");
    }
}
