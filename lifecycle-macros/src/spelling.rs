//! Did you mean: the nearest of a few known words.

/// "`a`, `b` or `c`".
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// ", did you mean `b`?", if one of the words is near to what was written.
pub(crate) fn suggestion(words: &[&str], written: &str) -> String {
    nearest(words, written).map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

/// Near is: one is a part of the other, or at most a third of the letters are wrong.
fn nearest<'a>(words: &[&'a str], written: &str) -> Option<&'a str> {
    let written = written.to_lowercase();
    let part = |word: &&str| written.len() > 2 && (word.contains(&written) || written.contains(*word));
    let near = |word: &&str| distance(word, &written) <= word.len().max(3) / 3;
    let by_letters = words.iter().copied().filter(near).min_by_key(|word| distance(word, &written));
    by_letters.or_else(|| words.iter().copied().find(part))
}

/// Letters to insert, remove or replace (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["stop", "persist", "disconnect"];
        for (written, expected) in [
            ("disconect", Some("disconnect")),
            ("Stop", Some("stop")),
            ("persits", Some("persist")),
            ("connect", Some("disconnect")),
            ("flush", None),
            ("", None),
        ] {
            assert_eq!(nearest(&known, written), expected, "{written}");
        }
    }

    #[test]
    fn words_are_listed_and_suggested() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(suggestion(&["stop", "persist"], "stp"), ", did you mean `stop`?");
        assert_eq!(suggestion(&["stop", "persist"], "connect"), "");
    }
}
