//! What a screen asks of light, sound and voice.
//!
//! Every state is told apart by its icon and words alone; this is for people who look or listen
//! elsewhere. Nothing flashes faster than twice a second (WCAG 2.2, success criterion 2.3.1).

use super::attention::light::{Backlight, BlinkPeriod, Led};
use super::attention::sound::{Buzzer, Signal};
use super::attention::speech::Speaker;
use super::content::Content;
use super::{AttentionConfig, Frame};
use crate::payment::screen::Screen;
use std::io;
use std::mem::discriminant;

/// What the lamp does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lamp {
    /// Nothing is expected of anybody.
    Dark,
    /// It is done.
    Lit,
    /// Somebody is to do something.
    Blinking,
}

/// What goes with a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cue {
    /// A camera looks at the screen.
    pub is_bright: bool,
    /// The lamp.
    pub lamp: Lamp,
    /// What is heard when the screen comes on show.
    pub signal: Option<Signal>,
}

impl Cue {
    /// What goes with `screen`.
    pub fn of(screen: &Screen) -> Self {
        let cue = |lamp, signal| Self { is_bright: false, lamp, signal };
        match screen {
            Screen::Scan { .. } => {
                Self { is_bright: true, lamp: Lamp::Blinking, signal: Some(Signal::Attention) }
            }
            Screen::Operator(_) => Self { is_bright: true, ..cue(Lamp::Dark, None) },
            Screen::Approved { .. } | Screen::Refunded { .. } | Screen::RefundQueued { .. } => {
                cue(Lamp::Lit, Some(Signal::Success))
            }
            Screen::Cancelled
            | Screen::NotCompleted
            | Screen::NotAvailable
            | Screen::NoConnection => cue(Lamp::Dark, Some(Signal::Failure)),
            Screen::UnknownOutcome { .. } | Screen::AskStaff { .. } => {
                cue(Lamp::Blinking, Some(Signal::Attention))
            }
            Screen::Idle
            | Screen::Checking { .. }
            | Screen::ShopperPaying { .. }
            | Screen::Confirming { .. }
            | Screen::Refunding { .. }
            | Screen::NoTill
            | Screen::ClockWrong
            | Screen::StorageFull
            | Screen::Updating
            | Screen::OutOfService { .. } => cue(Lamp::Dark, None),
        }
    }
}

/// The devices that a terminal has.
#[derive(Debug, Default)]
pub struct Attention {
    backlight: Option<Device<Backlight>>,
    lamp: Option<Device<Led>>,
    buzzer: Option<Device<Buzzer>>,
    speaker: Option<Device<Speaker>>,
    brightness: u8,
    /// The light that was set last.
    level: Option<u8>,
    last: Option<Screen>,
    warned: bool,
}

/// A device whose first failure is logged, and the others are not.
#[derive(Debug)]
struct Device<T> {
    name: &'static str,
    device: T,
    failed: bool,
}

impl<T> Device<T> {
    fn open(name: &'static str, opened: io::Result<T>) -> Option<Self> {
        match opened {
            Ok(device) => Some(Self { name, device, failed: false }),
            Err(error) => {
                tracing::error!(%error, "the {name} cannot be used; payments go on without it");
                None
            }
        }
    }

    fn use_it(&mut self, action: impl FnOnce(&T) -> io::Result<()>) {
        let result = action(&self.device);
        if let Err(error) = &result
            && !self.failed
        {
            tracing::warn!(%error, "the {} does not work; payments go on without it", self.name);
        }
        self.failed = result.is_err();
    }
}

impl Attention {
    /// Opens what is configured; what cannot be opened is logged and left out.
    pub fn open(config: &AttentionConfig) -> Self {
        let backlight = config.backlight.as_deref().map(Backlight::open);
        let lamp = config.led.as_deref().map(Led::open);
        let buzzer = config.buzzer.as_ref().map(|(chip, channel)| Buzzer::open(chip, *channel));
        let speaker = (!config.speech.is_empty()).then(|| Speaker::new(config.speech.clone()));
        Self {
            backlight: backlight.and_then(|opened| Device::open("backlight", opened)),
            lamp: lamp.and_then(|opened| Device::open("lamp", opened)),
            buzzer: buzzer.and_then(|opened| Device::open("buzzer", opened)),
            speaker: speaker.and_then(|opened| Device::open("voice", opened)),
            brightness: config.brightness,
            level: None,
            last: None,
            warned: false,
        }
    }

    /// Before `screen` comes on show: the light that a camera needs.
    pub fn prepare(&mut self, screen: &Screen) {
        let level = if Cue::of(screen).is_bright { 100 } else { self.brightness };
        if let Some(light) = &mut self.backlight
            && self.level != Some(level)
        {
            light.use_it(|light| light.set(level));
            self.level = (!light.failed).then_some(level);
        }
    }

    /// `screen` has come on show; the same one again says nothing.
    pub fn shown(&mut self, screen: &Screen, frame: &Frame) {
        let before = self.last.replace(screen.clone());
        let kind = |screen: &Screen| discriminant(screen);
        if before.as_ref().is_some_and(|before| kind(before) == kind(screen)) {
            return;
        }
        self.warned = false;
        let cue = Cue::of(screen);
        if let Some(lamp) = &mut self.lamp {
            lamp.use_it(|lamp| match cue.lamp {
                Lamp::Dark => lamp.off(),
                Lamp::Lit => lamp.on(),
                Lamp::Blinking => lamp.blink(BlinkPeriod::SECOND),
            });
        }
        // What was there when the terminal started is no news.
        if before.is_some() {
            self.sound(cue.signal);
            let is_news = cue.signal.is_some() || matches!(screen, Screen::ShopperPaying { .. });
            if is_news {
                self.say(&Content::new(screen, frame, frame.lang).spoken(), frame);
            }
        }
    }

