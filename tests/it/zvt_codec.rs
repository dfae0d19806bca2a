//! ZVT messages both ways: from fixtures in text, and against a decoder of other people.
//!
//! A fixture is a title with its side, the APDU in hexadecimal, on some the frame on a serial line,
//! and what the message says, one field per line. `read only` marks what a message of ours would
//! write in another order; `recorded` ones were sent by tills and terminals and are published with
//! the `zvt` crate. `UPDATE_GOLDEN=1` writes anew what messages say.

mod independent;

use klarna_terminald::pos::zvt::apdu::Apdu;
use klarna_terminald::pos::zvt::bmp;
use klarna_terminald::pos::zvt::charset::Charset;
use klarna_terminald::pos::zvt::code::Code;
use klarna_terminald::pos::zvt::frame::{self, Deframer, Received};
use klarna_terminald::pos::zvt::message::{
    Answer, Command, MessageError, StatusInformation, TillAbilities,
};
use proptest::prelude::*;

/// One block of a fixture file.
struct Fixture<'a> {
    title: &'a str,
    apdu: Vec<u8>,
    serial: Vec<u8>,
    says: Vec<&'a str>,
}

impl<'a> Fixture<'a> {
    fn parse(block: &'a str) -> Self {
        let (title, rest) = block.split_once('\n').unwrap();
        let mut fixture = Self { title, apdu: vec![], serial: vec![], says: vec![] };
        for line in rest.lines() {
            match (line.strip_prefix("  "), line.strip_prefix("serial ")) {
                (Some(says), _) => fixture.says.push(says),
                (_, Some(serial)) => fixture.serial.extend(bytes(serial)),
                _ => fixture.apdu.extend(bytes(line)),
            }
        }
        fixture
    }

    fn charset(&self) -> Charset {
        match self.title {
            title if title.contains(", UTF-8:") => Charset::Utf8,
            title if title.contains(", ISO-8859-1:") => Charset::Latin1,
            _ => Charset::Cp437,
        }
    }

    fn check(&self, says: &[String], written: &[u8]) {
        assert_eq!(says, self.says, "{}\n  {}", self.title, says.join("\n  "));
        if !self.title.contains(", read only:") {
            assert_eq!(text(written), text(&self.apdu), "{}", self.title);
        }
        if !self.serial.is_empty() {
            assert_eq!(text(&frame::encode(&self.apdu)), text(&self.serial), "{}", self.title);
            let received = Deframer::new().feed(&self.serial);
            assert_eq!(received, [Received::Apdu(self.apdu.clone())], "{}", self.title);
        }
    }
}

