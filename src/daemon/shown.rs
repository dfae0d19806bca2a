//! What is on the shopper's display: the engine's screen, unless the terminal itself has something
//! to say.

use super::Daemon;
use crate::clock::{Mono, Now, SystemClock, Wall};
use crate::config::DisplayConfig;
use crate::console;
use crate::display::{Display, InputConfig, Output, Panel, input};
use crate::i18n::Lang;
use crate::id::Locale;
use crate::payment::screen::{Operator, Screen};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long the operator's page stays.
const OPERATOR_LASTS: Duration = Duration::from_secs(60);
/// While a file of this name stands beside the database, the software is being updated.
const UPDATING: &str = "updating";
/// After this long an update has been forgotten: a terminal that sells nothing is the worse evil.
const UPDATE_MAX: Duration = Duration::from_secs(30 * 60);
/// Letters of a support code: Crockford's base 32, without I, L, O and U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The display and what decides about it beside the engine.
pub(super) struct Shown {
    panel: Panel,
    /// Served for as long as the display is.
    _pages: JoinSet<()>,
    language: Lang,
    /// Why nothing can be shown, as the display has told.
    pub(super) fault: Option<String>,
    /// When Klarna last answered.
    pub(super) last_sync: Option<Wall>,
    updating: PathBuf,
    /// When that was seen first.
    updating_since: Option<Mono>,
    till: TillLink,
    operator: Option<Page>,
}

/// The operator's page.
struct Page {
    until: Mono,
    support_code: String,
}

/// What is known of the till's link.
struct TillLink {
    is_up: bool,
    /// At this moment.
    is_connected: bool,
    /// A serial line is there or not; a till over TCP may come and go with each sale.
    is_line: bool,
}

impl Shown {
    /// Brings everything up that belongs to the display; what comes out beside it says when the
    /// operator's page is asked for.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(super) async fn open(
        output: Output,
        config: DisplayConfig,
        clock: SystemClock,
        store: &Path,
        is_line: bool,
    ) -> anyhow::Result<(Self, mpsc::Receiver<()>)> {
        let language = config.frame.lang;
        let mut display = Display::new(output, config.frame).reopening(config.output);
        let mut pages = JoinSet::new();
        if let Some(address) = config.mirror {
            let feed;
            (display, feed) = display.mirrored();
            // Payments do not depend on it.
            match TcpListener::bind(address).await {
                Ok(listener) => drop(pages.spawn(console::mirror::serve(listener, feed))),
                Err(error) => tracing::error!(%error, %address, "the display is not mirrored"),
            }
        }
        let (asked, operator) = mpsc::channel(1);
        if let Some(InputConfig { path, key }) = config.operator_input {
            // Asked twice at once is asked once.
            let watched = input::watch(&path, key, move || asked.try_send(()).unwrap_or_default());
            if let Err(error) = watched {
                tracing::error!(%error, "nobody can ask for the operator's page");
            }
        }
        let panel = Panel::start(display, config.attention, move || clock.now().mono)?;
        let updating = store.with_file_name(UPDATING);
        let shown = Self {
            updating_since: None,
            fault: panel.health().borrow().clone(),
            panel,
            _pages: pages,
            language,
            last_sync: None,
            updating,
            till: TillLink { is_up: false, is_connected: false, is_line },
            operator: None,
        };
        Ok((shown, operator))
    }

    pub(super) fn health(&self) -> watch::Receiver<Option<String>> {
        self.panel.health()
    }

    pub(super) fn language_of(&self, locale: Option<&Locale>) -> Lang {
        locale.map_or(self.language, |locale| Lang::from_tag(locale.as_str()))
    }

    /// When something else is to be shown, whatever the engine does.
    pub(super) fn due(&self) -> Option<Mono> {
        self.operator.as_ref().map(|page| page.until)
    }

    /// Looks whether the software is being updated.
    pub(super) fn look(&mut self, now: Mono) {
        let since = self.updating.exists().then(|| self.updating_since.unwrap_or(now));
        self.updating_since = since;
        if since.is_some_and(|since| since.after(UPDATE_MAX) <= now) {
            tracing::error!("an update has not ended in its time; sales are begun again");
            self.update_is_over();
        }
    }

    pub(super) fn till_returned(&mut self) {
        (self.till.is_up, self.till.is_connected) = (true, true);
    }

    /// Whether it can be reached now.
    pub(super) fn is_till_connected(&self) -> bool {
        self.till.is_connected
    }

    pub(super) fn is_till_here(&self) -> bool {
        self.till.is_up
    }

    pub(super) fn till_lost(&mut self) {
        self.till.is_connected = false;
        self.till.is_up &= !self.till.is_line;
    }

    /// Why nobody could see a code now; no sale is begun while there is a reason.
    pub(super) fn why_blind(&self) -> Option<String> {
        self.panel.stuck().map(str::to_owned).or_else(|| self.fault.clone())
    }

    /// Shows `screen` while there is no engine that would say what is to be seen.
    pub(super) fn say(&mut self, screen: Screen) {
        self.panel.show(screen, self.language);
    }

    /// The software has started: it is the new one, or the update was given up.
    pub(super) fn update_is_over(&mut self) {
        match std::fs::remove_file(&self.updating) {
            Ok(()) => tracing::info!("the update of the software is over"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(%error, "the mark of an update cannot be removed"),
        }
        self.updating_since = None;
    }

    /// What stands in the place of the welcome.
    fn notice(&self, now: Now) -> Screen {
        if self.why_blind().is_some() {
            Screen::OutOfService { reason: "display" }
        } else if self.updating_since.is_some() {
            Screen::Updating
        } else if !now.wall.is_plausible() {
            Screen::ClockWrong
        } else if !self.till.is_up {
            Screen::NoTill
        } else {
            Screen::Idle
        }
    }
}

