//! Did you mean: the variable that a name was most likely meant to be.

/// All of them have it.
pub(super) const PREFIX: &str = "LIFECYCLE_";

/// Near is: half of its own letters at most are wrong, and no more than three, or all words of the name are those of one that is
/// known.
pub(super) fn nearest<'a>(known: &[&'a str], written: &str) -> Option<&'a str> {
    let written = written.to_uppercase();
    let by_letters = known.iter().map(|name| (distance(name, &written), *name)).min();
    let is_near = |(wrong, name): &(usize, &str)| *wrong <= 3.min((name.len() - PREFIX.len()) / 2);
    let near = by_letters.filter(is_near).map(|(_, name)| name);
    near.or_else(|| {
        let has_words = |name: &&&str| words(&written).all(|word| words(name).any(|known| known == word));
        known.iter().filter(has_words).min_by_key(|name| name.len()).copied()
    })
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.trim_start_matches(PREFIX).split('_')
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
