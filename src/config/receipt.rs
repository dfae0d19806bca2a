//! The `[receipt]` section: how wide lines are, what stands below them and where they are printed.

use super::check::{Problems, Terminal};
use super::raw::RawReceipt;
use crate::id::check_text;
use crate::printer::PrinterConfig;
use crate::receipt::{Columns, Head};

/// Longest text at the end of a receipt, in characters: seven lines of the usual paper.
const DISCLAIMER_LEN_MAX: usize = 200;

/// Checks everything and collects all complaints.
pub(super) fn check(
    raw: RawReceipt,
    terminal: &Terminal,
    problems: &mut Problems,
) -> (Head, Option<PrinterConfig>) {
    let head = Head {
        columns: columns(raw.columns, problems),
        disclaimer: disclaimer(raw.disclaimer.clone(), problems),
        ..Head::new(terminal.merchant.clone(), terminal.name.clone(), terminal.zone.clone())
    };
    (head, printer(raw, problems))
}

fn columns(count: Option<u32>, problems: &mut Problems) -> Columns {
    let Some(count) = count else { return Columns::default() };
    Columns::new(count).unwrap_or_else(|| {
        let known = Columns::ALL.map(|columns| columns.count().to_string()).join(", ");
        problems.add("receipt.columns", format!("{count} is none of {known}"));
        Columns::default()
    })
}

fn disclaimer(text: Option<String>, problems: &mut Problems) -> Option<String> {
    if let Err(wrong) = check_text(text.as_deref()?, DISCLAIMER_LEN_MAX) {
        problems.add("receipt.disclaimer", wrong);
        return None;
    }
    text
}

fn printer(raw: RawReceipt, problems: &mut Problems) -> Option<PrinterConfig> {
    if raw.printer_command.is_some() && raw.printer_device.is_some() {
        let wrong = "cannot stand beside receipt.printer_command: leave out one of them";
        problems.add("receipt.printer_device", wrong);
        return None;
    }
    if let Some(command) = raw.printer_command {
        if command.first().is_none_or(|program| program.trim().is_empty()) {
            let wrong = "names no program, for example [\"lp\", \"-d\", \"desk\"]";
            problems.add("receipt.printer_command", wrong);
            return None;
        }
        return Some(PrinterConfig::Command(command));
    }
    let path = raw.printer_device?;
    if !path.is_absolute() {
        let wrong = format!("{path:?} is not the path of a device such as \"/dev/usb/lp0\"");
        problems.add("receipt.printer_device", wrong);
        return None;
    }
    Some(PrinterConfig::Device(path))
}
