//! The records by which a lane is steered: time, epochs, models, settings, versions, losses, erasures.
//!
//! # Format
//! In `heads`: kind and lane, each a byte. In `numbers`: the fields in the order of [`Record`], whole numbers
//! as varints, hashes as eight bytes, that of an imported file as sixteen. The body of settings stands in `refs`.

use crate::block::{Sink, Source};
use crate::{DecodeError, Lane, Record, RecordKind};

pub(super) fn write(lane: Lane, record: &Record, sink: &mut Sink) {
    sink.heads.u8(record.kind().number());
    sink.heads.u8(lane.number());
    match record {
        Record::EpochEnd { epoch } => sink.numbers.uint(*epoch),
        Record::Model { number, hash } => {
            sink.numbers.uint(*number);
            sink.numbers.fixed64(*hash);
        }
        Record::Settings { hash, body } => {
            sink.numbers.fixed64(*hash);
            sink.text(body);
        }
        Record::EngineVersion { version } => sink.numbers.uint(u64::from(*version)),
        Record::Imported { file, taken } => {
            sink.numbers.raw(&file.to_le_bytes());
            sink.numbers.uint(*taken);
        }
        Record::LossAccepted { first_frame, last_frame, at } => {
            sink.numbers.uint(*first_frame);
            sink.numbers.uint(*last_frame);
            sink.time(*at);
        }
        Record::Event(_) | Record::Judgement(_) | Record::Tick | Record::Erased => {}
    }
}

/// The record of `kind`, whose number and lane have been read.
pub(super) fn read(kind: RecordKind, source: &mut Source<'_>) -> Result<Record, DecodeError> {
    Ok(match kind {
        RecordKind::Erased => Record::Erased,
        RecordKind::Tick => Record::Tick,
        RecordKind::EpochEnd => Record::EpochEnd { epoch: source.numbers.uint()? },
        RecordKind::Model => {
            Record::Model { number: source.numbers.uint()?, hash: source.numbers.fixed64()? }
        }
        RecordKind::Settings => {
            Record::Settings { hash: source.numbers.fixed64()?, body: source.text()?.into() }
        }
        RecordKind::EngineVersion => {
            let version = u32::try_from(source.numbers.uint()?).or(Err(DecodeError::Invalid("version")))?;
            Record::EngineVersion { version }
        }
        RecordKind::Imported => Record::Imported {
            file: source
                .numbers
                .raw(16)?
                .first_chunk()
                .copied()
                .map(u128::from_le_bytes)
                .ok_or(DecodeError::Truncated)?,
            taken: source.numbers.uint()?,
        },
        RecordKind::LossAccepted => Record::LossAccepted {
            first_frame: source.numbers.uint()?,
            last_frame: source.numbers.uint()?,
            at: source.time()?,
        },
        RecordKind::Purchase
        | RecordKind::SegmentUpdate
        | RecordKind::ConsumptionPrediction
        | RecordKind::Judgement => {
            return Err(DecodeError::Invalid("kind"));
        }
    })
}
