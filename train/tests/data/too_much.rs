//! Pictures and files that would cost too much to read, and what never ends.

use super::folder::paint;
use super::{fixture, refusal, train};
use flate2::{Compression, write::ZlibEncoder};
use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};
use tweedie_train::data::Split;

/// A grey PNG of zeros, of few bytes.
fn blank(side: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        file.extend((data.len() as u32).to_be_bytes());
        let mut crc = flate2::Crc::new();
        for part in [kind, data] {
            crc.update(part);
            file.extend(part);
        }
        file.extend(crc.sum().to_be_bytes());
    };
    let mut header = [side.to_be_bytes(), side.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    chunk(b"IHDR", &header);
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::fast());
    let row = vec![0; side as usize + 1];
    (0..side).for_each(|_| rows.write_all(&row).unwrap());
    chunk(b"IDAT", &rows.finish().unwrap());
    chunk(b"IEND", &[]);
    file
}

#[test]
fn a_small_file_of_many_pixels_is_refused_by_their_number() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.png"), blank(12_000)).unwrap();
    let began = Instant::now();
    let message = refusal(folder.path(), Split::Train);
    assert!(
        message.starts_with("picture of 12000x12000 pixels, which take 137 MiB (at most 100 million pixels"),
        "{message}"
    );
    assert!(message.contains("a.png: scale it down"), "{message}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_huge_file_is_refused_by_its_size() {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join("a.png")).unwrap().set_len(1 << 40).unwrap();
    let message = refusal(folder.path(), Split::Train);
    assert!(message.starts_with("picture in a file of 1048576 MiB, more than 1024 MiB, "), "{message}");
}

/// Room for the value would be made before the file is read to its end: here for eight million numbers of bits.
#[test]
fn a_tiff_whose_directory_claims_more_than_the_file_is_refused_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(fixture("pictures/tiff_lzw.tiff")).unwrap();
    let directory = u32::from_le_bytes(*bytes[4..].first_chunk().unwrap()) as usize;
    let bits_per_sample = directory + 2 + 2 * 12;
    bytes[bits_per_sample + 4..][..4].copy_from_slice(&8_323_075u32.to_le_bytes());
    fs::write(folder.path().join("a.tiff"), bytes).unwrap();
    let message = refusal(folder.path(), Split::Train);
    assert!(
        message.contains("its directory claims a value of 16646150 bytes in a file of 4018"),
        "{message}"
    );
    assert!(message.contains("a.tiff: mend or remove it"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    paint(&folder.path().join("0.png"), 2, 2, [0; 3]);
    let pipe = |name: &str| {
        let path = folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    let picture = pipe("a.png");
    pipe("train-images-idx3-ubyte");
    let set = train(folder.path()).unwrap();
    assert_eq!(set.len(), 1);
    assert_eq!(
        set.notes(),
        ["left out 2 files: a.png (a pipe or a device), train-images-idx3-ubyte (a pipe or a device)"]
    );
    for path in [picture, "/dev/zero".into()] {
        let message = tweedie_train::data::read_picture(&path, [3, 2, 2], false).unwrap_err().to_string();
        assert!(message.starts_with("a pipe or a device, no file, "), "{message}");
    }
}

/// Formats that store a picture of one colour in nothing but its size would have some bytes fill the memory.
#[test]
fn a_file_of_some_bytes_is_no_large_picture() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = b"qoif".to_vec();
    file.extend([8000u32.to_be_bytes(), 8000u32.to_be_bytes()].concat());
    file.extend([3, 0]);
    file.extend([0xfd; 400]);
    file.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    fs::write(folder.path().join("a.qoi"), file).unwrap();
    let message = refusal(folder.path(), Split::Train);
    assert!(message.contains("8000x8000 pixels in a file of 422 bytes"), "{message}");
}
