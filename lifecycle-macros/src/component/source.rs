//! A source file as far as its blocks: each with the words in front of its brace.

/// Line and column, from 1.
pub(super) type Place = (usize, usize);

/// The blocks of a file, and where attributes may begin.
#[derive(Default)]
pub(super) struct Source {
    blocks: Vec<Block>,
    hashes: Vec<Place>,
}

/// From one delimiter to the other.
struct Block {
    open: Place,
    close: Place,
    /// The block around it.
    parent: Option<usize>,
    /// `None` is a parenthesis, a bracket, or the braces of a macro.
    header: Option<String>,
}

/// What is read at the moment.
struct Reader<'a> {
    text: &'a [char],
    at: usize,
    place: Place,
    source: Source,
    /// Indices of blocks that are not closed, each with the words in front of it and since.
    open: Vec<(usize, String)>,
    words: String,
}

impl Source {
    /// Of a text that is not Rust the answer is some nonsense, which parses as no item.
    pub(super) fn read(text: &str) -> Source {
        let text: Vec<char> = text.chars().collect();
        let (source, open, words) = (Source::default(), Vec::new(), String::new());
        let mut reader = Reader { text: &text, at: 0, place: (1, 1), source, open, words };
        while reader.at < reader.text.len() {
            reader.token();
        }
        reader.source
    }

    /// The words in front of the innermost block around an attribute, which begins at `place`; `None` if there is none, or
    /// if a macro is around it.
    pub(super) fn header(&self, place: Place) -> Option<&str> {
        self.hashes.binary_search(&place).ok()?;
        // Blocks stand in the order in which they open, so the last one before it is the innermost, or a sibling's.
        let mut next = self.blocks.partition_point(|block| block.open < place).checked_sub(1);
        let mut innermost = None;
        while let Some(block) = next.map(|index| &self.blocks[index]) {
            if place < block.close {
                innermost = innermost.or(Some(block.header.as_ref()?));
            }
            next = block.parent;
        }
        innermost.map(String::as_str)
    }
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.text.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn step(&mut self) -> char {
        let read = self.peek(0);
        self.at += 1;
        self.place = if read == '\n' { (self.place.0 + 1, 1) } else { (self.place.0, self.place.1 + 1) };
        read
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    fn token(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.skip_until(|reader| reader.peek(0) == '\n'),
            ('/', '*') => self.comment(),
            ('"', _) => self.string(),
            ('r' | 'b' | 'c', '"' | '#' | 'r' | '\'') if self.begins_literal() => self.prefixed(),
            ('\'', _) => self.quote(),
            ('{' | '(' | '[', _) => self.open(),
            ('}' | ')' | ']', _) => self.close(),
            (';', _) if !self.open.last().is_some_and(|(_, before)| before.ends_with(['(', '['])) => {
                self.step();
                self.words.clear();
            }
            _ => {
                if self.peek(0) == '#' {
                    self.source.hashes.push(self.place);
                }
                let read = self.step();
                self.words.push(read);
            }
        }
    }

    fn skip_until(&mut self, end: impl Fn(&Self) -> bool) {
        while self.at < self.text.len() && !end(self) {
            self.step();
        }
    }

