//! Screens as a picture file, for a preview at a desk and for panels that another program drives.
//!
//! The file is always a whole picture: it is written beside its place and moved there.

use super::OutputError;
use super::canvas::{Canvas, SIDE_MAX};
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::prelude::RgbColor;
use std::io;
use std::path::{Path, PathBuf};

/// A picture file that is replaced with every frame.
#[derive(Debug)]
pub struct PngFile {
    path: PathBuf,
    size: Size,
    scale: u32,
}

impl PngFile {
    /// A file at `path` for frames of `size`, each pixel `scale` pixels wide in the file. Nothing
    /// is written yet.
    pub fn new(path: PathBuf, size: Size, scale: u32) -> Self {
        let size = Size::new(size.width.clamp(1, SIDE_MAX), size.height.clamp(1, SIDE_MAX));
        let scale = scale.clamp(1, SIDE_MAX / size.width.max(size.height));
        Self { path, size, scale }
    }

    /// Size of the frames it takes, unscaled.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Replaces the file; when this returns, readers see the new picture. Returns its length.
    ///
    /// # Errors
    /// [`OutputError::Write`]; the earlier picture is then untouched.
    pub fn show(&mut self, canvas: &Canvas) -> Result<usize, OutputError> {
        let write = |source| OutputError::Write { path: self.path.clone(), source };
        let bytes = encode(canvas, self.scale).map_err(write)?;
        replace(&self.path, &bytes).map_err(write)?;
        Ok(bytes.len())
    }
}

/// A frame as the bytes of a PNG file, each pixel `scale` pixels wide.
///
/// # Errors
/// Only when the frame has no pixels.
pub fn encode(canvas: &Canvas, scale: u32) -> io::Result<Vec<u8>> {
    let Size { width, height } = canvas.size();
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, width * scale, height * scale);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    let mut data = Vec::with_capacity((width * height * scale * scale * 3) as usize);
    for y in 0..height {
        let wide = |pixel| std::iter::repeat_n(pixel, scale as usize);
        let row = canvas.row(y).iter().flat_map(wide).flat_map(|p| [p.r(), p.g(), p.b()]);
        let row: Vec<u8> = row.collect();
        (0..scale).for_each(|_| data.extend_from_slice(&row));
    }
    writer.write_image_data(&data)?;
    writer.finish()?;
    Ok(bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::pixelcolor::Rgb888;

    #[test]
    fn a_frame_becomes_a_whole_file() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let path = folder.path().join("screen.png");
        let mut canvas = Canvas::new(3, 2);
        canvas.clear(Rgb888::new(1, 2, 3)).expect("infallible");
        let mut file = PngFile::new(path.clone(), canvas.size(), 2);
        file.show(&canvas).expect("writes");
        file.show(&canvas).expect("replaces");
        let source = io::BufReader::new(std::fs::File::open(&path).expect("is there"));
        let mut reader = ::png::Decoder::new(source).read_info().expect("is a PNG");
        assert_eq!(reader.info().size(), (6, 4));
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut pixels).expect("is whole");
        assert_eq!(pixels, [1, 2, 3].repeat(24));
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 1, "nothing beside");
    }

    #[test]
    fn a_missing_directory_is_reported() {
        let mut file = PngFile::new("/nonexistent/screen.png".into(), Size::new(1, 1), 1);
        let error = file.show(&Canvas::new(1, 1)).expect_err("no directory");
        assert!(error.to_string().starts_with("cannot write to display /nonexistent"), "{error}");
    }
}
