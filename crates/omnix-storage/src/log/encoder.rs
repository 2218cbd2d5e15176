//! A block becomes a frame, in a buffer and with a compressor that are used again and again.

use std::io;

use crate::log::segment::{CODEC_RAW, CODEC_ZSTD, FRAME_HEADER_BYTES, FrameHeader};
use crate::log::{AppendError, Block, RAW_BYTES_MAX};

/// zstd's level: higher ones cost more than they save on blocks of some kilobytes.
const LEVEL: i32 = 1;

/// Encodes blocks as frames, one at a time.
pub(crate) struct FrameEncoder {
    /// None when payloads are stored as they are.
    compressor: Option<zstd::bulk::Compressor<'static>>,
    /// Grows to the largest frame so far; only the first `len` bytes are the present one.
    buffer: Vec<u8>,
    len: usize,
}

impl FrameEncoder {
    pub(crate) fn new(compress: bool) -> io::Result<Self> {
        let compressor = compress.then(|| zstd::bulk::Compressor::new(LEVEL)).transpose()?;
        Ok(Self { compressor, buffer: Vec::new(), len: 0 })
    }

    /// The frame encoded last.
    pub(crate) fn frame(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Encodes `block` as frame number `frame`.
    pub(crate) fn encode(&mut self, block: &Block, frame: u64) -> Result<&[u8], AppendError> {
        let raw = &block.payload;
        if raw.len() > RAW_BYTES_MAX {
            return Err(AppendError::Refused(format!(
                "a block of {} bytes is larger than {RAW_BYTES_MAX}",
                raw.len()
            )));
        }
        let room = FRAME_HEADER_BYTES + zstd::compress_bound(raw.len()).max(raw.len());
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let place = self.buffer.get_mut(FRAME_HEADER_BYTES..room).unwrap_or_default();
        let compressed =
            self.compressor.as_mut().and_then(|zstd| zstd.compress_to_buffer(raw.as_slice(), place).ok());
        let (codec, stored) = match compressed.filter(|bytes| *bytes < raw.len()) {
            Some(bytes) => (CODEC_ZSTD, bytes),
            None => {
                if let Some(place) = place.get_mut(..raw.len()) {
                    place.copy_from_slice(raw);
                }
                (CODEC_RAW, raw.len())
            }
        };
        self.len = FRAME_HEADER_BYTES + stored;
        let ms = block.now.ms().unsigned_abs();
        let header = FrameHeader {
            len: 0,
            frame,
            count: u32::from(block.count),
            codec,
            flags: 0,
            first_ms: ms,
            last_ms: ms,
        };
        header.seal(self.buffer.get_mut(..self.len).unwrap_or_default());
        Ok(self.frame())
    }
}
