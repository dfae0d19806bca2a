//! Icons as distance functions: sharp at any size, told apart by shape alone.
//!
//! Coordinates are those of the disc behind an icon: its centre is (0, 0), its radius 1, y grows
//! downwards. Knows no pixels and no colours.

/// What an icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A shopping bag: welcome.
    Bag,
    /// Three dots: being prepared.
    Dots,
    /// A phone.
    Phone,
    /// A clock.
    Clock,
    /// A tick: done.
    Tick,
    /// A cross: cancelled.
    Cross,
    /// A short bar: did not happen.
    Minus,
    /// A payment card: pay another way.
    Card,
    /// Radio waves, struck through.
    NoSignal,
    /// A triangle with an exclamation mark.
    Warning,
    /// A plug that is not in its socket.
    Plug,
    /// An arrow that turns back.
    Return,
    /// A tick in a ring.
    Returned,
    /// An hourglass.
    Queue,
    /// A person.
    Person,
    /// A till's screen, struck through.
    Unplugged,
    /// A clock, struck through.
    ClockWrong,
    /// A full sheet.
    Storage,
    /// An arrow into a tray.
    Update,
}

/// Half the thickness of every stroke.
const STROKE: f32 = 0.07;

type P = (f32, f32);

impl Icon {
    /// Distance from (x, y) to the icon; negative inside.
    pub fn distance(self, x: f32, y: f32) -> f32 {
        let p = (x, y);
        match self {
            Icon::Bag => bag(p),
            Icon::Dots => [-0.36, 0.0, 0.36].map(|x| dot(p, (x, 0.0), 0.105)).into_iter().min_of(),
            Icon::Phone => phone(p),
            Icon::Clock => clock(p),
            Icon::Tick => path(p, &[(-0.38, 0.03), (-0.11, 0.3), (0.4, -0.27)]),
            Icon::Cross => path(p, &[(-0.28, -0.28), (0.28, 0.28)])
                .min(path(p, &[(-0.28, 0.28), (0.28, -0.28)])),
            Icon::Minus => path(p, &[(-0.36, 0.0), (0.36, 0.0)]),
            Icon::Card => card(p),
            Icon::NoSignal => no_signal(p),
            Icon::Warning => warning(p),
            Icon::Plug => plug(p),
            Icon::Return => back(p),
            Icon::Returned => {
                let tick =
                    path((p.0 * 1.5, p.1 * 1.5), &[(-0.34, 0.02), (-0.1, 0.26), (0.36, -0.24)]);
                outline(dot(p, (0.0, 0.0), 0.5)).min(tick / 1.5)
            }
            Icon::Queue => {
                path(p, &[(-0.3, -0.44), (0.3, -0.44), (-0.3, 0.44), (0.3, 0.44), (-0.3, -0.44)])
            }
            Icon::Person => {
                let shoulders = dot(p, (0.0, 0.5), 0.42).max(p.1 - 0.46);
                dot(p, (0.0, -0.2), 0.22).min(shoulders)
            }
            Icon::Unplugged => struck(till(p), p),
            Icon::ClockWrong => struck(clock(p), p),
            Icon::Storage => {
                let line = |y| path(p, &[(-0.16, y), (0.16, y)]);
                let lines = line(-0.2).min(line(0.02)).min(line(0.24));
                outline(rounded_box(p, (0.38, 0.48), 0.08)).min(lines)
            }
            Icon::Update => {
                let arrow = path(p, &[(0.0, -0.5), (0.0, 0.12)])
                    .min(path(p, &[(-0.22, -0.1), (0.0, 0.12), (0.22, -0.1)]));
                arrow.min(path(p, &[(-0.42, 0.2), (-0.42, 0.42), (0.42, 0.42), (0.42, 0.2)]))
            }
        }
    }
}

/// Distance to a rectangle with rounded corners around (0, 0).
pub fn rounded_box(p: (f32, f32), half: (f32, f32), radius: f32) -> f32 {
    let (x, y) = (p.0.abs() - half.0 + radius, p.1.abs() - half.1 + radius);
    x.max(0.0).hypot(y.max(0.0)) + x.max(y).min(0.0) - radius
}

/// Distance to a disc.
pub fn dot(p: (f32, f32), centre: (f32, f32), radius: f32) -> f32 {
    (p.0 - centre.0).hypot(p.1 - centre.1) - radius
}

trait MinOf {
    fn min_of(self) -> f32;
}

impl<I: Iterator<Item = f32>> MinOf for I {
    fn min_of(self) -> f32 {
        self.fold(f32::INFINITY, f32::min)
    }
}

/// Distance to a stroke with round ends along `points`.
fn path(p: P, points: &[P]) -> f32 {
    points.windows(2).map(|ends| segment(p, ends[0], ends[1])).min_of() - STROKE
}

fn segment(p: P, from: P, to: P) -> f32 {
    let (along, off) = ((to.0 - from.0, to.1 - from.1), (p.0 - from.0, p.1 - from.1));
    let length = along.0 * along.0 + along.1 * along.1;
    let at = ((off.0 * along.0 + off.1 * along.1) / length).clamp(0.0, 1.0);
    (off.0 - at * along.0).hypot(off.1 - at * along.1)
}

