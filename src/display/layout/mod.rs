//! Where everything on a screen goes: computed from the size of the panel, for any size.
//!
//! Portrait stacks everything in one column; landscape puts the icon or code beside the words.
//! Nothing overlaps because every piece gets its own rectangle before anything is drawn. Knows no
//! colours and draws nothing.

mod page;
mod style;

use super::content::{Content, Time, Tone, Visual, Words};
use super::icon::Icon;
use super::logo::Logo;
use super::qr::{Fit, MODULE_PX_GOOD, MODULE_PX_MIN, QrError, QrMatrix};
use super::text::{Block, Weight};
use crate::id::DistributionUrl;
use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;
use page::{Page, Piece};
use std::sync::Arc;

/// Sizes of text and icons that are tried, largest first.
const SCALES: [f32; 10] = [1.0, 0.92, 0.85, 0.78, 0.7, 0.62, 0.55, 0.48, 0.42, 0.37];
/// A code of good size does not make text smaller than this; the code gives way first.
const SCALE_BESIDE_GOOD_QR: f32 = 0.85;

/// White modules around a code's quiet zone where there is room for them.
const WHITE_MODULES: u32 = 2;
/// How much smaller letters may become for Klarna's own words.
const SCALE_OF_DESCRIBED: f32 = 0.8;
/// Scale below which words of a tiny panel are left out instead.
const SCALE_OF_PICTURE: f32 = 0.7;
/// Longest line, in bytes, that a tiny panel has for those who look after the terminal.
const FACT_LEN_SHORT: usize = 24;
/// Facts on a panel that has no room for all of the short ones.
const FACTS_FEW: usize = 4;

/// What a rectangle on the screen is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The shop's name.
    Merchant,
    /// Small words above the title.
    Lead,
    /// The shop's name where it is the message.
    Name,
    /// What is going on.
    Title,
    /// How much.
    Amount,
    /// What to do.
    Body,
    /// What must not be done.
    Warning,
    /// A code for staff.
    Code,
    /// A line for those who look after the terminal.
    Fact,
    /// The link of a code that does not fit.
    Link,
    /// The icon.
    Icon,
    /// The shop's own picture.
    Logo,
    /// The QR code with its quiet zone.
    Qr,
    /// What the time is; once it is nearly over, a sign and a warning.
    TimeLabel,
    /// Minutes and seconds left.
    Time,
    /// The bar that runs out.
    Bar,
}

/// Where lines start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left edge.
    Left,
    /// Around the middle.
    Centre,
    /// At the right edge.
    Right,
}

/// What is drawn in a rectangle.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Lines of text.
    Text(Block, Align),
    /// An icon on its disc.
    Icon(Icon, Tone),
    /// The shop's own picture.
    Logo(Arc<Logo>),
    /// A QR code.
    Qr(QrMatrix, Fit),
    /// The words beside the time, as long as they fit.
    Label {
        /// While there is time.
        calm: Option<Block>,
        /// Once it is nearly over, right of a sign as wide as the line is high.
        urgent: Option<Block>,
    },
    /// Minutes and seconds in letters of this size, in pixels.
    Time(Weight, f32),
    /// The bar.
    Bar,
}

/// One thing on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is for.
    pub role: Role,
    /// The pixels it owns.
    pub area: Rectangle,
    /// What is drawn there: one shape, or one per language.
    pub faces: Vec<Shape>,
}

/// Why a screen cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The QR code does not fit.
    #[error(transparent)]
    Qr(#[from] QrError),
    /// The words do not fit.
    #[error("a panel of {width} x {height} pixels is too small for this screen")]
    TooSmall {
        /// Width of the panel, in pixels.
        width: u32,
        /// Height of the panel, in pixels.
        height: u32,
    },
}

/// What a layout is made for.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// The panel, in pixels.
    pub size: Size,
    /// Larger letters.
    pub large_text: bool,
    /// The link of a code that does not fit, with `{code}` in it; the whole link if `None`.
    pub short_link: Option<&'a str>,
}

