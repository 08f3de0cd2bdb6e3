//! Pictures by kitty's graphics protocol (<https://sw.kovidgoyal.net/kitty/graphics-protocol/>): a PNG file in pieces of base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of base64 in a piece; the protocol allows no more.
const PIECE: usize = 4096;
/// The number of the picture, by which it is replaced and deleted.
const NUMBER: u32 = 1986;

/// What shows the PNG file at the cursor, in so many columns and rows; the terminal answers nothing.
pub(super) fn show(png: &[u8], columns: u16, rows: u16) -> String {
    let data = STANDARD.encode(png);
    let mut out = String::with_capacity(data.len() + 1024);
    let mut pieces = data.as_bytes().chunks(PIECE).peekable();
    let mut head = format!("a=T,f=100,t=d,i={NUMBER},p=1,c={columns},r={rows},C=1,q=2,");
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        out.push_str(&format!("\x1b_G{head}m={more};{}\x1b\\", String::from_utf8_lossy(piece)));
        head = String::new();
    }
    out
}

/// What takes the picture away.
pub(super) fn delete() -> String {
    format!("\x1b_Ga=d,d=I,i={NUMBER},q=2;\x1b\\")
}

/// What asks whether the terminal knows the protocol; an answer begins as [`ANSWER`].
pub(super) const QUESTION: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
pub(super) const ANSWER: &str = "\x1b_Gi=31;OK";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_file() {
        let png: Vec<u8> = (0..10_000).map(|i| (i * 7 % 251) as u8).collect();
        let shown = show(&png, 30, 10);
        let pieces: Vec<&str> = shown.split("\x1b\\").filter(|piece| !piece.is_empty()).collect();
        assert_eq!(pieces.len(), (10_000usize.div_ceil(3) * 4).div_ceil(PIECE));
        assert!(pieces[0].starts_with("\x1b_Ga=T,f=100,") && pieces[0].contains("c=30,r=10"));
        let mut data = String::new();
        for (i, piece) in pieces.iter().enumerate() {
            let (head, body) = piece.split_once(';').unwrap_or_default();
            let last = i + 1 == pieces.len();
            assert!(head.ends_with(if last { "m=0" } else { "m=1" }), "{head}");
            assert!(body.len() <= PIECE);
            data.push_str(body);
        }
        assert_eq!(STANDARD.decode(data).ok(), Some(png));
    }
}
