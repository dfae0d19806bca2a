//! A display on a thread of its own: drawing never holds up a payment, the newest screen wins, and
//! what moves on a screen moves by itself.

use super::cue::Attention;
use super::{AttentionConfig, Display, DisplayError};
use crate::clock::Mono;
use crate::i18n::Lang;
use crate::payment::screen::Screen;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A display that does not take screens is tried again at this pace.
const RETRY: Duration = Duration::from_secs(2);
/// Between two looks whether the thread has ended.
const LOOK: Duration = Duration::from_millis(5);
/// How often a display that shows a still picture is asked whether it is there.
const PROBE: Duration = Duration::from_secs(5);

/// One screen takes no longer than this to be drawn and pushed, on any panel.
const STUCK_AFTER: Duration = Duration::from_secs(5);
/// How long the last screen may take at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// The far end of a display's thread. Dropping it waits for the last screen, though not for ever.
#[derive(Debug)]
pub struct Panel {
    slot: Arc<Slot>,
    thread: JoinHandle<()>,
    /// Since when the thread has been busy with one screen.
    busy: Arc<Mutex<Option<Instant>>>,
    last: Option<(Screen, Lang)>,
    health: watch::Receiver<Option<String>>,
}

/// Room for the one screen that is to be drawn next.
#[derive(Debug, Default)]
struct Slot {
    next: Mutex<Next>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Next {
    screen: Option<(Screen, Lang)>,
    finished: bool,
}

/// What the thread is to do.
enum Task {
    Show(Screen, Lang),
    /// The time is over that it wanted to wait.
    GoOn,
    Finish,
}

impl Panel {
    /// Starts the thread; `clock` is asked for the time whenever something is drawn. Whether codes
    /// can be shown is known when this returns.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        mut display: Display,
        attention: AttentionConfig,
        clock: impl Fn() -> Mono + Send + 'static,
    ) -> std::io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let unfit = unfit(&mut display);
        let (told, health) = watch::channel(unfit.clone());
        let theirs = slot.clone();
        let busy = Arc::new(Mutex::new(None));
        let working = busy.clone();
        let thread = std::thread::Builder::new().name("display".to_owned()).spawn(move || {
            let attention = Attention::open(&attention);
            let worker = Worker { display, attention, clock, told, wanted: None, unfit };
            worker.run(&theirs, &working);
        })?;
        Ok(Self { slot, thread, busy, last: None, health })
    }

    /// Hands over a screen to be drawn as soon as the one before is; screens in between are left
    /// out. The same screen again costs nothing.
    pub fn show(&mut self, screen: Screen, lang: Lang) {
        let next = Some((screen, lang));
        if self.last != next {
            self.last.clone_from(&next);
            self.slot.lock().screen = next;
            self.slot.changed.notify_one();
        }
    }

    /// Why screens are not on show at present; `None` while they are.
    pub fn health(&self) -> watch::Receiver<Option<String>> {
        self.health.clone()
    }

    /// Why the display takes no screens any more, if it cannot tell itself.
    pub fn stuck(&self) -> Option<&'static str> {
        let busy = *self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if self.thread.is_finished() {
            Some("the display has ended because of a defect, restart the terminal")
        } else if busy.is_some_and(|since| since.elapsed() > STUCK_AFTER) {
            Some("the display does not take what is written to it")
        } else {
            None
        }
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.slot.lock().finished = true;
        self.slot.changed.notify_one();
        let begun = Instant::now();
        while !self.thread.is_finished() && begun.elapsed() < FAREWELL {
            std::thread::sleep(LOOK);
        }
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next screen, or what else there is to do after `wait`.
    fn take(&self, wait: Duration) -> Task {
        let idle = |next: &mut Next| next.screen.is_none() && !next.finished;
        let (mut next, _) = self
            .changed
            .wait_timeout_while(self.lock(), wait, idle)
            .unwrap_or_else(PoisonError::into_inner);
        match next.screen.take() {
            Some((screen, lang)) => Task::Show(screen, lang),
            None if next.finished => Task::Finish,
            None => Task::GoOn,
        }
    }
}

struct Worker<C> {
    display: Display,
    attention: Attention,
    clock: C,
    told: watch::Sender<Option<String>>,
    wanted: Option<(Screen, Lang)>,
    /// Why no code can be shown on this panel, though everything else can.
    unfit: Option<String>,
}

impl<C: Fn() -> Mono> Worker<C> {
    fn run(mut self, slot: &Slot, busy: &Mutex<Option<Instant>>) {
        let set = |since| *busy.lock().unwrap_or_else(PoisonError::into_inner) = since;
        let mut failing = false;
        loop {
            let moves = self.display.next((self.clock)());
            let wait = if failing { RETRY } else { moves.unwrap_or(PROBE).min(PROBE) };
            let task = slot.take(wait);
            set(Some(Instant::now()));
            let worked = match task {
                Task::Finish => return,
                Task::Show(screen, lang) => {
                    self.wanted = Some((screen, lang));
                    if failing { self.reopen() } else { self.draw() }
                }
                Task::GoOn if failing => self.reopen(),
                Task::GoOn => self.go_on(),
            };
            set(None);
            failing = worked.is_err();
            self.tell(worked.err().map(|error| error.to_string()).or(self.unfit.clone()));
        }
    }

    fn draw(&mut self) -> Result<(), DisplayError> {
        let Some((screen, lang)) = &self.wanted else { return Ok(()) };
        self.display.speak(*lang);
        self.attention.prepare(screen);
        let now = (self.clock)();
        self.display.show(screen, now)?;
        self.attention.shown(screen, self.display.frame());
        if self.display.is_urgent(now) {
            self.attention.warn(screen, self.display.frame());
        }
        Ok(())
    }

    fn go_on(&mut self) -> Result<(), DisplayError> {
        self.display.probe()?;
        self.draw()
    }

    fn reopen(&mut self) -> Result<(), DisplayError> {
        self.display.reopen()?;
        self.unfit = unfit(&mut self.display);
        self.draw()
    }

    fn tell(&self, wrong: Option<String>) {
        let before = self.told.borrow().clone();
        if before == wrong {
            return;
        }
        // That it works again is said by whoever begins sales again.
        if let (None, Some(error)) = (&before, &wrong) {
            tracing::error!(
                %error,
                "the display does not show what it should; no sale is begun until it does"
            );
        }
        self.told.send_replace(wrong);
    }
}

/// Why codes cannot be shown on this panel.
fn unfit(display: &mut Display) -> Option<String> {
    match display.try_code() {
        Ok(Some(fit)) if fit.tight => {
            let module_px = fit.module_px;
            tracing::warn!(module_px, "QR codes are small on this panel; 4 pixels are better");
            None
        }
        Ok(_) => None,
        Err(error) => {
            tracing::error!(%error, "no code can be shown; no sale is begun until it can");
            Some(error.to_string())
        }
    }
}
