//! The markers of a JPEG, and the codes of its scans (ITU-T T.81, annexes B and F).

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const HUFFMAN_TABLES: u8 = 0xc4;
const RESTART_INTERVAL: u8 = 0xdd;

/// What is missing from a JPEG: its end, or blocks of a scan before it.
///
/// Segments are stepped over by their length, so that an end within one, as of a thumbnail, counts for nothing. Blocks are
/// counted where a frame is sequential and coded after Huffman; of progressive ones only the end is looked for.
pub(super) fn missing(bytes: &[u8]) -> Option<&'static str> {
    let (mut at, mut scans) = (0, 0);
    let mut coding = Coding::default();
    while let Some(marker) = next_marker(bytes, &mut at) {
        match marker {
            END_OF_IMAGE if scans > 0 => return None,
            END_OF_IMAGE => break,
            // Start of image, restarts and TEM stand alone.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length =
            bytes.get(at..at + 2).map(|length| usize::from(u16::from_be_bytes([length[0], length[1]])));
        let segment = length.filter(|&length| length >= 2).and_then(|length| bytes.get(at + 2..at + length));
        let Some(segment) = segment else { break };
        at += 2 + segment.len();
        match marker {
            0xc0 | 0xc1 => coding.frame = Frame::parse(segment),
            HUFFMAN_TABLES => coding.take_tables(segment),
            RESTART_INTERVAL => {
                coding.restart = segment.get(..2).map_or(0, |x| usize::from(u16::from_be_bytes([x[0], x[1]])))
            }
            START_OF_SCAN => {
                scans += 1;
                if coding.scan_is_whole(segment, &bytes[at..]) == Some(false) {
                    return Some("a scan of the JPEG stops before its last block");
                }
            }
            _ => {}
        }
    }
    Some("the JPEG stops before its end")
}

/// The next marker from `at` on, which is left behind it. Entropy-coded data hold no markers but restarts: in them a byte
/// of 0xff is followed by 0.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += bytes.get(*at..)?.iter().position(|&byte| byte == 0xff)?;
        // Any number of 0xff may stand before a marker.
        *at += bytes[*at..].iter().position(|&byte| byte != 0xff)?;
        let marker = bytes[*at];
        *at += 1;
        if marker != 0 {
            return Some(marker);
        }
    }
}

/// What the segments before a scan say of its codes.
#[derive(Default)]
struct Coding {
    /// Of a sequential frame.
    frame: Option<Frame>,
    /// Of DC and AC coefficients, four each.
    tables: [[Option<Huffman>; 4]; 2],
    /// Units between restarts; 0 without any.
    restart: usize,
}

struct Frame {
    height: usize,
    width: usize,
    components: Vec<Component>,
}

#[derive(Clone, Copy)]
struct Component {
    id: u8,
    across: usize,
    down: usize,
}

impl Frame {
    /// `None` where the height is only known after the scan.
    fn parse(segment: &[u8]) -> Option<Frame> {
        let &[_, h1, h0, w1, w0, n, ref rest @ ..] = segment else { return None };
        let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
        let components: Vec<Component> = rest
            .chunks_exact(3)
            .take(usize::from(n))
            .map(|c| Component { id: c[0], across: usize::from(c[1] >> 4), down: usize::from(c[1] & 15) })
            .collect();
        let frame = Frame { height: side(h1, h0), width: side(w1, w0), components };
        let fit = |c: &Component| (1..=4).contains(&c.across) && (1..=4).contains(&c.down);
        (frame.height > 0 && frame.width > 0 && frame.components.iter().all(fit)).then_some(frame)
    }

    /// The number of units that a scan of `scanned` has, and how many blocks of which of them a unit has.
    fn units(&self, scanned: &[Component]) -> Option<(usize, Vec<usize>)> {
        let across = self.components.iter().map(|c| c.across).max()?;
        let down = self.components.iter().map(|c| c.down).max()?;
        Some(match scanned {
            // Alone, a component has no blocks beyond its own edges.
            [one] => {
                let blocks = |side: usize, of: usize, most: usize| (side * of).div_ceil(most).div_ceil(8);
                (blocks(self.width, one.across, across) * blocks(self.height, one.down, down), vec![1])
            }
            _ => {
                let units = self.width.div_ceil(8 * across) * self.height.div_ceil(8 * down);
                (units, scanned.iter().map(|c| c.across * c.down).collect())
            }
        })
    }
}

impl Coding {
    fn take_tables(&mut self, mut segment: &[u8]) {
        while segment.len() >= 17 {
            let (class, place) = (usize::from(segment[0] >> 4), usize::from(segment[0] & 15));
            let total: usize = segment[1..17].iter().map(|&n| usize::from(n)).sum();
            let Some(values) = segment.get(17..17 + total) else { return };
            if let Some(table) = self.tables.get_mut(class).and_then(|tables| tables.get_mut(place)) {
                *table = Some(Huffman::new(&segment[1..17], values));
            }
            segment = &segment[17 + total..];
        }
    }

