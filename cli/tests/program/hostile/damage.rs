//! Changes to files, as disks, networks, other programs and people make them.

use tweedie_tensor::random::Stream;

/// Numbers for fields that say how much follows.
const EXTREMES: [u64; 12] = [
    0,
    1,
    2,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_ffff,
];

/// What a number, a word or a list of a text may become.
const WORDS: [&str; 28] = [
    "0",
    "1",
    "-1",
    "2",
    "7",
    "0.5",
    "1e308",
    "-1e308",
    "1e-320",
    "1e999",
    "nan",
    "inf",
    "255",
    "65536",
    "1000000",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "340282366920938463463",
    "true",
    "null",
    "\"\"",
    "\"/\"",
    "[]",
    "{}",
    "[[[[[[[[",
    "\u{1b}[2J\n",
];

/// One change of bytes, or a few; where they are text, of its numbers, words and lines as well.
pub(super) fn damage(bytes: &mut Vec<u8>, is_text: bool, random: &mut Stream) {
    loop {
        match random.below(if is_text { 20 } else { 8 }) {
            0 => flip(bytes, random),
            1 => bytes.truncate(place(bytes, random)),
            2 => drop(bytes.drain(span(bytes, random))),
            3 => repeat(bytes, random),
            4 => insert(bytes, random),
            5 | 6 => field(bytes, random),
            7 => swap(bytes, random),
            8..=16 => word(bytes, random),
            17 => lines(bytes, random, |lines, at, _| drop(lines.remove(at))),
            18 => lines(bytes, random, |lines, at, _| lines.insert(at, lines[at].clone())),
            _ => lines(bytes, random, |lines, at, other| lines.swap(at, other)),
        }
        if random.chance(0.6) {
            return;
        }
    }
}

/// A place of the bytes, or their end.
fn place(bytes: &[u8], random: &mut Stream) -> usize {
    random.below(bytes.len() as u32 + 1) as usize
}

/// As often a few bytes as many.
fn span(bytes: &[u8], random: &mut Stream) -> std::ops::Range<usize> {
    let begin = place(bytes, random);
    let most = (bytes.len() + 1) as f64;
    let length = most.powf(random.uniform()) as usize;
    begin..(begin + length).min(bytes.len())
}

fn flip(bytes: &mut [u8], random: &mut Stream) {
    let (at, bit) = (place(bytes, random), random.below(8));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

fn repeat(bytes: &mut Vec<u8>, random: &mut Stream) {
    let part = bytes[span(bytes, random)].repeat(1 + random.below(3) as usize);
    let at = place(bytes, random);
    bytes.splice(at..at, part);
}

fn insert(bytes: &mut Vec<u8>, random: &mut Stream) {
    let kind = random.below(3);
    let length = 1 + random.below(64);
    let part = (0..length).map(|_| [0, 0xff, random.next_u32() as u8][kind as usize]);
    let part: Vec<u8> = part.collect();
    let at = place(bytes, random);
    bytes.splice(at..at, part);
}

/// Writes an extreme number over one, two, four or eight bytes, half of the time near the beginning, where headers are.
fn field(bytes: &mut [u8], random: &mut Stream) {
    let width = 1 << random.below(4);
    let reach = if random.chance(0.5) { bytes.len().min(64) } else { bytes.len() };
    let at = random.below(reach as u32 + 1) as usize;
    let value = EXTREMES[random.below(EXTREMES.len() as u32) as usize];
    let number =
        if random.chance(0.5) { value.to_le_bytes() } else { value.rotate_right(8 * width).to_be_bytes() };
    bytes.iter_mut().skip(at).zip(&number[..width as usize]).for_each(|(byte, new)| *byte = *new);
}

/// Exchanges two spans of one length.
fn swap(bytes: &mut [u8], random: &mut Stream) {
    let (first, second) = (span(bytes, random), place(bytes, random));
    for (one, other) in first.zip(second..bytes.len()) {
        bytes.swap(one, other);
    }
}

/// Puts another in the place of a number or a word: an extreme one, or one from elsewhere in the text.
fn word(bytes: &mut Vec<u8>, random: &mut Stream) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte);
    let mut words = Vec::new();
    let mut at = 0;
    for run in bytes.chunk_by(|one, other| is_word(one) == is_word(other)) {
        if is_word(&run[0]) {
            words.push(at..at + run.len());
        }
        at += run.len();
    }
    if words.is_empty() {
        return;
    }
    let mut any = || words[random.below(words.len() as u32) as usize].clone();
    let (old, elsewhere) = (any(), any());
    let new = match random.chance(0.7) {
        true => WORDS[random.below(WORDS.len() as u32) as usize].as_bytes().to_vec(),
        false => bytes[elsewhere].to_vec(),
    };
    bytes.splice(old, new);
}

/// Changes the list of lines at two of them.
fn lines(bytes: &mut Vec<u8>, random: &mut Stream, change: impl Fn(&mut Vec<Vec<u8>>, usize, usize)) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut any = || random.below(lines.len() as u32) as usize;
    let (at, other) = (any(), any());
    change(&mut lines, at, other);
    *bytes = lines.join(&b'\n');
}

/// Sets the checksums of a PNG's chunks right, up to where there are no chunks any more.
pub(super) fn repair_png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let end = (u32::from_be_bytes(*length) as usize).saturating_add(at + 8);
        let (Some(chunk), true) = (bytes.get(at + 4..end), bytes.len() >= end.saturating_add(4)) else {
            return;
        };
        let sum = crc(chunk).to_be_bytes();
        bytes[end..end + 4].copy_from_slice(&sum);
        at = end + 4;
    }
}

/// CRC-32, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 0 { sum >> 1 } else { (sum >> 1) ^ 0xedb8_8320 };
    !bytes.iter().fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), |sum, _| step(sum)))
}

#[test]
fn a_png_that_is_whole_is_repaired_to_itself() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/pictures");
    let whole = std::fs::read(fixtures.join("baseline.png")).unwrap();
    let mut repaired = whole.clone();
    let last = repaired.len() - 1;
    repaired[last] ^= 1;
    repair_png(&mut repaired);
    assert_eq!(repaired, whole);
}
