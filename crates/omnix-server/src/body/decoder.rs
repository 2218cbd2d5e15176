//! Bodies as they were before they were compressed: gzip and zstd, a piece at a time, within a limit.
//!
//! The limit counts what comes out, and is asked before it is written: a bomb costs no more than its limit.
//! A zstd window takes 8 MiB at the most (RFC 9659), and only as much of it is touched as came out.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header};
use omnix_model::ErrorCode;
use zstd::stream::raw::{DParameter, Decoder as RawZstd, InBuffer, Operation as _, OutBuffer};

use super::budget::Share;
use crate::problem::Problem;

/// Base-2 logarithm of the largest window of a zstd frame, in bytes.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Bytes that come out of zstd at a time.
const ZSTD_STEP_BYTES: usize = 16 << 10;

/// What takes decompressed bytes: within the limit, out of the budget.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) out: Vec<u8>,
    pub(super) limit: usize,
    pub(super) total: usize,
    pub(super) share: Share,
    pub(super) refusal: Option<Refusal>,
}

/// Why no more was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    TooLarge,
    Exhausted,
}

impl Sink {
    pub(super) const fn new(limit: usize, share: Share) -> Self {
        Self { out: Vec::new(), limit, total: 0, share, refusal: None }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let total = self.total.saturating_add(bytes.len());
        let refused = if total > self.limit {
            Some(Refusal::TooLarge)
        } else {
            self.share.draw(bytes.len()).err().map(|_| Refusal::Exhausted)
        };
        if let Some(refusal) = refused {
            self.refusal = Some(refusal);
            return Err(refusal);
        }
        self.total = total;
        self.out.extend_from_slice(bytes);
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.take(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a body is coded, and what of it has been decoded.
pub(super) enum Decoder {
    Identity(Sink),
    Gzip(Box<MultiGzDecoder<Sink>>),
    Zstd(Box<Zstd>),
}

impl Decoder {
    /// The decoder that the headers ask for.
    pub(super) fn new(headers: &HeaderMap, sink: Sink) -> Result<Self, Problem> {
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        let coding = match (codings.next(), codings.next()) {
            (None, _) => "identity",
            (Some(coding), None) => coding.to_str().unwrap_or("").trim(),
            (Some(_), Some(_)) => "",
        };
        match coding.to_ascii_lowercase().as_str() {
            "identity" => Ok(Self::Identity(sink)),
            "gzip" | "x-gzip" => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(sink)))),
            "zstd" => Zstd::new(sink).map(|decoder| Self::Zstd(Box::new(decoder))).map_err(|error| {
                tracing::error!(%error, "no decoder for zstd");
                Problem::new(ErrorCode::Internal, "the body cannot be decompressed at the moment")
            }),
            _ => Err(unknown_coding()),
        }
    }

    /// Takes another piece of the body.
    pub(super) fn push(&mut self, piece: &Bytes) -> Result<(), Problem> {
        let written = match self {
            Self::Identity(sink) => sink.write_all(piece),
            Self::Gzip(decoder) => decoder.write_all(piece),
            Self::Zstd(decoder) => decoder.push(piece),
        };
        written.map_err(|error| self.problem(&error))
    }

    /// No piece follows.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        let ended = match self {
            Self::Identity(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zstd(decoder) if decoder.is_whole => Ok(()),
            Self::Zstd(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        ended.map_err(|error| self.problem(&error))
    }

    /// What has come out so far.
    pub(super) fn sink(&mut self) -> &mut Sink {
        match self {
            Self::Identity(sink) => sink,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => &mut decoder.sink,
        }
    }

    fn problem(&mut self, error: &io::Error) -> Problem {
        let sink = self.sink();
        match sink.refusal {
            Some(Refusal::TooLarge) => too_large(sink.limit),
            Some(Refusal::Exhausted) => {
                Problem::new(ErrorCode::Unavailable, "too much is being taken in at the moment")
            }
            None => {
                tracing::debug!(%error, "a body could not be decompressed");
                Problem::new(ErrorCode::MalformedRequest, "the body is not what its content coding says")
            }
        }
    }
}

/// Frames of zstd, one after the other. The crate's own writer does not tell a frame that broke off.
pub(super) struct Zstd {
    decoder: RawZstd<'static>,
    sink: Sink,
    is_whole: bool,
}

impl Zstd {
    fn new(sink: Sink) -> io::Result<Self> {
        let mut decoder = RawZstd::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        Ok(Self { decoder, sink, is_whole: true })
    }

    fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut input = InBuffer::around(piece);
        let mut buffer = [0_u8; ZSTD_STEP_BYTES];
        loop {
            let mut output = OutBuffer::around(buffer.as_mut_slice());
            let missing = self.decoder.run(&mut input, &mut output)?;
            self.is_whole = missing == 0;
            let written = output.as_slice();
            let is_full = written.len() == ZSTD_STEP_BYTES;
            self.sink.write_all(written)?;
            if input.pos() == piece.len() && (self.is_whole || !is_full) {
                return Ok(());
            }
        }
    }
}

/// A body larger than `limit`.
pub(super) fn too_large(limit: usize) -> Problem {
    Problem::new(ErrorCode::TooLarge, format!("the body must not be larger than {limit} bytes, decompressed"))
}

fn unknown_coding() -> Problem {
    let detail = "the content coding must be one of `gzip`, `zstd` or none";
    Problem::new(ErrorCode::UnsupportedMediaType, detail)
        .with_header(header::ACCEPT_ENCODING, http::HeaderValue::from_static("gzip, zstd"))
}
