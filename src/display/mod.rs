//! The shopper's display: a [`Screen`] becomes pixels, a picture file or terminal text.
//!
//! `screen` draws, [`Output`] shows, [`Display`] joins them and pushes only what has changed.
//! Knows no payments and no daemon: it is told what to show and says whether it could.

pub mod ansi;
pub mod attention;
pub mod canvas;
pub mod content;
mod cue;
pub mod damage;
#[cfg(feature = "drm")]
pub mod drm;
pub mod framebuffer;
mod icon;
pub mod input;
mod layout;
pub mod logo;
pub mod mirror;
mod output;
mod paint;
mod panel;
pub mod png;
pub mod qr;
pub mod screen;
mod text;
pub mod theme;

use crate::clock::Mono;
use crate::i18n::Lang;
use crate::id::DistributionUrl;
use crate::money::{Amount, Currency};
use crate::payment::screen::Screen;
use canvas::Canvas;
use content::{Content, Time};
use damage::damage;
use embedded_graphics::geometry::{Dimensions as _, OriginDimensions as _, Size};
use embedded_graphics::primitives::Rectangle;
use logo::Logo;
use mirror::Feed;
use qr::Fit;
use screen::{DrawError, Scene};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use theme::Theme;

pub use layout::{LayoutError, Role};
pub use output::{Output, OutputConfig, OutputError};
pub use panel::Panel;

/// As long as Klarna's links are.
const USUAL_URL: &str =
    "https://pay.test.klarna.com/eu/requests/b9bacf30-3619-60e5-bdcb-b0ad687d550b/start";
/// Pixels of a display that has none of its own and is mirrored.
const MIRRORED: Size = Size::new(480, 800);

/// What every screen of a terminal has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The shop's name as shoppers know it; any text, cut when it is too long.
    pub merchant: String,
    /// The shop's own picture on the idle screen.
    pub logo: Option<Arc<Logo>>,
    /// The language of our own words.
    pub lang: Lang,
    /// A second language that takes turns with the first one while a shopper is waited for.
    pub second_lang: Option<Lang>,
    /// How long each of the two is on show.
    pub alternate: Duration,
    /// The colours.
    pub theme: Theme,
    /// Larger letters and fewer words.
    pub large_text: bool,
    /// Seconds from a full time bar to an empty one: the time limit of a sale.
    pub time_limit_s: u32,
    /// Seconds before the end from which on the shopper is warned.
    pub warning_s: u32,
    /// A link that leads to the payment request by its code, such as
    /// `pay.shop.example/{code}`, for panels too small for a QR code.
    pub short_link: Option<String>,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            merchant: String::new(),
            logo: None,
            lang: Lang::En,
            second_lang: None,
            alternate: Duration::from_secs(5),
            theme: Theme::LIGHT,
            large_text: false,
            time_limit_s: 300,
            warning_s: 30,
            short_link: None,
        }
    }
}

/// What beside the picture draws attention, where the device has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttentionConfig {
    /// Such as `/sys/class/backlight/10-0045`.
    pub backlight: Option<PathBuf>,
    /// Brightness in percent while no code is on show; a code has all of it.
    pub brightness: u8,
    /// Such as `/sys/class/leds/status`.
    pub led: Option<PathBuf>,
    /// The PWM chip with the buzzer, such as `/sys/class/pwm/pwmchip0`, and its channel.
    pub buzzer: Option<(PathBuf, u32)>,
    /// A program that speaks, with its arguments.
    pub speech: Vec<String>,
}

/// A touch panel or key whose long press opens the operator's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputConfig {
    /// Such as `/dev/input/event0`.
    pub path: PathBuf,
    /// The code of a key (linux/input-event-codes.h); any touch if `None`.
    pub key: Option<u16>,
}

