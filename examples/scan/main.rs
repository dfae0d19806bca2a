//! Can every phone read our QR codes? Draws the scan screen for each size of panel, looks at it
//! through a poor camera, and lets two independent decoders read it.
//!
//! `cargo run --release --example scan` prints the shares that were read and fails below 99.5 %;
//! `-- --help` names its options. ZBar comes with `apt-get install zbar-tools`.

mod camera;
mod decoder;
// The same screens as the tests draw; not every helper of theirs is needed here.
#[allow(dead_code)]
#[path = "../../tests/it/gallery.rs"]
mod gallery;
mod table;

use camera::{Distortion, Panel, Picture};
use clap::Parser as _;
use klarna_terminald::clock::Mono;
use klarna_terminald::display::canvas::Canvas;
use klarna_terminald::display::screen::draw;
use klarna_terminald::display::theme::Theme;
use klarna_terminald::display::{Frame, Role};
use klarna_terminald::i18n::Lang;
use klarna_terminald::id::DistributionUrl;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use table::Table;

/// Panels with a shorter side show a link instead of a code.
const SHORT_SIDE_MIN: u32 = 240;
const THEMES: [(&str, Theme); 2] = [("light", Theme::LIGHT), ("dark", Theme::DARK)];

/// Reads the QR codes of the scan screen as phones would.
#[derive(Debug, clap::Parser)]
struct Options {
    /// Codes per panel, length of link and theme
    #[arg(long, default_value_t = 20)]
    seeds: u32,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Frames of one scene that a decoder may try, each in full and in half size, as apps do
    #[arg(long, default_value_t = 5)]
    frames: u32,
    /// Blur of what is out of focus, as a standard deviation in modules
    #[arg(long, default_value_t = 1.0 / 3.0)]
    blur: f32,
    /// Per cent that each decoder has to read
    #[arg(long, default_value_t = 99.5)]
    least: f64,
    /// Write the first frame of what was not read, and one picture of each kind, to this directory
    #[arg(long)]
    save: Option<PathBuf>,
    /// Do without zbarimg
    #[arg(long)]
    without_zbar: bool,
}

/// How long a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// As Klarna's are: 77 bytes.
    Usual,
    /// With a longer path: 123 bytes.
    Long,
}

/// One screen on one panel.
#[derive(Debug, Clone, Copy)]
struct Scene {
    size: (u32, u32),
    link: Link,
    theme: usize,
    seed: u32,
}

/// What became of one scene under one distortion.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The panel, in pixels.
    pub size: (u32, u32),
    /// What the code carries.
    pub link: Link,
    /// Its theme by name.
    pub theme: &'static str,
    /// Modules of the code per side, without the quiet zone.
    pub modules: u32,
    /// Pixels of the panel per module.
    pub module_px: u32,
    /// What was wrong with the picture.
    pub distortion: Distortion,
    /// The picture in which each decoder read exactly our link, counted from 0; odd ones are the
    /// frame before in half its size.
    pub read_in: [Option<u32>; 2],
    /// A decoder has read something else.
    pub misread: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.without_zbar && !decoder::has_zbar() {
        eprintln!(
            "zbarimg cannot be started: install it (apt-get install zbar-tools), or leave it out \
             with --without-zbar"
        );
        return ExitCode::from(2);
    }
    let begun = Instant::now();
    let table = match look(&options) {
        Ok(table) => table,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    table.print();
    println!("\ntook {:.0} s", begun.elapsed().as_secs_f64());
    match table.is_good_enough(options.least) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Reads every scene, on as many threads as there are cores.
fn look(options: &Options) -> std::io::Result<Table> {
    if let Some(folder) = &options.save {
        std::fs::create_dir_all(folder)?;
    }
    let scenes = scenes(options);
    let table = Mutex::new(Table::new(!options.without_zbar));
    let next = AtomicUsize::new(0);
    let work = || -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        while let Some(scene) = scenes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let readings = scene.read(options, folder.path())?;
            table.lock().unwrap_or_else(PoisonError::into_inner).add(&readings);
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|worker| worker.join().expect("no worker panics"));
        ends.collect::<std::io::Result<()>>()
    })?;
    Ok(table.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn scenes(options: &Options) -> Vec<Scene> {
    let mut scenes = Vec::new();
    let large = |size: &(u32, u32)| size.0.min(size.1) >= SHORT_SIDE_MIN;
    for size in gallery::SIZES.into_iter().filter(large) {
        for link in [Link::Usual, Link::Long] {
            for theme in 0..THEMES.len() {
                let seeds = options.seed..options.seed.saturating_add(options.seeds);
                scenes.extend(seeds.map(|seed| Scene { size, link, theme, seed }));
            }
        }
    }
    scenes
}

impl Link {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Long => "long",
        }
    }

    /// The link of a payment request; each seed is another one.
    fn url(self, seed: u32) -> DistributionUrl {
        let request = gallery::uuid(seed);
        let path = match self {
            Self::Usual => format!("requests/{request}"),
            Self::Long => format!("accounts/{}/requests/{request}", gallery::uuid(!seed)),
        };
        let url = format!("https://pay.klarna.com/eu/{path}/start");
        DistributionUrl::new(&url, &["pay.klarna.com".to_owned()]).expect("a link of Klarna's")
    }
}

