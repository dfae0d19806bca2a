//! ZVT (PA00P015, PA00P016), the terminal's side: bytes of a German, Austrian or Swiss till as
//! messages, and ours as bytes. Beside it a till of our own, for people at a desk.
//!
//! No IO, no clock and no money rule lives here, and no byte of a till makes anything panic. From
//! the wire inwards:
//!
//! | module | what it is |
//! |---|---|
//! | [`frame`] | serial line: stuffing, checksum, ACK and NAK |
//! | [`stream`] | TCP: APDUs one after the other |
//! | [`transport`] | acknowledgements, repetitions and waiting times of both |
//! | [`apdu`] | class, instruction, length, body |
//! | [`bmp`] | the body's bitmaps: the table of lengths, reading, writing |
//! | [`tlv`] | what stands in bitmap 06 |
//! | [`bcd`] | amounts and numbers |
//! | [`charset`] | texts |
//! | [`code`] | result and error codes |
//! | [`message`] | commands of the till and answers of the terminal as types |
//! | [`guest`] | a second till, which has to wait |
//! | [`session`] | the terminal's half of every dialogue |
//! | [`till`] | the till's half |
//! | [`trace`] | a dialogue as text |

pub mod apdu;
pub mod bcd;
pub mod bmp;
pub mod charset;
pub mod code;
pub mod frame;
pub mod guest;
pub mod message;
pub mod session;
pub mod stream;
pub mod till;
pub mod tlv;
pub mod trace;
pub mod transport;

/// Longest APDU that is taken in or sent, in bytes, its header included: four times the longest
/// receipt block seen on a wire, and small enough to be held for each of a few connections.
pub const APDU_LEN_MAX: usize = 16 * 1024;

#[cfg(test)]
mod hex {
    //! Bytes as people write them: `06 0F 00`.

    pub(super) fn bytes(text: &str) -> Vec<u8> {
        let byte = |pair: &str| u8::from_str_radix(pair, 16).expect("two hexadecimal digits");
        text.split_whitespace().map(byte).collect()
    }

    pub(super) fn text(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
    }
}
