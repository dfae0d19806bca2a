//! A display on a thread of its own: drawing never holds up a payment, and the newest screen wins.

use super::Display;
use crate::i18n::Lang;
use crate::payment::screen::Screen;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The far end of a display's thread. Dropping it without [`Panel::finish`] leaves the last screen.
#[derive(Debug)]
pub struct Panel {
    slot: Arc<Slot>,
    thread: JoinHandle<()>,
    last: Option<(Screen, Lang)>,
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

impl Panel {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(display: Display) -> std::io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let theirs = slot.clone();
        let thread = std::thread::Builder::new()
            .name("display".to_owned())
            .spawn(move || draw_newest(display, &theirs))?;
        Ok(Self { slot, thread, last: None })
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

    /// Waits until the last screen is drawn.
    pub fn finish(self) {
        self.slot.lock().finished = true;
        self.slot.changed.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the display's thread had ended before");
        }
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next screen; `None` once there will be no more.
    fn take(&self) -> Option<(Screen, Lang)> {
        let mut next = self.lock();
        loop {
            match next.screen.take() {
                Some(screen) => return Some(screen),
                None if next.finished => return None,
                None => next = self.changed.wait(next).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

fn draw_newest(mut display: Display, slot: &Slot) {
    let mut failing = false;
    while let Some((screen, lang)) = slot.take() {
        display.speak(lang);
        match display.show(&screen) {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::error!(%error, "the display does not show what it should");
                failing = true;
            }
            Err(_) => {}
        }
    }
}
