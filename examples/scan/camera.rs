//! What a phone's camera makes of a panel: a pinhole camera in front of it, then its optics, the
//! light and its sensor.
//!
//! Every picture follows from its numbers alone. Knows no decoders.

use embedded_graphics::geometry::OriginDimensions as _;
use embedded_graphics::prelude::RgbColor as _;
use embedded_graphics::primitives::Rectangle;
use klarna_terminald::display::canvas::Canvas;

/// Width and height of a picture, in pixels: phones are held upright.
const WIDTH: usize = 960;
const HEIGHT: usize = 1280;
/// Share of the picture's width that the code takes with its quiet zone, seen from the front.
const FILLED: f64 = 0.45;
/// From the lens to the middle of the code, in sides of the code: 50 degrees are in the picture.
const DISTANCE: f64 = 2.4;
/// Each further frame is taken from so much further away, and turned by so many degrees more.
const DRIFT: f64 = 0.07;
const TURN_DEG: f64 = 2.0;
/// The black frame around a panel, as a share of its long side.
const BEZEL: f64 = 0.05;
const BEZEL_LUMA: f32 = 24.0;
/// The counter that the terminal stands on: darkest and brightest.
const COUNTER_LUMA: (f32, f32) = (90.0, 150.0);
/// What every sensor has, as a standard deviation in steps of 255.
const SENSOR_NOISE: f32 = 2.0;

/// How a picture is taken.
#[derive(Debug, Clone, Copy)]
pub struct Shot {
    /// Turned in the plane of the panel, in degrees.
    turned_deg: f64,
    /// Seen from this far to the side, in degrees.
    aside_deg: f64,
    /// Standard deviation of the blur, in modules as they come out in the picture.
    blur_modules: f32,
    /// Share of the panel's light.
    brightness: f32,
    /// Standard deviation of the noise, in steps of 255.
    noise: f32,
    /// One pixel of so many is white and as many are black; none if 0.
    specks: u64,
}

/// The panel is in focus, upright and bright.
const SHARP: Shot = Shot {
    turned_deg: 0.0,
    aside_deg: 0.0,
    blur_modules: 0.0,
    brightness: 1.0,
    noise: SENSOR_NOISE,
    specks: 0,
};

/// What is wrong with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distortion {
    Sharp,
    Blurred,
    Tilted,
    Dim,
    Noisy,
    Aside,
}

impl Distortion {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Sharp, Self::Blurred, Self::Tilted, Self::Dim, Self::Noisy, Self::Aside];

    /// Its name in the table and in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sharp => "sharp",
            Self::Blurred => "blurred",
            Self::Tilted => "tilted",
            Self::Dim => "dim",
            Self::Noisy => "noisy",
            Self::Aside => "aside",
        }
    }

    /// What it is, with its figures.
    pub fn figures(self) -> &'static str {
        match self {
            Self::Sharp => "in focus and straight; like all pictures with noise of sigma 2/255",
            Self::Blurred => "out of focus: gaussian blur, by default of sigma 1/3 module",
            Self::Tilted => "turned by 30 degrees in its plane",
            Self::Dim => "the panel gives 30 % of its light; noise of sigma 4/255",
            Self::Noisy => "noise of sigma 20/255, and 0.4 % of the pixels black or white",
            Self::Aside => "seen from 35 degrees to the side, 2.4 sides of the code away",
        }
    }

    fn shot(self, blur_modules: f32) -> Shot {
        match self {
            Self::Sharp => SHARP,
            Self::Blurred => Shot { blur_modules, ..SHARP },
            Self::Tilted => Shot { turned_deg: 30.0, ..SHARP },
            Self::Dim => Shot { brightness: 0.3, noise: 4.0, ..SHARP },
            Self::Noisy => Shot { noise: 20.0, specks: 500, ..SHARP },
            Self::Aside => Shot { aside_deg: 35.0, ..SHARP },
        }
    }
}

