//! Dialogues as text, both ways.

use super::Side::{Terminal, Till};
use super::*;
use crate::pos::zvt::{frame, hex};
use proptest::prelude::*;

fn words() -> Words {
    Words { charset: Charset::Cp437, currency: Currency::new("EUR").expect("a currency") }
}

/// The text of what is said, which is read back to the same text.
fn check(dialogue: &[(Side, &str)], expected: &str) {
    let entry =
        |(side, bytes): &(Side, &str)| Entry { side: *side, said: Said::Apdu(hex::bytes(bytes)) };
    let entries: Vec<Entry> = dialogue.iter().map(entry).collect();
    let text = write(&entries, words());
    assert_eq!(text, expected.trim_start_matches('\n'), "\n{text}");
    let read = parse(&text).expect("own text is read");
    assert_eq!(write(&read, words()), text);
}

#[test]
fn a_payment() {
    check(
        &[
            (
                Till,
                "06 00 16 00 00 00 BE 09 78 03 01 06 0C 12 01 28 26 04 0A 02 06 D3 14 01 \
                 FE",
            ),
            (Terminal, "80 00 00"),
            (Terminal, "06 0F 0A 19 00 29 12 34 56 78 49 09 78"),
            (Till, "06 01 0A 04 00 00 00 00 10 10 49 09 78"),
            (Terminal, "04 FF 0C 17 03 06 08 24 06 07 04 48 61 6C 6C"),
            (
                Terminal,
                "04 0F 3D 27 00 04 00 00 00 00 10 10 0B 00 00 10 0C 14 30 12 0D 11 21 19 \
                 60 29 12 34 56 78 3C F0 F0 F8 4B 6C 61 72 6E 61 20 31 49 09 78 87 00 10 \
                 88 00 00 10 8A 78 8B F0 F7 4B 6C 61 72 6E 61 00",
            ),
            (
                Terminal,
                "06 D3 26 06 24 1F 07 01 02 25 1E 07 0B 4B 55 4E 44 45 4E 42 45 4C 45 47 \
                 07 0C 47 72 81 E1 65 3B 20 31 30 2C 31 30 09 01 81",
            ),
            (Terminal, "06 D1 07 40 4B 6C 61 72 6E 61"),
            (Terminal, "06 0F 00"),
        ],
        r#"
till > 06 00 16 ** ** ** BE 09 78 03 01 06 0C 12 01 28  ; registration: config BE, currency EUR
       26 04 0A 02 06 D3 14 01 FE                       ; service byte 01, 40 characters
                                                        ; understands 06 D3, code page FE
term < 80 00 00                                         ; acknowledged
term < 06 0F 0A 19 00 29 12 34 56 78 49 09 78           ; completion: status 00
                                                        ; terminal id 12345678, currency EUR
till > 06 01 0A 04 00 00 00 00 10 10 49 09 78           ; authorisation: amount 10.10 EUR
term < 04 FF 0C 17 03 06 08 24 06 07 04 48 61 6C 6C     ; intermediate status: 17 please wait
                                                        ; at most 3 min
                                                        ; | Hall
term < 04 0F 3D 27 00 04 00 00 00 00 10 10 0B 00 00 10  ; status information: result 00 no error
       0C 14 30 12 0D 11 21 19 60 29 12 34 56 78 3C F0  ; amount 10.10 EUR, trace 000010
       F0 F8 4B 6C 61 72 6E 61 20 31 49 09 78 87 00 10  ; time 14:30:12, date 11-21, type 60
       88 00 00 10 8A 78 8B F0 F7 4B 6C 61 72 6E 61 00  ; terminal id 12345678, text "Klarna 1"
                                                        ; receipt 0010, turnover 000010
                                                        ; card type 120, card name "Klarna"
term < 06 D3 26 06 24 1F 07 01 02 25 1E 07 0B 4B 55 4E  ; print block: customer's copy
       44 45 4E 42 45 4C 45 47 07 0C 47 72 81 E1 65 3B  ; | KUNDENBELEG
       20 31 30 2C 31 30 09 01 81                       ; | Grüße; 10,10
                                                        ; end of receipt
term < 06 D1 07 40 4B 6C 61 72 6E 61                    ; print line: attribute 40
                                                        ; | Klarna
term < 06 0F 00                                         ; completion
"#,
    );
}

