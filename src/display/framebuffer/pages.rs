//! Which page of the memory is drawn next, and what it still lacks.
//!
//! Pure. With two pages, one is on show while the other one takes the next frame: it is two frames
//! behind, so it lacks what changed in either. A page that could not be written lacks it still.

use super::packing::clip;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

/// Most rectangles that are remembered for a page; beyond that it lacks the whole frame.
const LACKING_MAX: usize = 32;

/// One or two pages of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    whole: Rectangle,
    on_show: usize,
    double: bool,
    lacking: [Vec<Rectangle>; 2],
}

impl Pages {
    /// One page that always is on show. It lacks everything.
    pub fn single(frame: Size) -> Self {
        let whole = Rectangle::new(Point::zero(), frame);
        Self { whole, on_show: 0, double: false, lacking: [vec![whole], vec![whole]] }
    }

    /// Two pages, of which the second one is on show or else the first. Both lack everything.
    pub fn double(frame: Size, second_on_show: bool) -> Self {
        Self { on_show: usize::from(second_on_show), double: true, ..Self::single(frame) }
    }

    /// Takes note of a frame that differs from the last one in `damage`. Returns the page to draw
    /// it in, and what that page lacks; none when the page on show lacks nothing.
    pub fn next(&mut self, damage: &[Rectangle]) -> Option<(usize, Vec<Rectangle>)> {
        for lacking in &mut self.lacking {
            let damage = damage.iter().map(|area| clip(area, self.whole.size));
            lacking.extend(damage.filter(|area| !area.is_zero_sized()));
            simplify(lacking, self.whole);
        }
        self.target()
    }

    /// The page on show, and what it lacks.
    #[cfg(feature = "drm")]
    pub fn in_view(&self) -> (usize, Vec<Rectangle>) {
        (self.on_show, self.lacking[self.on_show].clone())
    }

    /// The page was written; with one page, the frame is on show now.
    pub fn written(&mut self, page: usize) {
        if let Some(lacking) = self.lacking.get_mut(page) {
            lacking.clear();
        }
    }

    /// Whether `page` must be brought on show.
    pub fn hides(&self, page: usize) -> bool {
        self.double && page != self.on_show
    }

    /// The page has been brought on show.
    pub fn shown(&mut self, page: usize) {
        self.on_show = page.min(1);
    }

    /// The page on show cannot be changed: from now on it is the only one. Returns it, and what it
    /// lacks.
    pub fn give_up_the_other(&mut self) -> Option<(usize, Vec<Rectangle>)> {
        self.double = false;
        self.target()
    }

    /// The page on show: 0 or 1.
    pub fn on_show(&self) -> usize {
        self.on_show
    }

    /// Whether there are two.
    pub fn is_double(&self) -> bool {
        self.double
    }

    fn target(&self) -> Option<(usize, Vec<Rectangle>)> {
        if self.lacking[self.on_show].is_empty() {
            return None;
        }
        let page = if self.double { 1 - self.on_show } else { self.on_show };
        Some((page, self.lacking[page].clone()))
    }
}

