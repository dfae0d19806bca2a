//! What goes over a line, in either direction.

/// What a line tells whoever keeps it.
#[derive(Debug)]
pub enum Said {
    /// It stands, and everything is subscribed to.
    Up,
    /// It does not.
    Down,
    /// Somebody has said something.
    Heard(Heard),
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Where it was said.
    pub topic: String,
    /// What; at most [`super::MESSAGE_LEN_MAX`] bytes.
    pub payload: Vec<u8>,
    /// The broker had kept it; it may have been said long ago.
    pub retained: bool,
}

/// What the broker says when the line ends without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Where; it is kept there.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}
