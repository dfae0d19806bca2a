//! A document as lines of equal width: for the till, and for printers of all kinds.
//!
//! Every character counts as one column. Nothing is cut off: what is too long goes on below.

use super::{Block, Columns, Document};
use crate::i18n::Printed;

/// A line on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// Of a title.
    Title(String),
    Plain(String),
    /// What nobody may overlook.
    Loud(String),
    /// A line across the paper.
    Rule,
    /// An empty line.
    Gap,
    /// The content of a QR code.
    Code(String),
}

impl Document {
    /// Its lines, none of them wider than `columns`; a QR code is there in letters.
    pub fn lines(&self, columns: Columns) -> Vec<String> {
        let width = columns.count();
        let lines = self.rows(width).into_iter().flat_map(|row| match row {
            Row::Title(line) | Row::Plain(line) | Row::Loud(line) => vec![line],
            Row::Rule => vec!["-".repeat(width)],
            Row::Gap => vec![String::new()],
            Row::Code(code) => {
                [wrap(self.lang.printed(Printed::ReturnCode), width), wrap(&code, width)].concat()
            }
        });
        lines.collect()
    }

    /// Its lines with what is to be seen of their meaning, none wider than `width` characters.
    pub(super) fn rows(&self, width: usize) -> Vec<Row> {
        let rows = self.blocks.iter().flat_map(|block| -> Vec<Row> {
            match block {
                Block::Title(text) => rows(wrap(text, width), Row::Title),
                Block::Text(text) => rows(wrap(text, width), Row::Plain),
                Block::Pair(label, value) => rows(pair(label, value, width), Row::Plain),
                Block::Emphasis(text) => rows(wrap(text, width), Row::Loud),
                Block::Rule => vec![Row::Rule],
                Block::Gap => vec![Row::Gap],
                Block::Code(code) => vec![Row::Code(code.clone())],
            }
        });
        rows.collect()
    }
}

fn rows(lines: Vec<String>, row: fn(String) -> Row) -> Vec<Row> {
    lines.into_iter().map(row).collect()
}

/// Printers have one kind of space.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

/// `left` and `right` at the two margins; where they are too long together, `right` stands below.
fn pair(left: &str, right: &str, width: usize) -> Vec<String> {
    let (left, right) = (plain(left), plain(right));
    let used = left.chars().count() + right.chars().count();
    if used < width {
        return vec![format!("{left}{}{right}", " ".repeat(width - used))];
    }
    let mut lines = wrap(&left, width);
    lines.extend(wrap(&right, width).iter().map(|line| format!("{line:>width$}")));
    lines
}

/// `text` broken between words, and inside a word only where it is wider than the paper; no line
/// for a text without words.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in plain(text).split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        for piece in chars.chunks(width) {
            let piece: String = piece.iter().collect();
            match lines.last_mut() {
                Some(last) if last.chars().count() + 1 + piece.chars().count() <= width => {
                    last.push(' ');
                    last.push_str(&piece);
                }
                Some(_) | None => lines.push(piece),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_stands_below() {
        let long = "A-VERY-LONG-NAME-OF-A-TERMINAL";
        assert_eq!(pair("Terminal", long, 32), ["Terminal".to_owned(), format!("{long:>32}")]);
        assert_eq!(pair("Terminal", long, 40), [format!("Terminal  {long}")]);
        assert_eq!(
            pair("Terminal", long, 24)[1..],
            ["A-VERY-LONG-NAME-OF-A-TE", &format!("{:>24}", "RMINAL")]
        );
    }

    #[test]
    fn widths_are_the_four_of_printers() {
        let known: Vec<u32> = (0..=100).filter(|count| Columns::new(*count).is_some()).collect();
        assert_eq!(known, [24, 32, 40, 48]);
        assert_eq!(Columns::new(32), Some(Columns::default()));
    }
}
