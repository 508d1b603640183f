//! Pixels as a PNG file (ISO/IEC 15948).

use super::{FigurePage, raster, sheet};
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;

/// Pixels of the file per pixel of the sheet: sharp on fine screens and in print.
const SCALE: f64 = 2.0;

/// The figures as one PNG on a light ground; `None` when there is no figure, or so many that the sheet
/// would have more pixels than anybody could look at.
pub fn figures_png(page: &FigurePage) -> Option<Vec<u8>> {
    if page.figures.is_empty() {
        return None;
    }
    let pixels = raster::pixels(&sheet::sheet(page), SCALE)?;
    Some(encode(pixels.width, pixels.height, &pixels.rgb))
}

/// An image of 8 bits per red, green and blue.
fn encode(width: usize, height: usize, rgb: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::with_capacity(13);
    header.extend((width as u32).to_be_bytes());
    header.extend((height as u32).to_be_bytes());
    // Eight bits per sample, red-green-blue, the only compression and filters there are, not interlaced.
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"IDAT", &compressed(width * 3, rgb));
    chunk(&mut file, b"IEND", &[]);
    file
}

/// Rows, each as its difference from the one above: most rows of a chart repeat the last.
fn compressed(row_bytes: usize, rgb: &[u8]) -> Vec<u8> {
    const UP: u8 = 2;
    let mut above = vec![0; row_bytes];
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(7));
    let mut filtered = Vec::with_capacity(row_bytes + 1);
    for row in rgb.chunks_exact(row_bytes) {
        filtered.clear();
        filtered.push(UP);
        filtered.extend(row.iter().zip(&above).map(|(byte, above): (&u8, &u8)| byte.wrapping_sub(*above)));
        above.copy_from_slice(row);
        encoder.write_all(&filtered).expect("memory takes what is written");
    }
    encoder.finish().expect("memory takes what is written")
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}
