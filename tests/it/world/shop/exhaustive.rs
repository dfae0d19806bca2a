//! All orders of a few things that can happen to one sale, each played to its end and judged.

use super::faults::SECOND;
use super::run::{Act, Disturbance, Shop};
use super::terminal::{Death, policy};
use super::{Millis, Report, Settings, close};
use klarna_terminald::id::{PosReference, RequestId};
use klarna_terminald::payment::effect::RequestState;
use klarna_terminald::payment::vocabulary::Request;
use klarna_terminald::payment::{CapturePolicy, Input};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    Abort,
    TimeOut,
    Approve,
    Decline,
    /// Klarna tells the state of now.
    Push,
    /// An answer to an earlier read comes in: the state before the last letter.
    PollReply,
    Crash,
    CancelReplyLost,
    ConfirmReplyLost,
}

pub const LETTERS: [Letter; 9] = [
    Letter::Abort,
    Letter::TimeOut,
    Letter::Approve,
    Letter::Decline,
    Letter::Push,
    Letter::PollReply,
    Letter::Crash,
    Letter::CancelReplyLost,
    Letter::ConfirmReplyLost,
];
/// How many pushes there may be in one word.
const PUSHES_MAX: usize = 2;
/// Between two letters.
const BEAT: Millis = SECOND;
/// Calls are answered within a beat, or only after the next letter.
const ROUND_TRIPS: [Millis; 2] = [200, 1500];
const AMOUNT: i64 = 4000;
/// Requests are read when a letter says so.
const NEVER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Plays all words of `depth` letters.
pub fn all(depth: u32, settings: &Settings) -> Report {
    let mut report = Report::default();
    let base = LETTERS.len();
    for number in 0..base.pow(depth) {
        let mut rest = number;
        let mut word = Vec::new();
        for _ in 0..depth {
            word.push(LETTERS[rest % base]);
            rest /= base;
        }
        if word.iter().filter(|letter| **letter == Letter::Push).count() > PUSHES_MAX {
            continue;
        }
        for round_trip in ROUND_TRIPS {
            let name = format!("{word:?} with a round trip of {round_trip} ms");
            report.add(super::guarded(&name, || play(&word, round_trip, settings)));
        }
    }
    report
}

fn play(word: &[Letter], round_trip: Millis, settings: &Settings) -> Shop {
    let policy = policy(CapturePolicy::OnTillAck, NEVER);
    let mut shop = Shop::by_the_book(policy, round_trip, settings);
    let sale = shop.till.begin_sale(AMOUNT);
    shop.ask(sale);
    shop.run_until(10 * SECOND);
    let mut before = RequestState::Submitted;
    for letter in word {
        let now = read(&mut shop);
        play_letter(&mut shop, *letter, &before);
        before = now;
        let until = shop.t + BEAT;
        shop.run_until(until);
    }
    close(&mut shop);
    shop
}

const REQUEST: &str = "krn:request:1";

fn read(shop: &mut Shop) -> RequestState {
    let t = shop.t;
    shop.klarna.read(t, REQUEST)
}

fn play_letter(shop: &mut Shop, letter: Letter, before: &RequestState) {
    match letter {
        Letter::Abort => {
            let reference = PosReference::new("R00001").expect("a reference");
            shop.ask(Request::Abort { reference });
        }
        Letter::TimeOut => {
            let until = shop.t + 310 * SECOND;
            shop.run_until(until);
        }
        Letter::Approve => shop.shopper(REQUEST, Act::Approves),
        Letter::Decline => shop.shopper(REQUEST, Act::Declines),
        Letter::Push => {
            let state = read(shop);
            observe(shop, state);
        }
        Letter::PollReply => observe(shop, before.clone()),
        Letter::Crash => shop.dies(Death::Process),
        Letter::CancelReplyLost => lose_answer(shop, "cancel"),
        Letter::ConfirmReplyLost => lose_answer(shop, "confirm"),
    }
}

/// Of the next such call, if it is not to be lost already.
fn lose_answer(shop: &mut Shop, operation: &'static str) {
    if !shop.disturbances.iter().any(|known| known.operation == operation) {
        shop.disturbances.push(Disturbance { operation, arrives: true, answer: None });
    }
}

fn observe(shop: &mut Shop, state: RequestState) {
    let payment = klarna_terminald::id::PaymentId::new(1);
    let request = RequestId::new(REQUEST).expect("an id");
    shop.input(Input::Observed { payment, request, state });
}
