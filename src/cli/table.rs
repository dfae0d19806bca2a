//! Tables and progress for people at a terminal.

use std::io::{IsTerminal as _, Write as _};

/// Between two columns.
const GAP: &str = "  ";

/// Where a column's texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Rows under a heading, each column as wide as its longest text.
pub(super) struct Table {
    columns: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Nothing but the heading.
    pub(super) fn new(heading: &[(&str, Side)]) -> Self {
        let names = heading.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self { columns: heading.iter().map(|(_, side)| *side).collect(), rows: vec![names] }
    }

    /// One more row; it has as many texts as the heading. What others have typed cannot steer the
    /// terminal.
    pub(super) fn row<const N: usize>(&mut self, texts: [String; N]) {
        let shown = |text: String| text.replace(char::is_control, "\u{fffd}");
        self.rows.push(texts.map(shown).into());
    }

    /// The lines, without blanks at their ends.
    pub(super) fn lines(&self) -> Vec<String> {
        let width = |column: usize| {
            let texts = self.rows.iter().filter_map(|row| row.get(column));
            texts.map(|text| text.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).zip(&self.columns);
            let cells = cells.map(|((text, width), side)| match side {
                Side::Left => format!("{text:<width$}"),
                Side::Right => format!("{text:>width$}"),
            });
            cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }

    /// Prints the lines.
    pub(super) fn print(&self) {
        self.lines().iter().for_each(|line| println!("{line}"));
    }
}

/// A point of time for people, such as `2026-01-31T12:00:00`.
pub(super) fn second(iso8601: &str) -> &str {
    iso8601.get(..19).unwrap_or(iso8601)
}

/// One line on standard error about long work, if a person sees it; it goes when the work is done.
pub(super) struct Progress {
    is_seen: bool,
    is_told: bool,
}

impl Progress {
    /// Nothing is told yet.
    pub(super) fn new() -> Self {
        Self { is_seen: std::io::stderr().is_terminal(), is_told: false }
    }

    /// Tells how far the work is, in place of what was told before.
    pub(super) fn tell(&mut self, text: &str) {
        if self.is_seen {
            self.is_told = true;
            eprint!("\r\x1b[K{text}");
            drop(std::io::stderr().flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_told {
            eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_text() {
        let mut table = Table::new(&[("name", Side::Left), ("sum", Side::Right), ("", Side::Left)]);
        table.row(["ä".to_owned(), "1.00".to_owned(), String::new()]);
        table.row(["longer".to_owned(), "-1234.50".to_owned(), "x".to_owned()]);
        assert_eq!(table.lines(), ["name         sum", "ä           1.00", "longer  -1234.50  x"]);
    }

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        let mut table = Table::new(&[("", Side::Left)]);
        table.row(["a\x1b[2J\u{9b}2J\r\nb".to_owned()]);
        assert_eq!(table.lines()[1], "a\u{fffd}[2J\u{fffd}2J\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_time_is_cut_after_the_second() {
        assert_eq!(second("2026-01-31T12:00:00.000Z"), "2026-01-31T12:00:00");
        assert_eq!(second("-5ms"), "-5ms");
    }
}
