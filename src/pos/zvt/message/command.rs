//! What a till sends: commands, and its answers to what the terminal sends.

use super::Raw;
use crate::pos::zvt::apdu::Control;
use crate::pos::zvt::bcd::{
    CurrencyCode, FullDate, MinorUnits, Password, Receipt, TerminalId, Time, Trace,
};
use crate::pos::zvt::charset::Charset;
use crate::pos::zvt::code::Code;

/// A message of the till.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// `06 00`: what the till can and wants.
    Registration(Registration<'a>),
    /// `06 01`: pay.
    Authorisation(Payment<'a>),
    /// `06 02`: log off.
    LogOff,
    /// `06 10`: sums of the open shift.
    Totals(Password),
    /// `06 12`: print receipts again.
    Reprint(Password),
    /// `06 18`: restart.
    Reset,
    /// `06 1A`: print how the terminal is set up.
    PrintConfiguration,
    /// `06 1B`: another terminal identifier.
    SetTerminal(Password, TerminalId),
    /// `06 20`: the last result and receipt again.
    RepeatReceipt(RepeatReceipt),
    /// `06 22`: authorise, capture later.
    Reservation(Payment<'a>),
    /// `06 23`: release a part of what was reserved and capture the rest, or list what is open.
    PartialReversal(Booking<'a>),
    /// `06 24`: capture what was reserved.
    BookTotal(Booking<'a>),
    /// `06 25`: give up what was reserved.
    CancelReservation(Booking<'a>),
    /// `06 30`: undo a payment.
    Reversal(Reversal<'a>),
    /// `06 31`: give money back.
    Refund(Refund<'a>),
    /// `06 50`: close the shift.
    EndOfDay(Password),
    /// `06 70`: check the connection; the kind of diagnosis from tag 1B, if named.
    Diagnosis(Option<u8>),
    /// `06 79`: check the terminal.
    SelfTest,
    /// `06 91`: set the clock.
    SetTime(FullDate, Time),
    /// `06 93`: initialise.
    Initialisation(Password),
    /// `06 B0`: abort what is running.
    Abort,
    /// `06 E0`: show a text.
    DisplayText(DisplayText<'a>),
    /// `05 01`: how is the terminal?
    StatusEnquiry(StatusEnquiry<'a>),
    /// `08 40`: another baud rate, by its code (0 is 9600, 7 is 115200).
    BaudRate(u8),
    /// `80 00` or `84 00`: the till has taken in what was sent last.
    Acknowledged,
    /// `84 xx`: the till refuses what was sent last.
    Refused(Refusal),
    /// A class 80 message that means nothing. It is never answered, like all of classes 80 and 84:
    /// two sides that answer each other's answers never stop.
    Stray(Control),
    /// Anything else.
    Unknown(Control),
}

impl Command<'_> {
    /// The message is a command, which is always answered; otherwise it is an answer, which never
    /// is.
    pub fn is_answered(&self) -> bool {
        !matches!(self, Self::Acknowledged | Self::Refused(_) | Self::Stray(_))
    }
}

/// `06 00` (PA00P015: registration).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration<'a> {
    /// The terminal's password.
    pub password: Password,
    /// Who prints, who shows what.
    pub config: RegistrationConfig,
    /// The currency of amounts that name none.
    pub currency: Option<CurrencyCode>,
    /// BMP 03: bit 0 no service menu, bit 1 capitals.
    pub service: Option<u8>,
    /// BMP 06: the till understands containers, even if this one is empty.
    pub tlv: Option<Raw<'a>>,
}

/// The registration's configuration byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationConfig(pub u8);

impl RegistrationConfig {
    /// What holds after a log-off: the till prints, from print commands, and hears of nothing else.
    pub const LOGGED_OFF: Self = Self(0x86);

    /// The till prints receipts of payments; otherwise the terminal does.
    pub fn till_prints_payments(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// The till prints receipts of end of day and the like; otherwise the terminal does.
    pub fn till_prints_administration(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// The till wants intermediate status (`04 FF`).
    pub fn wants_intermediate_status(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// Receipts come as print commands; otherwise the till composes them from `04 0F`.
    pub fn wants_print_commands(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// What a registration's container says of the till.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TillAbilities {
    /// Tag 26: `06 D3` is among the commands that the till understands.
    pub print_block: bool,
    /// Tag 12: characters in a line.
    pub line_width: Option<u8>,
    /// Tag 14, or the first of tag 27, that we know.
    pub charset: Option<Charset>,
    /// Tag 1A: longest APDU in bytes.
    pub apdu_len_max: Option<u16>,
}

/// `06 01` and `06 22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payment<'a> {
    /// BMP 04.
    pub amount: MinorUnits,
    /// BMP 49.
    pub currency: Option<CurrencyCode>,
    /// BMP 19: how to pay, as far as the till decides that.
    pub payment_type: Option<u8>,
    /// BMP 01: how long to wait, in a unit that depends on the till.
    pub timeout: Option<u8>,
    /// BMP 02: how often a result may be sent again after `84 9C`.
    pub status_infos_max: Option<u8>,
    /// BMP 06.
    pub tlv: Option<Raw<'a>>,
}

/// `06 20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepeatReceipt {
    /// The terminal's password.
    pub password: Password,
    /// BMP 03: see the methods.
    pub service: Option<u8>,
}

impl RepeatReceipt {
    /// The result is wanted as `04 0F`, too.
    pub fn wants_status_information(&self) -> bool {
        self.service.is_some_and(|service| service & 0x01 != 0)
    }

    /// The receipt is wanted.
    pub fn wants_receipt(&self) -> bool {
        self.service.is_none_or(|service| service & 0x02 == 0)
    }
}

/// Which reservation a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptName {
    /// The one with this receipt.
    Number(Receipt),
    /// `FF FF`: all that are open.
    AllOpen,
}

impl ReceiptName {
    pub(super) fn bytes(self) -> [u8; 2] {
        match self {
            Self::Number(receipt) => receipt.bytes(),
            Self::AllOpen => [0xFF, 0xFF],
        }
    }
}

/// `06 23`, `06 24` and `06 25` (PA00P015 §2.8 to §2.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booking<'a> {
    /// BMP 04: what is captured by `06 24`, what is released by `06 23`.
    pub amount: Option<MinorUnits>,
    /// BMP 19.
    pub payment_type: Option<u8>,
    /// BMP 49.
    pub currency: Option<CurrencyCode>,
    /// BMP 87.
    pub receipt: ReceiptName,
    /// BMP 06.
    pub tlv: Option<Raw<'a>>,
}

/// `06 30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reversal<'a> {
    /// The terminal's password.
    pub password: Password,
    /// BMP 04: what was paid.
    pub amount: Option<MinorUnits>,
    /// BMP 37: the payment's trace number; it or the receipt is always there.
    pub trace: Option<Trace>,
    /// BMP 49.
    pub currency: Option<CurrencyCode>,
    /// BMP 87: the payment's receipt number.
    pub receipt: Option<Receipt>,
    /// BMP 06.
    pub tlv: Option<Raw<'a>>,
}

/// `06 31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund<'a> {
    /// The terminal's password.
    pub password: Password,
    /// BMP 04.
    pub amount: MinorUnits,
    /// BMP 37: a payment's trace number, from tills that name one.
    pub trace: Option<Trace>,
    /// BMP 49.
    pub currency: Option<CurrencyCode>,
    /// BMP 87: a payment's receipt number, from tills that name one.
    pub receipt: Option<Receipt>,
    /// BMP 06.
    pub tlv: Option<Raw<'a>>,
}

/// `06 E0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisplayText<'a> {
    /// BMP F0: seconds; 0 is for ever.
    pub duration_s: Option<u8>,
    /// BMP F1 to F8, in whatever code page the till thinks is right.
    pub lines: [Option<Raw<'a>>; 8],
}

/// `05 01` (PA00P015 §2.55).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusEnquiry<'a> {
    /// The terminal's password; many tills send none.
    pub password: Option<Password>,
    /// BMP 03: see the methods.
    pub service: Option<u8>,
    /// BMP 06.
    pub tlv: Option<Raw<'a>>,
}

impl StatusEnquiry<'_> {
    /// The software's version is wanted.
    pub fn wants_version(&self) -> bool {
        self.service.is_none_or(|service| service & 0x02 == 0)
    }

    /// A container is wanted.
    pub fn wants_tlv(&self) -> bool {
        self.service.is_some_and(|service| service & 0x04 != 0)
    }
}

/// `84 xx`, as an answer to what the terminal has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The instruction: 9C asks for the same again, 9D says that only a part was handed over.
    pub code: Code,
    /// BMP 04, with 9D: what was handed over.
    pub amount: Option<MinorUnits>,
}
