//! What may happen in the middle of any dialogue: the power fails, or the line is cut. `money`
//! holds what till and terminal then believe against each other.

use super::script::{Action, Script};
use super::stage::{ROUNDS_MAX, Stage};
use super::tape::Log;
use klarna_terminald::pos::zvt::session::Line;
use klarna_terminald::pos::zvt::trace::Side;
use std::time::Duration;

/// How long the power is off.
const OUTAGE: Duration = Duration::from_secs(20);
/// What the till does when it is back.
const AFTERWARDS: &str = "till takes everything\n\
    till repeat\ntill takes everything\n\
    till end of day\ntill takes everything";

/// What may happen at any time.
#[derive(Debug, Clone, Copy)]
pub enum Mishap {
    PowerCut,
    /// For so long.
    LineCut(Duration),
}

impl Stage {
    /// As [`Self::play`], but something happens once so many messages of its transcript were
    /// said. After that Klarna answers what is open, and the till asks for the last result. None
    /// if there are not so many messages.
    pub fn play_until(
        script: &Script<'_>,
        line: Line,
        messages: usize,
        mishap: Mishap,
    ) -> Option<Log> {
        let mut stage = Self::new(script, line);
        stage.fuse = Some((messages, mishap));
        stage.play_all(script);
        if stage.fuse.take().is_some() {
            return None;
        }
        stage.has_failed = false;
        match mishap {
            Mishap::PowerCut => {
                stage.act(&Action::Wait(OUTAGE));
                stage.act(&Action::PowerOn);
            }
            Mishap::LineCut(time) => {
                stage.act(&Action::Wait(time));
                stage.act(&Action::PlugIn);
            }
        }
        stage.answer_all_calls();
        for action in Script::parse(AFTERWARDS).lines.iter().map(|(_, action)| action) {
            stage.act(action);
        }
        stage.answer_all_calls();
        assert!(stage.player.world.disk.queued.is_empty(), "{}", stage.tape.log.text);
        Some(stage.tape.log)
    }

    /// Whatever waits for Klarna is done.
    fn answer_all_calls(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let rows = self.player.world.disk.sendable();
            let Some(row) = rows.first() else { return };
            let done = match row.call.kind.operation() {
                "confirm" => "confirm done tx-1".to_owned(),
                operation => format!("{operation} done"),
            };
            let payment = row.call.id.payment.number();
            let _ = self.player.play(&format!("{done} of {payment}"));
            self.pump();
        }
        panic!("Klarna is asked for ever\n{}", self.tape.log.text);
    }

    /// A message has been on the wire; it may have been the last one. If it was the till's, the
    /// terminal has not heard it.
    pub(super) fn burn_down(&mut self, side: Side) {
        let Some((left, mishap)) = &mut self.fuse else { return };
        *left -= 1;
        if *left > 0 {
            return;
        }
        if side == Side::Till {
            self.tape.forget_last();
        }
        if let Mishap::PowerCut = mishap {
            self.session = None;
            self.events.clear();
        }
        (self.fuse, self.has_failed) = (None, true);
        self.cut();
    }
}