/// Lays a screen out; `contents` is the same screen in one language or more, which share each
/// rectangle.
///
/// # Errors
/// [`LayoutError`] when the panel is too small; nothing is ever clipped instead.
pub fn plan(contents: &[Content<'_>], room: &Room<'_>) -> Result<Vec<Item>, LayoutError> {
    let page = Page::new(room);
    page.plan(contents, room)
}

impl Page {
    fn plan(&self, contents: &[Content<'_>], room: &Room<'_>) -> Result<Vec<Item>, LayoutError> {
        let too_small = LayoutError::TooSmall { width: room.size.width, height: room.size.height };
        let visual = contents.first().map(|content| &content.visual);
        match visual {
            Some(Visual::Qr(url)) => {
                let scannable = QrMatrix::new(url).map_err(LayoutError::from);
                let planned = scannable.and_then(|matrix| self.beside_code(contents, &matrix));
                planned.or_else(|error| self.beside_link(contents, url, room).ok_or(error))
            }
            Some(Visual::Support(text)) => {
                let scannable = QrMatrix::of_text(text).map_err(LayoutError::from);
                let planned = scannable.and_then(|matrix| self.beside_code(contents, &matrix));
                planned.or_else(|_| self.beside_picture(contents).ok_or(too_small))
            }
            Some(Visual::Icon(..) | Visual::Logo(_)) => {
                self.beside_picture(contents).ok_or(too_small)
            }
            None => Err(too_small),
        }
    }

    fn scaled(&self, arrange: impl Fn(f32) -> Option<Vec<Item>>) -> Option<Vec<Item>> {
        SCALES.into_iter().find_map(arrange)
    }

    /// An icon or logo, or none where there is none. Words are left out before it gets small.
    fn beside_picture(&self, contents: &[Content<'_>]) -> Option<Vec<Item>> {
        let editions = self.editions(contents);
        let arranged = |contents: &Vec<Content<'_>>, least: f32| {
            let visual = &contents.first()?.visual;
            let scales = SCALES.into_iter().filter(|scale| *scale >= least);
            let mut arranged =
                scales.map(|scale| self.arrange(contents, self.picture(visual, scale), scale));
            arranged.find_map(|items| items)
        };
        let large = editions.iter().find_map(|contents| arranged(contents, SCALE_OF_PICTURE));
        let small = || editions.iter().find_map(|contents| arranged(contents, 0.0));
        // Words that no column beside the icon can hold go without it.
        let bare = || {
            let contents = editions.last().filter(|_| editions.len() > 1)?;
            self.scaled(|scale| self.arrange(contents, None, scale))
        };
        large.or_else(small).or_else(bare)
    }

    /// The largest code, then the largest words; more white around it where there is room, because
    /// darkness beside a code moves the threshold of some decoders. Klarna's own words come last:
    /// they may take a little of the letters' size, and nothing of the code's.
    fn beside_code(
        &self,
        contents: &[Content<'_>],
        matrix: &QrMatrix,
    ) -> Result<Vec<Item>, LayoutError> {
        let available = self.qr_side_max();
        let largest = matrix.fit(available)?.module_px;
        let plain: Vec<Content<'_>> = contents.iter().map(Content::undescribed).collect();
        for module_px in (MODULE_PX_MIN..=largest).rev() {
            let fit = matrix.fit(module_px * matrix.width_with_quiet_zone())?;
            let good = module_px > MODULE_PX_GOOD;
            for white in (0..=WHITE_MODULES).rev() {
                let least = if good || white > 0 { SCALE_BESIDE_GOOD_QR } else { 0.0 };
                let code = || {
                    let side = fit.side_px + 2 * white * module_px;
                    let shape = Shape::Qr(matrix.clone(), fit);
                    Some(Piece::new(Role::Qr, Size::new_equal(side), shape))
                };
                for scale in SCALES.into_iter().filter(|scale| *scale >= least) {
                    let Some(items) = self.arrange(&plain, code(), scale) else { continue };
                    let smaller =
                        |other: &f32| (scale * SCALE_OF_DESCRIBED..=scale).contains(other);
                    let described = SCALES.into_iter().filter(smaller);
                    let mut described =
                        described.map(|scale| self.arrange(contents, code(), scale));
                    return Ok(described.find_map(|items| items).unwrap_or(items));
                }
            }
        }
        let needed = MODULE_PX_MIN * matrix.width_with_quiet_zone();
        Err(QrError::TooSmall { modules: matrix.width(), needed, available }.into())
    }

    /// Where no code fits that a phone can read: its link, and a code for staff.
    fn beside_link(
        &self,
        contents: &[Content<'_>],
        url: &DistributionUrl,
        room: &Room<'_>,
    ) -> Option<Vec<Item>> {
        let code = code_of(url);
        let whole = || url.as_str().trim_start_matches("https://").to_owned();
        let link = room.short_link.map_or_else(whole, |link| link.replace("{code}", &code));
        let linked: Vec<Content<'_>> =
            contents.iter().map(|content| content.linked(&code)).collect();
        self.editions(&linked).into_iter().find_map(|contents| {
            self.scaled(|scale| {
                let link = self.link(&link, scale)?;
                self.arrange(&contents, Some(link), scale)
            })
        })
    }
}

/// The beginning of the longest part of a link's path, which is the payment request's id.
fn code_of(url: &DistributionUrl) -> String {
    let parts = url.as_str().trim_start_matches("https://").split('/').skip(1);
    let longest = parts.max_by_key(|part| part.len()).unwrap_or_default();
    longest.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
}

impl Content<'_> {
    /// The same screen without the words that need not be there.
    fn undescribed(&self) -> Self {
        Self { body: None, ..self.clone() }
    }

    /// The same screen with fewer words, for a tiny panel.
    fn shortened(&self, level: u8) -> Self {
        let mut content = self.clone();
        if level >= 1 {
            content.merchant = None;
        }
        if level >= 2 {
            content.lead = None;
            content.body = None;
        }
        if level >= 3 {
            content.code = None;
            content.time = content.time.map(|time| Time { is_bare: true, ..time });
            if !content.facts.is_empty() {
                content.title = content.facts.remove(0);
                content.facts.retain(|fact| fact.text.len() <= FACT_LEN_SHORT);
            }
        }
        if level >= 4 {
            content.facts.truncate(FACTS_FEW);
        }
        if level >= 4
            && let Some(amount) = content.amount.take()
        {
            content.title = amount;
        }
        content
    }
}

/// The same words of a screen in each of its languages; none where the screen has none.
fn said<'c>(
    contents: &'c [Content<'_>],
    pick: impl Fn(&'c Content<'_>) -> Option<&'c Words>,
) -> Option<Vec<&'c Words>> {
    contents.iter().map(pick).collect::<Option<Vec<_>>>().filter(|words| !words.is_empty())
}
