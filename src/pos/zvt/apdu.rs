//! The APDU: `CLASS INSTR LEN DATA` (PA00P015). Knows its envelope, not what is in it.

/// Largest body that the length of an APDU can name, in bytes.
pub const DATA_LEN_MAX: usize = 0xFFFF;
/// A length byte that says that two more follow, low byte first.
const EXTENDED: u8 = 0xFF;

/// Class and instruction, such as `06 01` for an authorisation.
pub type Control = [u8; 2];

/// One message on either transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Apdu<'a> {
    /// Class and instruction.
    pub control: Control,
    /// The body, 0 to 65535 bytes.
    pub data: &'a [u8],
}

/// What can be wrong with an APDU's envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApduError {
    /// There are fewer bytes than the length says, or not even a length.
    #[error("apdu is cut off after {len} bytes")]
    Short {
        /// What is there, in bytes.
        len: usize,
    },
    /// There are more bytes than the length says.
    #[error("apdu is followed by {len} bytes that do not belong to it")]
    Trailing {
        /// What is too much, in bytes.
        len: usize,
    },
}

/// A body that no length can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes do not fit into one message")]
pub struct TooLong(pub usize);

impl<'a> Apdu<'a> {
    /// A whole APDU and nothing else.
    ///
    /// # Errors
    /// When the length does not fit the bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ApduError> {
        let short = ApduError::Short { len: bytes.len() };
        let header = Header::parse(bytes).ok_or(short)?;
        let end = header.len + header.data_len;
        let data = bytes.get(header.len..end).ok_or(short)?;
        match bytes.len() - end {
            0 => Ok(Self { control: header.control, data }),
            len => Err(ApduError::Trailing { len }),
        }
    }

    /// The APDU's bytes, with the shortest length there is for its body.
    ///
    /// # Errors
    /// When the body is longer than [`DATA_LEN_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let len = u16::try_from(self.data.len()).map_err(|_| TooLong(self.data.len()))?;
        let mut bytes = Vec::with_capacity(self.data.len() + 5);
        bytes.extend_from_slice(&self.control);
        match u8::try_from(len) {
            Ok(len) if len != EXTENDED => bytes.push(len),
            _ => {
                bytes.push(EXTENDED);
                bytes.extend_from_slice(&len.to_le_bytes());
            }
        }
        bytes.extend_from_slice(self.data);
        Ok(bytes)
    }
}

/// What stands before an APDU's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) control: Control,
    /// Of the header itself: 3 or 5.
    pub(super) len: usize,
    pub(super) data_len: usize,
}

impl Header {
    /// None when the header is not complete.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let control = [*bytes.first()?, *bytes.get(1)?];
        Some(match *bytes.get(2)? {
            EXTENDED => {
                let len = u16::from_le_bytes([*bytes.get(3)?, *bytes.get(4)?]);
                Self { control, len: 5, data_len: usize::from(len) }
            }
            len => Self { control, len: 3, data_len: usize::from(len) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::hex;
    use proptest::prelude::*;

    #[test]
    fn short_and_extended_lengths() {
        for (len, header) in [
            (0, "06 D3 00"),
            (0xFE, "06 D3 FE"),
            (0xFF, "06 D3 FF FF 00"),
            (0x100, "06 D3 FF 00 01"),
            (0x0FF8, "06 D3 FF F8 0F"),
            (0xFFFF, "06 D3 FF FF FF"),
        ] {
            let data = vec![0x41; len];
            let apdu = Apdu { control: [0x06, 0xD3], data: &data };
            let bytes = apdu.encode().expect("it fits");
            assert_eq!(bytes, [hex::bytes(header), data.clone()].concat());
            assert_eq!(Apdu::parse(&bytes), Ok(apdu));
        }
        let apdu = Apdu { control: [0x06, 0xD3], data: &vec![0; 0x1_0000] };
        assert_eq!(apdu.encode(), Err(TooLong(0x1_0000)));
    }

    #[test]
    fn an_extended_length_may_be_longer_than_needed() {
        let apdu = Apdu { control: [0x06, 0xB0], data: &[0x41] };
        assert_eq!(Apdu::parse(&hex::bytes("06 B0 FF 01 00 41")), Ok(apdu));
    }

    #[test]
    fn an_apdu_cut_anywhere_is_none() {
        let bytes = hex::bytes("06 01 07 04 00 00 00 00 10 10");
        for len in 0..bytes.len() {
            assert_eq!(Apdu::parse(&bytes[..len]), Err(ApduError::Short { len }));
        }
        assert_eq!(Apdu::parse(&hex::bytes("80 00 00 00")), Err(ApduError::Trailing { len: 1 }));
        assert_eq!(Apdu::parse(&hex::bytes("80 00 FF 00")), Err(ApduError::Short { len: 4 }));
    }

    proptest! {
        #[test]
        fn what_is_built_is_read(control: [u8; 2], data: Vec<u8>) {
            let apdu = Apdu { control, data: &data };
            let bytes = apdu.encode().expect("it fits");
            prop_assert_eq!(Apdu::parse(&bytes), Ok(apdu));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(apdu) = Apdu::parse(&bytes) {
                prop_assert!(apdu.data.len() + 3 <= bytes.len());
            }
        }
    }
}
