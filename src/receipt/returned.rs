//! What a return's receipt says: how much is given back, of which sale, and how far that is.
//!
//! Knows nothing of paper.

use super::sale::{code, number};
use super::{Block, Copy, Document, Head};
use super::{disclaimer, named, references, time_and_terminal, whose};
use crate::clock::Wall;
use crate::i18n::{self, Lang, Printed, Text};
use crate::payment::event::OperationProgress;
use crate::payment::vocabulary::{OperationKind, OperationResult, SaleResult};

/// The receipt in `lang` of what `operation` has given back of `sale` at `at`; `None` for a
/// command that gives a shopper nothing back: a capture, what is left over of a partial one, a new
/// order number.
pub fn returned(
    operation: &OperationResult,
    sale: &SaleResult,
    at: Wall,
    copy: Copy,
    head: &Head,
    lang: Lang,
) -> Option<Document> {
    match operation.kind {
        OperationKind::Refund | OperationKind::Void => {}
        OperationKind::Capture | OperationKind::Release | OperationKind::Update => return None,
    }
    let word = |word| Block::Text(lang.printed(word).to_owned());
    let mut blocks = vec![
        Block::Title(head.merchant.clone()),
        word(Printed::ReturnReceipt),
        whose(copy, lang),
        Block::Pair("Klarna".to_owned(), i18n::amount(operation.amount, lang)),
    ];
    blocks.extend(progress(&operation.progress, lang));
    blocks.extend(time_and_terminal(at, head, lang));
    blocks.push(number(sale, Printed::OriginalPayment, lang));
    if copy == Copy::Merchant {
        let reference = operation.reference.as_str();
        blocks.extend(named(lang.printed(Printed::TillReference), reference));
    }
    let transaction = operation.transaction.as_ref().or(sale.transaction.as_ref());
    let transaction = transaction.map(|id| id.as_str());
    blocks.extend(references(sale.payment_reference.as_str(), transaction, lang));
    blocks.push(disclaimer(head, lang));
    // After a void there is nothing left to give back.
    if copy == Copy::Customer && operation.kind == OperationKind::Refund {
        blocks.extend(code(sale));
    }
    let title = format!("{} {} {}", head.terminal, sale.number, operation.kind.code());
    Some(Document { title, lang, blocks })
}

/// How far it is, and what that means for the shopper.
fn progress(progress: &OperationProgress, lang: Lang) -> Vec<Block> {
    let said = |text| Block::Text(on_paper(lang.text(text)));
    let loud = |words: &str| Block::Emphasis(on_paper(words));
    match progress {
        OperationProgress::Done => {
            vec![loud(lang.text(Text::Refunded)), said(Text::MoneyGoesBack)]
        }
        OperationProgress::Queued => vec![
            loud(lang.text(Text::RefundQueued)),
            said(Text::RefundFollows),
            said(Text::MoneyGoesBack),
        ],
        OperationProgress::Refused(_) => {
            vec![loud(lang.printed(Printed::ReturnRefused)), said(Text::AskStaff)]
        }
    }
}

/// Words of the screen: most printers have straight apostrophes alone.
fn on_paper(words: &str) -> String {
    words.replace('’', "'")
}