#[test]
fn what_else_is_said() {
    check(
        &[
            (Till, "06 30 06 12 34 56 87 00 10"),
            (Terminal, "84 37 00"),
            (Till, "06 1B 08 12 34 56 29 12 34 56 78"),
            (Terminal, "84 1E 03 6F 07 56"),
            (Till, "06 01 07 04 00 00 00 00 16 16"),
            (Till, "06 B0 00"),
            (Terminal, "06 1E 01 6C"),
            (Till, "84 9D 07 04 00 00 00 00 10 00"),
            (Till, "06 23 03 87 FF FF"),
            (Terminal, "06 1E 04 B8 87 FF FF"),
            (Till, "05 01 05 00 00 00 03 02"),
            (Till, "05 01 02 03 02"),
            (Terminal, "06 0F 01 9C"),
            (Terminal, "06 0F 09 F0 F0 F5 30 2E 31 2E 30 00"),
            (
                Terminal,
                "04 0F 42 27 00 04 00 00 00 00 36 36 60 F0 F5 F3 00 01 00 03 00 00 00 00 \
                 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
                 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 00 00 00 00 36 36",
            ),
        ],
        r#"
till > 06 30 06 ** ** ** 87 00 10                       ; reversal: receipt 0010
term < 84 37 00                                         ; refused: 37 wrong password
till > 06 1B 08 ** ** ** 29 12 34 56 78                 ; set terminal: terminal id 12345678
term < 84 1E 03 6F 07 56                                ; refused: wrong currency, currency CHF
till > 06 01 07 04 00 00 00 00 16 16                    ; authorisation: amount 16.16 EUR
till > 06 B0 00                                         ; abort
term < 06 1E 01 6C                                      ; abort: 6C aborted
till > 84 9D 07 04 00 00 00 00 10 00                    ; refused: 9D part of the goods handed over
                                                        ; amount 10.00 EUR
till > 06 23 03 87 FF FF                                ; partial reversal: all open
term < 06 1E 04 B8 87 FF FF                             ; abort: B8 pre-authorisation error
                                                        ; all open
till > 05 01 05 ** ** ** 03 02                          ; status enquiry: service byte 02
till > 05 01 02 03 02                                   ; status enquiry: service byte 02
term < 06 0F 01 9C                                      ; completion: status 9C please wait
term < 06 0F 09 F0 F0 F5 30 2E 31 2E 30 00              ; completion: version 0.1.0, status 00 ready
term < 04 0F 42 27 00 04 00 00 00 00 36 36 60 F0 F5 F3  ; status information: result 00 no error
       00 01 00 03 00 00 00 00 00 00 00 00 00 00 00 00  ; amount 36.36 EUR, receipts 0001 to 0003
       00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ; group 7: 3 of 36.36 EUR
       00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 00
       00 00 00 36 36
"#,
    );
}

#[test]
fn nothing_personal_is_said() {
    check(
        &[
            (Till, "06 50 03 12 34 56"),
            (
                Terminal,
                "04 0F 21 27 00 04 00 00 00 00 10 10 0E 25 12 22 F0 F5 12 34 EE 56 78 8A \
                 05 06 09 1F 80 06 05 41 42 43 44 45",
            ),
            (Till, "06 E0 0A F0 0A F1 F0 F5 48 61 6C 6C 6F"),
            (Till, "06 C0 03 01 02 03"),
            (Terminal, "04 0F 05 27 00 FC 01 02"),
            (Terminal, "04 0F 09 27 00"),
            (Till, "05 01 04 12 34 56 FF"),
            (Terminal, "04 0F 06 22 F0 F1 12 FC 34"),
        ],
        r#"
till > 06 50 03 ** ** **                                ; end of day
term < 04 0F 21 27 00 04 00 00 00 00 10 10 0E ** ** 22  ; status information: result 00 no error
       F0 F5 ** ** ** ** ** 8A 05 06 09 1F 80 06 05 **  ; amount 10.10 EUR, expiry of 2 bytes
       ** ** ** **                                      ; pan of 5 bytes, card type 5
                                                        ; tag 1F8006 of 5 bytes
till > 06 E0 0A F0 0A F1 F0 F5 ** ** ** ** **           ; display text: for 10 s, line 1 of 5 bytes
till > 06 C0 03 ** ** **                                ; unknown 06 C0, 3 bytes
term < 04 0F 05 27 00 FC ** **                          ; status information: result 00 no error
                                                        ; bitmap FC is not known
term < 04 0F 09 ** **                                   ; apdu is cut off after 5 bytes
till > 05 01 04 ** ** ** **                             ; status enquiry
term < 04 0F 06 22 F0 F1 ** ** **                       ; status information: pan of 1 bytes
                                                        ; the rest cannot be read
"#,
    );
}