/// Leaves out what lies within another rectangle.
fn simplify(lacking: &mut Vec<Rectangle>, whole: Rectangle) {
    let within = |inner: &Rectangle, outer: &Rectangle| inner.intersection(outer) == *inner;
    if lacking.len() > LACKING_MAX || lacking.iter().any(|area| within(&whole, area)) {
        *lacking = vec![whole];
        return;
    }
    let mut kept: Vec<Rectangle> = Vec::with_capacity(lacking.len());
    for area in lacking.iter() {
        if !kept.iter().any(|outer| within(area, outer)) {
            kept.retain(|inner| !within(inner, area));
            kept.push(*area);
        }
    }
    *lacking = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Size = Size::new(100, 50);

    fn area(x: i32, y: i32) -> Rectangle {
        Rectangle::new(Point::new(x, y), Size::new(10, 10))
    }

    fn whole() -> Vec<Rectangle> {
        vec![Rectangle::new(Point::zero(), FRAME)]
    }

    /// Draws and brings on show; returns what was drawn where.
    fn step(pages: &mut Pages, damage: &[Rectangle]) -> Option<(usize, Vec<Rectangle>)> {
        let (page, areas) = pages.next(damage)?;
        pages.written(page);
        if pages.hides(page) {
            pages.shown(page);
        }
        Some((page, areas))
    }

    #[test]
    fn one_page_takes_what_has_changed() {
        let mut pages = Pages::single(FRAME);
        assert_eq!(step(&mut pages, &[area(0, 0)]), Some((0, whole())));
        assert_eq!(step(&mut pages, &[area(20, 0)]), Some((0, vec![area(20, 0)])));
        assert_eq!(step(&mut pages, &[]), None);
    }

    #[test]
    fn of_two_pages_the_hidden_one_takes_the_last_two_frames() {
        let mut pages = Pages::double(FRAME, false);
        assert_eq!(step(&mut pages, &[]), Some((1, whole())));
        assert_eq!(step(&mut pages, &[area(0, 0)]), Some((0, whole())));
        assert_eq!(step(&mut pages, &[area(20, 0)]), Some((1, vec![area(0, 0), area(20, 0)])));
        assert_eq!(step(&mut pages, &[area(20, 0)]), Some((0, vec![area(20, 0)])));
        assert_eq!(step(&mut pages, &[]), None);
        assert_eq!(pages.on_show(), 0);
    }

    #[test]
    fn what_was_not_written_is_written_next_time() {
        for mut pages in [Pages::single(FRAME), Pages::double(FRAME, true)] {
            step(&mut pages, &[]);
            step(&mut pages, &whole());
            step(&mut pages, &[area(0, 0)]);
            let failed = pages.next(&[area(0, 0)]).expect("has changed");
            assert_eq!(failed.1, [area(0, 0)]);
            assert_eq!(pages.next(&[]), Some(failed));
        }
    }

    #[test]
    fn without_panning_the_page_on_show_gets_what_the_other_one_had() {
        let mut pages = Pages::double(FRAME, true);
        step(&mut pages, &[]);
        step(&mut pages, &[area(0, 0)]);
        let (page, _) = pages.next(&[area(20, 0)]).expect("has changed");
        pages.written(page);
        assert_eq!((page, pages.hides(page)), (0, true));
        assert_eq!(pages.give_up_the_other(), Some((1, vec![area(20, 0)])));
        pages.written(1);
        assert_eq!(step(&mut pages, &[area(40, 0)]), Some((1, vec![area(40, 0)])));
        assert!(!pages.is_double());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut pages = Pages::single(FRAME);
        step(&mut pages, &[]);
        for x in 0..10 {
            pages.next(&[area(x, 0), area(x, 20), Rectangle::new(Point::zero(), Size::zero())]);
        }
        let (_, areas) = pages.next(&[]).expect("is out of date");
        assert_eq!(areas.len(), 20);
        for x in 10..17 {
            pages.next(&[area(x, 0), area(x, 20)]);
        }
        assert_eq!(pages.next(&[]), Some((0, whole())));
    }

    /// The number of the frame that each place of a page shows, and pages that fail as told.
    struct World {
        pages: Pages,
        memory: [[u32; 8]; 2],
        frame: [u32; 8],
    }

    impl World {
        fn places(areas: &[Rectangle]) -> impl Iterator<Item = usize> + '_ {
            areas.iter().flat_map(Rectangle::columns).map(|x| x as usize)
        }

        fn write(&mut self, (page, areas): (usize, Vec<Rectangle>), works: bool) -> bool {
            for place in Self::places(&areas).take(if works { 8 * 64 } else { 1 }) {
                self.memory[page][place] = self.frame[place];
            }
            if works {
                self.pages.written(page);
            }
            works
        }

        /// Whether the frame has come on show.
        fn push(&mut self, number: u32, damage: &[Rectangle], writes: bool, pans: bool) -> bool {
            for place in Self::places(damage) {
                self.frame[place] = number;
            }
            let Some(target) = self.pages.next(damage) else { return true };
            let page = target.0;
            if !self.write(target, writes) {
                return false;
            }
            if self.pages.hides(page) && pans {
                self.pages.shown(page);
            } else if self.pages.hides(page) {
                let target = self.pages.give_up_the_other();
                return target.is_none_or(|target| self.write(target, writes));
            }
            true
        }
    }

    proptest! {
        #[test]
        fn whatever_fails_a_page_that_is_brought_on_show_is_the_newest_frame(
            double in any::<bool>(),
            steps in proptest::collection::vec((0_i32..8, 0_u32..8, 0_u8..8), 1..40),
        ) {
            let frame = Size::new(8, 1);
            let pages = if double { Pages::double(frame, true) } else { Pages::single(frame) };
            let mut world = World { pages, memory: [[0; 8]; 2], frame: [0; 8] };
            for (number, (x, width, luck)) in (1..).zip(steps) {
                let width = width.min(8 - x as u32);
                let area = Rectangle::new(Point::new(x, 0), Size::new(width, 1));
                if world.push(number, &[area], luck != 0, luck != 1) {
                    prop_assert_eq!(world.memory[world.pages.on_show()], world.frame);
                }
            }
        }
    }
}
