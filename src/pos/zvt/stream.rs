//! The TCP transport (PA00P016): APDUs one after the other, without any framing, in whatever
//! pieces the network delivers them.

use super::APDU_LEN_MAX;
use super::apdu::{Control, Header};

/// What comes out of a TCP connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole APDU, its header included.
    Apdu(Vec<u8>),
    /// An APDU longer than [`APDU_LEN_MAX`] has begun; its bytes are skipped as they come.
    TooLong(Control),
}

/// Finds APDUs in bytes that are cut anywhere; holds at most one of them.
#[derive(Debug, Default)]
pub struct Splitter {
    apdu: Vec<u8>,
    /// So many bytes of an over-long APDU are still to come.
    skip_len: usize,
}

impl Splitter {
    /// A fresh connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in bytes. What comes out does not depend on how they were cut.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Vec<Received> {
        let mut received = Vec::new();
        while !bytes.is_empty() {
            if self.skip_len > 0 {
                let skipped = self.skip_len.min(bytes.len());
                self.skip_len -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let wanted = self.wanted_len().min(bytes.len());
            self.apdu.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            received.extend(self.finish());
        }
        received
    }

    /// The beginning of an APDU that has not ended, for whoever reads on.
    pub fn into_rest(self) -> Vec<u8> {
        self.apdu
    }

    /// An APDU has begun and has not ended.
    pub fn in_apdu(&self) -> bool {
        !self.apdu.is_empty() || self.skip_len > 0
    }

    /// How many bytes are missing: of the APDU, or as long as its length is unknown, of its header.
    fn wanted_len(&self) -> usize {
        match Header::parse(&self.apdu) {
            Some(header) => header.len + header.data_len - self.apdu.len(),
            None => 1,
        }
    }

    fn finish(&mut self) -> Option<Received> {
        let header = Header::parse(&self.apdu)?;
        let len = header.len + header.data_len;
        if len > APDU_LEN_MAX {
            self.skip_len = header.data_len;
            self.apdu = Vec::new();
            return Some(Received::TooLong(header.control));
        }
        (self.apdu.len() == len).then(|| Received::Apdu(std::mem::take(&mut self.apdu)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::apdu::Apdu;
    use crate::pos::zvt::hex;
    use proptest::prelude::*;

    #[test]
    fn several_apdus_in_one_read() {
        let mut splitter = Splitter::new();
        let received = splitter.feed(&hex::bytes("06 B0 00 80 00 00 06 00 04 00 00"));
        assert_eq!(
            received,
            [Received::Apdu(hex::bytes("06 B0 00")), Received::Apdu(hex::bytes("80 00 00"))]
        );
        assert!(splitter.in_apdu());
        let received = splitter.feed(&hex::bytes("00 30"));
        assert_eq!(received, [Received::Apdu(hex::bytes("06 00 04 00 00 00 30"))]);
        assert!(!splitter.in_apdu());
    }

    #[test]
    fn a_receipt_arrives_in_pieces_of_1024_bytes() {
        let data = vec![0x41; 0x0FF8];
        let apdu = Apdu { control: [0x06, 0xD3], data: &data }.encode().expect("it fits");
        let mut splitter = Splitter::new();
        let received: Vec<_> = apdu.chunks(1024).flat_map(|piece| splitter.feed(piece)).collect();
        assert_eq!(received, [Received::Apdu(apdu)]);
    }

    #[test]
    fn an_apdu_too_long_is_skipped_exactly() {
        let mut splitter = Splitter::new();
        let header = hex::bytes("08 10 FF FF FF");
        assert_eq!(splitter.feed(&header), [Received::TooLong([0x08, 0x10])]);
        for _ in 0..15 {
            assert_eq!(splitter.feed(&[0x06; 0x1000]), []);
            assert!(splitter.apdu.capacity() <= APDU_LEN_MAX);
        }
        let mut rest = vec![0x06; 0x0FFF];
        rest.extend(hex::bytes("06 B0 00"));
        assert_eq!(splitter.feed(&rest), [Received::Apdu(hex::bytes("06 B0 00"))]);
    }

    proptest! {
        #[test]
        fn apdus_do_not_depend_on_how_bytes_are_cut(
            bodies in proptest::collection::vec(
                (any::<[u8; 2]>(), proptest::collection::vec(any::<u8>(), 0..300)), 1..5),
            cuts in proptest::collection::vec(1_usize..40, 1..100),
        ) {
            let apdu = |(control, data): &([u8; 2], Vec<u8>)| {
                Apdu { control: *control, data }.encode().expect("it fits")
            };
            let apdus: Vec<Vec<u8>> = bodies.iter().map(apdu).collect();
            let stream = apdus.concat();
            let (mut pieces, mut rest) = (Vec::new(), &stream[..]);
            let mut splitter = Splitter::new();
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.extend(splitter.feed(piece));
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            let apdus: Vec<Received> = apdus.into_iter().map(Received::Apdu).collect();
            prop_assert_eq!(pieces, apdus);
        }

        #[test]
        fn any_bytes_in_any_pieces_are_the_same(
            bytes in proptest::collection::vec(prop_oneof![Just(0xFF_u8), Just(0), any::<u8>()], 0..600),
            cut in 0_usize..600,
        ) {
            let whole = Splitter::new().feed(&bytes);
            let (left, right) = bytes.split_at(cut.min(bytes.len()));
            let mut splitter = Splitter::new();
            let mut parts = splitter.feed(left);
            parts.extend(splitter.feed(right));
            prop_assert_eq!(whole, parts);
        }
    }
}
