//! The `[display]` section: where screens go, how they look and what beside them draws attention.

use super::check::{Problems, Terminal};
use super::raw::{RawColors, RawDisplay, RawOutput, RawTheme};
use crate::display::framebuffer::Rotation;
use crate::display::logo::Logo;
use crate::display::theme::{self, Colors, Theme};
use crate::display::{AttentionConfig, Frame, InputConfig, OutputConfig};
use crate::i18n::Lang;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Longest link that is shown in letters.
const SHORT_LINK_LEN_MAX: usize = 80;

/// The display in all its parts.
#[derive(Debug, Clone)]
pub struct DisplayConfig {
    /// Where screens go.
    pub output: OutputConfig,
    /// What all screens have in common.
    pub frame: Frame,
    /// What beside the screen draws attention.
    pub attention: AttentionConfig,
    /// What opens the page for those who look after the terminal.
    pub operator_input: Option<InputConfig>,
    /// Where browsers see what the shopper sees.
    pub mirror: Option<SocketAddr>,
}

pub(super) fn check(
    raw: RawDisplay,
    terminal: &Terminal,
    sale_timeout: Duration,
    problems: &mut Problems,
) -> Option<DisplayConfig> {
    let output = output(&raw, problems);
    let frame = frame(&raw, terminal, sale_timeout, problems);
    let attention = attention(&raw, problems);
    let mirror = mirror(&raw, problems);
    let key = raw.operator_key;
    if key.is_some() && raw.operator_input.is_none() {
        problems.add("display.operator_key", "is a key of no device: set display.operator_input");
    }
    let operator_input = raw.operator_input.map(|path| InputConfig { path, key });
    Some(DisplayConfig { output: output?, frame, attention, operator_input, mirror })
}

fn output(raw: &RawDisplay, problems: &mut Problems) -> Option<OutputConfig> {
    match problems.need("display.output", raw.output, "framebuffer")? {
        RawOutput::Framebuffer => {
            let path = raw.device.clone().unwrap_or_else(|| PathBuf::from("/dev/fb0"));
            Some(OutputConfig::Framebuffer { path, rotation: rotation(raw, problems)? })
        }
        RawOutput::Drm => {
            let path = raw.device.clone().unwrap_or_else(|| PathBuf::from("/dev/dri/card0"));
            let (connector, rotation) = (raw.connector.clone(), rotation(raw, problems)?);
            Some(OutputConfig::Drm { path, connector, rotation })
        }
        RawOutput::Png => {
            let path = problems.need("display.path", raw.path.clone(), "screen.png")?;
            let mut side = |key: &str, value: Option<u32>, default: u32| {
                let value = value.unwrap_or(default);
                if !(64..=4096).contains(&value) {
                    problems.add(key, format!("{value} is out of range: 64 to 4096 pixels"));
                }
                value
            };
            let width = side("display.width", raw.width, 480);
            let height = side("display.height", raw.height, 800);
            let scale = raw.scale.unwrap_or(1).clamp(1, 8);
            Some(OutputConfig::Png { path, width, height, scale })
        }
        RawOutput::Terminal => Some(OutputConfig::Ansi),
        RawOutput::None => Some(OutputConfig::None),
    }
}

fn rotation(raw: &RawDisplay, problems: &mut Problems) -> Option<Rotation> {
    let degrees = raw.rotation.unwrap_or(0);
    let rotation = Rotation::from_degrees(degrees);
    if rotation.is_none() {
        problems.add("display.rotation", format!("{degrees} is not 0, 90, 180 or 270"));
    }
    rotation
}

fn frame(
    raw: &RawDisplay,
    terminal: &Terminal,
    sale_timeout: Duration,
    problems: &mut Problems,
) -> Frame {
    let lang = Lang::from_tag(terminal.locale.as_str());
    Frame {
        merchant: terminal.merchant.clone(),
        logo: logo(raw, problems),
        lang,
        second_lang: second_language(raw, problems).filter(|second| *second != lang),
        alternate: problems.seconds("display.alternate_s", raw.alternate_s, 5, 60),
        theme: theme(raw, problems),
        large_text: raw.large_text.unwrap_or(false),
        time_limit_s: u32::try_from(sale_timeout.as_secs()).unwrap_or(u32::MAX),
        warning_s: warning_s(raw, sale_timeout, problems),
        short_link: short_link(raw, problems),
    }
}

