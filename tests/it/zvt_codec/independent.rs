//! The same bytes read and written by the `zvt` crate, which shares nothing with our codec: a field
//! that is wrong on both of our sides does not agree with itself here.

use klarna_terminald::money::Currency;
use klarna_terminald::pos::zvt::apdu::Apdu;
use klarna_terminald::pos::zvt::bcd::{
    CurrencyCode, Date, MinorUnits, Minutes, Password, Receipt, TerminalId, Time, Trace, Turnover,
};
use klarna_terminald::pos::zvt::charset::Charset;
use klarna_terminald::pos::zvt::code::{Code, TerminalStatus};
use klarna_terminald::pos::zvt::message::{
    Abort, Answer, Command, Completion, Details, Group, IntermediateStatus, PrintBlock, PrintLine,
    Progress, ReceiptKind, ReceiptName, Registered, StatusInformation, StatusReport, Style, Totals,
};
use proptest::option;
use proptest::prelude::*;
use zvt::{ZvtSerializer, packets};

/// The other decoder's view of an answer of ours, all of whose bytes it must have read.
fn theirs<T: ZvtSerializer>(answer: &Answer) -> T
where
    zvt::encoding::Default: zvt::encoding::Encoding<T>,
{
    let bytes = encode(answer);
    let (packet, rest) = T::zvt_deserialize(&bytes).unwrap_or_else(|error| {
        panic!("{error:?} in {}", super::text(&bytes));
    });
    assert_eq!(super::text(rest), "", "of {}", super::text(&bytes));
    packet
}

fn encode(answer: &Answer) -> Vec<u8> {
    answer.encode(Charset::Cp437).unwrap()
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap()
}

prop_compose! {
    /// What both codecs know: no container, no original trace, no turnover number.
    fn result()(
        code: u8,
        amount in option::of(0..=MinorUnits::MAX),
        trace in option::of(0..=Trace::MAX),
        at in option::of((0..=Time::MAX, 0..=Date::MAX)),
        payment_type: Option<u8>,
        terminal in option::of(0..=TerminalId::MAX),
        text in option::of("[ -~äöüÄÖÜß]{0,200}"),
        euro: bool,
        receipts in option::of((0..=Receipt::MAX, any::<u8>(), 0..=MinorUnits::MAX)),
        receipt in option::of(0..=Receipt::MAX),
        card in option::of((any::<u8>(), "[A-Za-z]{0,98}", any::<u8>())),
    ) -> StatusInformation {
        let currency = Currency::new(if euro { "EUR" } else { "CHF" }).unwrap();
        StatusInformation {
            amount: amount.map(|value| MinorUnits::new(value).unwrap()),
            trace: trace.map(|value| Trace::new(value).unwrap()),
            time: at.map(|(time, _)| Time::new(time).unwrap()),
            date: at.map(|(_, date)| Date::new(date).unwrap()),
            payment_type,
            terminal: terminal.map(|value| TerminalId::new(value).unwrap()),
            text,
            currency: amount.and_then(|_| CurrencyCode::of(currency)),
            totals: receipts.map(|(last, count, total)| totals(last, count, total)),
            receipt: receipt.map(|value| Receipt::new(value).unwrap()),
            card_type: card.as_ref().map(|card| card.0),
            card_name: card.as_ref().map(|card| card.1.clone()),
            network: card.as_ref().map(|card| card.2),
            ..StatusInformation::new(Code(code))
        }
    }
}

fn totals(last: u64, count: u8, total: u64) -> Totals {
    let mut groups = [Group { count: 0, total: MinorUnits::ZERO }; 7];
    groups[Totals::OTHERS] = Group { count, total: MinorUnits::new(total).unwrap() };
    Totals { receipt_first: Receipt::ZERO, receipt_last: Receipt::new(last).unwrap(), groups }
}