/// Why a screen is not on show.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// It does not fit on the panel.
    #[error(transparent)]
    Draw(#[from] DrawError<Infallible>),
    /// The output failed.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// A shopper's display: tell it the screen, it does the rest.
#[derive(Debug)]
pub struct Display {
    output: Output,
    config: Option<OutputConfig>,
    frame: Frame,
    canvas: Canvas,
    /// What the output has, as far as we know.
    pushed: Option<Canvas>,
    mirror: Option<Feed>,
    on_show: Option<OnShow>,
    bytes: u64,
}

/// What is on show; without a scene where there are no pixels.
#[derive(Debug)]
struct OnShow {
    screen: Screen,
    scene: Option<Scene>,
    time: Option<Time>,
    /// What the screen says, in words.
    text: String,
}

impl Display {
    /// A display that shows nothing yet.
    pub fn new(output: Output, frame: Frame) -> Self {
        let size = output.size().unwrap_or_default();
        let canvas = Canvas::new(size.width, size.height);
        Self {
            output,
            config: None,
            frame,
            canvas,
            pushed: None,
            mirror: None,
            on_show: None,
            bytes: 0,
        }
    }

    /// The same display, which opens its output anew after a failure.
    #[must_use]
    pub fn reopening(self, config: OutputConfig) -> Self {
        Self { config: Some(config), ..self }
    }

    /// The same display, shown in browsers as well; a display without pixels is drawn for them.
    #[must_use]
    pub fn mirrored(mut self) -> (Self, Feed) {
        if self.output.size().is_none() {
            self.canvas = Canvas::new(MIRRORED.width, MIRRORED.height);
        }
        let feed = Feed::new(&self.canvas);
        self.mirror = Some(feed.clone());
        (self, feed)
    }

    /// Whether shoppers could scan a code of usual length here; how large it would come out.
    ///
    /// # Errors
    /// [`DisplayError::Output`] when there is no display, [`DisplayError::Draw`] when neither a
    /// code nor its link fits on the panel.
    pub fn try_code(&mut self) -> Result<Option<Fit>, DisplayError> {
        if let Output::Missing = self.output {
            self.reopen()?;
        }
        let Some(size) = self.output.size() else { return Ok(None) };
        let url = DistributionUrl::new(USUAL_URL, &[".klarna.com".to_owned()]);
        let amount = Currency::new("EUR").map(|euro| Amount::new(100_000, euro));
        let (Ok(url), Ok(amount)) = (url, amount) else { return Ok(None) };
        let due = Mono::default();
        let screen = Screen::Scan { url, amount, descriptor: None, again: false, due };
        let scene = Scene::new(&screen, &self.frame, size, due).map_err(DrawError::Layout)?;
        Ok(scene.qr())
    }

    /// Whether a shopper's time is nearly over.
    pub fn is_urgent(&self, now: Mono) -> bool {
        let time = self.on_show.as_ref().and_then(|shown| shown.time.as_ref());
        time.is_some_and(|time| time.left(now).is_urgent)
    }

    /// Shows `screen` as it is at `now`, unless it is on show already.
    ///
    /// # Errors
    /// [`DisplayError::Draw`] leaves the display empty, so that no earlier QR code stays on show.
    /// After [`DisplayError::Output`] the earlier screen may still be there; showing the same
    /// screen again tries again.
    pub fn show(&mut self, screen: &Screen, now: Mono) -> Result<(), DisplayError> {
        if self.on_show.as_ref().is_some_and(|shown| shown.screen == *screen) {
            return self.advance(now);
        }
        let missing = match self.output {
            Output::Missing => self.reopen().err(),
            _ => None,
        };
        self.on_show = None;
        let content = Content::new(screen, &self.frame, self.frame.lang);
        let (time, text) = (content.time.clone(), content.spoken());
        let mut scene = Ok(None);
        if self.mirror.is_some() || self.output.size().is_some() {
            scene = Scene::new(screen, &self.frame, self.canvas.size(), now).map(Some);
            match &mut scene {
                Ok(Some(scene)) => {
                    let Ok(_) = scene.draw(&mut self.canvas, now);
                }
                Ok(None) | Err(_) => self.canvas.erase(self.frame.theme.background),
            }
            self.push(None, &text)?;
        }
        if let Output::Ansi(ansi) = &mut self.output {
            ansi.show(screen, &self.frame, now)?;
        }
        let scene = scene.map_err(DrawError::Layout)?;
        if let Some(error) = missing {
            return Err(error.into());
        }
        self.on_show = Some(OnShow { screen: screen.clone(), scene, time, text });
        Ok(())
    }

    /// Shows what has moved on the screen that is on show.
    ///
    /// # Errors
    /// [`DisplayError::Output`], after which the next [`Display::show`] draws everything.
    pub fn advance(&mut self, now: Mono) -> Result<(), DisplayError> {
        let Some(mut shown) = self.on_show.take() else { return Ok(()) };
        if let Some(scene) = &mut shown.scene {
            let Ok(touched) = scene.advance(&mut self.canvas, now);
            if !touched.is_empty() {
                self.push(Some(touched), &shown.text)?;
            }
        }
        if let Output::Ansi(ansi) = &mut self.output {
            ansi.show(&shown.screen, &self.frame, now)?;
        }
        self.on_show = Some(shown);
        Ok(())
    }

    /// How long until something moves on what is on show.
    pub fn next(&self, now: Mono) -> Option<Duration> {
        let shown = self.on_show.as_ref()?;
        let seconds = || shown.time.as_ref().and_then(|time| time.until_next_second(now));
        shown.scene.as_ref().map_or_else(seconds, |scene| scene.next(now))
    }

    /// What its screens have in common.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Bytes that the output has taken since the display was made.
    pub fn bytes_pushed(&self) -> u64 {
        self.bytes
    }

    /// Asks the output whether it is still there.
    ///
    /// # Errors
    /// [`OutputError`]; the next screen is then drawn in any case.
    pub fn probe(&mut self) -> Result<(), OutputError> {
        self.output.probe().inspect_err(|_| self.forget())
    }

    /// Opens the output anew, if it is known how; what is drawn next is drawn in any case.
    ///
    /// # Errors
    /// As [`Output::open`].
    pub fn reopen(&mut self) -> Result<(), OutputError> {
        self.forget();
        if let Some(config) = &self.config {
            // The device is let go before it is taken again.
            self.output = Output::Missing;
            self.output = Output::open(config)?;
            if let Some(size) = self.output.size() {
                self.canvas = Canvas::new(size.width, size.height);
            }
        }
        Ok(())
    }

    /// Speaks `lang` from the next screen on.
    pub fn speak(&mut self, lang: Lang) {
        if self.frame.lang != lang {
            self.frame.lang = lang;
            self.on_show = None;
        }
    }

    /// Forgets what is on show, so that the next screen is drawn in any case: after the terminal
    /// was resized, or somebody else wrote on the panel.
    pub fn forget(&mut self) {
        self.on_show = None;
        self.pushed = None;
    }

    /// Pushes what was touched, or all that differs from what was pushed before.
    fn push(&mut self, touched: Option<Vec<Rectangle>>, text: &str) -> Result<(), OutputError> {
        let earlier = self.pushed.take().filter(|earlier| earlier.size() == self.canvas.size());
        let all = || vec![self.canvas.bounding_box()];
        let damage = match (&earlier, touched) {
            (None, _) => all(),
            (Some(_), Some(touched)) => touched,
            (Some(earlier), None) => damage(earlier, &self.canvas),
        };
        // Browsers are told first: they must not be left with a code that is over.
        if let Some(mirror) = &self.mirror {
            mirror.publish(&self.canvas, &damage, text.to_owned(), self.frame.lang);
        }
        self.bytes += self.output.push(&self.canvas, &damage)? as u64;
        let mut pushed = earlier.unwrap_or_else(|| self.canvas.clone());
        for area in &damage {
            pushed.copy(&self.canvas, area);
        }
        self.pushed = Some(pushed);
        Ok(())
    }
}
