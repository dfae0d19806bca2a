//! The till's line and protocol: what each of them needs, and its defaults.

use super::check::{Problems, Terminal};
use super::raw::{RawLink, RawProtocol, RawTill};
use crate::pos::zvt::bcd::{Password, TerminalId};
use crate::pos::{self, Format, LinkSettings, Protocol, TillSettings, zvt};
use std::net::SocketAddr;

/// BMP 8A of Klarna (PA00P015 13.13).
const CARD_TYPE: u8 = 120;
/// Digits of a ZVT password.
const PASSWORD_LEN: usize = 6;
/// Digits of a terminal identifier.
const TERMINAL_ID_LEN: usize = 8;

/// Checks everything and collects all complaints.
pub(super) fn check(
    raw: RawTill,
    terminal: &Terminal,
    problems: &mut Problems,
) -> Option<TillSettings> {
    let protocol = match raw.protocol.unwrap_or(RawProtocol::Native) {
        RawProtocol::Native => Protocol::Native,
        RawProtocol::Zvt => Protocol::Zvt(zvt(&raw, terminal, problems)?),
    };
    let link = link(&raw, &protocol, problems)?;
    let seven_bit = matches!(link, LinkSettings::Serial { format: Format::SevenEvenOne, .. });
    if seven_bit && protocol != Protocol::Native {
        problems.add("till.format", "ZVT needs 8 data bits, use \"8N2\" or \"8N1\"");
    }
    let native = pos::native::Settings {
        terminal: terminal.name.clone(),
        currencies: terminal.currencies.clone(),
        checksum_required: raw.checksum_required.unwrap_or(false),
        desk: false,
        seven_bit,
    };
    Some(TillSettings { link, protocol, native })
}

/// A serial line of ZVT is 9600 baud 8N2 unless said otherwise (PA00P016).
fn link(raw: &RawTill, protocol: &Protocol, problems: &mut Problems) -> Option<LinkSettings> {
    let (baud, format, listen) = match protocol {
        Protocol::Native => (115_200, Format::EightNoneOne, "127.0.0.1:9100"),
        Protocol::Zvt(_) => (9600, Format::EightNoneTwo, "0.0.0.0:20007"),
    };
    match problems.need("till.link", raw.link, "serial")? {
        RawLink::Serial => Some(LinkSettings::Serial {
            path: problems.need_text("till.port", raw.port.clone(), "/dev/ttyUSB0")?,
            baud: raw.baud.unwrap_or(baud),
            format: raw.format.unwrap_or(format),
        }),
        RawLink::Tcp => {
            let listen = problems.need("till.listen", raw.listen.clone(), listen)?;
            let address: Result<SocketAddr, _> = listen.parse();
            if address.is_err() {
                problems.add("till.listen", format!("{listen:?} is not an address and port"));
            }
            address.ok().map(|listen| LinkSettings::Tcp { listen })
        }
    }
}

/// A till that names no currency means the terminal's first one; ZVT knows no other.
fn zvt(
    raw: &RawTill,
    terminal: &Terminal,
    problems: &mut Problems,
) -> Option<zvt::session::Settings> {
    let id = problems.need_text("till.terminal_id", raw.terminal_id.clone(), "12345678")?;
    let id = digits("till.terminal_id", &id, TERMINAL_ID_LEN, problems);
    let password = raw.password.as_ref();
    let password = password.map(|text| digits("till.password", text, PASSWORD_LEN, problems));
    let password = match password {
        Some(password) => Some(Password::new(password?).ok()?),
        None => None,
    };
    Some(zvt::session::Settings {
        terminal: TerminalId::new(id?).ok()?,
        currency: *terminal.currencies.first()?,
        password,
        card_type: raw.card_type.unwrap_or(CARD_TYPE),
        profile: raw.profile.unwrap_or_default(),
        merchant: terminal.merchant.clone(),
        zone: terminal.zone.clone(),
    })
}

/// What was written is not repeated: it may be a password.
fn digits(key: &str, text: &str, count: usize, problems: &mut Problems) -> Option<u64> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !fits {
        problems.add(key, format!("needs exactly {count} digits, in quotes"));
    }
    text.parse().ok().filter(|_| fits)
}
