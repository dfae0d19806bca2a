//! Result and error codes (PA00P015 ch. 10): in bitmap 27, in `06 1E`, and as the instruction of
//! `84 xx`. Which of them a payment ends with is decided elsewhere.

use std::fmt;

/// One byte that says how a command has ended. 00 is good; 01 to 63 are codes of whoever
/// authorises; the others are the terminal's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u8);

macro_rules! codes {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl Code {
            $(
                #[doc = $text]
                pub const $name: Self = Self($code);
            )*

            /// What the code says, in the words of the specification; empty for those that no
            /// message of ours carries.
            pub fn text(self) -> &'static str {
                match self.0 {
                    $($code => $text,)*
                    _ => "",
                }
            }
        }
    };
}

codes! {
    OK = 0x00, "no error";
    DECLINED = 0x05, "declined";
    WRONG_PASSWORD = 0x37, "wrong password";
    PROCESSING_ERROR = 0x66, "processing error";
    NOT_REGISTERED = 0x6B, "function deactivated or not registered";
    ABORTED = 0x6C, "abort via timeout or abort key";
    WRONG_CURRENCY = 0x6F, "wrong currency";
    END_OF_DAY_NOT_POSSIBLE = 0x77, "end of day not possible";
    BAUD_RATE_NOT_SETTABLE = 0x7D, "communication error";
    NOT_POSSIBLE = 0x83, "function not possible";
    PROTOCOL_ERROR = 0x9A, "ZVT protocol error";
    COMMUNICATION_FAULT = 0x9B, "communication fault";
    PLEASE_WAIT = 0x9C, "please wait";
    PARTIAL_ISSUE = 0x9D, "part of the goods handed over";
    NOT_READY = 0xA0, "receiver not ready";
    NO_ANSWER = 0xA1, "remote station does not respond";
    NO_CONNECTION = 0xA3, "no connection";
    MEMORY_FULL = 0xB1, "memory full";
    JOURNAL_FULL = 0xB2, "journal full";
    ALREADY_REVERSED = 0xB4, "already reversed";
    REVERSAL_NOT_POSSIBLE = 0xB5, "reversal not possible";
    PRE_AUTHORISATION_WRONG = 0xB7, "pre-authorisation incorrect";
    PRE_AUTHORISATION = 0xB8, "pre-authorisation error";
    DIAGNOSIS_REQUIRED = 0xC2, "diagnosis required";
    AMOUNT_TOO_LARGE = 0xC3, "maximum amount exceeded";
    PAYMENT_METHOD = 0xC5, "payment method not supported";
    CURRENCY_NOT_APPLICABLE = 0xC6, "currency not applicable";
    AMOUNT_TOO_SMALL = 0xC8, "amount too small";
    PRINTER_NOT_READY = 0xCC, "printer not ready";
    ACTIVATION_REQUIRED = 0xE4, "activation required";
    RECONCILIATION_REQUIRED = 0xF0, "open end-of-day batch present";
    BAUD_RATE_UNKNOWN = 0xFD, "wrong baud rate";
    SYSTEM_ERROR = 0xFF, "system error";
}

impl Code {
    /// [`Self::text`] for people: never empty.
    pub fn meaning(self) -> &'static str {
        match (self, self.text()) {
            (Self::ABORTED, _) => "aborted",
            (Self::NOT_POSSIBLE, _) => "the terminal cannot do this",
            (_, "") if (0x01..=0x63).contains(&self.0) => "refused by the payment service",
            (_, "") => "no reason that is known",
            (_, text) => text,
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

/// The terminal's state in the answer to a status enquiry (PA00P015 ch. 11).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TerminalStatus(pub u8);

impl TerminalStatus {
    /// Ready.
    pub const READY: Self = Self(0x00);
    /// Initialisation required.
    pub const INITIALISATION_REQUIRED: Self = Self(0x51);
    /// Date or time incorrect.
    pub const CLOCK_WRONG: Self = Self(0x62);
    /// Busy; please wait.
    pub const PLEASE_WAIT: Self = Self(0x9C);
    /// Out of order.
    pub const OUT_OF_ORDER: Self = Self(0xDF);
    /// Reconciliation required.
    pub const RECONCILIATION_REQUIRED: Self = Self(0xF0);
}

impl TerminalStatus {
    /// What the state is; empty for those that no message of ours carries.
    pub fn text(self) -> &'static str {
        match self {
            Self::READY => "ready",
            Self::INITIALISATION_REQUIRED => "initialisation required",
            Self::CLOCK_WRONG => "date or time incorrect",
            Self::PLEASE_WAIT => "please wait",
            Self::OUT_OF_ORDER => "out of order",
            Self::RECONCILIATION_REQUIRED => "reconciliation required",
            _ => "",
        }
    }
}

impl fmt::Debug for TerminalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}
