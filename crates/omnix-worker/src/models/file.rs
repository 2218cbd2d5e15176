//! The bytes of a model's file: the model whole, or what it learnt from since the model before it.
//!
//! Version 1: `version u8` · kind `u8` (1 whole, 2 lessons) · the model's name (8 bytes) · the XXH3 of what
//! follows (8 bytes) · [`Model::encode`] or [`Lessons::as_bytes`].
//!
//! Deliberately not here: which of both is kept of which model.

use omnix_engine::{Lessons, Model};
use omnix_model::{DecodeError, Reader, Writer};
use xxhash_rust::xxh3::xxh3_64;

const VERSION: u8 = 1;
const WHOLE: u8 = 1;
const LESSONS: u8 = 2;

/// What is kept of a model.
#[derive(Debug)]
pub(super) enum Kept {
    /// The model itself.
    Whole(Model),
    /// What it learnt from since the model before it, and the name that has to come out.
    Lessons { name: u64, lessons: Lessons },
}

/// A file with the whole of `model`.
pub(crate) fn of_model(model: &Model) -> Vec<u8> {
    file(WHOLE, model.hash(), &model.encode())
}

/// A file with the lessons after which a model is named `name`.
pub(super) fn of_lessons(name: u64, lessons: &Lessons) -> Vec<u8> {
    file(LESSONS, name, lessons.as_bytes())
}

fn file(kind: u8, name: u64, content: &[u8]) -> Vec<u8> {
    let mut out = Writer::append_to(Vec::with_capacity(HEAD_BYTES + content.len()));
    out.u8(VERSION);
    out.u8(kind);
    out.fixed64(name);
    out.fixed64(xxh3_64(content));
    out.raw(content);
    out.into_bytes()
}

const HEAD_BYTES: usize = 18;

/// What a file holds.
///
/// # Errors
/// [`DecodeError`] when it is damaged, or no model's file.
pub(super) fn read(bytes: &[u8]) -> Result<Kept, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("model file");
    let mut from = Reader::new(bytes);
    match from.u8()? {
        VERSION => {}
        version => return Err(DecodeError::Unknown(u64::from(version))),
    }
    let (kind, name, checksum) = (from.u8()?, from.fixed64()?, from.fixed64()?);
    let content = from.rest();
    if xxh3_64(content) != checksum {
        return Err(WRONG);
    }
    match kind {
        WHOLE => {
            let model = Model::decode(content)?;
            if model.hash() == name { Ok(Kept::Whole(model)) } else { Err(WRONG) }
        }
        LESSONS => Ok(Kept::Lessons { name, lessons: Lessons::decode(content.to_vec())? }),
        _ => Err(WRONG),
    }
}

/// Whether a file says that it holds lessons: without the model before it, it is of no use.
pub(super) fn is_lessons(bytes: &[u8]) -> bool {
    bytes.get(1) == Some(&LESSONS)
}

#[cfg(test)]
mod tests {
    use omnix_engine::Tally;
    use omnix_model::{Lane, Timestamp};

    use super::*;

    #[test]
    fn either_kind_comes_back_and_a_damaged_file_does_not() {
        let lessons = Lessons::new(vec![(Lane::FIRST, Tally::default())], Timestamp::from_ms_clamped(5));
        let model = lessons.fold(&Model::seed());
        let (whole, taught) = (of_model(&model), of_lessons(model.hash(), &lessons));
        assert!(matches!(read(&whole), Ok(Kept::Whole(read)) if read == model));
        assert!(
            matches!(read(&taught), Ok(Kept::Lessons { name, lessons: read }) if name == model.hash() && read == lessons)
        );
        assert!(is_lessons(&taught) && !is_lessons(&whole));
        for bytes in [whole, taught] {
            for at in 0..bytes.len() {
                assert!(read(&bytes[..at]).is_err(), "cut at {at}");
            }
            // The name of lessons is only known to be wrong when they are folded.
            let spared = if is_lessons(&bytes) { 2..10 } else { 0..0 };
            for at in (0..bytes.len()).filter(|at| !spared.contains(at)) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x40;
                assert!(read(&damaged).is_err(), "byte {at}");
            }
        }
    }
}