/// The outline of a shape instead of the shape.
fn outline(distance: f32) -> f32 {
    distance.abs() - STROKE
}

fn bag(p: P) -> f32 {
    let handle = outline(dot(p, (0.0, -0.22), 0.22)).max(p.1 + 0.22);
    outline(rounded_box((p.0, p.1 - 0.14), (0.44, 0.36), 0.1)).min(handle)
}

fn phone(p: P) -> f32 {
    outline(rounded_box(p, (0.29, 0.5), 0.1)).min(path(p, &[(-0.06, 0.3), (0.06, 0.3)]))
}

fn clock(p: P) -> f32 {
    outline(dot(p, (0.0, 0.0), 0.48)).min(path(p, &[(0.0, -0.26), (0.0, 0.0), (0.18, 0.11)]))
}

fn card(p: P) -> f32 {
    let stripe = rounded_box((p.0, p.1 + 0.11), (0.5, 0.07), 0.0);
    let digits = path(p, &[(-0.28, 0.17), (-0.12, 0.17)]);
    outline(rounded_box(p, (0.52, 0.36), 0.1)).min(stripe).min(digits)
}

fn no_signal(p: P) -> f32 {
    let source = (0.0, 0.36);
    let waves = wave(p, source, 0.36).min(wave(p, source, 0.72)).min(dot(p, source, 0.11));
    struck(waves, p)
}

/// Struck through, with a gap beside the stroke.
fn struck(shape: f32, p: P) -> f32 {
    let slash = path(p, &[(0.4, -0.46), (-0.4, 0.5)]);
    shape.max(0.06 - slash).min(slash)
}

fn back(p: P) -> f32 {
    let bend = outline(dot(p, (0.16, 0.1), 0.22)).max(0.16 - p.0);
    let lines =
        path(p, &[(-0.42, -0.12), (0.16, -0.12)]).min(path(p, &[(-0.2, 0.32), (0.16, 0.32)]));
    let head = path(p, &[(-0.2, -0.36), (-0.42, -0.12), (-0.2, 0.12)]);
    bend.min(lines).min(head)
}

fn till(p: P) -> f32 {
    let screen = outline(rounded_box((p.0, p.1 + 0.1), (0.46, 0.32), 0.08));
    screen.min(path(p, &[(0.0, 0.24), (0.0, 0.44)])).min(path(p, &[(-0.24, 0.44), (0.24, 0.44)]))
}

/// A quarter circle above its centre.
fn wave(p: P, centre: P, radius: f32) -> f32 {
    let (x, y) = ((p.0 - centre.0).abs(), centre.1 - p.1);
    if y >= x {
        return outline(x.hypot(y) - radius);
    }
    let end = radius * std::f32::consts::FRAC_1_SQRT_2;
    (x - end).hypot(y - end) - STROKE
}

fn warning(p: P) -> f32 {
    let triangle = path(p, &[(0.0, -0.5), (0.53, 0.38), (-0.53, 0.38), (0.0, -0.5)]);
    let mark = path(p, &[(0.0, -0.16), (0.0, 0.05)]).min(dot(p, (0.0, 0.21), 0.08));
    triangle.min(mark)
}

fn plug(p: P) -> f32 {
    let prong = |x| path(p, &[(x, -0.48), (x, -0.2)]);
    let cup = rounded_box((p.0, p.1 + 0.12), (0.36, 0.42), 0.34).max(-0.16 - p.1);
    let cable = path(p, &[(0.0, 0.26), (0.0, 0.54)]);
    prong(-0.17).min(prong(0.17)).min(cup).min(cable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ICONS: [Icon; 19] = [
        Icon::Bag,
        Icon::Dots,
        Icon::Phone,
        Icon::Clock,
        Icon::Tick,
        Icon::Cross,
        Icon::Minus,
        Icon::Card,
        Icon::NoSignal,
        Icon::Warning,
        Icon::Plug,
        Icon::Return,
        Icon::Returned,
        Icon::Queue,
        Icon::Person,
        Icon::Unplugged,
        Icon::ClockWrong,
        Icon::Storage,
        Icon::Update,
    ];

    fn bitmap(icon: Icon) -> Vec<bool> {
        let at = |index: i32| (index as f32 - 20.0) / 20.0;
        (0..41 * 41).map(|i| icon.distance(at(i % 41), at(i / 41)) < 0.0).collect()
    }

    #[test]
    fn icons_differ_by_shape_alone() {
        for (index, one) in ICONS.iter().enumerate() {
            for other in &ICONS[index + 1..] {
                let pairs = bitmap(*one).into_iter().zip(bitmap(*other));
                let different = pairs.filter(|(a, b)| a != b).count();
                assert!(different > 30, "{one:?} and {other:?}: {different}");
            }
        }
    }

    #[test]
    fn icons_stay_inside_their_disc() {
        for icon in ICONS {
            for step in 0..360 {
                let angle = (step as f32).to_radians();
                assert!(icon.distance(angle.cos() * 0.9, angle.sin() * 0.9) > 0.0, "{icon:?}");
            }
        }
    }
}
