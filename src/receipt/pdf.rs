//! A document as PDF (ISO 32000-1): A4, for the office printer and for mail.
//!
//! Only fonts that every reader has, so letters are those of WinAnsiEncoding; what it lacks is
//! written plainly. All letters are equally wide, so amounts stand below one another.

use super::letters::spelled;
use super::lines::{Row, wrap};
use super::qr::Modules;
use super::{Columns, Document};
use crate::i18n::Printed;
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);
/// Above the first line and below the last one, in points.
const MARGIN: f32 = 72.0;
/// Points of a letter.
const SIZE: f32 = 11.0;
/// Every letter of Courier is 600 thousandths of its size wide.
const LETTER: f32 = SIZE * 0.6;
/// From one line to the next, in points.
const LEADING: f32 = 15.0;
/// Points of a module of the QR code: 0.7 mm, which every scanner reads.
const MODULE: f32 = 2.0;
/// Width of the lines.
const COLUMNS: Columns = Columns::C48;
const PLAIN: Name = Name(b"F1");
const BOLD: Name = Name(b"F2");

/// Where WinAnsiEncoding differs from ISO-8859-1 (ISO 32000-1, annex D.2).
const WIN_ANSI: &[(u8, char)] = &[
    (0x80, '€'),
    (0x82, '‚'),
    (0x83, 'ƒ'),
    (0x84, '„'),
    (0x85, '…'),
    (0x8A, 'Š'),
    (0x8B, '‹'),
    (0x8C, 'Œ'),
    (0x8E, 'Ž'),
    (0x91, '‘'),
    (0x92, '’'),
    (0x93, '“'),
    (0x94, '”'),
    (0x95, '•'),
    (0x96, '–'),
    (0x97, '—'),
    (0x9A, 'š'),
    (0x9B, '›'),
    (0x9C, 'œ'),
    (0x9E, 'ž'),
    (0x9F, 'Ÿ'),
];

impl Document {
    /// The whole file, with as many pages as it takes.
    pub fn pdf(&self) -> Vec<u8> {
        let document = self.spelled(printable);
        let mut sheets = Sheets::new();
        for row in document.rows(COLUMNS.count()) {
            match row {
                Row::Title(line) | Row::Loud(line) => sheets.line(BOLD, &line),
                Row::Plain(line) => sheets.line(PLAIN, &line),
                Row::Rule => sheets.rule(),
                Row::Gap => sheets.advance(LEADING),
                Row::Code(code) => self.draw_code(&mut sheets, &code),
            }
        }
        file(self, sheets.finish())
    }

    fn draw_code(&self, sheets: &mut Sheets, code: &str) {
        let caption = printable(self.lang.printed(Printed::ReturnCode));
        let mut lines = wrap(&caption, COLUMNS.count());
        let modules = Modules::new(code);
        if modules.is_none() {
            lines.extend(wrap(&printable(code), COLUMNS.count()));
        }
        let height = modules.as_ref().map_or(0.0, |modules| modules.side() as f32 * MODULE);
        sheets.keep_together(height + LEADING * lines.len() as f32);
        for line in lines {
            sheets.line(PLAIN, &line);
        }
        if let Some(modules) = modules {
            sheets.draw(&modules);
        }
    }
}

/// Pages in the making; lines go from top to bottom.
struct Sheets {
    full: Vec<Content>,
    open: Content,
    /// Points from the upper margin of the open page.
    used: f32,
}

impl Sheets {
    fn new() -> Self {
        Self { full: Vec::new(), open: Content::new(), used: 0.0 }
    }

    fn left() -> f32 {
        (PAGE.0 - LETTER * COLUMNS.count() as f32) / 2.0
    }

    /// The height at which the next line ends, in points from the lower edge.
    fn bottom(&self) -> f32 {
        PAGE.1 - MARGIN - self.used
    }