proptest! {
    #[test]
    fn results_are_read_field_by_field(ours in result()) {
        let answer = Answer::StatusInformation(Box::new(ours.clone()));
        prop_assert_ne!(encode(&answer)[2], 0x27, "a body of this length is ambiguous");
        let read: packets::StatusInformation = theirs(&answer);
        prop_assert_eq!(read.result_code, Some(ours.result.0));
        prop_assert_eq!(read.amount, ours.amount.map(|amount| size(amount.value())));
        prop_assert_eq!(read.trace_number, ours.trace.map(|trace| size(trace.value())));
        prop_assert_eq!(read.time, ours.time.map(|time| size(time.value())));
        prop_assert_eq!(read.date, ours.date.map(|date| size(date.value())));
        prop_assert_eq!(read.card_type, ours.payment_type);
        prop_assert_eq!(read.terminal_id, ours.terminal.map(|id| size(id.value())));
        prop_assert_eq!(read.currency, ours.currency.map(|code| size(code.value())));
        prop_assert_eq!(read.receipt_no, ours.receipt.map(|receipt| size(receipt.value())));
        prop_assert_eq!(read.zvt_card_type, ours.card_type);
        prop_assert_eq!(read.card_name, ours.card_name);
        prop_assert_eq!(read.zvt_card_type_id, ours.network);
        let text = |text: Option<String>| text.unwrap_or_default().trim_end().to_owned();
        prop_assert_eq!(text(read.additional_text), text(ours.text));
        if let (Some(read), Some(ours)) = (&read.single_amounts, ours.totals) {
            let others = ours.groups[Totals::OTHERS];
            prop_assert_eq!(read.receipt_no_end, size(ours.receipt_last.value()));
            prop_assert_eq!(read.others.num, others.count);
            prop_assert_eq!(read.others.total, size(others.total.value()));
            prop_assert_eq!(&read.visa, &packets::NumAndTotal::default());
        }
        prop_assert_eq!(read.single_amounts.is_some(), ours.totals.is_some());
    }

    #[test]
    fn receipts_are_read_line_by_line(
        lines in proptest::collection::vec("[ -~äöüÄÖÜß]{0,120}", 0..60),
        apdu_len_max in 0_usize..2000,
    ) {
        let split = |lines| PrintBlock::split(ReceiptKind::Customer, lines, Charset::Cp437, apdu_len_max);
        let blocks = split(lines.clone());
        let (mut read_lines, count) = (Vec::new(), blocks.len());
        for (index, block) in blocks.into_iter().enumerate() {
            let single = block.lines.len() == 1;
            let answer = Answer::PrintBlock(block);
            prop_assert!(single || encode(&answer).len() <= apdu_len_max.max(20));
            let read: packets::PrintTextBlock = theirs(&answer);
            let tlv = read.tlv.unwrap();
            prop_assert_eq!(tlv.receipt_type, Some(2));
            let text = tlv.lines.unwrap();
            prop_assert_eq!(text.eol, (index + 1 == count).then_some(0x81));
            read_lines.extend(text.lines);
        }
        prop_assert_eq!(read_lines, lines);
    }
}

#[test]
fn a_turnover_number_hides_nothing_before_it() {
    let ours = StatusInformation {
        amount: MinorUnits::new(1010).ok(),
        receipt: Receipt::new(10).ok(),
        turnover: Turnover::new(10).ok(),
        ..StatusInformation::new(Code::OK)
    };
    let bytes = encode(&Answer::StatusInformation(Box::new(ours)));
    let (read, rest) = packets::StatusInformation::zvt_deserialize(&bytes).unwrap();
    assert_eq!((read.amount, read.receipt_no), (Some(1010), Some(10)));
    assert_eq!(super::text(rest), "88 00 00 10", "the other decoder knows no turnover number");
}

#[test]
fn how_commands_end_is_read() {
    let done: packets::CompletionData = theirs(&Answer::Completion(Completion::Done));
    assert_eq!(done, packets::CompletionData::default());

    let registered = Registered {
        status: Some(0x00),
        terminal: TerminalId::new(52_523_535).ok(),
        currency: CurrencyCode::new(978).ok(),
        tlv: None,
    };
    let read: packets::CompletionData =
        theirs(&Answer::Completion(Completion::Registered(registered)));
    let status_byte = Some(0);
    let (terminal_id, currency) = (Some(52_523_535), Some(978));
    let result_code = None;
    assert_eq!(read, packets::CompletionData { result_code, status_byte, terminal_id, currency });

    let version = "klarna-terminald 0.1.0".to_owned();
    let report = StatusReport {
        version: Some(version.clone()),
        status: TerminalStatus::PLEASE_WAIT,
        tlv: None,
    };
    let read: packets::ReceiptPrintoutCompletion =
        theirs(&Answer::Completion(Completion::Status(report)));
    assert_eq!((read.sw_version, read.terminal_status_code), (version, 0x9C));
}