/// A cut anywhere, and whatever the bytes are.
fn any_said() -> impl Strategy<Value = Said> {
    prop_oneof![
        Just(Said::Ack),
        Just(Said::Nak),
        Just(Said::Damaged),
        any::<u16>().prop_map(|len| Said::Noise(usize::from(len))),
        any::<Vec<u8>>().prop_map(Said::Apdu),
        (0..super::words::CONTROLS.len(), any::<Vec<u8>>()).prop_map(|(index, mut body)| {
            body.truncate(200);
            let len = u8::try_from(body.len()).expect("200 fit one byte");
            let [class, instruction] = super::words::CONTROLS[index];
            Said::Apdu([vec![class, instruction, len], body].concat())
        }),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let side = prop_oneof![Just(Till), Just(Terminal)];
    (side, any_said()).prop_map(|(side, said)| Entry { side, said })
}

proptest! {
    #[test]
    fn what_is_written_is_read(entries in prop::collection::vec(any_entry(), 0..4)) {
        let read = parse(&write(&entries, words())).expect("own text is read");
        prop_assert_eq!(read.len(), entries.len());
        for (read, entry) in read.iter().zip(&entries) {
            prop_assert_eq!(read.side, entry.side);
            match (&read.said, &entry.said) {
                (Said::Apdu(read), Said::Apdu(bytes)) => {
                    prop_assert_eq!(read.len(), bytes.len());
                    let same = |(read, byte): (&u8, &u8)| read == byte || *read == 0;
                    prop_assert!(read.iter().zip(bytes).all(same));
                }
                (read, said) => prop_assert_eq!(read, said),
            }
        }
        prop_assert_eq!(parse(&write(&read, words())).expect("own text is read"), read);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[till >rm<\n; 0-9A-F*ACKNoise]*") {
        let _ = parse(&text);
    }
}

#[test]
fn a_person_may_write_it() {
    let text = "\
; A comment.
till > 06 01 07 04   ; as short as it gets
       00 00 00
       00 10 10

term < 80 00 00
term < ACK
till > noise 3
till > 06 50 03 ** ** **
";
    let said: Vec<Said> =
        parse(text).expect("a dialogue").into_iter().map(|entry| entry.said).collect();
    assert_eq!(
        said,
        [
            Said::Apdu(hex::bytes("06 01 07 04 00 00 00 00 10 10")),
            Said::Apdu(hex::bytes("80 00 00")),
            Said::Ack,
            Said::Noise(3),
            Said::Apdu(hex::bytes("06 50 03 00 00 00")),
        ]
    );
}

#[test]
fn what_is_no_dialogue_is_refused_with_its_line() {
    let byte = |number, word: &str| Err(TraceError::Byte(number, word.to_owned()));
    assert_eq!(parse("till > 06 0"), byte(1, "0"));
    assert_eq!(parse("\nterm < 06 +1"), byte(2, "+1"));
    assert_eq!(parse("term < noise many"), byte(1, "many"));
    assert_eq!(parse("shop > 06"), Err(TraceError::Side(1)));
    assert_eq!(parse("       06"), Err(TraceError::Side(1)), "goes on with nothing");
    assert_eq!(parse("till > ACK\n       06"), Err(TraceError::Side(2)));
}

#[test]
fn a_serial_line_is_heard_as_it_is() {
    let at = |millis| Mono::new(Duration::from_millis(millis));
    let mut line = Recorder::serial(words());
    let log_off = frame::encode(&hex::bytes("06 02 00"));
    assert_eq!(line.heard(at(0), Till, &log_off[..4]), "");
    let heard = line.heard(at(10), Till, &log_off[4..]);
    assert!(heard.starts_with("till > 06 02 00 ") && heard.ends_with("; log-off\n"), "{heard}");
    assert_eq!(line.heard(at(20), Terminal, &[frame::ACK]), "term < ACK\n");
    let mut damaged = frame::encode(&hex::bytes("80 00 00"));
    *damaged.last_mut().expect("a byte") ^= 1;
    assert_eq!(line.heard(at(500), Terminal, &damaged), "term < damaged\n");
    assert_eq!(line.heard(at(2000), Till, &[0x05]), "");
    let heard = line.heard(at(2300), Till, &[frame::NAK]);
    let expected = "       ; 1.8 s later\ntill > noise 1\ntill > NAK";
    assert!(heard.starts_with(expected), "{heard}");
    assert_eq!(parse(&heard).expect("own text is read").len(), 2);
}

#[test]
fn tcp_is_cut_into_messages() {
    let mut line = Recorder::tcp(words());
    let heard = line.heard(Mono::new(Duration::ZERO), Terminal, &hex::bytes("80 00 00 06 0F 00"));
    assert_eq!(parse(&heard).expect("own text is read").len(), 2);
}
