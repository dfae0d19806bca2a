//! Two decoders that others wrote: the crate `rqrr` and ZBar's `zbarimg`.
//!
//! Both are given whole pictures and know nothing of what is on them.

use crate::camera::Picture;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The texts of all codes that `rqrr` reads.
pub fn rqrr(picture: &Picture) -> Vec<String> {
    let luma = |x: usize, y: usize| picture.pixels[y * picture.width + x];
    let mut prepared =
        rqrr::PreparedImage::prepare_from_greyscale(picture.width, picture.height, luma);
    let grids = prepared.detect_grids();
    grids.iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

/// Whether `zbarimg` can be started.
pub fn has_zbar() -> bool {
    Command::new("zbarimg").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The texts of all codes that `zbarimg` reads, picture by picture, in one call. It looks for QR
/// codes only, as a shopper's app does; `folder` is for the files that it is given.
pub fn zbar<'p>(
    pictures: impl Iterator<Item = &'p Picture>,
    folder: &Path,
) -> std::io::Result<Vec<Vec<String>>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for picture in pictures {
        let path = folder.join(format!("{}.pgm", paths.len()));
        let mut file = std::fs::File::create(&path)?;
        writeln!(file, "P5 {} {} 255", picture.width, picture.height)?;
        file.write_all(&picture.pixels)?;
        paths.push(path);
    }
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let settings = ["--quiet", "--nodbus", "--xml", "-Sdisable", "-Sqrcode.enable"];
    // Exit code 4 says that one of the pictures has no code.
    let output = Command::new("zbarimg").args(settings).args(&paths).output()?;
    if !matches!(output.status.code(), Some(0 | 4)) {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(std::io::Error::other(format!("zbarimg: {}: {said}", output.status)));
    }
    let read = sources(&String::from_utf8_lossy(&output.stdout));
    let of = |path: &PathBuf| read.get(&*path.to_string_lossy()).cloned().unwrap_or_default();
    Ok(paths.iter().map(of).collect())
}

/// The texts by file name, from `zbarimg --xml`; files without a code are left out.
fn sources(xml: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for source in xml.split("<source href='").skip(1) {
        let Some((path, rest)) = source.split_once('\'') else { continue };
        let texts = rest.split("<![CDATA[").skip(1).filter_map(|text| text.split_once("]]>"));
        found.insert(path.to_owned(), texts.map(|(text, _)| text.to_owned()).collect());
    }
    found
}