impl Scene {
    /// What each decoder makes of it, for each distortion.
    fn read(&self, options: &Options, folder: &Path) -> std::io::Result<Vec<Reading>> {
        let url = self.link.url(self.seed);
        let screen = gallery::scan(url.clone(), gallery::amount(4_990, "EUR"));
        let frame = Frame { theme: THEMES[self.theme].1, ..gallery::frame(Lang::En) };
        let mut canvas = Canvas::new(self.size.0, self.size.1);
        let drawn = draw(&mut canvas, &screen, &frame, Mono::default()).expect("fits");
        let fit = drawn.qr.expect("a code on a panel of this size");
        let code = drawn.elements.iter().find(|element| element.role == Role::Qr);
        let panel =
            Panel::new(&canvas, code.expect("has a place").bounds, fit.module_px, options.blur);
        let mut readings = Distortion::ALL.map(|distortion| Reading {
            size: self.size,
            link: self.link,
            theme: THEMES[self.theme].0,
            modules: fit.side_px / fit.module_px - 8,
            module_px: fit.module_px,
            distortion,
            read_in: [None; 2],
            misread: false,
        });
        for frame in 0..options.frames {
            let seed = (self.noise_seed(), frame);
            let wanted = readings.iter_mut().filter(|reading| reading.is_open(options));
            let mut open: Vec<(&mut Reading, Picture)> = wanted
                .map(|reading| {
                    let picture = panel.taken(reading.distortion, seed);
                    (reading, picture)
                })
                .collect();
            read(options, folder, url.as_str(), (2 * frame, &mut open))?;
            for (_, picture) in &mut open {
                *picture = picture.halved();
            }
            read(options, folder, url.as_str(), (2 * frame + 1, &mut open))?;
        }
        self.save(options, &panel, &readings)?;
        Ok(readings.to_vec())
    }

    /// Scenes differ in their noise too.
    fn noise_seed(&self) -> u64 {
        let parts = [self.size.0, self.size.1, self.link as u32, self.theme as u32, self.seed];
        let mix = |seed: u64, part: &u32| (seed ^ u64::from(*part)).wrapping_mul(0x0100_0000_01b3);
        parts.iter().fold(0xcbf2_9ce4_8422_2325, mix)
    }

    /// Writes what was not read in its first frame, and the first scene as a sample.
    fn save(&self, options: &Options, panel: &Panel, readings: &[Reading]) -> std::io::Result<()> {
        let Some(folder) = &options.save else { return Ok(()) };
        let is_sample = self.seed == options.seed && self.link == Link::Usual && self.theme == 0;
        for reading in readings {
            let name = reading.distortion.name();
            let (width, height) = self.size;
            let (theme, _) = THEMES[self.theme];
            let at = format!("{name}-{width}x{height}-{}-{theme}", self.link.name());
            let lost = ["rqrr", "zbar"].into_iter().zip(reading.read_in);
            let lost = lost.filter(|(decoder, read_in)| {
                *read_in != Some(0) && !(*decoder == "zbar" && options.without_zbar)
            });
            let lost = lost.map(|(decoder, _)| format!("{decoder}-{at}-{}", self.seed));
            let sample = is_sample.then(|| format!("sample-{at}"));
            let mut names = lost.chain(sample).peekable();
            if names.peek().is_none() {
                continue;
            }
            let picture = panel.taken(reading.distortion, (self.noise_seed(), 0));
            for name in names {
                let path = folder.join(format!("{}.png", name.to_lowercase()));
                write(&path, &picture)?;
            }
        }
        Ok(())
    }
}

impl Reading {
    /// Whether a decoder has not read the code yet.
    fn is_open(&self, options: &Options) -> bool {
        let [rqrr, zbar] = self.read_in;
        rqrr.is_none() || (zbar.is_none() && !options.without_zbar)
    }

    /// Notes what a decoder has read in this picture.
    fn settle(&mut self, decoder: usize, attempt: u32, texts: &[String], url: &str) {
        if texts.iter().any(|text| text == url) {
            self.read_in[decoder] = Some(attempt);
        }
        self.misread |= texts.iter().any(|text| text != url);
    }
}

/// Hands pictures to each decoder that has not read their code yet.
fn read(
    options: &Options,
    folder: &Path,
    url: &str,
    (attempt, pictures): (u32, &mut [(&mut Reading, Picture)]),
) -> std::io::Result<()> {
    for (reading, picture) in pictures.iter_mut().filter(|(r, _)| r.read_in[0].is_none()) {
        reading.settle(0, attempt, &decoder::rqrr(picture), url);
    }
    if options.without_zbar {
        return Ok(());
    }
    let mut open: Vec<_> = pictures.iter_mut().filter(|(r, _)| r.read_in[1].is_none()).collect();
    let texts = decoder::zbar(open.iter().map(|(_, picture)| picture), folder)?;
    for ((reading, _), texts) in open.iter_mut().zip(&texts) {
        reading.settle(1, attempt, texts, url);
    }
    Ok(())
}

fn write(path: &Path, picture: &Picture) -> std::io::Result<()> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, picture.width as u32, picture.height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.pixels)?;
    writer.finish()?;
    Ok(())
}
