//! Columns of text, as plans, reports and statuses show them.

use std::fmt::{self, Write};

/// Writes the rows under their heads, each column as wide as its widest cell, two spaces apart.
pub(crate) fn write<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    heads: [&str; N],
    rows: &[[String; N]],
) -> fmt::Result {
    let widths = widths(heads, rows);
    let lines = std::iter::once(heads).chain(rows.iter().map(|row| row.each_ref().map(String::as_str)));
    lines.map(|cells| line(&widths, &cells)).try_for_each(|line| writeln!(f, "  {line}"))
}

/// The rows alone, each as a line of its own.
pub(crate) fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let widths = widths([""; N], rows);
    rows.iter().map(|row| line(&widths, &row.each_ref().map(String::as_str))).collect()
}

fn widths<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> [usize; N] {
    std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or(0)
    })
}

fn line<const N: usize>(widths: &[usize; N], cells: &[&str; N]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        // A String takes it all.
        let _ = write!(text, "{cell:width$}  ");
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown;

    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(f, ["hook", "took"], &[["Ünicode".into(), "1 ms".into()], ["a".into(), String::new()]])
        }
    }

    #[test]
    fn columns_are_aligned_by_characters_and_lines_not_padded() {
        assert_eq!(Shown.to_string(), "  hook     took\n  Ünicode  1 ms\n  a\n");
    }
}
