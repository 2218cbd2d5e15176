//! Outside names of segments that mean one of ours: `segments.aliases`.

use std::collections::BTreeMap;

use omnix_model::{Event, Segment, SegmentName};

/// Which outside names mean which of our segments. Names are compared without case and surrounding blanks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SegmentAliases(BTreeMap<String, Segment>);

/// Why an entry is no alias.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no alias: write it as `outside name = one of our segments`")]
pub struct AliasError(String);

impl SegmentAliases {
    /// The aliases in entries such as `VIP = Champions`.
    ///
    /// # Errors
    /// [`AliasError`] for an entry that names no segment of ours, or nothing for it.
    pub fn new<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, AliasError> {
        let parse = |entry: T| {
            let entry = entry.as_ref();
            let pair =
                entry.rsplit_once('=').map(|(outside, ours)| (plain(outside), Segment::from_name(ours)));
            match pair {
                Some((outside, Some(ours))) if !outside.is_empty() => Ok((outside, ours)),
                _ => Err(AliasError(entry.to_owned())),
            }
        };
        entries.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Puts our segments in the place of outside names that mean them; other names stay as they are.
    pub fn apply(&self, event: &mut Event) {
        if self.0.is_empty() {
            return;
        }
        if let Event::SegmentUpdate(update) = event {
            self.rename(&mut update.new_segment);
            update.previous_segment.iter_mut().for_each(|name| self.rename(name));
        }
    }

    fn rename(&self, name: &mut SegmentName) {
        if let Some(segment) = self.0.get(&plain(name.label())) {
            *name = SegmentName::Known(*segment);
        }
    }
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use omnix_model::{CustomerId, SegmentUpdate, Timestamp};

    use super::*;

    fn update(previous: &str, new: &str) -> Event {
        Event::SegmentUpdate(SegmentUpdate {
            customer_id: CustomerId::new("c").unwrap(),
            previous_segment: Some(SegmentName::parse(previous)),
            new_segment: SegmentName::parse(new),
            segmentation_score: 0.5,
            reason_codes: Vec::new(),
            timestamp: Timestamp::MIN,
            confidence: 0.5,
            model_version: "v".into(),
            extra: "".into(),
        })
    }

    #[test]
    fn an_outside_name_comes_to_mean_ours() {
        let aliases = SegmentAliases::new(["VIP = Champions", "gold=loyal customers"]).unwrap();
        let mut event = update("vip", "Gold");
        aliases.apply(&mut event);
        assert_eq!(event, update("Champions", "Loyal Customers"));
        let mut event = update("Platinum", "At Risk");
        aliases.apply(&mut event);
        assert_eq!(event, update("Platinum", "At Risk"), "what nobody named stays");
    }

    #[test]
    fn an_entry_that_names_nothing_is_refused() {
        for entry in ["VIP", "= Champions", "VIP = Very Important", ""] {
            assert!(SegmentAliases::new([entry]).is_err(), "{entry}");
        }
    }
}
