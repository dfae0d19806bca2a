//! What a sale's receipt says, for the shopper and for the shop.
//!
//! Knows nothing of paper.

use super::{Block, Copy, Document, Head, ReturnCode};
use super::{disclaimer, named, references, time_and_terminal, whose};
use crate::i18n::{self, Lang, Printed};
use crate::payment::vocabulary::{SaleOutcome, SaleResult};

/// The receipt of `result` in `lang`. The customer's copy of a paid sale has the code for a
/// return; the merchant's copy says that it is one and carries the till's references.
pub fn sale(result: &SaleResult, copy: Copy, head: &Head, lang: Lang) -> Document {
    let mut blocks = vec![
        Block::Title(head.merchant.clone()),
        Block::Pair("Klarna".to_owned(), i18n::amount(result.amount, lang)),
        Block::Emphasis(outcome(result.outcome, lang)),
    ];
    if copy == Copy::Merchant {
        blocks.insert(1, whose(copy, lang));
    }
    blocks.extend(time_and_terminal(result.at, head, lang));
    blocks.push(number(result, Printed::Payment, lang));
    if copy == Copy::Merchant {
        blocks.extend(named(lang.printed(Printed::TillReference), result.reference.as_str()));
        if let Some(order) = &result.merchant_reference {
            blocks.extend(named(lang.printed(Printed::OrderNumber), order.as_str()));
        }
    }
    let transaction = result.transaction.as_ref().map(|id| id.as_str());
    blocks.extend(references(result.payment_reference.as_str(), transaction, lang));
    blocks.push(disclaimer(head, lang));
    if copy == Copy::Customer && result.outcome == SaleOutcome::Approved {
        blocks.extend(code(result));
    }
    Document { title: format!("{} {}", head.terminal, result.number), lang, blocks }
}

fn outcome(outcome: SaleOutcome, lang: Lang) -> String {
    let word = |word| lang.printed(word);
    match outcome {
        SaleOutcome::Approved => word(Printed::Paid).to_owned(),
        SaleOutcome::NotPaid(reason) => format!("{} ({})", word(Printed::NotPaid), reason.code()),
        SaleOutcome::Voided(reason) => format!("{} ({})", word(Printed::Voided), reason.code()),
    }
}

/// The number of the payment, under `label`.
pub(super) fn number(sale: &SaleResult, label: Printed, lang: Lang) -> Block {
    Block::Pair(lang.printed(label).to_owned(), sale.number.to_string())
}

/// By which any terminal of the shop finds the sale again; none for a name that is too long.
pub(super) fn code(sale: &SaleResult) -> Option<Block> {
    let code = ReturnCode::new(sale.payment_reference.clone(), sale.transaction.clone())?;
    Some(Block::Code(code.to_string()))
}