fn warning_s(raw: &RawDisplay, sale_timeout: Duration, problems: &mut Problems) -> u32 {
    let most = u32::try_from(sale_timeout.as_secs() / 2).unwrap_or(u32::MAX);
    let warning_s = raw.warning_s.unwrap_or(most.min(Frame::default().warning_s));
    if warning_s > most {
        let wrong = format!("{warning_s} is out of range: 0 to {most}, half of payment.timeout_s");
        problems.add("display.warning_s", wrong);
    }
    warning_s
}

fn logo(raw: &RawDisplay, problems: &mut Problems) -> Option<Arc<Logo>> {
    let path = raw.logo.as_ref()?;
    match Logo::read(path) {
        Ok(logo) => Some(Arc::new(logo)),
        Err(error) => {
            problems.add("display.logo", format!("{} {error}", path.display()));
            None
        }
    }
}

fn second_language(raw: &RawDisplay, problems: &mut Problems) -> Option<Lang> {
    let tag = raw.second_language.as_deref()?;
    let lang = Lang::from_tag(tag);
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    if lang == Lang::En && !primary.eq_ignore_ascii_case("en") {
        let known: Vec<&str> = crate::i18n::LANGS.iter().map(|lang| lang.tag()).collect();
        let known = known.join(", ");
        problems.add("display.second_language", format!("{tag:?} is none of {known}"));
        return None;
    }
    Some(lang)
}

fn theme(raw: &RawDisplay, problems: &mut Problems) -> Theme {
    let theme = match raw.theme.unwrap_or(RawTheme::Light) {
        RawTheme::Light => Theme::LIGHT,
        RawTheme::Dark => Theme::DARK,
        RawTheme::Contrast => Theme::CONTRAST,
        RawTheme::Mono => Theme::MONO,
    };
    let colors = colors(&raw.colors, problems);
    theme.with(&colors).unwrap_or_else(|faint| {
        for wrong in faint {
            problems.add("display.colors", wrong);
        }
        theme
    })
}

fn colors(raw: &RawColors, problems: &mut Problems) -> Colors {
    let mut color = |name: &str, text: &Option<String>| {
        let text = text.as_deref()?;
        let color = theme::parse(text);
        if color.is_none() {
            let key = format!("display.colors.{name}");
            problems.add(&key, format!("{text:?} is not a colour such as \"#0b564c\""));
        }
        color
    };
    Colors {
        background: color("background", &raw.background),
        ink: color("ink", &raw.ink),
        muted: color("muted", &raw.muted),
        accent: color("accent", &raw.accent),
        alert: color("alert", &raw.alert),
    }
}

fn short_link(raw: &RawDisplay, problems: &mut Problems) -> Option<String> {
    let link = raw.short_link.clone()?;
    let plain = link.chars().all(|c| c.is_ascii_graphic());
    if !link.contains("{code}") || !plain || link.len() > SHORT_LINK_LEN_MAX {
        let wrong = format!(
            "{link:?} is not a link such as \"pay.shop.example/{{code}}\" of at most \
             {SHORT_LINK_LEN_MAX} characters"
        );
        problems.add("display.short_link", wrong);
        return None;
    }
    Some(link)
}

fn attention(raw: &RawDisplay, problems: &mut Problems) -> AttentionConfig {
    let brightness = raw.brightness.unwrap_or(60);
    if !(1..=100).contains(&brightness) {
        let wrong = format!("{brightness} is out of range: 1 to 100 percent");
        problems.add("display.brightness", wrong);
    }
    if raw.speech.as_ref().is_some_and(|command| command.first().is_none_or(String::is_empty)) {
        problems.add("display.speech", "names no program, for example [\"/usr/bin/say\"]");
    }
    AttentionConfig {
        backlight: raw.backlight.clone(),
        brightness,
        led: raw.led.clone(),
        buzzer: raw.buzzer.clone().map(|chip| (chip, raw.buzzer_channel.unwrap_or(0))),
        speech: raw.speech.clone().unwrap_or_default(),
    }
}

fn mirror(raw: &RawDisplay, problems: &mut Problems) -> Option<SocketAddr> {
    let text = raw.mirror.as_deref()?;
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Some(address),
        Ok(_) => {
            let wrong = format!(
                "{text:?} can be reached from elsewhere, and the page asks for no password: use \
                 127.0.0.1 and, from another computer, a tunnel such as ssh -L"
            );
            problems.add("display.mirror", wrong);
            None
        }
        Err(_) => {
            let wrong = format!("{text:?} is not an address such as \"127.0.0.1:8480\"");
            problems.add("display.mirror", wrong);
            None
        }
    }
}
