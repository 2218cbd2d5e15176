//! Channels: what a subscriber chooses of the feed.

use omnix_model::{CustomerId, Priority, Segment};
use omnix_worker::FeedMessage;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Channels of one subscriber.
const CHANNELS_MAX: usize = 100;

/// What stands unescaped in a channel's name (RFC 3986, unreserved).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Channel {
    Insights,
    Customer(CustomerId),
    Segment(Segment),
    Priority(Priority),
}

impl Channel {
    fn parse(name: &str) -> Option<Self> {
        if name == "insights" {
            return Some(Self::Insights);
        }
        let (family, member) = name.split_once('.')?;
        match family {
            "customer" => {
                let id = percent_decode_str(member).decode_utf8().ok()?;
                CustomerId::new(&id).ok().map(Self::Customer)
            }
            "segment" => Segment::from_slug(member).map(Self::Segment),
            "priority" => Priority::from_name(member).map(Self::Priority),
            _ => None,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Insights => "insights".to_owned(),
            Self::Customer(id) => format!("customer.{}", utf8_percent_encode(id.as_str(), ESCAPED)),
            Self::Segment(segment) => format!("segment.{}", segment.slug()),
            Self::Priority(priority) => format!("priority.{}", priority.name()),
        }
    }

    fn holds(&self, message: &FeedMessage) -> bool {
        match self {
            Self::Insights => true,
            Self::Customer(id) => *id == message.insight.customer_id,
            Self::Segment(segment) => {
                message.segment.as_ref().and_then(omnix_model::SegmentName::known) == Some(*segment)
            }
            Self::Priority(priority) => *priority == message.insight.priority,
        }
    }
}

/// The channels of one subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channels(Vec<Channel>);

/// All insights.
impl Default for Channels {
    fn default() -> Self {
        Self(vec![Channel::Insights])
    }
}

impl Channels {
    /// The channels named in `list`, separated by commas.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        let mut channels = Vec::new();
        for name in list.split(',') {
            let known = "`insights`, `customer.{id}`, `segment.{slug}`, `priority.{level}`";
            let channel = Channel::parse(name).ok_or_else(|| format!("must name channels: {known}"))?;
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        if channels.len() > CHANNELS_MAX {
            return Err(format!("must not name more than {CHANNELS_MAX} channels"));
        }
        Ok(Self(channels))
    }

    /// The names of the subscriber's channels that `message` is in; empty: it is in none.
    pub(crate) fn of(&self, message: &FeedMessage) -> Vec<String> {
        self.0.iter().filter(|channel| channel.holds(message)).map(Channel::name).collect()
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(Channel::name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_the_name_it_was_asked_for_under() {
        let list = "insights,customer.a%2Cb%20%C3%BC,segment.at-risk,priority.high";
        let channels = Channels::parse(list).unwrap();
        assert_eq!(channels.names().join(","), list);
    }

    #[test]
    fn unknown_channels_are_refused() {
        for list in
            ["", "insight", "customer.", "customer.%ff", "segment.x", "priority.urgent", "user.1", ","]
        {
            assert!(Channels::parse(list).is_err(), "{list}");
        }
        let many = (0..=CHANNELS_MAX).map(|i| format!("customer.{i}")).collect::<Vec<_>>().join(",");
        assert!(Channels::parse(&many).is_err());
    }
}
