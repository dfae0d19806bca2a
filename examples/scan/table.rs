//! The figures: who has read how much, by panel and distortion.

use crate::camera::Distortion;
use crate::{Link, Reading};

/// The decoders in the order of [`Reading::read_in`].
const DECODERS: [&str; 2] = ["rqrr", "zbar"];

/// Readings, and who was asked.
#[derive(Debug)]
pub struct Table {
    has_zbar: bool,
    readings: Vec<Reading>,
}

impl Table {
    /// A table without readings.
    pub fn new(has_zbar: bool) -> Self {
        Self { has_zbar, readings: Vec::new() }
    }

    /// Takes more readings in.
    pub fn add(&mut self, readings: &[Reading]) {
        self.readings.extend_from_slice(readings);
    }

    /// Whether every decoder has read at least so many per cent of all pictures.
    pub fn is_good_enough(&self, least: f64) -> bool {
        let all: Vec<&Reading> = self.readings.iter().collect();
        self.decoders().all(|decoder| share(&all, |r| r.read_in[decoder].is_some()) >= least)
    }

    /// Prints everything.
    pub fn print(&self) {
        for distortion in Distortion::ALL {
            println!("{:<8} {}", distortion.name(), distortion.figures());
        }
        let decoders: Vec<&str> = self.decoders().map(|decoder| DECODERS[decoder]).collect();
        println!("\nper cent read by {}", decoders.join(" / "));
        print!("{:<11}{:<7}{:>8}{:>4}  ", "panel", "link", "modules", "px");
        for distortion in Distortion::ALL {
            print!("{:>15}", distortion.name());
        }
        println!();
        let all: Vec<&Reading> = self.readings.iter().collect();
        for row in self.rows() {
            let Some(Reading { size, link, modules, module_px, .. }) = row.first() else {
                continue;
            };
            let panel = format!("{}x{}", size.0, size.1);
            print!("{panel:<11}{:<7}{modules:>8}{module_px:>4}  ", link.name());
            self.print_cells(&row, |read_in| read_in.is_some());
        }
        for (theme, _) in crate::THEMES {
            let themed: Vec<&Reading> =
                all.iter().copied().filter(|reading| reading.theme == theme).collect();
            print!("{:<32}", format!("all in the {theme} theme"));
            self.print_cells(&themed, |read_in| read_in.is_some());
        }
        print!("{:<32}", "all");
        self.print_cells(&all, |read_in| read_in.is_some());
        print!("{:<32}", "all, in the first picture");
        self.print_cells(&all, |read_in| read_in == Some(0));
        self.print_totals(&all);
    }

    /// One cell per distortion.
    fn print_cells(&self, row: &[&Reading], counts: fn(Option<u32>) -> bool) {
        for distortion in Distortion::ALL {
            let cell: Vec<&Reading> =
                row.iter().copied().filter(|reading| reading.distortion == distortion).collect();
            let shares = self.decoders().map(|decoder| {
                format!("{:.1}", share(&cell, |reading| counts(reading.read_in[decoder])))
            });
            print!("{:>15}", shares.collect::<Vec<_>>().join(" / "));
        }
        println!();
    }

    fn print_totals(&self, all: &[&Reading]) {
        println!("\nof {} scenes", all.len());
        for decoder in self.decoders() {
            let read = share(all, |reading| reading.read_in[decoder].is_some());
            let first = share(all, |reading| reading.read_in[decoder] == Some(0));
            let name = DECODERS[decoder];
            println!("{name:<20}{read:>7.2} %, in the first picture {first:.2} %");
        }
        let any = share(all, |reading| reading.read_in.iter().any(Option::is_some));
        println!("{:<20}{any:>7.2} %", "at least one");
        let misread = all.iter().filter(|reading| reading.misread).count();
        println!("{:<20}{misread:>7}", "read wrongly");
    }

    fn decoders(&self) -> impl Iterator<Item = usize> + use<> {
        0..if self.has_zbar { 2 } else { 1 }
    }

    /// The readings of each panel and link, in the order of the panels.
    fn rows(&self) -> Vec<Vec<&Reading>> {
        let mut rows = Vec::new();
        for size in crate::gallery::SIZES {
            for link in [Link::Usual, Link::Long] {
                let of = |reading: &&Reading| reading.size == size && reading.link == link;
                rows.push(self.readings.iter().filter(of).collect::<Vec<_>>());
            }
        }
        rows.retain(|row| !row.is_empty());
        rows
    }
}

/// Of these readings, how many per cent are so.
fn share(readings: &[&Reading], is_so: impl Fn(&Reading) -> bool) -> f64 {
    let count = readings.iter().filter(|reading| is_so(reading)).count();
    100.0 * count as f64 / readings.len().max(1) as f64
}
