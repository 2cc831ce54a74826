//! Columns of text, as plans, reports and statuses show them.

use std::fmt::{self, Write};

/// Writes the rows under their heads, each column as wide as its widest cell, two spaces apart.
pub(crate) fn write<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    heads: [&str; N],
    rows: &[[String; N]],
) -> fmt::Result {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    line(f, &widths, &heads)?;
    rows.iter().try_for_each(|row| line(f, &widths, &row.each_ref().map(String::as_str)))
}

fn line<const N: usize>(f: &mut fmt::Formatter<'_>, widths: &[usize; N], cells: &[&str; N]) -> fmt::Result {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        write!(text, "  {cell:width$}")?;
    }
    writeln!(f, "{}", text.trim_end())
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