#[test]
fn how_commands_fail_is_read() {
    for code in 0..=u8::MAX {
        let read: packets::Abort = theirs(&Answer::Abort(Abort::Code(Code(code))));
        assert_eq!(read.error, code);
    }
    let ours = CurrencyCode::new(756).unwrap();
    let read: packets::ReservationAbort = theirs(&Answer::Abort(Abort::WrongCurrency(ours)));
    assert_eq!((read.error, read.currency), (0x6F, Some(756)));
    for (name, number) in
        [(ReceiptName::AllOpen, 0xFFFF), (ReceiptName::Number(Receipt::new(10).unwrap()), 10)]
    {
        let read: packets::PartialReversalAbort = theirs(&Answer::Abort(Abort::Reservation(name)));
        assert_eq!((read.error, read.receipt_no), (0xB8, Some(number)));
    }
}

#[test]
fn progress_lines_and_acknowledgements_are_read() {
    let details = Details { timeout: Minutes::new(5).unwrap(), text: None };
    let status = IntermediateStatus { progress: Progress::PLEASE_WAIT, details: Some(details) };
    let read: packets::IntermediateStatusInformation = theirs(&Answer::IntermediateStatus(status));
    assert_eq!((read.status, read.timeout), (0x0E, Some(5)));
    let text = "Händlerbeleg".to_owned();
    let line = PrintLine { style: Style::CENTRED, text: text.clone(), last: true };
    let read: packets::PrintLine = theirs(&Answer::PrintLine(line));
    assert_eq!((read.attribute, read.text), (0xC0, text));
    let _: packets::Ack = theirs(&Answer::Acknowledged);
}

/// Our view of a command that the other codec has written.
fn ours<T: ZvtSerializer>(packet: &T, check: impl FnOnce(Command<'_>))
where
    zvt::encoding::Default: zvt::encoding::Encoding<T>,
{
    let bytes = packet.zvt_serialize();
    let apdu = Apdu::parse(&bytes).unwrap();
    check(Command::parse(&apdu).unwrap());
}

#[test]
fn commands_of_the_other_codec_are_read() {
    let password = Password::new(123_456).unwrap();
    let registration = packets::Registration {
        password: 123_456,
        config_byte: 0xBE,
        currency: Some(978),
        tlv: Some(packets::tlv::Registration { max_len_adpu: Some(1024) }),
    };
    ours(&registration, |command| match command {
        Command::Registration(read) => {
            assert_eq!((read.password, read.config.0), (password, 0xBE));
            assert_eq!(read.currency, CurrencyCode::new(978).ok());
            assert_eq!(read.abilities().apdu_len_max, Some(1024));
        }
        other => panic!("{other:?}"),
    });
    let reservation = packets::Reservation {
        amount: Some(1616),
        currency: Some(978),
        payment_type: Some(0x40),
        trace_number: Some(10),
        additional_text: Some("Zimmer 10".into()),
        ..packets::Reservation::default()
    };
    ours(&reservation, |command| match command {
        Command::Reservation(read) => {
            assert_eq!(read.amount, MinorUnits::new(1616).unwrap());
            assert_eq!((read.payment_type, read.tlv), (Some(0x40), None));
        }
        other => panic!("{other:?}"),
    });
    let list = packets::PartialReversal {
        receipt_no: Some(0xFFFF),
        ..packets::PartialReversal::default()
    };
    ours(&list, |command| match command {
        Command::PartialReversal(read) => assert_eq!(read.receipt, ReceiptName::AllOpen),
        other => panic!("{other:?}"),
    });
    ours(&packets::EndOfDay { password: 123_456 }, |command| {
        assert_eq!(command, Command::EndOfDay(password));
    });
    ours(&packets::Initialization { password: 123_456 }, |command| {
        assert_eq!(command, Command::Initialisation(password));
    });
    let diagnosis = packets::tlv::Diagnosis { diagnosis_type: Some(2) };
    ours(&packets::Diagnosis { tlv: Some(diagnosis) }, |command| {
        assert_eq!(command, Command::Diagnosis(Some(2)));
    });
    ours(&packets::ResetTerminal {}, |command| assert_eq!(command, Command::Reset));
    ours(&packets::PrintSystemConfiguration {}, |command| {
        assert_eq!(command, Command::PrintConfiguration);
    });
    let enquiry =
        packets::StatusEnquiry { password: Some(123_456), service_byte: Some(2), tlv: None };
    ours(&enquiry, |command| match command {
        Command::StatusEnquiry(read) => {
            assert_eq!((read.password, read.service), (Some(password), Some(2)));
            assert!(!read.wants_version());
        }
        other => panic!("{other:?}"),
    });
}
