//! Which kind of event it is: by the route, else by `eventType`, else by the fields.

use std::ops::ControlFlow;

use omnix_model::{ErrorCode, EventKind};

use super::fields::Key;
use super::reading::Reading;

/// The fields that only one kind has, as a set; what tells it from the others.
const fn own_fields(kind: EventKind) -> u32 {
    match kind {
        EventKind::Purchase => {
            set_of(&[Key::Quantity, Key::Price, Key::TotalAmount, Key::ProductName, Key::ProductCategory])
        }
        EventKind::SegmentUpdate => set_of(&[Key::NewSegment, Key::SegmentationScore, Key::ReasonCodes]),
        EventKind::ConsumptionPrediction => {
            set_of(&[Key::PredictedConsumptionDate, Key::PredictionType, Key::Factors, Key::AlertTriggered])
        }
    }
}

const fn set_of(keys: &[Key]) -> u32 {
    let (mut set, mut rest) = (0, keys);
    while let [key, behind @ ..] = rest {
        set |= key.bit();
        rest = behind;
    }
    set
}

/// The kind; breaks off when it cannot be told or is contradicted, which is then among the faults.
pub(super) fn of(reading: &mut Reading<'_, '_>) -> ControlFlow<(), EventKind> {
    let has_type = reading.fields.has(Key::EventType);
    let named = reading.event_type();
    if has_type && named.is_none() {
        return ControlFlow::Break(());
    }
    match (reading.settings.expected, named) {
        (Some(expected), Some(named)) if expected != named => {
            let detail = format!("this route takes `{}` only", expected.name());
            reading.fault(Key::EventType.pointer(), ErrorCode::KindContradicted, detail);
            ControlFlow::Break(())
        }
        (Some(kind), _) | (None, Some(kind)) => checked_against_fields(kind, has_type, reading),
        (None, None) => by_fields(reading),
    }
}

/// `kind`, unless all the fields speak of another.
fn checked_against_fields(
    kind: EventKind,
    has_type: bool,
    reading: &mut Reading<'_, '_>,
) -> ControlFlow<(), EventKind> {
    let is_contradicted = match (has_own(kind, reading), fullest(reading)) {
        (_, Some(other)) if other != kind => true,
        (false, None) => EventKind::ALL.into_iter().any(|other| has_own(other, reading)),
        _ => false,
    };
    if !is_contradicted {
        return ControlFlow::Continue(kind);
    }
    let pointer = if has_type { Key::EventType.pointer() } else { "" };
    let detail = format!("the fields are not those of a `{}`", kind.name());
    reading.fault(pointer, ErrorCode::KindContradicted, detail);
    ControlFlow::Break(())
}

fn by_fields(reading: &mut Reading<'_, '_>) -> ControlFlow<(), EventKind> {
    let mut possible = EventKind::ALL.into_iter().filter(|kind| has_own(*kind, reading));
    let only = match (possible.next(), possible.next()) {
        (Some(kind), None) => Some(kind),
        _ => fullest(reading),
    };
    if let Some(kind) = only {
        return ControlFlow::Continue(kind);
    }
    let detail = "the fields leave the kind open: name it in `eventType`";
    reading.fault("", ErrorCode::KindUnknown, detail);
    ControlFlow::Break(())
}

/// The only kind all of whose own fields are there.
fn fullest(reading: &Reading<'_, '_>) -> Option<EventKind> {
    let is_full = |kind: &EventKind| reading.fields.filled_of(own_fields(*kind)) == own_fields(*kind);
    let mut full = EventKind::ALL.into_iter().filter(is_full);
    match (full.next(), full.next()) {
        (Some(kind), None) => Some(kind),
        _ => None,
    }
}

/// Whether any of the fields that only `kind` has is there.
const fn has_own(kind: EventKind, reading: &Reading<'_, '_>) -> bool {
    reading.fields.filled_of(own_fields(kind)) != 0
}
