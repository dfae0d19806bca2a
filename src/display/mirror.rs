//! What the shopper sees, for browsers: the newest frame, and a feed of the parts that change.
//!
//! Costs nothing while nobody looks. Knows no HTTP; whoever serves a page subscribes here.

use super::canvas::Canvas;
use crate::i18n::Lang;
use embedded_graphics::geometry::{Dimensions as _, OriginDimensions as _, Size};
use embedded_graphics::primitives::Rectangle;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// Changes that a slow reader may be behind; beyond that it starts anew with a whole frame.
const BEHIND_MAX: usize = 4;

/// One display's frames. Clones are the same feed.
#[derive(Debug, Clone)]
pub struct Feed {
    newest: Arc<Mutex<Shot>>,
    changes: broadcast::Sender<Arc<Change>>,
}

/// A whole frame.
#[derive(Debug, Clone)]
pub struct Shot {
    /// Counts the changes from 0.
    pub number: u64,
    /// The pixels.
    pub canvas: Canvas,
    /// What the screen says, in words.
    pub text: String,
    /// The language of the words.
    pub lang: Lang,
}

/// What differs from the frame before.
#[derive(Debug, Clone)]
pub struct Change {
    /// One more than that of the frame before.
    pub number: u64,
    /// Of the new frame; when it is another than before, the parts cover all of it.
    pub size: Size,
    /// Parts of the new frame, where they belong.
    pub parts: Vec<(Rectangle, Canvas)>,
    /// What the screen says, in words.
    pub text: String,
    /// The language of the words.
    pub lang: Lang,
}

impl Feed {
    /// A feed that begins with this frame.
    pub fn new(canvas: &Canvas) -> Self {
        let shot = Shot { number: 0, canvas: canvas.clone(), text: String::new(), lang: Lang::En };
        Self { newest: Arc::new(Mutex::new(shot)), changes: broadcast::channel(BEHIND_MAX).0 }
    }

    /// Tells readers of a new frame; parts outside `damage` are as they were.
    pub fn publish(&self, canvas: &Canvas, damage: &[Rectangle], text: String, lang: Lang) {
        let mut newest = self.newest();
        newest.number += 1;
        let whole = [canvas.bounding_box()];
        let resized = newest.canvas.size() != canvas.size();
        let damage = if resized { &whole } else { damage };
        if resized {
            newest.canvas = canvas.clone();
        } else {
            damage.iter().for_each(|area| newest.canvas.copy(canvas, area));
        }
        newest.text.clone_from(&text);
        newest.lang = lang;
        if self.changes.receiver_count() > 0 {
            let parts = damage.iter().map(|area| (*area, canvas.crop(area))).collect();
            let (number, size) = (newest.number, canvas.size());
            let change = Change { number, size, parts, text, lang };
            // Without a reader there is nothing to tell.
            let _ = self.changes.send(Arc::new(change));
        }
    }

    /// The newest frame, and all changes after it.
    pub fn subscribe(&self) -> (Shot, broadcast::Receiver<Arc<Change>>) {
        let newest = self.newest();
        (newest.clone(), self.changes.subscribe())
    }

    /// The newest frame.
    pub fn shot(&self) -> Shot {
        self.newest().clone()
    }

    fn newest(&self) -> MutexGuard<'_, Shot> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::geometry::Point;
    use embedded_graphics::pixelcolor::Rgb888;
    use embedded_graphics::prelude::RgbColor;

    #[test]
    fn a_reader_has_the_newest_frame_and_every_change() {
        let mut canvas = Canvas::new(4, 4);
        let feed = Feed::new(&canvas);
        let area = Rectangle::new(Point::new(1, 1), Size::new(2, 1));
        canvas.fill_solid(&area, Rgb888::RED).expect("infallible");
        feed.publish(&canvas, &[area], "one".to_owned(), Lang::En);
        let (shot, mut changes) = feed.subscribe();
        assert_eq!((shot.number, &shot.canvas, shot.text.as_str()), (1, &canvas, "one"));
        canvas.fill_solid(&area, Rgb888::BLUE).expect("infallible");
        feed.publish(&canvas, &[area], "two".to_owned(), Lang::De);
        let change = changes.try_recv().expect("a change");
        assert_eq!((change.number, change.lang), (2, Lang::De));
        let (place, part) = &change.parts[0];
        assert_eq!((*place, part.size()), (area, Size::new(2, 1)));
        assert_eq!(part.pixel(0, 0), Some(Rgb888::BLUE));
        assert_eq!(feed.shot().canvas, canvas);
        feed.publish(&Canvas::new(1, 1), &[], String::new(), Lang::En);
        let change = changes.try_recv().expect("a change");
        assert_eq!((change.size, change.parts.len()), (Size::new(1, 1), 1), "another size");
    }
}
