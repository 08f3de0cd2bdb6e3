use std::io::{self, Read, Seek, SeekFrom};

/// What the first directory of a TIFF claims that cannot be: a value that is longer than the file, for which a decoder would
/// make room before it reads it. `None` for any other file.
///
/// # Errors
/// The reader's; a file that ends within its directory is left to the decoder.
pub(in super::super) fn claim(file: &mut (impl Read + Seek)) -> io::Result<Option<String>> {
    let longest = match longest_value(file) {
        Ok(Some(longest)) => longest,
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        _ => return Ok(None),
    };
    let length = file.seek(SeekFrom::End(0))?;
    Ok((longest > length)
        .then(|| format!("its directory claims a value of {longest} bytes in a file of {length}")))
}

/// The bytes of the longest value of the first directory; `None` for what is no TIFF.
fn longest_value<F: Read + Seek>(file: &mut F) -> io::Result<Option<u64>> {
    let start: [u8; 4] = bytes(file)?;
    let (is_little, big) = match &start {
        b"II\x2a\0" => (true, false),
        b"MM\0\x2a" => (false, false),
        b"II\x2b\0" => (true, true),
        b"MM\0\x2b" => (false, true),
        _ => return Ok(None),
    };
    let short = |bytes| if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
    let word =
        |bytes| u64::from(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) });
    let long = |bytes| if is_little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) };
    let number =
        |file: &mut F| -> io::Result<u64> { if big { bytes(file).map(long) } else { bytes(file).map(word) } };
    if big {
        // The size of offsets, which is eight.
        bytes::<4>(file)?;
    }
    let directory = number(file)?;
    file.seek(SeekFrom::Start(directory))?;
    let entries = if big { long(bytes(file)?) } else { short(bytes(file)?).into() };
    let mut longest = 0;
    for _ in 0..entries {
        bytes::<2>(file)?;
        let size = match short(bytes(file)?) {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 0,
        };
        longest = longest.max(number(file)?.saturating_mul(size));
        number(file)?;
    }
    Ok(Some(longest))
}

fn bytes<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A file of one entry, of six numbers of two bytes or as many as are claimed.
    fn file(is_little: bool, big: bool, claimed: u64) -> Vec<u8> {
        let number = |value: u64, bytes: usize| match is_little {
            true => value.to_le_bytes()[..bytes].to_vec(),
            false => value.to_be_bytes()[8 - bytes..].to_vec(),
        };
        let wide = if big { 8 } else { 4 };
        let mut file = if is_little { b"II".to_vec() } else { b"MM".to_vec() };
        file.extend(number(if big { 43 } else { 42 }, 2));
        if big {
            file.extend([number(8, 2), number(0, 2)].concat());
        }
        file.extend(number(file.len() as u64 + wide as u64, wide));
        file.extend(number(1, if big { 8 } else { 2 }));
        file.extend([number(258, 2), number(3, 2), number(claimed, wide), number(0, wide)].concat());
        file
    }

    #[test]
    fn a_value_longer_than_the_file_is_told() {
        for (is_little, big) in [(true, false), (false, false), (true, true), (false, true)] {
            let claim = |claimed| claim(&mut Cursor::new(file(is_little, big, claimed))).unwrap();
            assert_eq!(claim(6), None);
            let told = claim(8_323_075).unwrap();
            assert!(told.contains("a value of 16646150 bytes in a file of "), "{told}");
            assert!(big || claim(u64::from(u32::MAX)).is_some());
            assert!(!big || claim(u64::MAX).is_some());
        }
    }

    #[test]
    fn other_files_and_ends_within_the_directory_are_left_to_the_decoder() {
        let whole = file(true, false, u32::MAX.into());
        for end in 0..whole.len() {
            assert_eq!(claim(&mut Cursor::new(&whole[..end])).unwrap(), None, "{end}");
        }
        assert_eq!(claim(&mut Cursor::new(b"\x89PNG and so on")).unwrap(), None);
    }
}
