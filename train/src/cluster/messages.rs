//! What ranks send one another.

use crate::config::GradientPrecision;
use std::ops::Range;
use timely_bytes::arc::Bytes;
use timely_communication::Bytesable;
use tweedie_tensor::Tensor;

/// The bytes of our own header.
pub(super) const HEADER: usize = 24;
/// The most bytes of a message's content: with both headers, four messages fill a megabyte, which is what the engine
/// allocates at a time.
pub(super) const MOST: usize = (1 << 18) - super::link::HEADER - HEADER;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// That the sender is alive.
    Heartbeat,
    /// A part of some bytes for the collective operation of the number `of`: those from `at` on, of `more` in all.
    Part,
    /// A piece of a node that the receiver adds up: of the sum `of` the piece `at`; `more` is the node's first leaf.
    Addend,
    /// A piece that is added up: of the sum `of` the piece `at`.
    Sum,
    /// The rank `of` has stopped with an error, the content.
    Failed,
    /// The sender has lost the rank `of`; how is the content.
    Lost,
}

const KINDS: [Kind; 6] = [Kind::Heartbeat, Kind::Part, Kind::Addend, Kind::Sum, Kind::Failed, Kind::Lost];

/// The header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) from: u16,
    pub(super) of: u32,
    pub(super) at: u64,
    pub(super) more: u64,
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let kind = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or(0);
        bytes[0] = kind as u8 + 1;
        bytes[2..4].copy_from_slice(&self.from.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.of.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.more.to_le_bytes());
        bytes
    }

    /// None for what no rank sends.
    fn from_bytes(bytes: &[u8]) -> Option<Header> {
        let bytes: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
        let word = |at: usize| (0..8).rev().fold(0, |word, i| word << 8 | u64::from(bytes[at + i]));
        Some(Header {
            kind: *KINDS.get(usize::from(bytes[0]).checked_sub(1)?)?,
            from: u16::from_le_bytes([bytes[2], bytes[3]]),
            of: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            at: word(8),
            more: word(16),
        })
    }
}

/// A message: built to be sent, or as it came.
pub(super) enum Message {
    /// To be sent.
    Out(Header, Content),
    /// As it came, header and all.
    In(Bytes),
}

/// What is sent.
pub(super) enum Content {
    Bytes(Vec<u8>),
    /// Runs of numbers, one after another.
    Numbers(Vec<(Tensor<f32>, Range<usize>)>, GradientPrecision),
}

impl Message {
    /// The header of a message that came, and its content; none for what no rank sends.
    pub(super) fn open(self) -> Option<(Header, Bytes)> {
        let Message::In(mut bytes) = self else { return None };
        let header = Header::from_bytes(&bytes)?;
        let _ = bytes.extract_to(HEADER);
        Some((header, bytes))
    }
}

impl Bytesable for Message {
    fn from_bytes(bytes: Bytes) -> Message {
        Message::In(bytes)
    }

    fn length_in_bytes(&self) -> usize {
        match self {
            Message::Out(_, Content::Bytes(bytes)) => HEADER + bytes.len(),
            Message::Out(_, Content::Numbers(runs, precision)) => {
                HEADER + precision.bytes() * runs.iter().map(|(_, run)| run.len()).sum::<usize>()
            }
            Message::In(bytes) => bytes.len(),
        }
    }

    // Writing into memory cannot fail.
    fn into_bytes<W: std::io::Write>(&self, writer: &mut W) {
        let mut write = |bytes: &[u8]| {
            let _ = writer.write_all(bytes);
        };
        match self {
            Message::In(bytes) => write(bytes),
            Message::Out(header, content) => {
                write(&header.to_bytes());
                match content {
                    Content::Bytes(bytes) => write(bytes),
                    Content::Numbers(runs, precision) => {
                        for (tensor, run) in runs {
                            precision.write(&tensor.as_slice()[run.clone()], &mut write);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use timely_bytes::arc::BytesMut;

    fn sent(message: &Message) -> Message {
        let mut bytes = Vec::new();
        message.into_bytes(&mut bytes);
        assert_eq!(bytes.len(), message.length_in_bytes());
        Message::from_bytes(BytesMut::from(bytes).freeze())
    }

    #[test]
    fn messages_come_as_they_were_sent() {
        let header = Header { kind: Kind::Sum, from: 515, of: 70_000, at: 1 << 40, more: u64::MAX };
        let tensor = Tensor::from_fn([6], |i| i as f32 / 3.0);
        let runs = vec![(tensor.clone(), 1..3), (tensor.clone(), 5..6)];
        let (came, content) =
            sent(&Message::Out(header, Content::Numbers(runs, GradientPrecision::F32))).open().unwrap();
        assert_eq!(came, header);
        let expected: Vec<f32> = [1, 2, 5].map(|i| tensor.as_slice()[i]).to_vec();
        let mut numbers = vec![0.0; 3];
        GradientPrecision::F32.read(&content, &mut numbers);
        assert_eq!(numbers, expected);
        for kind in KINDS {
            let header = Header { kind, ..header };
            let (came, content) = sent(&Message::Out(header, Content::Bytes(vec![7]))).open().unwrap();
            assert_eq!((came, &content[..]), (header, &[7][..]));
        }
    }

    #[test]
    fn what_no_rank_sends_is_none() {
        for bytes in [vec![], vec![1; HEADER - 1], vec![0; HEADER], vec![7; 100]] {
            assert!(Message::from_bytes(BytesMut::from(bytes).freeze()).open().is_none());
        }
    }
}
