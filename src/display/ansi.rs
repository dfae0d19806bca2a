//! Screens in a terminal: half blocks and 24-bit colour, with a QR code that a phone can scan.
//!
//! Laid out in character cells rather than scaled from pixels, because a code stays readable only
//! at exactly one module per half cell. Every frame is drawn from the top left over the last one,
//! so nothing flickers.

use super::content::{Content, Tone, Visual, Words};
use super::icon::Icon;
use super::layout::LayoutError;
use super::paint;
use super::qr::{QUIET_ZONE, QrError, QrMatrix};
use super::theme::Theme;
use super::{DisplayError, DrawError, Frame, OutputError};
use crate::clock::Mono;
use crate::display::canvas::Canvas;
use crate::payment::screen::Screen;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{Dimensions, RgbColor};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

/// Cells of a terminal that does not tell its size.
const DEFAULT_CELLS: (u16, u16) = (80, 24);
/// More cells than this in a row or column stay blank.
const CELLS_MAX: u16 = 400;
/// Fewest columns that words beside a code need.
const WORDS_MIN: usize = 22;
/// Widest lines of words.
const WORDS_MAX: usize = 44;
/// Side of an icon, in half cells.
const ICON_SIDE: u32 = 18;
/// Longest time bar.
const BAR_MAX: usize = 24;
/// Begin and end of a frame that terminals put on show in one go; others ignore it.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[0m\x1b[?2026l";
/// An empty terminal.
const ERASE: &str = "\x1b[0m\x1b[2J";
/// Puts the terminal back: colours off, cursor on, below what was drawn.
const LEAVE: &str = "\x1b[0m\x1b[?25h\n";

/// A terminal to draw in.
pub struct Ansi {
    writer: Box<dyn Write + Send>,
    cells: Option<(u16, u16)>,
}

impl Ansi {
    /// The terminal at standard output; its size is asked anew for every screen.
    pub fn stdout() -> Self {
        Self { writer: Box::new(io::stdout()), cells: None }
    }

    /// Any writer, as a terminal of this many columns and rows.
    pub fn new(writer: Box<dyn Write + Send>, columns: u16, rows: u16) -> Self {
        Self { writer, cells: Some((columns, rows)) }
    }

    /// Draws `screen` over what was there.
    ///
    /// # Errors
    /// [`DisplayError::Draw`] when the code cannot exist, [`DisplayError::Output`] when the
    /// terminal is gone.
    pub fn show(&mut self, screen: &Screen, frame: &Frame, now: Mono) -> Result<(), DisplayError> {
        let (columns, rows) = self.cells.unwrap_or_else(stdout_cells);
        let rendered = render(screen, frame, now, (columns, rows));
        let text = rendered.as_deref().unwrap_or(ERASE);
        self.write(text)
            .map_err(|source| OutputError::Write { path: "terminal".into(), source })?;
        rendered.map_err(|error| DrawError::Layout(LayoutError::Qr(error)))?;
        Ok(())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(text.as_bytes())?;
        self.writer.flush()
    }
}

impl std::fmt::Debug for Ansi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ansi").field("cells", &self.cells).finish_non_exhaustive()
    }
}

impl Drop for Ansi {
    fn drop(&mut self) {
        // The terminal may be gone by now; there is nobody left to tell.
        self.write(LEAVE).ok();
    }
}

fn stdout_cells() -> (u16, u16) {
    if !io::stdout().is_terminal() {
        return DEFAULT_CELLS;
    }
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        Ok(_) | Err(_) => DEFAULT_CELLS,
    }
}

/// One frame at `now` as text and escape sequences for a terminal of so many columns and rows.
///
/// A code that does not fit is replaced by the size that the window needs.
///
/// # Errors
/// [`QrError::TooLong`] when the URL of a screen cannot become a code.
pub fn render(
    screen: &Screen,
    frame: &Frame,
    now: Mono,
    (columns, rows): (u16, u16),
) -> Result<String, QrError> {
    let content = Content::new(screen, frame, frame.lang);
    let mut grid = Grid::new(columns.min(CELLS_MAX), rows.min(CELLS_MAX), frame.theme, now);
    match &content.visual {
        Visual::Qr(url) => grid.code(&content, &QrMatrix::new(url)?),
        Visual::Support(text) => grid.code(&content, &QrMatrix::of_text(text)?),
        Visual::Icon(icon, tone) => grid.centred(&content, Some((*icon, *tone))),
        Visual::Logo(_) => grid.centred(&content, None),
    }
    Ok(grid.text())
}

#[derive(Clone, Copy, PartialEq)]
struct Cell {
    sign: char,
    front: Rgb888,
    back: Rgb888,
    bold: bool,
}

/// One line of words with its look.
struct Line {
    text: String,
    color: Rgb888,
    bold: bool,
}

struct Grid {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
    theme: Theme,
    now: Mono,
}

