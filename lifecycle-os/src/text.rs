//! A text in place, without allocation: zeroed memory is an empty one, so it may lie in shared memory.

use std::fmt::{self, Write};

/// The longest part of `text` that has at most `longest` bytes and ends at a character.
#[must_use]
pub fn prefix(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// At most `N` bytes; what does not fit is cut.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text<const N: usize> {
    len: u32,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Text<N> {
        Text { len: 0, bytes: [0; N] }
    }

    /// As much of `text` as fits.
    #[must_use]
    pub fn of(text: &str) -> Text<N> {
        let mut new = Text::new();
        // Never fails: it cuts.
        let _ = new.write_str(text);
        new
    }

    /// What was written; up to the first byte that is no UTF-8, since another process may have been killed in the middle.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.as_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }

    /// What was written, to be handed on as it is.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..(self.len as usize).min(N)]
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Takes the last bytes off, as far as they are `suffix`.
    pub fn strip_suffix(&mut self, suffix: &str) {
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

impl<const N: usize> Default for Text<N> {
    fn default() -> Text<N> {
        Text::new()
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Lets bytes be written to a text; parts of characters are left out.
pub struct Bytes<'a>(pub &'a mut dyn Write);

impl std::io::Write for Bytes<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.write_str(std::str::from_utf8(bytes).unwrap_or_default()) {
            Ok(()) => Ok(bytes.len()),
            Err(fmt::Error) => Err(std::io::ErrorKind::Other.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bytes").finish_non_exhaustive()
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