    /// The time of the screen on show is nearly over; said once.
    pub fn warn(&mut self, screen: &Screen, frame: &Frame) {
        if std::mem::replace(&mut self.warned, true) {
            return;
        }
        self.sound(Some(Signal::Warning));
        if let Some(time) = Content::new(screen, frame, frame.lang).time {
            self.say(time.nearly_up, frame);
        }
        if let Some(lamp) = &mut self.lamp {
            lamp.use_it(|lamp| lamp.blink(BlinkPeriod::MIN));
        }
    }

    fn sound(&mut self, signal: Option<Signal>) {
        if let (Some(buzzer), Some(signal)) = (&mut self.buzzer, signal) {
            buzzer.use_it(|buzzer| buzzer.play(signal));
        }
    }

    fn say(&mut self, text: &str, frame: &Frame) {
        if let Some(speaker) = &mut self.speaker {
            speaker.use_it(|speaker| speaker.say(text, frame.lang.tag()));
        }
    }
}

impl Drop for Attention {
    fn drop(&mut self) {
        if let Some(light) = &mut self.backlight {
            light.use_it(Backlight::restore);
        }
        if let Some(lamp) = &mut self.lamp {
            lamp.use_it(Led::restore);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Mono;
    use crate::i18n::Lang;
    use crate::id::DistributionUrl;
    use crate::money::{Amount, Currency};
    use std::fs;
    use std::path::Path;

    fn amount() -> Amount {
        Amount::new(1234, Currency::new("EUR").expect("EUR"))
    }

    fn scan() -> Screen {
        let hosts = ["pay.klarna.com".to_owned()];
        let url = DistributionUrl::new("https://pay.klarna.com/1", &hosts).expect("a link");
        let due = Mono::default();
        Screen::Scan { url, amount: amount(), descriptor: None, again: false, due }
    }

    #[test]
    fn who_has_to_act_is_called_and_a_camera_has_light() {
        let (wait, ask) = (Screen::Idle, Screen::AskStaff { reason: "refund" });
        let unknown = Screen::UnknownOutcome { amount: amount() };
        assert!(Cue::of(&scan()).is_bright && !Cue::of(&wait).is_bright);
        for screen in [scan(), ask, unknown] {
            assert_eq!(Cue::of(&screen).lamp, Lamp::Blinking, "{screen:?}");
        }
        let paid = Cue::of(&Screen::Approved { amount: amount() });
        assert_eq!((paid.lamp, paid.signal), (Lamp::Lit, Some(Signal::Success)));
        let not_paid = Cue::of(&Screen::NotCompleted);
        assert_eq!((not_paid.lamp, not_paid.signal), (Lamp::Dark, Some(Signal::Failure)));
    }

    fn device(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir(folder).expect("a directory");
        for (name, value) in files {
            fs::write(folder.join(name), value).expect("writes");
        }
    }

    #[test]
    fn the_lamp_hurries_once_and_everything_is_put_back() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let (light, lamp) = (folder.path().join("light"), folder.path().join("lamp"));
        device(&light, &[("max_brightness", "100"), ("brightness", "77")]);
        let timer = [("trigger", "[none] timer"), ("delay_on", "0"), ("delay_off", "0")];
        device(&lamp, &[&[("max_brightness", "1"), ("brightness", "0")][..], &timer].concat());
        let config = AttentionConfig {
            backlight: Some(light.clone()),
            brightness: 30,
            led: Some(lamp.clone()),
            ..AttentionConfig::default()
        };
        let read = |folder: &Path, name: &str| {
            fs::read_to_string(folder.join(name)).expect("an attribute")
        };
        let frame = Frame { lang: Lang::De, ..Frame::default() };
        let mut attention = Attention::open(&config);
        for (screen, level) in [(Screen::Idle, "30"), (scan(), "100"), (scan(), "100")] {
            attention.prepare(&screen);
            attention.shown(&screen, &frame);
            assert_eq!(read(&light, "brightness"), level);
        }
        assert_eq!(read(&lamp, "delay_on"), "500");
        attention.warn(&scan(), &frame);
        assert_eq!(read(&lamp, "delay_on"), "250");
        fs::write(lamp.join("delay_on"), "0").expect("writes");
        attention.warn(&scan(), &frame);
        assert_eq!(read(&lamp, "delay_on"), "0", "warned once");
        drop(attention);
        assert_eq!(read(&light, "brightness"), "77");
    }

    #[test]
    fn devices_that_are_not_there_hold_nobody_up() {
        let config = AttentionConfig {
            backlight: Some("/nonexistent".into()),
            led: Some("/nonexistent".into()),
            buzzer: Some(("/nonexistent".into(), 0)),
            speech: vec!["/nonexistent".to_owned()],
            brightness: 50,
        };
        let mut attention = Attention::open(&config);
        attention.prepare(&scan());
        attention.shown(&Screen::Idle, &Frame::default());
        attention.shown(&scan(), &Frame::default());
        attention.warn(&scan(), &Frame::default());
    }
}