    /// Begins a page unless `height` points are left on this one.
    fn keep_together(&mut self, height: f32) {
        if self.used > 0.0 && self.bottom() - height < MARGIN {
            self.full.push(std::mem::replace(&mut self.open, Content::new()));
            self.used = 0.0;
        }
    }

    fn advance(&mut self, height: f32) {
        self.keep_together(height);
        self.used += height;
    }

    fn line(&mut self, font: Name, line: &str) {
        self.advance(LEADING);
        let at = (Self::left(), self.bottom());
        write(&mut self.open, font, at, line);
    }

    fn rule(&mut self) {
        self.advance(LEADING);
        let (left, y) = (Self::left(), self.bottom() + LEADING / 4.0);
        let right = left + LETTER * COLUMNS.count() as f32;
        self.open.set_line_width(0.5).move_to(left, y).line_to(right, y).stroke();
    }

    fn draw(&mut self, modules: &Modules) {
        let top = self.bottom();
        self.advance(modules.side() as f32 * MODULE);
        for (x, y, length) in modules.runs() {
            let left = Self::left() + x as f32 * MODULE;
            let bottom = top - (y + 1) as f32 * MODULE;
            self.open.rect(left, bottom, length as f32 * MODULE, MODULE);
        }
        self.open.fill_nonzero();
    }

    /// The pages, each with its number where there are several.
    fn finish(mut self) -> Vec<Vec<u8>> {
        self.full.push(self.open);
        let count = self.full.len();
        let numbered = self.full.into_iter().enumerate().map(|(index, mut page)| {
            if count > 1 {
                let number = format!("{} / {count}", index + 1);
                write(&mut page, PLAIN, (Self::left(), MARGIN / 2.0), &number);
            }
            page.finish().into_vec()
        });
        numbered.collect()
    }
}

fn write(page: &mut Content, font: Name, (x, y): (f32, f32), line: &str) {
    page.begin_text().set_font(font, SIZE).next_line(x, y).show(Str(&encode(line))).end_text();
}

/// Catalogue, title, fonts, and the pages with `contents`.
fn file(document: &Document, contents: Vec<Vec<u8>>) -> Vec<u8> {
    let mut next = (1..).map(Ref::new);
    let mut id = move || next.next().expect("a receipt has few pages");
    let (catalog, tree, info, fonts) = (id(), id(), id(), [(PLAIN, id()), (BOLD, id())]);
    let sheets: Vec<(Ref, Ref)> = contents.iter().map(|_| (id(), id())).collect();
    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr(document.lang.tag()));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.document_info(info).title(TextStr(&document.title));
    let count = i32::try_from(sheets.len()).expect("a receipt has few pages");
    pdf.pages(tree).kids(sheets.iter().map(|(page, _)| *page)).count(count);
    for ((_, font), base) in fonts.iter().zip([&b"Courier"[..], &b"Courier-Bold"[..]]) {
        let mut font = pdf.type1_font(*font);
        font.base_font(Name(base)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for ((page, content), bytes) in sheets.iter().zip(&contents) {
        let mut sheet = pdf.page(*page);
        sheet.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(*content);
        let mut resources = sheet.resources();
        resources.fonts().pairs(fonts);
        resources.finish();
        sheet.finish();
        pdf.stream(*content, bytes);
    }
    pdf.finish()
}

fn printable(text: &str) -> String {
    spelled(text, |character| character != '\u{ad}' && byte(character).is_some())
}

/// The bytes of a text of [`printable`].
fn encode(text: &str) -> Vec<u8> {
    text.chars().map(|character| byte(character).unwrap_or(b'?')).collect()
}

fn byte(character: char) -> Option<u8> {
    let changed = WIN_ANSI.iter().find(|(_, known)| *known == character);
    let same = || {
        let byte = u8::try_from(character).ok()?;
        matches!(byte, b' '..=b'~' | 0xA0..=0xFF).then_some(byte)
    };
    changed.map(|(byte, _)| *byte).or_else(same)
}