    /// Whether the codes after a scan's header reach its last block; `None` where that cannot be told.
    fn scan_is_whole(&self, header: &[u8], data: &[u8]) -> Option<bool> {
        let frame = self.frame.as_ref()?;
        let n = usize::from(*header.first()?);
        let mut scanned = Vec::new();
        let mut tables = Vec::new();
        for pair in header.get(1..1 + 2 * n)?.chunks_exact(2) {
            scanned.push(*frame.components.iter().find(|c| c.id == pair[0])?);
            let table = |class: usize, place: u8| self.tables[class].get(usize::from(place))?.as_ref();
            tables.push((table(0, pair[1] >> 4)?, table(1, pair[1] & 15)?));
        }
        let (units, blocks) = frame.units(&scanned)?;
        let mut bits = Bits { data, at: 0, held: 0, left: 0 };
        for unit in 0..units {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 && !bits.restart() {
                return Some(false);
            }
            for (&n, &(dc, ac)) in blocks.iter().zip(&tables) {
                for _ in 0..n {
                    match block(&mut bits, dc, ac) {
                        Ok(()) => {}
                        Err(Trouble::Ended) => return Some(false),
                        // The decoder has its own words for damage.
                        Err(Trouble::NoCode) => return None,
                    }
                }
            }
        }
        Some(true)
    }
}

enum Trouble {
    /// There are no more bits.
    Ended,
    /// The bits are no code of the table.
    NoCode,
}

/// Steps over one block.
fn block(bits: &mut Bits<'_>, dc: &Huffman, ac: &Huffman) -> Result<(), Trouble> {
    let size = dc.decode(bits)?;
    bits.skip(size & 15)?;
    let mut k = 1;
    while k < 64 {
        let code = ac.decode(bits)?;
        match (code >> 4, code & 15) {
            (15, 0) => k += 16,
            (_, 0) => break,
            (run, size) => {
                bits.skip(size)?;
                k += usize::from(run) + 1;
            }
        }
    }
    Ok(())
}

/// A canonical code: of each length its first code, and where its values begin.
struct Huffman {
    first: [u32; 16],
    counts: [u32; 16],
    begins: [usize; 16],
    values: Vec<u8>,
}

impl Huffman {
    fn new(counts: &[u8], values: &[u8]) -> Huffman {
        let mut table = Huffman { first: [0; 16], counts: [0; 16], begins: [0; 16], values: values.to_vec() };
        let (mut code, mut begin) = (0u32, 0);
        for (i, &count) in counts.iter().enumerate().take(16) {
            (table.first[i], table.counts[i], table.begins[i]) = (code, u32::from(count), begin);
            begin += usize::from(count);
            code = (code + u32::from(count)) << 1;
        }
        table
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Result<u8, Trouble> {
        let mut code = 0;
        for i in 0..16 {
            code = (code << 1) | bits.bit()?;
            let offset = code.wrapping_sub(self.first[i]);
            if offset < self.counts[i] {
                return Ok(self.values[self.begins[i] + offset as usize]);
            }
        }
        Err(Trouble::NoCode)
    }
}

/// Bits from the highest on, up to the next marker.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u8,
    left: u8,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<u32, Trouble> {
        if self.left == 0 {
            let byte = *self.data.get(self.at).ok_or(Trouble::Ended)?;
            let stuffed = byte == 0xff;
            if stuffed && self.data.get(self.at + 1) != Some(&0) {
                return Err(Trouble::Ended);
            }
            self.at += 1 + usize::from(stuffed);
            (self.held, self.left) = (byte, 8);
        }
        self.left -= 1;
        Ok(u32::from((self.held >> self.left) & 1))
    }

    fn skip(&mut self, n: u8) -> Result<(), Trouble> {
        (0..n).try_for_each(|_| self.bit().map(drop))
    }

    /// Goes behind the restart marker that comes next; whether there is one.
    fn restart(&mut self) -> bool {
        self.left = 0;
        matches!(next_marker(self.data, &mut self.at), Some(0xd0..=0xd7))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey picture of 16x8 whose two blocks are a bit of DC and a bit of AC each: 1 for no difference, 1 for the end.
    fn drawn(scan: &[u8]) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9];
        file.extend([0xff, 0xc0, 0, 11, 8, 0, 8, 0, 16, 1, 1, 0x11, 0]);
        for class in [0, 0x10] {
            file.extend([0xff, 0xc4, 0, 20, class, 1]);
            file.extend([0; 15]);
            file.push(0);
        }
        file.extend([0xff, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        file.extend(scan);
        file
    }

    #[test]
    fn an_end_within_a_segment_or_before_any_scan_is_none() {
        let whole = drawn(&[0x0f, 0xff, 0xd9]);
        assert_eq!(missing(&whole), None);
        for length in 0..whole.len() {
            assert!(missing(&whole[..length]).is_some(), "{length}");
        }
        assert_eq!(missing(&[&whole[..], &whole[..30]].concat()), None);
        assert!(missing(&[&whole[..10], &[0xff, 0xd9]].concat()).is_some());
    }

    #[test]
    fn blocks_are_counted() {
        let short = missing(&drawn(&[0xff, 0xd9]));
        assert_eq!(short, Some("a scan of the JPEG stops before its last block"));
        assert_eq!(missing(&drawn(&[0x00, 0xff, 0xd9])), None);
    }
}
