//! What a cashier may ask for, as a command line, as words at the prompt, and as ZVT commands.

use super::link::{Format, Target};
use crate::money::{Amount, Currency};
use crate::pos::zvt::bcd::{CurrencyCode, MinorUnits, Password, Receipt};
use crate::pos::zvt::message::{
    Booking, Command, Payment, Raw, ReceiptName, Refund, Registration, RegistrationConfig,
    RepeatReceipt, Reversal, StatusEnquiry, control,
};
use crate::pos::zvt::tlv;
use anyhow::Context as _;
use std::path::PathBuf;

/// BMP 03 of `06 20`: the result as `04 0F` and the receipt.
const RESULT_AND_RECEIPT: u8 = 0x01;

/// How to reach the terminal, and what to tell it about this till.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct Settings {
    /// Till protocol
    #[arg(long, value_enum, default_value_t = Protocol::Zvt)]
    pub(super) protocol: Protocol,
    /// The terminal: HOST, HOST:PORT (20007 without one), or a serial device such as /dev/ttyUSB0
    #[arg(long, value_name = "HOST|DEVICE", value_parser = Target::parse)]
    pub(super) connect: Target,
    /// Bits per second of a serial line
    #[arg(long, value_name = "RATE", default_value_t = 9600)]
    pub(super) baud: u32,
    /// Character format of a serial line
    #[arg(long, value_enum, default_value_t = Format::EightNoneTwo)]
    pub(super) format: Format,
    /// The terminal's password
    #[arg(long, value_name = "DIGITS", default_value = "000000", value_parser = password)]
    pub(super) password: Password,
    /// What the till registers for: 02 and 04 it prints, 08 it hears progress, 80 print commands
    #[arg(long, value_name = "HEX", default_value = "BE", value_parser = byte)]
    pub(super) config_byte: u8,
    /// Currency of all amounts
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    pub(in crate::cli) currency: Currency,
    /// Characters in a line of a receipt
    #[arg(long, value_name = "COUNT", default_value_t = 40,
        value_parser = clap::value_parser!(u8).range(16..=120))]
    pub(in crate::cli) width: u8,
    /// Write the dialogue down, decoded and without secrets; - is standard error
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
    /// Do not register before the first payment: the terminal remembers the registration
    #[arg(long)]
    pub(super) no_register: bool,
    /// Move money without asking
    #[arg(long, short)]
    pub(super) yes: bool,
}

impl Settings {
    /// The till prints receipts of payments and is sent none.
    pub(super) fn composes_receipts(&self) -> bool {
        let config = RegistrationConfig(self.config_byte);
        config.till_prints_payments() && !config.wants_print_commands()
    }
}

/// What the till speaks: ZVT (PA00P015 and PA00P016).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Protocol {
    Zvt,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub(in crate::cli) enum Operation {
    /// Register: say what the till can and wants
    Register,
    /// Take a payment
    Pay {
        /// Such as 10.10
        #[arg(value_name = "AMOUNT")]
        amount: String,
    },
    /// Abort what the terminal is doing
    Abort,
    /// Undo a payment
    Reverse {
        /// The payment's receipt number
        #[arg(value_name = "RECEIPT", value_parser = receipt)]
        receipt: Receipt,
    },
    /// Give a part of a payment back
    Refund {
        /// Such as 10.10
        #[arg(value_name = "AMOUNT")]
        amount: String,
        /// The payment's receipt number
        #[arg(long, value_name = "NUMBER", value_parser = receipt)]
        receipt: Receipt,
    },
    /// Ask for the last result and its receipt once more
    Repeat,
    /// Close the shift
    EndOfDay,
    /// Ask for the sums of the open shift
    Totals,
    /// Ask how the terminal is
    Status,
    /// Have the terminal check its connection
    Diagnosis,
    /// Initialise the terminal
    Initialise,
    /// Log off
    LogOff,
    /// Authorise an amount, to be booked later
    Reserve {
        /// Such as 10.10
        #[arg(value_name = "AMOUNT")]
        amount: String,
    },
    /// Take what was reserved
    Book {
        /// The reservation's receipt number
        #[arg(value_name = "RECEIPT", value_parser = receipt)]
        receipt: Receipt,
        /// Such as 10.10
        #[arg(value_name = "AMOUNT")]
        amount: String,
    },
    /// Give up what was reserved
    Cancel {
        /// The reservation's receipt number
        #[arg(value_name = "RECEIPT", value_parser = receipt)]
        receipt: Receipt,
    },
    /// Print receipts again
    Reprint,
}

