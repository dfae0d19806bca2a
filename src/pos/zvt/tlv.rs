//! TLV containers (PA00P015: the value of bitmap 06): BER tags of one to three bytes, lengths of
//! one to three. Knows their form, not what any tag means; unknown ones are skipped.

use std::fmt;

/// How deep containers may be nested when all of them are walked.
pub const DEPTH_MAX: usize = 8;
/// Longest value, in bytes: `82 FF FF`.
pub const VALUE_LEN_MAX: usize = 0xFFFF;

/// A tag by its bytes as they stand on the wire: `07` is 0x07, `1F 07` is 0x1F07.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u32);

impl Tag {
    /// One, two or three bytes.
    fn bytes(self) -> Vec<u8> {
        let bytes = self.0.to_be_bytes();
        let leading = bytes.iter().take(3).take_while(|byte| **byte == 0).count();
        bytes[leading..].to_vec()
    }

    /// The value consists of further tags (BER: bit 6 of the first byte).
    pub fn is_container(self) -> bool {
        self.bytes()[0] & 0x20 != 0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// What can be wrong with a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlvError {
    /// It ends within a tag, a length or a value.
    #[error("container is cut off")]
    Short,
    /// A tag has more than three bytes.
    #[error("tag has more than three bytes")]
    Tag,
    /// A length does not begin with `00` to `7F`, `81` or `82`.
    #[error("length begins with {0:#04x}")]
    Length(u8),
    /// Containers are nested more deeply than [`DEPTH_MAX`].
    #[error("containers are nested more than {DEPTH_MAX} deep")]
    Depth,
}

/// One tag and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its value, without its length.
    pub value: &'a [u8],
}

/// The items of a container, not those within them. Ends after the first error.
pub fn items(container: &[u8]) -> Items<'_> {
    Items { rest: container }
}

/// An iterator over items; copies nothing.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// What is not read yet; nothing after an error.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(match item(self.rest) {
            Ok((item, rest)) => {
                self.rest = rest;
                Ok(item)
            }
            Err(error) => {
                self.rest = &[];
                Err(error)
            }
        })
    }
}

fn item(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), TlvError> {
    let (tag, rest) = tag(bytes)?;
    let (len, rest) = length(rest)?;
    let (value, rest) = rest.split_at_checked(len).ok_or(TlvError::Short)?;
    Ok((Item { tag, value }, rest))
}

/// A tag goes on after a first byte whose lower five bits are set, then as long as bit 8 is.
fn tag(bytes: &[u8]) -> Result<(Tag, &[u8]), TlvError> {
    let byte = |index: usize| bytes.get(index).copied().ok_or(TlvError::Short);
    let mut tag = u32::from(byte(0)?);
    let mut len = 1;
    let mut more = tag & 0x1F == 0x1F;
    while more {
        if len == 3 {
            return Err(TlvError::Tag);
        }
        let next = byte(len)?;
        tag = (tag << 8) | u32::from(next);
        more = next & 0x80 != 0;
        len += 1;
    }
    Ok((Tag(tag), &bytes[len..]))
}

/// A BER length and what follows it; two length bytes stand high byte first, unlike an APDU's.
pub(super) fn length(bytes: &[u8]) -> Result<(usize, &[u8]), TlvError> {
    match bytes {
        [len @ 0x00..=0x7F, rest @ ..] => Ok((usize::from(*len), rest)),
        [0x81, len, rest @ ..] => Ok((usize::from(*len), rest)),
        [0x82, high, low, rest @ ..] => Ok((usize::from(u16::from_be_bytes([*high, *low])), rest)),
        [] | [0x81] | [0x82] | [0x82, _] => Err(TlvError::Short),
        [first, ..] => Err(TlvError::Length(*first)),
    }
}

/// The shortest BER length; none above [`VALUE_LEN_MAX`].
pub(super) fn encode_length(len: usize) -> Option<Vec<u8>> {
    let [high, low] = u16::try_from(len).ok()?.to_be_bytes();
    Some(match (high, low) {
        (0, 0x00..=0x7F) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    })
}

/// The value of the first item with this tag. What cannot be read is as if it were not there:
/// nothing that a container says is needed to take a payment.
pub fn find(container: &[u8], tag: u32) -> Option<&[u8]> {
    find_all(container, tag).next()
}

/// The values of all items with this tag, up to the first that cannot be read.
pub fn find_all(container: &[u8], tag: u32) -> impl Iterator<Item = &[u8]> {
    let readable = items(container).map_while(Result::ok);
    readable.filter(move |item| item.tag == Tag(tag)).map(|item| item.value)
}

/// Calls `visit` with the depth and the item for every item, those of nested containers included,
/// in the order in which they stand there.
///
/// # Errors
/// When something cannot be read, after what comes before it was visited.
pub fn walk<'a>(
    container: &'a [u8],
    visit: &mut impl FnMut(usize, Item<'a>),
) -> Result<(), TlvError> {
    walk_at(0, container, visit)
}

