//! Receipts and shift reports as documents: what a sale, a return or a shift says on paper.
//!
//! A [`Document`] is written once and comes out as lines for the till, HTML, PDF or ESC/POS.
//! Receipts carry what a return needs (payment number, references) and say that they are no fiscal
//! receipt. Knows no printer, no store and no clock.

mod code;
mod escpos;
mod html;
mod letters;
mod lines;
mod pdf;
mod qr;
mod returned;
mod sale;
mod shift;

pub use code::{RETURN_CODE_LEN_MAX, ReturnCode, ReturnCodeError};
pub use returned::returned;
pub use sale::sale;
pub use shift::{Kind, Offline, shift};

use crate::clock::{Wall, Zone};
use crate::i18n::{self, Lang, Printed, Text};
use crate::payment::vocabulary::SaleResult;

/// What is to be printed, whatever it is printed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What a list of files or a window's title calls it; plain text in one line.
    pub title: String,
    /// The language of its words.
    pub lang: Lang,
    /// From top to bottom.
    pub blocks: Vec<Block>,
}

/// A part of a [`Document`]; texts may be longer than a line, and one without a letter leaves no
/// line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// What the document or one of its parts is about.
    Title(String),
    /// Running text.
    Text(String),
    /// A label at the left margin and its value at the right one.
    Pair(String, String),
    /// What nobody may overlook, such as PAID.
    Emphasis(String),
    /// A line across the paper.
    Rule,
    /// What the QR code for a return says; it is captioned with what it is for.
    Code(String),
    /// An empty line.
    Gap,
}

/// For whom a receipt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// The shopper takes it along.
    Customer,
    /// The shop keeps it.
    Merchant,
}

/// Characters in a line of a printer's paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Columns {
    /// Small printers of mobile terminals.
    C24,
    /// 58 mm paper, what every till's printer takes.
    #[default]
    C32,
    /// 80 mm paper of printers with wide letters.
    C40,
    /// 80 mm paper.
    C48,
}

impl Columns {
    /// Every width.
    pub const ALL: [Self; 4] = [Self::C24, Self::C32, Self::C40, Self::C48];

    /// The width of `count` characters; `None` unless that is 24, 32, 40 or 48.
    pub fn new(count: u32) -> Option<Self> {
        let count = usize::try_from(count).ok()?;
        Self::ALL.into_iter().find(|columns| columns.count() == count)
    }

    /// How many characters.
    pub fn count(self) -> usize {
        match self {
            Self::C24 => 24,
            Self::C32 => 32,
            Self::C40 => 40,
            Self::C48 => 48,
        }
    }
}

/// What all receipts of a terminal have in common.
#[derive(Debug, Clone)]
pub struct Head {
    /// The shop's name.
    pub merchant: String,
    /// Store and terminal.
    pub terminal: String,
    /// In which the time is written.
    pub zone: Zone,
    /// How wide the lines for the till are.
    pub columns: Columns,
    /// What stands at the end of a receipt; in its language, that it is no fiscal receipt, when it
    /// is absent.
    pub disclaimer: Option<String>,
}

impl Head {
    /// A head whose receipts have the usual width and end.
    pub fn new(merchant: impl Into<String>, terminal: impl Into<String>, zone: Zone) -> Self {
        let (merchant, terminal) = (merchant.into(), terminal.into());
        Self { merchant, terminal, zone, columns: Columns::default(), disclaimer: None }
    }
}

/// The lines of the customer's copy for `result`, in `lang`, for the till: without the QR code,
/// which a till could only print as letters. A function of its arguments alone: asking again gives
/// the same lines.
pub fn lines(result: &SaleResult, head: &Head, lang: Lang) -> Vec<String> {
    sale(result, Copy::Customer, head, lang).for_till(head.columns)
}

impl Document {
    /// Its lines for the till, without the QR code.
    pub fn for_till(&self, columns: Columns) -> Vec<String> {
        let letters = |block: &&Block| !matches!(block, Block::Code(_));
        let blocks = self.blocks.iter().filter(letters).cloned().collect();
        Self { title: self.title.clone(), lang: self.lang, blocks }.lines(columns)
    }

    /// The same, saying on top that it was printed before: nobody is to take it for a second sale.
    pub fn once_more(mut self) -> Self {
        let mark = Block::Emphasis(self.lang.printed(Printed::Duplicate).to_owned());
        let titles = |block: &&Block| matches!(block, Block::Title(_));
        let below = self.blocks.iter().take_while(titles).count();
        self.blocks.insert(below, mark);
        self
    }

    /// The same with every text but that of the code rewritten by `write`.
    fn spelled(&self, write: impl Fn(&str) -> String) -> Self {
        let blocks = self.blocks.iter().map(|block| match block {
            Block::Title(text) => Block::Title(write(text)),
            Block::Text(text) => Block::Text(write(text)),
            Block::Pair(label, value) => Block::Pair(write(label), write(value)),
            Block::Emphasis(text) => Block::Emphasis(write(text)),
            Block::Rule => Block::Rule,
            Block::Code(text) => Block::Code(text.clone()),
            Block::Gap => Block::Gap,
        });
        Self { title: self.title.clone(), lang: self.lang, blocks: blocks.collect() }
    }
}

/// When something was and where.
fn time_and_terminal(at: Wall, head: &Head, lang: Lang) -> [Block; 2] {
    let at = match time(at, &head.zone, lang) {
        Some(time) => Block::Pair(lang.printed(Printed::Time).to_owned(), time),
        None => Block::Text(lang.printed(Printed::TimeNotSet).to_owned()),
    };
    [at, Block::Pair(lang.text(Text::Terminal).to_owned(), head.terminal.clone())]
}

/// By which names Klarna and the settlement file know a sale.
fn references(reference: &str, transaction: Option<&str>, lang: Lang) -> Vec<Block> {
    let mut blocks = named(lang.printed(Printed::Reference), reference);
    if let Some(transaction) = transaction {
        blocks.extend(named("Klarna ID", transaction));
    }
    blocks
}

/// A value that is usually too long to stand beside its label.
fn named(label: &str, value: &str) -> Vec<Block> {
    vec![Block::Text(label.to_owned()), Block::Text(value.to_owned())]
}

fn disclaimer(head: &Head, lang: Lang) -> Block {
    let usual = || lang.printed(Printed::NotFiscal).to_owned();
    Block::Text(head.disclaimer.clone().unwrap_or_else(usual))
}

fn whose(copy: Copy, lang: Lang) -> Block {
    let words = match copy {
        Copy::Customer => Printed::CustomerCopy,
        Copy::Merchant => Printed::MerchantCopy,
    };
    Block::Text(lang.printed(words).to_owned())
}

/// When it was, with the zone's abbreviation; `None` where the terminal's clock cannot have been
/// set.
fn time(at: Wall, zone: &Zone, lang: Lang) -> Option<String> {
    let civil = zone.civil(at).filter(|_| at >= Wall::SET_FROM)?;
    Some(format!("{} {}", i18n::date_time(&civil, lang), civil.zone))
}

#[cfg(test)]
mod tests;
