//! The system's users and groups as `/etc/passwd` and `/etc/group` name them (passwd(5), group(5)).
//!
//! Read anew each time, up to a bound; directories elsewhere (LDAP) are not asked. A line that is
//! not as it should be names nobody.

use std::fs::File;
use std::io::Read as _;

/// Most that is read of a file, in bytes: some ten thousand users.
const FILE_LEN_MAX: u64 = 1024 * 1024;
/// Longest name, in bytes (useradd(8)).
const NAME_LEN_MAX: usize = 32;
/// Fields of a line of `/etc/passwd`: name, password, number, group, comment, home, shell.
const PASSWD_FIELDS: usize = 7;
/// Fields of a line of `/etc/group`: name, password, number, members.
const GROUP_FIELDS: usize = 4;

/// The name of the user with this number, if `/etc/passwd` has one.
pub(super) fn user_name(uid: u32) -> Option<String> {
    name_of(&read("/etc/passwd")?, PASSWD_FIELDS, uid)
}

/// The number of the group with this name, if `/etc/group` has it.
pub(super) fn group_number(name: &str) -> Option<u32> {
    number_of(&read("/etc/group")?, GROUP_FIELDS, name)
}

/// The name of the group with this number, if `/etc/group` has one.
pub(super) fn group_name(gid: u32) -> Option<String> {
    name_of(&read("/etc/group")?, GROUP_FIELDS, gid)
}

fn read(path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_LEN_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn name_of(file: &[u8], fields: usize, number: u32) -> Option<String> {
    entries(file, fields).find(|(_, found)| *found == number).map(|(name, _)| name.to_owned())
}

fn number_of(file: &[u8], fields: usize, name: &str) -> Option<u32> {
    entries(file, fields).find(|(found, _)| *found == name).map(|(_, number)| number)
}

/// Names and numbers, in the file's order; the first line of a name or number counts.
fn entries(file: &[u8], fields: usize) -> impl Iterator<Item = (&str, u32)> {
    file.split(|byte| *byte == b'\n').filter_map(move |line| entry(line, fields))
}

fn entry(line: &[u8], fields: usize) -> Option<(&str, u32)> {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b':').take(fields + 1).collect();
    let &[name, _, number, ..] = parts.as_slice() else { return None };
    // `+`, `-` and `#` begin lines that are no users: NIS and remarks.
    let is_name = name.first().is_some_and(|first| first.is_ascii_alphanumeric() || *first == b'_')
        && name.len() <= NAME_LEN_MAX
        && name.iter().all(u8::is_ascii_graphic);
    // A sign is no digit, though Rust would read it.
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    if parts.len() != fields || !is_name || !is_number {
        return None;
    }
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some((std::str::from_utf8(name).ok()?, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        # a remark:x:7:7:::\n\
        +@nis::7:7:::\n\
        :x:7:7:nobody:/:/bin/sh\n\
        short:x:7\n\
        long:x:7:7:a:/:/bin/sh:more\n\
        signed:x:+7:7::/:/bin/sh\n\
        huge:x:4294967296:7::/:/bin/sh\n\
        b\xffd:x:7:7::/:/bin/sh\n\
        esc\x1b[2J:x:7:7::/:/bin/sh\n\
        carriage\r:x:7:7::/:/bin/sh\n\
        abcdefghijklmnopqrstuvwxyz0123456789:x:7:7::/:/bin/sh\n\
        anna:x:7:7:Anna: :/bin/sh\n\
        berta:x:7:7::/:/bin/sh\n\
        last:x:9:9::/:/bin/sh";

    #[test]
    fn only_whole_lines_name_somebody() {
        let name = |number| name_of(PASSWD, PASSWD_FIELDS, number);
        assert_eq!(name(0).as_deref(), Some("root"));
        assert_eq!(name(7).as_deref(), Some("anna"), "the first that is right");
        assert_eq!(name(9).as_deref(), Some("last"), "without a line's end");
        assert_eq!(name(u32::MAX), None);
        assert_eq!(name(1), None);
    }

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let file = b"root:x:0:\nstaff:x:50:anna,berta\nstaff:x:51:\nstaffing:x:52:\nwheel:x:1\n\
                     void:!::\nminus:x:-1:\nspace :x:60:\n";
        let number = |name| number_of(file, GROUP_FIELDS, name);
        assert_eq!(number("staff"), Some(50));
        assert_eq!(number("root"), Some(0));
        for name in ["", "sta", "wheel", "void", "minus", "space ", "space", "x", "staff:x"] {
            assert_eq!(number(name), None, "{name:?}");
        }
    }

    #[test]
    fn this_machine_has_a_superuser() {
        assert_eq!(user_name(0).as_deref(), Some("root"));
        assert_eq!(group_name(0).as_deref(), Some("root"));
    }

    proptest! {
        #[test]
        fn any_file_is_read(bytes in prop::collection::vec(any::<u8>(), 0..400), number: u32) {
            if let Some(name) = name_of(&bytes, PASSWD_FIELDS, number) {
                prop_assert!(!name.is_empty() && name.len() <= NAME_LEN_MAX);
            }
            let _ = number_of(&bytes, GROUP_FIELDS, "staff");
        }
    }
}
