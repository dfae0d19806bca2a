//! A second till that connects while a command of the first one is being carried out. It is told to
//! wait (PA00P015 ch. 10: 9C) and how the terminal is (§2.55), until the first is done or gone.

use super::apdu::Apdu;
use super::charset::Charset;
use super::code::{Code, TerminalStatus};
use super::message::{Answer, Command, Completion, StatusReport};
use super::stream::{Received, Splitter};

/// A till that waits for its turn.
#[derive(Debug, Default)]
pub struct Guest {
    splitter: Splitter,
}

impl Guest {
    /// Takes in bytes, cut anywhere; returns what is to be written, each by itself.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let apdus = self.splitter.feed(bytes).into_iter();
        let whole = apdus.filter_map(|received| match received {
            Received::Apdu(apdu) => Some(apdu),
            Received::TooLong(_) => None,
        });
        whole
            .flat_map(|apdu| answers(&apdu))
            .filter_map(|a| a.encode(Charset::Cp437).ok())
            .collect()
    }

    /// Its turn has come: what it has sent of a message that is not whole yet.
    pub fn into_rest(self) -> Vec<u8> {
        self.splitter.into_rest()
    }
}

fn answers(apdu: &[u8]) -> Vec<Answer> {
    let Ok(apdu) = Apdu::parse(apdu) else { return Vec::new() };
    match Command::parse(&apdu) {
        Ok(command) if !command.is_answered() => Vec::new(),
        Ok(Command::StatusEnquiry(asked)) => {
            let version = asked.wants_version().then(|| env!("CARGO_PKG_VERSION").to_owned());
            let report = StatusReport { version, status: TerminalStatus::PLEASE_WAIT, tlv: None };
            vec![Answer::Acknowledged, Answer::Completion(Completion::Status(report))]
        }
        Ok(_) => vec![Answer::Refused(Code::PLEASE_WAIT)],
        Err(error) => vec![Answer::Refused(error.code())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::hex;

    #[test]
    fn a_guest_is_told_to_wait() {
        let mut guest = Guest::default();
        let mut say = |bytes: &str| -> Vec<String> {
            guest.receive(&hex::bytes(bytes)).iter().map(|bytes| hex::text(bytes)).collect()
        };
        assert_eq!(say("06 01 07 04 00 00 00"), [""; 0]);
        assert_eq!(say("00 10 10"), ["84 9C 00"]);
        assert_eq!(say("05 01 02 03 02"), ["80 00 00", "06 0F 01 9C"]);
        assert_eq!(say("80 00 00 84 66 00"), [""; 0], "answers are never answered");
        assert_eq!(say("06 01 00"), ["84 9A 00"]);
        assert_eq!(say("06 20"), [""; 0]);
        assert_eq!(guest.into_rest(), [0x06, 0x20]);
    }
}
