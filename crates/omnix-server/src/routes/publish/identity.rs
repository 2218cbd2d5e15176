//! Under which id an event is published: its own, one made of the request's key, or one that is made here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use omnix_model::limits::{BATCH_EVENTS_MAX, EVENT_ID_BYTES_MAX};
use omnix_model::{ErrorCode, EventId, Origin};
use omnix_wire::Parsed;
use omnix_worker::NewEvent;

use crate::app::App;
use crate::problem::Problem;

/// Bytes that `/i` takes behind a key.
const ITEM_BYTES_MAX: usize = 6;
const _: () = assert!(BATCH_EVENTS_MAX <= 100_000, "an item's number has at most five digits");

/// An `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    /// The key that the headers name, quoted as a structured field or bare.
    ///
    /// # Errors
    /// 400 for what cannot stand for an id.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all("idempotency-key").iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value,
            (Some(_), Some(_)) => return Err(malformed("must stand once")),
        };
        let text = std::str::from_utf8(value.as_bytes()).or(Err(malformed("must be UTF-8")))?.trim();
        let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        match EventId::new(bare) {
            Ok(_) if bare.len() + ITEM_BYTES_MAX <= EVENT_ID_BYTES_MAX => Ok(Some(Self(bare.to_owned()))),
            Ok(_) => {
                let max = EVENT_ID_BYTES_MAX - ITEM_BYTES_MAX;
                Err(malformed(&format!("must not be longer than {max} bytes")))
            }
            Err(error) => Err(malformed(&error.to_string())),
        }
    }

    fn whole(&self) -> Option<EventId> {
        EventId::new(&self.0).ok()
    }

    fn item(&self, index: usize) -> Option<EventId> {
        EventId::new(&format!("{}/{index}", self.0)).ok()
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(ErrorCode::MalformedRequest, format!("the header `Idempotency-Key` {detail}"))
}

/// The event of a single call, ready to be handed in.
pub(super) fn single(app: &App, parsed: Parsed, key: Option<&Key>) -> NewEvent {
    identified(app, parsed, key.and_then(Key::whole))
}

/// Item `index` of a batch, ready to be handed in.
pub(super) fn item(app: &App, parsed: Parsed, key: Option<&Key>, index: usize) -> NewEvent {
    identified(app, parsed, key.and_then(|key| key.item(index)))
}

/// The event under its own id, else under `id`, else under a new one.
pub(super) fn identified(app: &App, mut parsed: Parsed, id: Option<EventId>) -> NewEvent {
    app.shared.aliases.apply(&mut parsed.event);
    let customer = parsed.event.customer().map(omnix_model::CustomerId::as_str);
    let anonymous = app.shared.anonymous.is_anonymous(customer);
    let (event_id, origin) = match parsed.event_id.or(id) {
        Some(id) => (id, Origin::Client),
        None => (made(), Origin::Server),
    };
    NewEvent { event: parsed.event, event_id, origin, fingerprint: parsed.fingerprint, anonymous }
}

/// A new id: 128 random bits in 22 letters, which need no memory of their own.
fn made() -> EventId {
    let mut letters = [0_u8; 22];
    let bits = rand::random::<u128>().to_be_bytes();
    let length = URL_SAFE_NO_PAD.encode_slice(bits, &mut letters).unwrap_or(0);
    let text = letters.get(..length).and_then(|letters| std::str::from_utf8(letters).ok());
    EventId::new(text.unwrap_or("")).expect("128 bits are 22 letters, and those are an id")
}