impl Grid {
    fn new(columns: u16, rows: u16, theme: Theme, now: Mono) -> Self {
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        let blank = Cell { sign: ' ', front: theme.ink, back: theme.background, bold: false };
        Self { columns, rows, cells: vec![blank; columns * rows], theme, now }
    }

    /// A code with the words at its right, or above it in a narrow window.
    fn code(&mut self, content: &Content<'_>, matrix: &QrMatrix) {
        let wide = matrix.width_with_quiet_zone() as usize;
        let high = wide.div_ceil(2);
        let beside = self.columns >= wide + 3 + WORDS_MIN && self.rows >= high;
        let room = if beside { self.columns - wide - 3 } else { self.columns };
        let lines = self.lines(content, room.min(WORDS_MAX));
        if beside {
            let words = lines.iter().map(|line| line.text.chars().count()).max();
            let left = self.columns.saturating_sub(wide + 3 + words.unwrap_or_default()) / 2;
            self.matrix(matrix, left, (self.rows - high) / 2);
            let top = self.rows.saturating_sub(lines.len()) / 2;
            self.put_lines(&lines, top, |_| left + wide + 3);
            return;
        }
        // A narrow window has no room for blank lines.
        let lines: Vec<Line> = lines.into_iter().filter(|line| !line.text.is_empty()).collect();
        let needed = high + lines.len();
        if self.columns < wide || self.rows < needed {
            return self.too_small(content, wide.max(WORDS_MIN), needed);
        }
        let top = (self.rows - needed) / 2;
        self.centre_lines(&lines, top);
        self.matrix(matrix, (self.columns - wide) / 2, top + lines.len());
    }

    fn too_small(&mut self, content: &Content<'_>, columns: usize, rows: usize) {
        let text = format!("Make this window {columns} x {rows} to show the code");
        let advice = Words { text, foreign: false };
        let plain = Content { body: Some(advice), ..content.clone() };
        self.centred(&plain, None);
    }

    /// Words in the middle, under an icon when there is room for one.
    fn centred(&mut self, content: &Content<'_>, icon: Option<(Icon, Tone)>) {
        let lines = self.lines(content, self.columns.saturating_sub(4).clamp(1, WORDS_MAX));
        let icon_rows = (ICON_SIDE / 2) as usize;
        let fits = self.rows > lines.len() + icon_rows && self.columns > ICON_SIDE as usize;
        let icon = icon.filter(|_| fits);
        let above = if icon.is_some() { icon_rows + 1 } else { 0 };
        let mut top = self.rows.saturating_sub(lines.len() + above) / 2;
        if let Some((icon, tone)) = icon {
            self.icon(icon, tone, (self.columns - ICON_SIDE as usize) / 2, top);
            top += above;
        }
        self.centre_lines(&lines, top);
    }

    fn lines(&self, content: &Content<'_>, width: usize) -> Vec<Line> {
        let theme = &self.theme;
        let amount = (content.amount.as_ref(), theme.ink, true);
        let title = (Some(&content.title), theme.ink, true);
        let scan = matches!(content.visual, Visual::Qr(_) | Visual::Support(_));
        let (first, second) = if scan { (amount, title) } else { (title, amount) };
        let merchant = (content.merchant.as_ref(), theme.muted, false);
        let lead = (content.lead.as_ref(), theme.muted, false);
        let body = (content.body.as_ref(), theme.muted, false);
        let warning = (content.warning.as_ref(), theme.alert, true);
        let code = (content.code.as_ref(), theme.ink, false);
        let mut lines: Vec<Line> = Vec::new();
        for (words, color, bold) in [merchant, lead, first, second, body, warning, code] {
            let Some(words) = words else { continue };
            if !lines.is_empty() {
                lines.push(Line { text: String::new(), color, bold });
            }
            let wrapped = wrap(&words.text, width);
            lines.extend(wrapped.into_iter().map(|text| Line { text, color, bold }));
        }
        for fact in &content.facts {
            let wrapped = wrap(&fact.text, width);
            let line = |text| Line { text, color: theme.ink, bold: false };
            lines.extend(wrapped.into_iter().map(line));
        }
        if let Some(time) = &content.time {
            let left = time.left(self.now);
            let (color, bold) = match left.is_urgent {
                true => (theme.alert, true),
                false => (theme.accent, false),
            };
            let text = left.text();
            let bar = width.saturating_sub(text.len() + 1).min(BAR_MAX);
            let filled = (bar as f32 * left.fraction).ceil() as usize;
            let (full, gone) = ("━".repeat(filled), "─".repeat(bar - filled));
            let text = format!("{full}{gone} {text}");
            lines.push(Line { text: String::new(), color, bold });
            if left.is_urgent {
                lines.push(Line { text: format!("! {}", time.nearly_up), color, bold });
            }
            lines.push(Line { text, color, bold });
        }
        lines
    }

