//! A document as HTML for a page of the console, or for a browser's printer.
//!
//! Only elements and class names; looks are up to the page's style sheet. The QR code is an SVG
//! within the page, so nothing is loaded.

use super::qr::Modules;
use super::{Block, Document};
use crate::i18n::Printed;
use maud::{Markup, html};
use std::fmt::Write as _;

impl Document {
    /// As an `article` of class `receipt`; every text is escaped.
    ///
    /// Titles are `h2`, pairs next to one another are one `dl`, emphasis is a `p` of class
    /// `receipt-emphasis`, a code is a `figure` of class `receipt-code`.
    pub fn html(&self) -> Markup {
        let is_pair = |block: &Block| matches!(block, Block::Pair(..));
        let groups = self.blocks.chunk_by(|one, next| is_pair(one) && is_pair(next));
        html! {
            article.receipt lang=(self.lang.tag()) {
                @for group in groups {
                    @if group.iter().all(is_pair) {
                        dl.receipt-pairs { @for block in group { (self.block(block)) } }
                    } @else {
                        @for block in group { (self.block(block)) }
                    }
                }
            }
        }
    }

    fn block(&self, block: &Block) -> Markup {
        match block {
            Block::Title(text) | Block::Text(text) | Block::Emphasis(text)
                if text.trim().is_empty() =>
            {
                html! {}
            }
            Block::Title(text) => html! { h2.receipt-title { (text) } },
            Block::Text(text) => html! { p.receipt-text { (text) } },
            Block::Pair(label, value) => html! {
                div.receipt-pair { dt { (label) } dd { (value) } }
            },
            Block::Emphasis(text) => html! { p.receipt-emphasis { strong { (text) } } },
            Block::Rule => html! { hr.receipt-rule; },
            Block::Gap => html! { div.receipt-gap {} },
            Block::Code(code) => self.code(code),
        }
    }

    /// Dark on light whatever the page's colours are: scanners read nothing else.
    fn code(&self, code: &str) -> Markup {
        let caption = self.lang.printed(Printed::ReturnCode);
        let Some(modules) = Modules::new(code) else {
            return html! { p.receipt-text { (caption) " " (code) } };
        };
        let side = modules.side();
        html! {
            figure.receipt-code {
                svg xmlns="http://www.w3.org/2000/svg" role="img"
                    viewBox=(format!("0 0 {side} {side}")) shape-rendering="crispEdges" {
                    title { (caption) }
                    rect width=(side) height=(side) fill="#fff" {}
                    path d=(path(&modules)) fill="#000" {}
                }
                figcaption { (caption) }
            }
        }
    }
}

/// A rectangle, one module high, for each run of dark modules.
fn path(modules: &Modules) -> String {
    let mut path = String::new();
    for (x, y, length) in modules.runs() {
        let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
    }
    path
}
