//! What the terminal says and prints: one file per language, for translators to read.
//!
//! Every language is an exhaustive match, so a text that is missing does not compile. Sentences
//! carry a full stop only where there are two of them; a dash never starts a line. Receipts have
//! straight apostrophes, because most printers have no others.

mod czech;
mod danish;
mod dutch;
mod english;
mod estonian;
mod finnish;
mod french;
mod german;
mod greek;
mod hungarian;
mod italian;
mod latvian;
mod lithuanian;
mod norwegian;
mod polish;
mod portuguese;
mod romanian;
mod slovak;
mod spanish;
mod swedish;

use super::{Lang, Printed, Text};

pub(super) fn text(lang: Lang, text: Text) -> &'static str {
    match lang {
        Lang::En => english::text(text),
        Lang::De => german::text(text),
        Lang::Sv => swedish::text(text),
        Lang::Nb => norwegian::text(text),
        Lang::Da => danish::text(text),
        Lang::Fi => finnish::text(text),
        Lang::Fr => french::text(text),
        Lang::Nl => dutch::text(text),
        Lang::It => italian::text(text),
        Lang::Es => spanish::text(text),
        Lang::Pl => polish::text(text),
        Lang::Pt => portuguese::text(text),
        Lang::Cs => czech::text(text),
        Lang::Hu => hungarian::text(text),
        Lang::Ro => romanian::text(text),
        Lang::El => greek::text(text),
        Lang::Sk => slovak::text(text),
        Lang::Et => estonian::text(text),
        Lang::Lv => latvian::text(text),
        Lang::Lt => lithuanian::text(text),
    }
}

pub(super) fn printed(lang: Lang, word: Printed) -> &'static str {
    match lang {
        Lang::En => english::printed(word),
        Lang::De => german::printed(word),
        Lang::Sv => swedish::printed(word),
        Lang::Nb => norwegian::printed(word),
        Lang::Da => danish::printed(word),
        Lang::Fi => finnish::printed(word),
        Lang::Fr => french::printed(word),
        Lang::Nl => dutch::printed(word),
        Lang::It => italian::printed(word),
        Lang::Es => spanish::printed(word),
        Lang::Pl => polish::printed(word),
        Lang::Pt => portuguese::printed(word),
        Lang::Cs => czech::printed(word),
        Lang::Hu => hungarian::printed(word),
        Lang::Ro => romanian::printed(word),
        Lang::El => greek::printed(word),
        Lang::Sk => slovak::printed(word),
        Lang::Et => estonian::printed(word),
        Lang::Lv => latvian::printed(word),
        Lang::Lt => lithuanian::printed(word),
    }
}