    fn centre_lines(&mut self, lines: &[Line], top: usize) {
        let columns = self.columns;
        self.put_lines(lines, top, |length| columns.saturating_sub(length) / 2);
    }

    fn put_lines(&mut self, lines: &[Line], top: usize, left: impl Fn(usize) -> usize) {
        for (down, line) in lines.iter().enumerate() {
            let left = left(line.text.chars().count());
            for (right, sign) in line.text.chars().enumerate() {
                let back = self.theme.background;
                let cell = Cell { sign, front: line.color, back, bold: line.bold };
                self.put(left + right, top + down, cell);
            }
        }
    }

    fn matrix(&mut self, matrix: &QrMatrix, left: usize, top: usize) {
        let side = matrix.width_with_quiet_zone();
        let color = |x: u32, y: u32| {
            let module = x.checked_sub(QUIET_ZONE).zip(y.checked_sub(QUIET_ZONE));
            let dark = module.is_some_and(|(x, y)| matrix.is_dark(x, y));
            if dark { Rgb888::BLACK } else { Rgb888::WHITE }
        };
        for y in (0..side).step_by(2) {
            for x in 0..side {
                let back = if y + 1 < side { color(x, y + 1) } else { self.theme.background };
                let cell = Cell { sign: '▀', front: color(x, y), back, bold: false };
                self.put(left + x as usize, top + y as usize / 2, cell);
            }
        }
    }

    fn icon(&mut self, icon: Icon, tone: Tone, left: usize, top: usize) {
        let mut canvas = Canvas::new(ICON_SIDE, ICON_SIDE);
        let (front, disc) = self.theme.tone(tone);
        let ground = paint::Ground::of(&self.theme);
        let area = canvas.bounding_box();
        match paint::disc(&mut canvas, &area, |x, y| icon.distance(x, y), (front, disc), ground) {
            Ok(()) => {}
            Err(never) => match never {},
        }
        for y in (0..ICON_SIDE).step_by(2) {
            for (x, (front, back)) in canvas.row(y).iter().zip(canvas.row(y + 1)).enumerate() {
                let cell = Cell { sign: '▀', front: *front, back: *back, bold: false };
                self.put(left + x, top + y as usize / 2, cell);
            }
        }
    }

    fn put(&mut self, x: usize, y: usize, cell: Cell) {
        if x < self.columns && y < self.rows {
            self.cells[y * self.columns + x] = cell;
        }
    }

    /// The whole grid; colours are named only where they change.
    fn text(&self) -> String {
        let mut text = String::with_capacity(self.cells.len() * 4);
        text.push_str(BEGIN);
        let mut last: Option<Cell> = None;
        for (row, cells) in self.cells.chunks(self.columns.max(1)).enumerate() {
            push(&mut text, format_args!("\x1b[{};1H", row + 1));
            for cell in cells {
                if last.is_none_or(|last| last.bold != cell.bold) {
                    text.push_str(if cell.bold { "\x1b[1m" } else { "\x1b[22m" });
                }
                if last.is_none_or(|last| last.front != cell.front) {
                    push_color(&mut text, 38, cell.front);
                }
                if last.is_none_or(|last| last.back != cell.back) {
                    push_color(&mut text, 48, cell.back);
                }
                text.push(cell.sign);
                last = Some(*cell);
            }
        }
        text.push_str(END);
        text
    }
}

fn push_color(text: &mut String, layer: u8, color: Rgb888) {
    let (r, g, b) = (color.r(), color.g(), color.b());
    push(text, format_args!("\x1b[{layer};2;{r};{g};{b}m"));
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string does not fail");
}

/// Lines of at most `width` characters, broken at spaces or, where a word is longer, inside it.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        for (index, part) in letters.chunks(width).enumerate() {
            let part_text: String = part.iter().collect();
            match lines.last_mut() {
                Some(line) if index == 0 && used + 1 + part.len() <= width => {
                    line.push(' ');
                    line.push_str(&part_text);
                    used += 1 + part.len();
                }
                Some(_) | None => {
                    lines.push(part_text);
                    used = part.len();
                }
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_to_the_window() {
        assert_eq!(wrap("Scan to pay with Klarna", 12), ["Scan to pay", "with Klarna"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), Vec::<String>::new());
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }

    #[test]
    fn any_window_is_served() {
        let frame = Frame {
            merchant: "Shop \x1b[2J".repeat(500),
            lang: crate::i18n::Lang::De,
            ..Frame::default()
        };
        for (columns, rows) in [(0, 0), (1, 1), (3, 40), (40, 3), (80, 24), (u16::MAX, u16::MAX)] {
            let text = render(&Screen::NoConnection, &frame, Mono::default(), (columns, rows))
                .expect("no code");
            assert!(!text.contains("[2J\x1b") && !text.contains('\n'));
            let signs = text.chars().filter(|c| *c == ' ').count();
            assert!(signs <= usize::from(columns.min(400)) * usize::from(rows.min(400)));
        }
    }
}
