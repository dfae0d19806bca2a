//! A document as ESC/POS, the command language of receipt printers.
//!
//! Commands and the QR code, which the printer draws itself, come from the `escpos` crate. Letters
//! are bytes by tables of our own: the crate sends a minus as the soft hyphen of code page 858,
//! which is another sign on printers that do not have that page.

use super::letters::spelled;
use super::lines::{Row, wrap};
use super::qr::Modules;
use super::{Columns, Document};
use crate::i18n::{Lang, Printed};
use escpos::driver::Driver;
use escpos::errors::Result;
use escpos::printer::Printer;
use escpos::utils::{
    CharacterSet, PageCode, Protocol, QRCodeCorrectionLevel, QRCodeModel, QRCodeOption,
};
use std::cell::RefCell;

/// Dots of a letter in the printer's usual font (font A).
const LETTER_DOTS: usize = 12;
/// Fewest dots per module that scanners read from thermal paper.
const MODULE_DOTS_MIN: usize = 3;
/// Beyond this a code only takes paper.
const MODULE_DOTS_MAX: usize = 6;
/// Lines from the last one to the edge at which paper without a cutter is torn off.
const LINES_TO_EDGE: u8 = 3;

/// The upper half of code page 858: Latin letters of western Europe, and the euro sign.
const PC858: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}"
);
/// The upper half of code page 852: Latin letters of central Europe.
const PC852: &str = concat!(
    "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č",
    "áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐",
    "└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀",
    "ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}"
);
const IN_MEMORY: &str = "memory takes every byte, and a return code is short enough for a QR code";

/// A printer that keeps what it is sent.
struct Memory(RefCell<Vec<u8>>);

impl Driver for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn write(&self, data: &[u8]) -> Result<()> {
        self.0.borrow_mut().extend_from_slice(data);
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }
}

impl Document {
    /// What a receipt printer is sent, from its initialisation to the cut. Letters that the
    /// language's code page lacks are written plainly; a QR code that is too large for the paper
    /// is printed in letters.
    pub fn escpos(&self, columns: Columns) -> Vec<u8> {
        self.print(columns).expect(IN_MEMORY)
    }

    fn print(&self, columns: Columns) -> Result<Vec<u8>> {
        let page = Page::of(self.lang);
        let memory = Memory(RefCell::new(Vec::new()));
        let mut printer = Printer::new(memory, Protocol::default(), None);
        // Switches of a printer may have put other signs in the place of `$` and `#`.
        printer.init()?.character_set(CharacterSet::USA)?.page_code(page.code)?;
        let document = self.spelled(|text| page.spelled(text));
        for row in document.rows(columns.count()) {
            match row {
                Row::Title(line) | Row::Loud(line) => {
                    printer.bold(true)?.custom(&page.encode(&line))?.feed()?.bold(false)?;
                }
                Row::Plain(line) => {
                    printer.custom(&page.encode(&line))?.feed()?;
                }
                Row::Rule => {
                    printer.custom("-".repeat(columns.count()).as_bytes())?.feed()?;
                }
                Row::Gap => {
                    printer.feed()?;
                }
                Row::Code(code) => self.print_code(&mut printer, &page, &code, columns)?,
            }
        }
        printer.feeds(LINES_TO_EDGE)?.print_cut()?;
        Ok(printer.driver().0.into_inner())
    }

    fn print_code(
        &self,
        printer: &mut Printer<Memory>,
        page: &Page,
        code: &str,
        columns: Columns,
    ) -> Result<()> {
        let mut lines =
            wrap(&page.spelled(self.lang.printed(Printed::ReturnCode)), columns.count());
        let dots = module_dots(code, columns);
        if dots.is_none() {
            lines.extend(wrap(&page.spelled(code), columns.count()));
        }
        for line in lines {
            printer.custom(&page.encode(&line))?.feed()?;
        }
        if let Some(dots) = dots {
            let option = QRCodeOption::new(QRCodeModel::Model2, dots, QRCodeCorrectionLevel::M);
            printer.qrcode_option(code, option)?.feed()?;
        }
        Ok(())
    }
}

/// Dots per module with which the code fits the paper; `None` when they would be too small.
fn module_dots(code: &str, columns: Columns) -> Option<u8> {
    let modules = Modules::new(code)?;
    let dots = columns.count() * LETTER_DOTS / modules.side();
    let dots = Some(dots.min(MODULE_DOTS_MAX)).filter(|dots| *dots >= MODULE_DOTS_MIN)?;
    u8::try_from(dots).ok()
}

/// A code page of printers: its number and its upper half.
struct Page {
    code: PageCode,
    upper: &'static str,
}

impl Page {
    /// The page that has most letters of `lang` and that most printers have; Greek and the Baltic
    /// languages are written plainly.
    fn of(lang: Lang) -> Self {
        match lang {
            Lang::Cs | Lang::Sk | Lang::Pl | Lang::Hu | Lang::Ro => {
                Self { code: PageCode::PC852, upper: PC852 }
            }
            Lang::En | Lang::De | Lang::Sv | Lang::Nb | Lang::Da | Lang::Fi | Lang::Fr => {
                Self { code: PageCode::PC858, upper: PC858 }
            }
            Lang::Nl | Lang::It | Lang::Es | Lang::Pt => {
                Self { code: PageCode::PC858, upper: PC858 }
            }
            Lang::El | Lang::Et | Lang::Lv | Lang::Lt => {
                Self { code: PageCode::PC858, upper: PC858 }
            }
        }
    }

    fn spelled(&self, text: &str) -> String {
        spelled(text, |character| character != '\u{ad}' && self.byte(character).is_some())
    }

    /// The bytes of a text of [`Page::spelled`].
    fn encode(&self, text: &str) -> Vec<u8> {
        text.chars().map(|character| self.byte(character).unwrap_or(b'?')).collect()
    }

    fn byte(&self, character: char) -> Option<u8> {
        let ascii = u8::try_from(character).ok().filter(|byte| matches!(byte, b' '..=b'~'));
        let upper = || self.upper.chars().zip(0x80..=0xFF).find(|(known, _)| *known == character);
        ascii.or_else(|| upper().map(|(_, byte)| byte))
    }
}
