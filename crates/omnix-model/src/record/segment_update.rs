//! [`RecordKind::SegmentUpdate`](crate::RecordKind): a published change of segment.
//!
//! # Format
//! After the event's head, in `refs`: customer, previous segment, new segment, number of reasons, reasons,
//! model version, extra; in `numbers`: the time, score, confidence. A segment is a byte in `numbers`: 0 for
//! an outside name, which then stands in `refs`, else its number.

use smol_str::SmolStr;

use super::event::flag;
use crate::block::{Sink, Source};
use crate::{DecodeError, Segment, SegmentName, SegmentUpdate};

const PREVIOUS: u64 = 1 << 4;

pub(super) fn flags(event: &SegmentUpdate) -> u64 {
    let previous = if event.previous_segment.is_some() { PREVIOUS } else { 0 };
    let extra = if event.extra.is_empty() { 0 } else { flag::EXTRA };
    previous | extra
}

pub(super) fn write(event: &SegmentUpdate, sink: &mut Sink) {
    sink.customer(&event.customer_id);
    sink.time(event.timestamp);
    if let Some(previous) = &event.previous_segment {
        write_segment(previous, sink);
    }
    write_segment(&event.new_segment, sink);
    sink.numbers.f64(event.segmentation_score);
    sink.numbers.f64(event.confidence);
    sink.texts(&event.reason_codes);
    sink.text(&event.model_version);
    if !event.extra.is_empty() {
        sink.text(&event.extra);
    }
}

pub(super) fn read(flags: u64, source: &mut Source<'_>) -> Result<SegmentUpdate, DecodeError> {
    Ok(SegmentUpdate {
        customer_id: source.customer()?,
        timestamp: source.time()?,
        previous_segment: if flags & PREVIOUS == 0 { None } else { Some(read_segment(source)?) },
        new_segment: read_segment(source)?,
        segmentation_score: source.numbers.f64()?,
        confidence: source.numbers.f64()?,
        reason_codes: source.texts()?,
        model_version: source.text()?,
        extra: if flags & flag::EXTRA == 0 { SmolStr::default() } else { source.text()? },
    })
}

fn write_segment(segment: &SegmentName, sink: &mut Sink) {
    match segment {
        SegmentName::Known(segment) => sink.numbers.u8(segment.number()),
        SegmentName::Other(name) => {
            sink.numbers.u8(0);
            sink.text(name);
        }
    }
}

fn read_segment(source: &mut Source<'_>) -> Result<SegmentName, DecodeError> {
    match source.numbers.u8()? {
        0 => source.text().map(SegmentName::Other),
        number => Segment::from_number(number).map(SegmentName::Known).ok_or(DecodeError::Invalid("segment")),
    }
}