    /// They nest.
    fn comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ if self.at >= self.text.len() => return,
                _ => {
                    self.step();
                    continue;
                }
            }
            self.skip(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.words.push_str("\"\"");
        self.step();
        while self.at < self.text.len() {
            match self.step() {
                '"' => return,
                '\\' => self.skip(1),
                _ => {}
            }
        }
    }

    /// A letter that is no word's end is a literal's prefix.
    fn begins_literal(&self) -> bool {
        let word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let ahead = (1..).find(|ahead| !matches!(self.peek(*ahead), 'r' | '#')).unwrap_or(1);
        !(self.at > 0 && word(self.text[self.at - 1])) && matches!(self.peek(ahead), '"' | '\'')
    }

    fn prefixed(&mut self) {
        let mut raw = false;
        while matches!(self.peek(0), 'r' | 'b' | 'c') {
            raw |= self.step() == 'r';
        }
        match (raw, self.peek(0)) {
            (true, _) => self.raw_string(),
            (false, '\'') => self.quote(),
            (false, _) => self.string(),
        }
    }

    fn raw_string(&mut self) {
        let hashes = (0..).take_while(|ahead| self.peek(*ahead) == '#').count();
        self.skip(hashes + 1);
        self.skip_until(|reader| {
            reader.peek(0) == '"' && (1..=hashes).all(|ahead| reader.peek(ahead) == '#')
        });
        self.skip(hashes + 1);
        self.words.push_str("\"\"");
    }

    /// A character, or a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == '\\' {
            self.skip(3);
            self.skip_until(|reader| reader.peek(0) == '\'');
            self.step();
        } else if self.peek(2) == '\'' {
            self.skip(3);
        } else {
            let read = self.step();
            self.words.push(read);
        }
    }

    fn open(&mut self) {
        let words = std::mem::take(&mut self.words);
        // `vec! {`, `macro_rules! name {`.
        let is_macro =
            words.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_' || c == ' ').ends_with('!');
        let header = (self.peek(0) == '{' && !is_macro).then(|| words.trim().to_owned());
        let delimiter = self.peek(0);
        let parent = self.open.last().map(|(index, _)| *index);
        self.open.push((self.source.blocks.len(), words + &delimiter.to_string()));
        self.source.blocks.push(Block { open: self.place, close: (usize::MAX, 0), parent, header });
        self.step();
    }

    /// Parentheses and brackets are a part of what is said; behind a brace something new begins.
    fn close(&mut self) {
        let inside = std::mem::take(&mut self.words);
        if let Some((index, before)) = self.open.pop() {
            self.source.blocks[index].close = self.place;
            if self.peek(0) != '}' {
                self.words = before + &inside + &self.peek(0).to_string();
            }
        }
        self.step();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header around each `#[here]`.
    fn headers(text: &str) -> Vec<Option<String>> {
        let source = Source::read(text);
        let marks = text.lines().enumerate().flat_map(|(line, text)| {
            let column = |(byte, _): (usize, _)| (line + 1, text[..byte].chars().count() + 1);
            text.match_indices("#[here]").map(column).collect::<Vec<_>>()
        });
        marks.map(|place| source.header(place).map(str::to_owned)).collect()
    }

    #[test]
    fn the_words_in_front_of_the_innermost_brace_are_found() {
        for (text, expected) in [
            ("impl<T> Pool<T> { #[here] fn a() {} }", Some("impl<T> Pool<T>")),
            (
                "use a::{b, c}; mod m { fn f() {} impl A for [u8; 3] {\n  fn g() {}\n #[here] } }",
                Some("impl A for [u8; 3]"),
            ),
            (
                "/* impl X { */ // impl Y {\nimpl Z { const A: &str = \"}\"; const B: char = '}'; #[here] }",
                Some("impl Z"),
            ),
            (
                "impl<'a> S<'a> { fn f() { r#\"}\"# ; b'}'; '\\'' ; \"\\\"}\" } #[here] }",
                Some("impl<'a> S<'a>"),
            ),
            ("#[cfg(test)] impl A { #[here] }", Some("#[cfg(test)] impl A")),
            ("fn f() -> u8 { #[here] fn g() {} 1 }", Some("fn f() -> u8")),
            ("fn a() {}\n#[here] fn b() {}", None),
            ("each! { impl<T> A<T> { #[here] } }", None),
            ("macro_rules! each { () => { impl<T> A<T> { #[here] } } }", None),
            ("call(|| { impl A { #[here] } })", None),
            ("impl Größe { /* ä */ #[here] }", Some("impl Größe")),
        ] {
            assert_eq!(headers(text), [expected.map(str::to_owned)], "{text}");
        }
    }

    #[test]
    fn no_text_is_too_broken() {
        for text in ["{", "}}}", "\"", "r#\"", "'", "/*", "impl A { #[here]", "b'", "'\\"] {
            let _ = headers(text);
        }
        assert!(Source::read("// #[here]").header((1, 4)).is_none(), "in a comment");
    }
}