fn password(text: &str) -> Result<Password, String> {
    let number = text.parse().ok().filter(|_| text.len() == 6 && is_digits(text));
    let password = number.and_then(|number| Password::new(number).ok());
    password.ok_or_else(|| "needs exactly 6 digits".to_owned())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn byte(text: &str) -> Result<u8, String> {
    let digits = text.trim_start_matches("0x");
    u8::from_str_radix(digits, 16).map_err(|_| "needs two hexadecimal digits".to_owned())
}

fn receipt(text: &str) -> Result<Receipt, String> {
    let number = text.parse().ok().filter(|_| is_digits(text));
    let receipt = number.and_then(|number| Receipt::new(number).ok());
    receipt.ok_or_else(|| "needs up to 4 digits".to_owned())
}

impl Operation {
    /// What is to be confirmed, if the operation moves money that nobody else confirms.
    pub(super) fn moves_money(&self, currency: Currency) -> Option<String> {
        Some(match self {
            Self::Reverse { receipt } => format!("Undo the payment with receipt {receipt}"),
            Self::Refund { amount, receipt } => {
                format!("Give {amount} {currency} of receipt {receipt} back")
            }
            Self::EndOfDay => "Close the shift".to_owned(),
            Self::Book { receipt, amount } => {
                format!("Take {amount} {currency} of receipt {receipt}")
            }
            Self::Cancel { receipt } => format!("Give up the reservation with receipt {receipt}"),
            Self::Register
            | Self::Pay { .. }
            | Self::Abort
            | Self::Repeat
            | Self::Totals
            | Self::Status
            | Self::Diagnosis
            | Self::Initialise
            | Self::LogOff
            | Self::Reserve { .. }
            | Self::Reprint => return None,
        })
    }

    /// How much it is about, where a result repeats that.
    pub(super) fn amount(&self, currency: Currency) -> Option<MinorUnits> {
        match self {
            Self::Pay { amount } | Self::Refund { amount, .. } => units(amount, currency).ok(),
            _ => None,
        }
    }

    /// The shopper is asked for money.
    pub(super) fn sells(&self) -> bool {
        matches!(self, Self::Pay { .. } | Self::Reserve { .. })
    }

    /// The command for it. `container` is the registration's.
    pub(in crate::cli) fn command<'a>(
        &self,
        settings: &Settings,
        container: &'a [u8],
    ) -> anyhow::Result<Command<'a>> {
        let currency = CurrencyCode::of(settings.currency);
        let password = settings.password;
        let units = |amount: &str| units(amount, settings.currency);
        let payment = |amount: &str| -> anyhow::Result<Payment<'a>> {
            let (payment_type, timeout, status_infos_max, tlv) = (None, None, None, None);
            let amount = units(amount)?;
            Ok(Payment { amount, currency, payment_type, timeout, status_infos_max, tlv })
        };
        let booking = |receipt: Receipt, amount: Option<MinorUnits>| Booking {
            amount,
            payment_type: None,
            currency: currency.filter(|_| amount.is_some()),
            receipt: ReceiptName::Number(receipt),
            tlv: None,
        };
        Ok(match self {
            Self::Register => Command::Registration(Registration {
                password,
                config: RegistrationConfig(settings.config_byte),
                currency,
                service: None,
                tlv: Some(Raw(container)),
            }),
            Self::Pay { amount } => Command::Authorisation(payment(amount)?),
            Self::Reserve { amount } => Command::Reservation(payment(amount)?),
            Self::Abort => Command::Abort,
            Self::Reverse { receipt } => Command::Reversal(Reversal {
                password,
                amount: None,
                trace: None,
                currency: None,
                receipt: Some(*receipt),
                tlv: None,
            }),
            Self::Refund { amount, receipt } => Command::Refund(Refund {
                password,
                amount: units(amount)?,
                trace: None,
                currency,
                receipt: Some(*receipt),
                tlv: None,
            }),
            Self::Repeat => {
                let service = Some(RESULT_AND_RECEIPT);
                Command::RepeatReceipt(RepeatReceipt { password, service })
            }
            Self::EndOfDay => Command::EndOfDay(password),
            Self::Totals => Command::Totals(password),
            Self::Status => Command::StatusEnquiry(StatusEnquiry {
                password: Some(password),
                service: None,
                tlv: None,
            }),
            Self::Diagnosis => Command::Diagnosis(None),
            Self::Initialise => Command::Initialisation(password),
            Self::LogOff => Command::LogOff,
            Self::Book { receipt, amount } => {
                Command::BookTotal(booking(*receipt, Some(units(amount)?)))
            }
            Self::Cancel { receipt } => Command::CancelReservation(booking(*receipt, None)),
            Self::Reprint => Command::Reprint(password),
        })
    }
}

fn units(text: &str, currency: Currency) -> anyhow::Result<MinorUnits> {
    let amount = Amount::parse(&text.replace(',', "."), currency)?;
    MinorUnits::of(amount).with_context(|| format!("{text} cannot be paid"))
}

/// The registration's container: the till prints blocks, so many characters wide.
pub(in crate::cli) fn abilities(width: u8) -> anyhow::Result<Vec<u8>> {
    let (mut commands, mut container) = (Vec::new(), Vec::new());
    tlv::push(&mut commands, 0x0A, &control::PRINT_BLOCK)?;
    tlv::push(&mut container, 0x12, &[width])?;
    tlv::push(&mut container, 0x26, &commands)?;
    Ok(container)
}
