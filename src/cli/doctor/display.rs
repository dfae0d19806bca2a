//! The shopper's display and what beside it draws attention. Nothing is opened: a frame buffer
//! would be switched on by it, a graphics card taken over.

use super::Subject;
use super::device::{Wrong, character_device, line, may, writable};
use super::finding::Finding;
use crate::config::DisplayConfig;
use crate::display::framebuffer::Rotation;
use crate::display::{Display, Output, OutputConfig};
use rustix::fs::Access;
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "display";
const CODE: &str = "QR code";

/// Width and height, in pixels.
type Pixels = (u32, u32);

/// The display that the configuration names.
pub(super) fn check(subject: &Subject) -> Vec<Finding> {
    let Some(config) = subject.accepted().map(|config| &config.display) else {
        return vec![Finding::skip(NAME, "not known", "correct the configuration first")];
    };
    let mut found = match output(&config.output) {
        Ok((text, size)) => {
            let code = size.map(|size| code(config, size));
            [Some(Finding::ok(NAME, text)), code].into_iter().flatten().collect()
        }
        Err(wrong) => vec![wrong.failure(NAME)],
    };
    found.extend(beside(config));
    found
}

/// What it is, and its size the way it is mounted, where it has one.
fn output(config: &OutputConfig) -> Result<(String, Option<Pixels>), Wrong> {
    match config {
        OutputConfig::Framebuffer { path, rotation } => {
            let remedy = "load the panel's driver (dmesg, a device tree overlay), or use \
                          display.output = \"drm\"";
            character_device(path, remedy)?;
            framebuffer(path, Path::new("/sys/class/graphics"), *rotation)
        }
        OutputConfig::Drm { path, connector, rotation } => {
            if !cfg!(feature = "drm") {
                let remedy = "install a build with the feature drm";
                return Err(Wrong::new("this build has no support for DRM", remedy));
            }
            let remedy = "load the panel's driver (dmesg); `ls /dev/dri` lists the cards";
            character_device(path, remedy)?;
            card(path, Path::new("/sys/class/drm"), connector.as_deref(), *rotation)
        }
        OutputConfig::Png { path, width, height, .. } => {
            let shown = path.display();
            let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
            let directory = directory.unwrap_or(Path::new("."));
            match may(directory, Access::WRITE_OK | Access::EXEC_OK) {
                true => {
                    Ok((format!("{width}x{height} pixels into {shown}"), Some((*width, *height))))
                }
                false => {
                    let found =
                        format!("{} is not there or may not be written", directory.display());
                    Err(Wrong::new(found, "make that directory for the service's user"))
                }
            }
        }
        OutputConfig::Ansi => Ok(("the terminal that the daemon runs in".to_owned(), None)),
        OutputConfig::None => Ok(("none, as configured".to_owned(), None)),
    }
}

/// What the kernel says of a frame buffer below `class`.
fn framebuffer(
    path: &Path,
    class: &Path,
    rotation: Rotation,
) -> Result<(String, Option<Pixels>), Wrong> {
    let device = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let about = class.join(device.file_name().unwrap_or_default());
    let read = |name: &str| line(&about.join(name)).filter(|text| !text.is_empty());
    // `U:480x800p-60`; where there is no mode, the memory, which may hold two pages.
    let size = read("modes").and_then(|mode| pixels(mode.split_once(':')?.1, 'x'));
    let size = size.or_else(|| read("virtual_size").and_then(|text| pixels(&text, ',')));
    let Some(size) = size else {
        let found = format!("{} does not say how large it is", path.display());
        return Err(Wrong::new(found, "name a frame buffer device such as /dev/fb0"));
    };
    let (driver, depth) = (read("name"), read("bits_per_pixel"));
    let driver = driver.unwrap_or_else(|| "unknown driver".to_owned());
    let depth = depth.unwrap_or_else(|| "?".to_owned());
    let mounted = mounted(size, rotation);
    let (width, height) = mounted;
    let shown = path.display();
    let text =
        format!("frame buffer {shown} ({driver}), {width}x{height} pixels, {depth} bits per pixel");
    Ok((text, Some(mounted)))
}

/// What the kernel says of a card's connectors below `class`.
fn card(
    path: &Path,
    class: &Path,
    wanted: Option<&str>,
    rotation: Rotation,
) -> Result<(String, Option<Pixels>), Wrong> {
    let device = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let card = device.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let connectors = connectors(class, &format!("{card}-"));
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
    let found = connectors.iter().find(|(name, about)| {
        is_wanted(name) && line(&about.join("status")).is_some_and(|it| it == "connected")
    });
    let Some((name, about)) = found else {
        let all: Vec<String> = connectors
            .iter()
            .map(|(name, about)| {
                format!("{name} {}", line(&about.join("status")).unwrap_or_default())
            })
            .collect();
        let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        let at = wanted.unwrap_or("any connector");
        let text = format!("no panel at {at} of {}; connectors: {all}", path.display());
        return Err(Wrong::new(text, "plug the panel in, or correct display.connector"));
    };
    let size = line(&about.join("modes")).and_then(|mode| pixels(&mode, 'x'));
    let size = size.map(|size| mounted(size, rotation));
    let shown = size.map_or("unknown size".to_owned(), |(w, h)| format!("{w}x{h} pixels"));
    Ok((format!("panel at {name} of {}, {shown}", path.display()), size))
}