/// A grey picture, row by row from the top left.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// From 0, black, to 255.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// The same picture in half its size: each pixel is the mean of four.
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            let row = |y: usize| &self.pixels[y * self.width..][..2 * width];
            let pairs = row(2 * y).chunks_exact(2).zip(row(2 * y + 1).chunks_exact(2));
            let sum = |pair: &[u8]| u32::from(pair[0]) + u32::from(pair[1]);
            pixels.extend(pairs.map(|(upper, lower)| ((sum(upper) + sum(lower) + 2) / 4) as u8));
        }
        Self { width, height, pixels }
    }
}

/// What glows on a panel.
pub struct Panel {
    width: usize,
    height: usize,
    luma: Vec<f32>,
    code: Rectangle,
    module_px: u32,
    blur_modules: f32,
}

impl Panel {
    /// A panel with a code: its place with the quiet zone, and the pixels of one module. A picture
    /// of it out of focus has a blur of so many modules.
    pub fn new(canvas: &Canvas, code: Rectangle, module_px: u32, blur_modules: f32) -> Self {
        let size = canvas.size();
        // The luma of Rec. 601, which cameras hand over.
        let luma = canvas.pixels().iter().map(|pixel| {
            let [r, g, b] = [pixel.r(), pixel.g(), pixel.b()].map(f32::from);
            0.299 * r + 0.587 * g + 0.114 * b
        });
        let (width, height) = (size.width as usize, size.height as usize);
        Self { width, height, luma: luma.collect(), code, module_px, blur_modules }
    }

    /// One picture of it, aimed at the code. Frames of a scene are numbered from 0; as no hand is
    /// still, each is taken from 7 % further away than the one before, turned by 2 degrees more,
    /// and has its own noise.
    pub fn taken(&self, distortion: Distortion, (seed, frame): (u64, u32)) -> Picture {
        let shot = distortion.shot(self.blur_modules);
        let lens = Lens::new(&self.code, &shot, frame);
        let mut luma = Vec::with_capacity(WIDTH * HEIGHT);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let counter = counter(x as f32 / WIDTH as f32, y as f32 / HEIGHT as f32);
                luma.push(self.seen(lens.on_panel(x as f64, y as f64), counter, shot.brightness));
            }
        }
        blur(&mut luma, WIDTH, shot.blur_modules * self.module_px as f32 * lens.enlarged);
        let mut random = Random(seed.wrapping_mul(31).wrapping_add(u64::from(frame)));
        let pixels = luma.into_iter().map(|luma| random.sensed(luma, &shot)).collect();
        Picture { width: WIDTH, height: HEIGHT, pixels }
    }

    /// What is at a point of the panel's plane: between pixels the mean of four.
    fn seen(&self, (x, y): (f64, f64), counter: f32, brightness: f32) -> f32 {
        let bezel = BEZEL * self.width.max(self.height) as f64;
        let outside = |at: f64, side: usize| (-at).max(at - side as f64).max(0.0);
        let away = outside(x, self.width).max(outside(y, self.height));
        if away > bezel {
            return counter;
        }
        if away > 0.0 {
            return BEZEL_LUMA;
        }
        // The middle of a pixel is half a pixel from its corner.
        let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (left, top) = (left.min(right), top.min(bottom));
        let (along, down) = (x.fract() as f32, y.fract() as f32);
        let row = |y: usize| {
            let at = |x: usize| self.luma[y * self.width + x];
            at(left) * (1.0 - along) + at(right) * along
        };
        (row(top) * (1.0 - down) + row(bottom) * down) * brightness
    }
}

/// A counter that is lit from one corner.
fn counter(x: f32, y: f32) -> f32 {
    let (darkest, brightest) = COUNTER_LUMA;
    darkest + (brightest - darkest) * (x + y) / 2.0
}

/// From a point of the picture to the point of the panel's plane that is seen there.
struct Lens {
    /// Row by row; a point is `(x, y, 1)` before and is divided by its third part after.
    back: [[f64; 3]; 3],
    /// Pixels of the picture per pixel of the panel, in the middle of the code.
    enlarged: f32,
}