/// Checks a file's fixtures by a function that reads an APDU, prints what it says and writes it.
fn check(name: &str, both_ways: impl Fn(&Fixture<'_>, &Apdu<'_>) -> (String, Vec<u8>)) {
    let path = format!("tests/fixtures/zvt/{name}.txt");
    let file = std::fs::read_to_string(&path).unwrap();
    let blocks: Vec<&str> = file.trim().split("\n\n").collect();
    assert!(blocks.len() > 20, "the fixtures were not found");
    let mut updated = Vec::new();
    for block in blocks {
        let fixture = Fixture::parse(block);
        let apdu = Apdu::parse(&fixture.apdu).expect(fixture.title);
        let (debug, written) = both_ways(&fixture, &apdu);
        let says = says(&debug);
        if std::env::var_os("UPDATE_GOLDEN").is_none() {
            fixture.check(&says, &written);
        }
        let bytes = block.lines().filter(|line| !line.starts_with("  ")).map(str::to_owned);
        let says = says.iter().map(|line| format!("  {line}"));
        updated.push(bytes.chain(says).collect::<Vec<_>>().join("\n"));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, updated.join("\n\n") + "\n").unwrap();
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect(text)).collect()
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// A message as its name and one line for each field that is there.
fn says(debug: &str) -> Vec<String> {
    let (name, fields) = match (debug.find(" {"), debug.find('(')) {
        (Some(brace), _) => debug.split_at(brace),
        (None, Some(parenthesis)) => debug.split_at(parenthesis),
        (None, None) => (debug, ""),
    };
    let mut names: Vec<&str> = name.split('(').collect();
    names.dedup();
    let (mut lines, mut depth, mut quoted) = (vec![names.join(" "), String::new()], 0_i32, false);
    for character in fields.chars() {
        quoted ^= character == '"';
        match character {
            _ if quoted => {}
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
        match (character, depth) {
            (',', 1) if !quoted => lines.push(String::new()),
            (_, ..=0) | ('(' | '{', 1) => {}
            _ => lines.last_mut().unwrap().push(character),
        }
    }
    let lines = lines.iter().map(|line| line.trim().replace("Some(", "("));
    lines.filter(|line| !line.is_empty() && !line.ends_with(": None")).collect()
}

#[test]
fn what_tills_send() {
    check("till", |fixture, apdu| {
        let command = Command::parse(apdu).expect(fixture.title);
        (format!("{command:02X?}"), command.encode().expect(fixture.title))
    });
}

#[test]
fn what_the_terminal_sends() {
    check("terminal", |fixture, apdu| {
        let charset = fixture.charset();
        let answer = Answer::parse(apdu, charset).expect(fixture.title);
        (format!("{answer:02X?}"), answer.encode(charset).expect(fixture.title))
    });
}

/// What a till is told about a command that cannot be read.
fn refusal(apdu: &str) -> Option<Code> {
    let apdu = bytes(apdu);
    let apdu = Apdu::parse(&apdu).unwrap();
    Command::parse(&apdu).err().map(MessageError::code)
}

#[test]
fn commands_that_cannot_be_read_have_a_code() {
    for (apdu, code) in [
        ("06 01 02 99 00", Code::NOT_POSSIBLE),
        ("06 01 00", Code::PROTOCOL_ERROR),
        ("06 01 03 49 09 78", Code::PROTOCOL_ERROR),
        ("06 01 06 04 00 00 00 10 10", Code::PROTOCOL_ERROR),
        ("06 01 07 04 00 00 00 00 10 1A", Code::PROTOCOL_ERROR),
        ("06 01 0E 04 00 00 00 00 10 10 04 00 00 00 00 10 10", Code::PROTOCOL_ERROR),
        ("06 01 09 04 00 00 00 00 10 10 06 7F", Code::PROTOCOL_ERROR),
        ("06 00 02 00 00", Code::PROTOCOL_ERROR),
        ("06 00 03 00 00 00", Code::PROTOCOL_ERROR),
        ("06 00 05 00 00 00 BA 09", Code::PROTOCOL_ERROR),
        ("06 00 08 00 00 00 BA 09 78 99 00", Code::NOT_POSSIBLE),
        ("06 30 03 00 00 00", Code::PROTOCOL_ERROR),
        ("06 30 06 00 00 00 87 FF FF", Code::PROTOCOL_ERROR),
        ("06 31 06 00 00 00 87 00 10", Code::PROTOCOL_ERROR),
        ("06 50 00", Code::PROTOCOL_ERROR),
        ("06 50 03 0A 00 00", Code::PROTOCOL_ERROR),
        ("06 91 04 AA 26 11 21", Code::PROTOCOL_ERROR),
        ("05 01 01 99", Code::PROTOCOL_ERROR),
        ("08 40 00", Code::PROTOCOL_ERROR),
    ] {
        assert_eq!(refusal(apdu), Some(code), "{apdu}");
    }
}

#[test]
fn a_command_cut_anywhere_is_refused_or_means_less() {
    let body = bytes("01 1E 02 03 19 40 49 09 78 06 04 1F 5B 01 00 04 00 00 00 00 10 10");
    for len in 0..body.len() {
        let command = Command::parse(&Apdu { control: [0x06, 0x01], data: &body[..len] });
        let code = command.expect_err("the amount stands at the end").code();
        assert_eq!(code, Code::PROTOCOL_ERROR, "{len}");
    }
}

#[test]
fn answers_of_a_till_are_never_an_error_and_never_answered() {
    for class in [0x80, 0x84] {
        for code in 0..=u8::MAX {
            for data in [&[][..], &[0x99], &[0x04, 0x00], &[0xFF; 40]] {
                let command = Command::parse(&Apdu { control: [class, code], data }).unwrap();
                assert!(!command.is_answered(), "{command:?}");
            }
        }
    }
    assert!(Command::parse(&Apdu { control: [0x06, 0xB0], data: &[] }).unwrap().is_answered());
}

#[test]
fn a_registration_says_what_the_till_can() {
    let abilities = |container: &str| {
        let mut data = bytes("00 00 00 BE 06");
        let container = bytes(container);
        data.push(u8::try_from(container.len()).unwrap());
        data.extend(container);
        match Command::parse(&Apdu { control: [0x06, 0x00], data: &data }).unwrap() {
            Command::Registration(registration) => registration.abilities(),
            other => panic!("{other:?}"),
        }
    };
    let all = TillAbilities {
        print_block: true,
        line_width: Some(40),
        charset: Some(Charset::Utf8),
        apdu_len_max: Some(1024),
    };
    assert_eq!(abilities("12 01 28 14 01 FE 1A 02 04 00 26 08 0A 02 04 0F 0A 02 06 D3"), all);
    let charset = |container: &str| abilities(container).charset;
    assert_eq!(charset("27 06 14 01 07 14 01 01"), Some(Charset::Latin1));
    assert_eq!(charset("14 01 FF 27 03 14 01 01"), Some(Charset::Cp437));
    let none = TillAbilities::default();
    for container in ["", "26 04 0A 02 06 D1", "1A 01 04", "14 00", "12 00", "1F 73 01 00", "12 7F"]
    {
        assert_eq!(abilities(container), none, "{container}");
    }
}

#[test]
fn a_result_never_has_the_length_that_looks_like_its_first_bitmap() {
    for len in 0..60 {
        let text = (len > 0).then(|| "x".repeat(len));
        let result = StatusInformation { text, ..StatusInformation::new(Code::OK) };
        let apdu = Answer::StatusInformation(Box::new(result)).encode(Charset::Cp437).unwrap();
        assert_ne!(apdu[2], 0x27, "{len}");
        let body = Apdu::parse(&apdu).unwrap().data;
        let read = StatusInformation::parse(body, Charset::Cp437).unwrap();
        assert_eq!(read.text.unwrap_or_default().trim_end(), "x".repeat(len));
    }
}

/// Bytes of which bodies are made, more often than others.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let numbers: Vec<u8> = bmp::TABLE.iter().map(|row| row.0).collect();
    let byte = prop_oneof![
        proptest::sample::select(numbers),
        0xF0..=0xF9_u8,
        0..=9_u8,
        Just(0x25),
        any::<u8>()
    ];
    proptest::collection::vec(byte, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_body_of_a_command_is_read_or_refused(instruction: u8, body in body()) {
        for class in [0x04, 0x05, 0x06, 0x08, 0x80, 0x84] {
            let apdu = Apdu { control: [class, instruction], data: &body };
            match Command::parse(&apdu) {
                Ok(command) => {
                    let written = command.encode().unwrap();
                    prop_assert!(written.len() <= body.len() + 5, "{command:?}");
                    // Both are positive.
                    let positive = apdu.control == [0x84, 0x00] && command.control() == [0x80, 0x00];
                    prop_assert!(positive || command.control() == apdu.control);
                }
                Err(error) => {
                    prop_assert!([Code::NOT_POSSIBLE, Code::PROTOCOL_ERROR].contains(&error.code()));
                }
            }
        }
    }

    #[test]
    fn any_body_of_an_answer_is_read_or_refused(body in body()) {
        for control in [[0x04, 0x0F], [0x04, 0xFF], [0x06, 0x0F], [0x06, 0x1E], [0x06, 0xD1], [0x06, 0xD3]] {
            for charset in [Charset::Cp437, Charset::Utf8, Charset::SevenBit] {
                let Ok(answer) = Answer::parse(&Apdu { control, data: &body }, charset) else { continue };
                let first = answer.encode(charset).unwrap();
                let again = Answer::parse(&Apdu::parse(&first).unwrap(), charset).unwrap();
                prop_assert_eq!(again.encode(charset).unwrap(), first);
            }
        }
    }
}
