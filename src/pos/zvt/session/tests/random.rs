//! Tills, cores and lines that do anything in any order.

use super::*;
use proptest::prelude::*;

/// What a till, a core and time may do in any order.
#[derive(Debug, Clone)]
enum Act {
    Say(&'static str),
    Noise(Vec<u8>),
    Reply(u8),
    Wait(u64),
    Down,
    Up,
}

fn act() -> impl Strategy<Value = Act> {
    let said = prop::sample::select(vec![
        ACK,
        ACK,
        ACK,
        "84 9C 00",
        "84 66 00",
        "06 B0 00",
        "05 01 00",
        "06 01 07 04 00 00 00 00 10 10",
        "06 01 07 04 00 00 00 00 10 10",
        "06 00 06 12 34 56 8E 09 78",
        "06 20 05 12 34 56 03 03",
        "06 30 06 12 34 56 87 00 10",
        "06 50 03 12 34 56",
        "06 10 03 12 34 56",
        "06 22 07 04 00 00 00 00 10 10",
        "06 23 03 87 FF FF",
        "06 24 0A 04 00 00 00 00 04 00 87 00 10",
        "84 9D 07 04 00 00 00 00 04 00",
        "08 40 01 07",
        "06 02 00",
    ]);
    prop_oneof![
        6 => said.prop_map(Act::Say),
        6 => (0..9_u8).prop_map(Act::Reply),
        3 => (0..9000_u64).prop_map(Act::Wait),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Act::Noise),
        1 => Just(Act::Down),
        1 => Just(Act::Up),
    ]
}

/// A core's answer to `request`, whether it fits or not.
fn some_reply(kind: u8, request: &Request) -> Reply {
    let reference = request.reference();
    let operation = |progress| {
        Reply::Operation(Box::new(OperationResult {
            reference: reference.clone(),
            sale: reference.clone(),
            transaction: None,
            kind: OperationKind::Void,
            amount: euro(1010),
            progress,
        }))
    };
    match kind {
        0 | 1 => progress(reference, Stage::AwaitingShopper),
        2 => progress(reference, Stage::Completing),
        3 => result(reference, SaleOutcome::Approved),
        4 => result(reference, SaleOutcome::NotPaid(NotPaid::AbortedByTill)),
        5 => Reply::Acknowledged { reference: reference.clone() },
        6 => operation(OperationProgress::Queued),
        7 => refused(reference, Problem::Busy(reference.clone())),
        _ => refused(reference, Problem::OutOfService("disk".to_owned())),
    }
}

proptest! {
    /// Whatever happens: no panic, no timer that is always due, and no result is acknowledged but
    /// by a positive answer of the till after it was written.
    #[test]
    fn money_is_kept_only_for_an_acknowledged_result(
        acts in prop::collection::vec(act(), 1..80),
        serial: bool,
    ) {
        let mut till = Till::registered("8E");
        if serial {
            let settings = till.session.settings.clone();
            till.session = Session::new(settings, Line::Serial, Uuid::from_u128(7));
            till.session.remember(&[0x8E]);
            till.session.up(till.now);
        }
        let (mut last, mut approved_written) = (None, false);
        let mut acknowledged = std::collections::BTreeSet::new();
        for act in acts {
            till.now = till.now.after(Duration::from_millis(50));
            let asked = match act.clone() {
                Act::Say(bytes) if serial => {
                    let bytes = crate::pos::zvt::frame::encode(&hex::bytes(bytes));
                    till.say(&hex::text(&bytes))
                }
                Act::Say(bytes) => till.say(bytes),
                Act::Noise(bytes) => till.say(&hex::text(&bytes)),
                Act::Reply(kind) => match &last {
                    Some(request) => till.reply(some_reply(kind, request)),
                    None => Vec::new(),
                },
                Act::Wait(millis) => till.wait(Duration::from_millis(millis)),
                Act::Down => requests(till.session.down(till.now)),
                Act::Up => requests(till.session.up(till.now)),
            };
            for request in &asked {
                let Request::Acknowledge { reference } = request else { continue };
                if acknowledged.insert(reference.clone()) {
                    prop_assert!(approved_written && matches!(act, Act::Say(ACK)), "{act:?}");
                }
            }
            let frame = hex::text(&[0x04, 0x0F, 0x4B, 0x27, 0x00]);
            approved_written |= till.hear().iter().any(|bytes| bytes.contains(&frame));
            let sales = |request: &&Request| matches!(request, Request::Sale(_));
            last = asked.iter().find(sales).or(asked.last()).cloned().or(last);
            // Time that does nothing is not asked for.
            for _ in 0..20 {
                let due = till.session.poll_timeout().is_some_and(|due| due <= till.now);
                if !due {
                    break;
                }
                till.session.tick(till.now);
                till.session.poll_rate(till.now);
                till.hear();
            }
            prop_assert!(till.session.poll_timeout().is_none_or(|due| due > till.now), "{act:?}");
        }
    }
}