/// Names such as `DSI-1` and where the kernel says more, in the order of their names.
fn connectors(class: &Path, prefix: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(class).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name.strip_prefix(prefix)?.to_owned(), entry.path()))
        })
        .collect();
    found.sort();
    found
}

/// `480x800`, whatever comes after it.
fn pixels(text: &str, between: char) -> Option<Pixels> {
    let (width, rest) = text.split_once(between)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let size = (width.trim().parse().ok()?, rest[..digits].parse().ok()?);
    (size.0 > 0 && size.1 > 0).then_some(size)
}

fn mounted((width, height): Pixels, rotation: Rotation) -> Pixels {
    match rotation.degrees() % 180 {
        0 => (width, height),
        _ => (height, width),
    }
}

/// Whether a code as Klarna's fits: laid out as it would be shown, and not drawn anywhere.
fn code(config: &DisplayConfig, (width, height): Pixels) -> Finding {
    let size = OutputConfig::Png { path: PathBuf::new(), width, height, scale: 1 };
    let fit = match Output::open(&size) {
        Ok(output) => Display::new(output, config.frame.clone()).try_code(),
        Err(error) => return Finding::fail(CODE, error.to_string(), "use a larger panel"),
    };
    match fit {
        Ok(Some(fit)) if fit.tight => {
            let found = format!("fits, with only {} pixels for each module", fit.module_px);
            Finding::warn(CODE, found, "a larger panel is scanned faster")
        }
        Ok(Some(fit)) => Finding::ok(
            CODE,
            format!("{} pixels for each module, {} pixels wide", fit.module_px, fit.side_px),
        ),
        Ok(None) => {
            let remedy = "use a larger panel, or set display.short_link to shorten what is typed";
            Finding::warn(CODE, "none fits; shoppers get a link to type", remedy)
        }
        Err(error) => Finding::fail(CODE, error.to_string(), "use a larger panel"),
    }
}

/// Light, sound and the operator's key: the terminal works without them.
fn beside(config: &DisplayConfig) -> Vec<Finding> {
    let attention = &config.attention;
    let files = [
        ("backlight", attention.backlight.as_ref().map(|it| it.join("brightness"))),
        ("LED", attention.led.as_ref().map(|it| it.join("brightness"))),
        ("buzzer", attention.buzzer.as_ref().map(|(chip, _)| chip.join("export"))),
    ];
    let mut found: Vec<Finding> = Vec::new();
    for (name, path) in files {
        let Some(path) = path else { continue };
        found.push(match writable(&path, "correct its path in [display], or load its driver") {
            Ok(_) => Finding::ok(name, format!("{} can be written", path.display())),
            Err(wrong) => wrong.warning(name),
        });
    }
    if let Some(input) = &config.operator_input {
        let shown = input.path.display();
        found.push(match may(&input.path, Access::READ_OK) {
            true => Finding::ok("operator key", format!("{shown} can be read")),
            false => {
                let found = format!("{shown} is not there or may not be read");
                let remedy = "usermod -aG input USER, or correct display.operator_input";
                Finding::warn("operator key", found, remedy)
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(directory).expect("a directory");
        for (name, text) in files {
            fs::write(directory.join(name), text).expect("a file");
        }
    }

    #[test]
    fn a_frame_buffer_says_its_size_the_way_it_is_mounted() {
        let class = tempfile::TempDir::new().expect("a directory");
        let about = [("modes", "U:800x480p-60\n"), ("name", "panel\n"), ("bits_per_pixel", "16\n")];
        files(&class.path().join("fb7"), &about);
        let path = Path::new("/dev/fb7");
        let (text, size) = framebuffer(path, class.path(), Rotation::Quarter).expect("a size");
        assert_eq!(size, Some((480, 800)));
        assert_eq!(text, "frame buffer /dev/fb7 (panel), 480x800 pixels, 16 bits per pixel");
        files(&class.path().join("fb8"), &[("modes", ""), ("virtual_size", "320,240\n")]);
        let path = Path::new("/dev/fb8");
        let (_, size) = framebuffer(path, class.path(), Rotation::None).expect("a size");
        assert_eq!(size, Some((320, 240)));
        framebuffer(Path::new("/dev/fb9"), class.path(), Rotation::None).expect_err("none");
    }

    #[test]
    fn a_card_says_which_connector_has_a_panel() {
        let class = tempfile::TempDir::new().expect("a directory");
        files(&class.path().join("card7-HDMI-A-1"), &[("status", "disconnected\n"), ("modes", "")]);
        files(
            &class.path().join("card7-DSI-1"),
            &[("status", "connected\n"), ("modes", "480x800\n")],
        );
        let path = Path::new("/dev/dri/card7");
        let (text, size) = card(path, class.path(), None, Rotation::None).expect("a panel");
        assert_eq!((text.contains("at DSI-1"), size), (true, Some((480, 800))));
        let wrong = card(path, class.path(), Some("HDMI-A-1"), Rotation::None).expect_err("none");
        assert!(wrong.found.contains("DSI-1 connected, HDMI-A-1 disconnected"), "{wrong:?}");
    }

    #[test]
    fn sizes_that_are_none_are_not_taken_for_one() {
        assert_eq!(pixels("480x800p-60", 'x'), Some((480, 800)));
        for text in ["", "x", "480x", "0x0", "480", "ax9"] {
            assert_eq!(pixels(text, 'x'), None, "{text:?}");
        }
    }
}
