//! Lines out of bytes, and their checksums. Knows no JSON.

use super::LINE_LEN_MAX;

/// CRC-16/IBM-3740 (CCITT with initial value FFFF); its check value for `123456789` is 29B1.
const CRC16: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_IBM_3740);
/// `*` and four hexadecimal digits.
const SUFFIX_LEN: usize = 5;

/// One line, or the fact that there was one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Line(Vec<u8>),
    TooLong,
}

/// Collects bytes until a line is complete; holds at most one line.
#[derive(Debug)]
pub(super) struct Framer {
    line: Vec<u8>,
    skipping: bool,
}

impl Framer {
    pub(super) fn new() -> Self {
        Self { line: Vec::new(), skipping: false }
    }

    /// Lines end with LF or CR LF; empty ones are keep-alives and mean nothing.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => frames.extend(self.finish()),
                _ if self.skipping => {}
                _ if self.line.len() > LINE_LEN_MAX + SUFFIX_LEN => self.skipping = true,
                byte => self.line.push(*byte),
            }
        }
        frames
    }

    fn finish(&mut self) -> Option<Frame> {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.skipping) {
            return Some(Frame::TooLong);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let length = split_checksum(&line).0.len();
        match length {
            0 => None,
            1..=LINE_LEN_MAX => Some(Frame::Line(line)),
            _ => Some(Frame::TooLong),
        }
    }
}

/// Splits `{...}*29B1` into the object and the checksum that was sent with it.
pub(super) fn split_checksum(line: &[u8]) -> (&[u8], Option<u16>) {
    let Some(at) = line.len().checked_sub(SUFFIX_LEN) else { return (line, None) };
    let (body, suffix) = line.split_at(at);
    let digits = std::str::from_utf8(&suffix[1..]).ok();
    let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    match (suffix[0], digits.and_then(|digits| u16::from_str_radix(digits, 16).ok())) {
        (b'*', Some(sent)) => (body, Some(sent)),
        _ => (line, None),
    }
}

/// The checksum of a line's object.
pub(super) fn checksum(body: &[u8]) -> u16 {
    CRC16.checksum(body)
}

/// An object in which everything outside of ASCII is escaped (RFC 8259 §7), for lines of 7 bits.
pub(super) fn ascii(object: &str) -> String {
    let mut line = String::with_capacity(object.len());
    for character in object.chars() {
        if character.is_ascii() {
            line.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            line.push_str(&format!("\\u{unit:04x}"));
        }
    }
    line
}

/// A line as it goes out.
pub(super) fn seal(object: String, with_checksum: bool) -> Vec<u8> {
    let mut line = object.into_bytes();
    if with_checksum {
        let suffix = format!("*{:04X}", checksum(&line));
        line.extend_from_slice(suffix.as_bytes());
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(checksum(b"123456789"), 0x29B1);
        assert_eq!(split_checksum(b"{}*29B1"), (&b"{}"[..], Some(0x29B1)));
        assert_eq!(split_checksum(b"{}*29b1"), (&b"{}"[..], Some(0x29B1)));
        assert_eq!(split_checksum(b"{}*+9B1"), (&b"{}*+9B1"[..], None));
        assert_eq!(split_checksum(b"*"), (&b"*"[..], None));
    }

    #[test]
    fn a_line_of_the_longest_length_passes_and_one_byte_more_is_skipped() {
        let mut framer = Framer::new();
        let mut line = vec![b'x'; LINE_LEN_MAX];
        line.push(b'\n');
        assert!(matches!(framer.feed(&line)[..], [Frame::Line(_)]));
        line.insert(0, b'x');
        assert_eq!(framer.feed(&line), [Frame::TooLong]);
        assert_eq!(framer.feed(&vec![b'x'; 10 * LINE_LEN_MAX]), []);
        assert!(framer.line.capacity() < 4 * LINE_LEN_MAX, "the buffer is bounded");
        assert_eq!(framer.feed(b"y\n{}\r\n\n"), [Frame::TooLong, Frame::Line(b"{}".to_vec())]);
    }

    #[test]
    fn seven_bits_carry_every_text() {
        let escaped = ascii("{\"a\":\"Bücher 12,34\u{a0}€ 🛒\"}");
        assert_eq!(escaped, r#"{"a":"B\u00fccher 12,34\u00a0\u20ac \ud83d\uded2"}"#);
        let back: serde_json::Value = serde_json::from_str(&escaped).expect("JSON");
        assert_eq!(back["a"], "Bücher 12,34\u{a0}€ 🛒");
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_how_bytes_are_cut(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cut in 0_usize..200,
        ) {
            let whole = Framer::new().feed(&bytes);
            let (left, right) = bytes.split_at(cut.min(bytes.len()));
            let mut framer = Framer::new();
            let mut parts = framer.feed(left);
            parts.extend(framer.feed(right));
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn what_is_sealed_opens(text in "[ -~]{1,60}") {
            let line = seal(text.clone(), true);
            let (body, sent) = split_checksum(&line[..line.len() - 1]);
            prop_assert_eq!(body, text.as_bytes());
            prop_assert_eq!(sent, Some(checksum(text.as_bytes())));
        }
    }
}