fn walk_at<'a>(
    depth: usize,
    container: &'a [u8],
    visit: &mut impl FnMut(usize, Item<'a>),
) -> Result<(), TlvError> {
    if depth == DEPTH_MAX {
        return Err(TlvError::Depth);
    }
    for item in items(container) {
        let item = item?;
        visit(depth, item);
        if item.tag.is_container() {
            walk_at(depth + 1, item.value, visit)?;
        }
    }
    Ok(())
}

/// A value that is longer than any length can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes do not fit tag {tag:?}")]
pub struct Unfit {
    /// The tag.
    pub tag: Tag,
    /// Of the value, in bytes.
    pub len: usize,
}

/// Appends an item to a container; its value may be a container that was written before.
///
/// # Errors
/// When the value is longer than [`VALUE_LEN_MAX`].
pub fn push(container: &mut Vec<u8>, tag: u32, value: &[u8]) -> Result<(), Unfit> {
    let unfit = Unfit { tag: Tag(tag), len: value.len() };
    let length = encode_length(value.len()).ok_or(unfit)?;
    container.extend(Tag(tag).bytes());
    container.extend(length);
    container.extend_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pos::zvt::hex;
    use proptest::prelude::*;

    fn read(container: &str) -> Result<Vec<(u32, String)>, TlvError> {
        let container = hex::bytes(container);
        items(&container).map(|item| item.map(|i| (i.tag.0, hex::text(i.value)))).collect()
    }

    #[test]
    fn tags_of_one_two_and_three_bytes() {
        let items = [(0x07, "41"), (0x1F07, "02"), (0x1F_8006, "42 43"), (0xFF01, "")];
        let items: Vec<_> = items.map(|(tag, text)| (tag, text.to_owned())).into();
        assert_eq!(read("07 01 41 1F 07 01 02 1F 80 06 02 42 43 FF 01 00"), Ok(items));
        assert_eq!(read("1F 80 80 01 41"), Err(TlvError::Tag));
        assert_eq!(read("1F"), Err(TlvError::Short));
        assert_eq!(format!("{:?}", Tag(0x1F_8006)), "1F8006");
    }

    #[test]
    fn lengths_stand_high_byte_first() {
        let mut container = hex::bytes("07 82 01 00");
        container.extend([0x41; 256]);
        assert_eq!(find(&container, 0x07).map(<[u8]>::len), Some(256));
        assert_eq!(read("07 81 02 41 42"), Ok(vec![(0x07, "41 42".to_owned())]));
        assert_eq!(read("07 80"), Err(TlvError::Length(0x80)));
        assert_eq!(read("07 83 00 00 00"), Err(TlvError::Length(0x83)));
        for cut in ["07", "07 81", "07 82", "07 82 00", "07 02 41"] {
            assert_eq!(read(cut), Err(TlvError::Short), "{cut}");
        }
        for (len, coded) in
            [(0, "00"), (127, "7F"), (128, "81 80"), (255, "81 FF"), (256, "82 01 00")]
        {
            assert_eq!(encode_length(len), Some(hex::bytes(coded)));
        }
        assert_eq!(encode_length(65_536), None);
    }

    #[test]
    fn what_is_unknown_or_damaged_hides_nothing_before_it() {
        let container = hex::bytes("1F 70 02 00 01 12 01 28 09");
        assert_eq!(find(&container, 0x12), Some(&[0x28][..]));
        assert_eq!(find(&container, 0x09), None);
    }

    #[test]
    fn nested_containers_are_walked_to_a_bounded_depth() {
        let container = hex::bytes("1F 07 01 01 25 08 07 01 41 07 00 09 01 81");
        let mut seen = Vec::new();
        walk(&container, &mut |depth, item| seen.push((depth, item.tag.0))).expect("well formed");
        assert_eq!(seen, [(0, 0x1F07), (0, 0x25), (1, 0x07), (1, 0x07), (1, 0x09)]);
        let mut deep = Vec::new();
        for _ in 0..DEPTH_MAX {
            let inner = std::mem::take(&mut deep);
            push(&mut deep, 0x25, &inner).expect("it fits");
        }
        assert_eq!(walk(&deep, &mut |_, _| {}), Err(TlvError::Depth));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in proptest::collection::vec(
            (prop_oneof![Just(0x07_u32), Just(0x25), Just(0x1F07), Just(0x1F_8006)], any::<Vec<u8>>()),
            0..8)) {
            let mut container = Vec::new();
            for (tag, value) in &values {
                push(&mut container, *tag, value).expect("it fits");
            }
            let read: Result<Vec<_>, _> =
                items(&container).map(|item| item.map(|i| (i.tag.0, i.value.to_vec()))).collect();
            prop_assert_eq!(read, Ok(values));
        }

        #[test]
        fn any_bytes_are_items_or_an_error(
            bytes in proptest::collection::vec(prop_oneof![Just(0x25_u8), Just(0x1F), any::<u8>()], 0..200),
        ) {
            let mut count = 0;
            let _ = walk(&bytes, &mut |depth, _| {
                assert!(depth < DEPTH_MAX);
                count += 1;
            });
            prop_assert!(count <= bytes.len());
        }
    }
}
