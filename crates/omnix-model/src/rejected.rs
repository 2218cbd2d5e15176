//! Events that were refused or could not be applied, kept as they arrived until somebody has looked.

use std::borrow::Cow;

use crate::{CustomerId, DecodeError, ErrorCode, EventId, Fault, Reader, Timestamp, Writer};

const VERSION: u8 = 1;

/// An event that was refused by validation, or is durable and could not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedEvent {
    /// When it arrived.
    pub received_at: Timestamp,
    /// What was wrong with it; the first entry's code is the event's.
    pub faults: Vec<Fault>,
    /// The customer, where it could be read.
    pub customer_id: Option<CustomerId>,
    /// The event's id, where it could be read.
    pub event_id: Option<EventId>,
    /// What arrived.
    pub body: Vec<u8>,
}

impl RejectedEvent {
    /// The code of its first fault.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.faults.first().map_or(ErrorCode::ValidationFailed, |fault| fault.code)
    }

    /// The event as bytes: version, time, customer and id (empty for none), faults (pointer, code, detail),
    /// body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.u8(VERSION);
        out.time(self.received_at);
        out.text(self.customer_id.as_ref().map_or("", CustomerId::as_str));
        out.text(self.event_id.as_ref().map_or("", EventId::as_str));
        out.uint(self.faults.len() as u64);
        for fault in &self.faults {
            out.text(&fault.pointer);
            out.text(fault.code.name());
            out.text(&fault.detail);
        }
        out.bytes(&self.body);
        out.into_bytes()
    }

    /// The event that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none, or of a newer version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        let version = from.u8()?;
        if version != VERSION {
            return Err(DecodeError::Unknown(u64::from(version)));
        }
        let received_at = from.time()?;
        let customer_id = Some(from.text()?).filter(|id| !id.is_empty()).map(CustomerId::new).transpose();
        let event_id = Some(from.text()?).filter(|id| !id.is_empty()).map(EventId::new).transpose();
        let count = from.count()?;
        let fault = |from: &mut Reader<'_>| {
            let pointer = from.text()?.to_owned();
            let code = ErrorCode::from_name(from.text()?).ok_or(DecodeError::Invalid("code"))?;
            Ok(Fault { pointer, code, detail: Cow::Owned(from.text()?.to_owned()) })
        };
        Ok(Self {
            received_at,
            customer_id: customer_id.or(Err(DecodeError::Invalid("customer")))?,
            event_id: event_id.or(Err(DecodeError::Invalid("event id")))?,
            faults: (0..count).map(|_| fault(&mut from)).collect::<Result<_, DecodeError>>()?,
            body: from.bytes()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> RejectedEvent {
        RejectedEvent {
            received_at: Timestamp::from_ms_clamped(5),
            faults: vec![Fault::new("/a", ErrorCode::Required, "is missing")],
            customer_id: Some(CustomerId::new("c").unwrap()),
            event_id: None,
            body: b"{\xff".to_vec(),
        }
    }

    #[test]
    fn a_rejected_event_comes_back() {
        assert_eq!(RejectedEvent::decode(&sample().encode()), Ok(sample()));
    }

    #[test]
    fn version_one_stays_readable() {
        let hex: String = sample().encode().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "010a0163000102 2f61 08 7265717569726564 0a 6973206d697373696e67 027bff".replace(' ', "")
        );
    }

    #[test]
    fn bytes_cut_short_are_refused() {
        let bytes = sample().encode();
        assert!((0..bytes.len()).all(|end| RejectedEvent::decode(&bytes[..end]).is_err()));
    }
}