impl Drop for Shown {
    /// The last screen, for as long as nobody draws, however the daemon has come to its end.
    fn drop(&mut self) {
        let stopped = Screen::OutOfService { reason: "stopped" };
        let last = if self.updating.exists() { Screen::Updating } else { stopped };
        self.panel.show(last, self.language);
    }
}

impl Daemon {
    /// Why no sale is begun, as far as screen and software go.
    pub(super) fn why_no_sale(&self) -> Option<String> {
        let updating = || {
            let text = "the software is being updated; try again in a few minutes";
            self.shown.updating.exists().then(|| text.to_owned())
        };
        let blind = self.shown.why_blind().map(|why| format!("no code can be shown: {why}"));
        blind.or_else(updating)
    }

    pub(super) fn show(&mut self) {
        let now = self.clock.now();
        let screen = self.engine.screen(now);
        // What is under way with money stays true, but a code must not bring in more of it.
        let invites = matches!(screen, Screen::Checking { .. } | Screen::Scan { .. });
        let screen = match &self.fault {
            None => screen,
            Some(_) if screen.is_about_money() && !invites => screen,
            Some(fault) if fault.is_full => Screen::StorageFull,
            Some(_) => Screen::OutOfService { reason: "storage" },
        };
        self.shown.operator = self.shown.operator.take().filter(|page| page.until > now.mono);
        let screen = match (&self.shown.operator, screen) {
            (Some(page), screen) if !screen.is_about_money() => self.operator_page(page),
            (_, Screen::Idle) => self.shown.notice(now),
            (_, screen) => screen,
        };
        let language = self.shown.language_of(self.engine.shopper_locale());
        self.shown.panel.show(screen, language);
    }

    /// Takes what the display says of itself.
    pub(super) fn display_told(&mut self, fault: Option<String>) {
        let works = fault.is_none();
        if std::mem::replace(&mut self.shown.fault, fault).is_some() && works {
            tracing::info!("the display shows what it should again");
        }
        self.show();
    }

    /// Opens the operator's page, or closes it.
    pub(super) fn toggle_operator(&mut self) {
        let now = self.clock.now();
        self.shown.operator = match self.shown.operator.take() {
            Some(_) => None,
            None => {
                let support_code = support_code(now.wall);
                tracing::info!(support_code, "the operator's page is on show");
                Some(Page { until: now.mono.after(OPERATOR_LASTS), support_code })
            }
        };
        self.show();
    }

    fn operator_page(&self, page: &Page) -> Screen {
        let backlog = self.reader.backlog();
        let (queued, refused) = backlog.map_or((0, 0), |backlog| (backlog.queued, backlog.refused));
        let last_sync = self.shown.last_sync.and_then(|at| self.head.zone.civil(at));
        Screen::Operator(Box::new(Operator {
            version: env!("CARGO_PKG_VERSION"),
            terminal: self.head.terminal.clone(),
            is_online: self.watchman.reachable,
            queued,
            refused,
            last_sync: last_sync.map(|at| {
                let (date, time) = ((at.year, at.month, at.day), (at.hour, at.minute));
                format!("{}-{:02}-{:02} {:02}:{:02}", date.0, date.1, date.2, time.0, time.1)
            }),
            support_code: page.support_code.clone(),
            console: self.office.sign(),
        }))
    }
}

/// The second it was asked for, in letters that can be read out: the log has it too.
fn support_code(now: Wall) -> String {
    let second = u64::try_from(now.millis() / 1000).unwrap_or_default();
    let letter = |place: u32| {
        let digit = (second >> (place * 5)) % LETTERS.len() as u64;
        char::from(LETTERS[digit as usize])
    };
    (0..7).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_support_code_is_seven_letters_of_the_second() {
        let code = |second: i64| support_code(Wall::from_millis(second * 1000));
        assert_eq!(code(0), "0000000");
        assert_eq!(code(33), "0000011");
        assert_eq!(code(1_795_000_000), "1NFV1P0");
        assert_ne!(code(1_795_000_000), code(1_795_000_001));
        assert_eq!(code(-1), "0000000", "a clock that was never set");
    }
}