impl Lens {
    fn new(code: &Rectangle, shot: &Shot, frame: u32) -> Self {
        let side = f64::from(code.size.width);
        let (middle_x, middle_y) =
            (f64::from(code.top_left.x) + side / 2.0, f64::from(code.top_left.y) + side / 2.0);
        let distance = side * DISTANCE * (1.0 + DRIFT * f64::from(frame));
        let focal_length = WIDTH as f64 * FILLED * DISTANCE;
        let turned_deg = shot.turned_deg + TURN_DEG * f64::from(frame);
        let (sin, cos) = turned_deg.to_radians().sin_cos();
        let (sin_aside, cos_aside) = shot.aside_deg.to_radians().sin_cos();
        // Around the middle of the code: turned in the plane, then around the vertical axis.
        let x = [cos * cos_aside, -sin * cos_aside];
        let y = [sin, cos];
        let away = [cos * sin_aside, -sin * sin_aside];
        let row = |[along, down]: [f64; 2], shift: f64| {
            [along, down, shift - along * middle_x - down * middle_y]
        };
        let (x, y, away) = (row(x, 0.0), row(y, 0.0), row(away, distance));
        let onto = |axis: &[f64; 3], pixels: usize| {
            [0, 1, 2].map(|part| focal_length * axis[part] + pixels as f64 / 2.0 * away[part])
        };
        let forth = [onto(&x, WIDTH), onto(&y, HEIGHT), away];
        Self { back: inverse(&forth), enlarged: (focal_length / distance) as f32 }
    }

    fn on_panel(&self, x: f64, y: f64) -> (f64, f64) {
        mapped(&self.back, (x + 0.5, y + 0.5))
    }
}

fn mapped(matrix: &[[f64; 3]; 3], (x, y): (f64, f64)) -> (f64, f64) {
    let [a, b, c] = matrix.map(|row| row[0] * x + row[1] * y + row[2]);
    (a / c, b / c)
}

/// The inverse but for a factor, which [`mapped`] does not see.
fn inverse(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let minor = |row: usize, column: usize| {
        let (r, s) = ((row + 1) % 3, (row + 2) % 3);
        let (c, d) = ((column + 1) % 3, (column + 2) % 3);
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| minor(column, row)))
}

/// A gaussian blur of this standard deviation in pixels, along rows and then columns; it is cut
/// off at three of them.
fn blur(luma: &mut Vec<f32>, width: usize, sigma: f32) {
    if sigma <= 0.0 || width == 0 {
        return;
    }
    let reach = (sigma * 3.0).ceil() as usize;
    let weight = |step: usize| (-0.5 * (step as f32 / sigma).powi(2)).exp();
    let total: f32 = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f32>();
    let weights: Vec<f32> = (0..=reach).map(|step| weight(step) / total).collect();
    let height = luma.len() / width;
    for (stride, length) in [(1, width), (width, height)] {
        let mut blurred = vec![0.0; luma.len()];
        for (index, value) in blurred.iter_mut().enumerate() {
            let at = index / stride % length;
            let line = index - at * stride;
            let pixel = |at: usize| luma[line + at * stride];
            *value = pixel(at) * weights[0];
            for (step, weight) in weights.iter().enumerate().skip(1) {
                let before = pixel(at.saturating_sub(step));
                let after = pixel((at + step).min(length - 1));
                *value += (before + after) * weight;
            }
        }
        *luma = blurred;
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The sum of four even numbers, which is close to a normal one: mean 0, deviation 1.
    fn normal(&mut self) -> f32 {
        let parts = self.next().to_le_bytes();
        let even = |pair: &[u8]| f32::from(pair[0]) + f32::from(pair[1]) * 256.0;
        let sum: f32 = parts.chunks_exact(2).map(even).sum();
        (sum / 65_536.0 - 2.0) * 3.0_f32.sqrt()
    }

    /// What the sensor makes of this much light.
    fn sensed(&mut self, luma: f32, shot: &Shot) -> u8 {
        let noisy = (luma + self.normal() * shot.noise).round().clamp(0.0, 255.0) as u8;
        match shot.specks {
            0 => noisy,
            one_in => match self.next() % one_in {
                0 => 0,
                1 => u8::MAX,
                _ => noisy,
            },
        }
    }
}
