//! The stored form of an insight.
//!
//! # Format, version 1
//! version u8 · id 16 bytes · customer text · kind u8 · priority u8 · action u8 · timestamp, event timestamp
//! varints · revision, model version varints · settings version 8 bytes · message id, sentence texts · params,
//! figures: a count, then name and figure each. A figure is a tag and its value; a list is a count and its
//! figures, nested at most four deep.

use smol_str::SmolStr;

use crate::{
    CustomerId, DecodeError, Figure, Figures, Insight, InsightId, InsightKind, Money, Priority, Reader,
    Writer,
};

const VERSION: u8 = 1;
const DEPTH_MAX: u8 = 4;

impl Insight {
    /// The insight as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(512));
        out.u8(VERSION);
        out.raw(&self.id.0);
        out.text(self.customer_id.as_str());
        out.u8(self.kind.number());
        out.u8(self.priority.number());
        out.flag(self.action_required);
        out.time(self.timestamp);
        out.time(self.event_timestamp);
        out.uint(u64::from(self.revision));
        out.uint(self.model_version);
        out.fixed64(self.settings_version);
        out.text(&self.message_id);
        out.text(&self.sentence);
        write_figures(&self.params, &mut out);
        write_figures(&self.figures, &mut out);
        out.into_bytes()
    }

    /// The insight that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none, or of a newer version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        let version = from.u8()?;
        if version != VERSION {
            return Err(DecodeError::Unknown(u64::from(version)));
        }
        let id = InsightId(from.raw(16)?.try_into().or(Err(DecodeError::Truncated))?);
        let customer_id = CustomerId::new(from.text()?).or(Err(DecodeError::Invalid("customer")))?;
        let (kind, priority) = (from.u8()?, from.u8()?);
        let insight = Self {
            id,
            customer_id,
            kind: *InsightKind::ALL.get(usize::from(kind)).ok_or(DecodeError::Invalid("kind"))?,
            priority: *Priority::ALL.get(usize::from(priority)).ok_or(DecodeError::Invalid("priority"))?,
            action_required: from.flag()?,
            timestamp: from.time()?,
            event_timestamp: from.time()?,
            revision: u32::try_from(from.uint()?).or(Err(DecodeError::Invalid("revision")))?,
            model_version: from.uint()?,
            settings_version: from.fixed64()?,
            message_id: SmolStr::new(from.text()?),
            sentence: from.text()?.to_owned(),
            params: read_figures(&mut from)?,
            figures: read_figures(&mut from)?,
        };
        if from.is_empty() { Ok(insight) } else { Err(DecodeError::Invalid("insight")) }
    }
}

fn write_figures(figures: &Figures, out: &mut Writer) {
    out.uint(figures.len() as u64);
    for (name, figure) in figures {
        out.text(name);
        write_figure(figure, out);
    }
}

fn write_figure(figure: &Figure, out: &mut Writer) {
    match figure {
        Figure::Unknown => out.u8(0),
        Figure::Number(value) => {
            out.u8(1);
            out.f64(*value);
        }
        Figure::Count(value) => {
            out.u8(2);
            out.int(*value);
        }
        Figure::Money(value) => {
            out.u8(3);
            out.money(*value);
        }
        Figure::Text(value) => {
            out.u8(4);
            out.text(value);
        }
        Figure::Flag(value) => {
            out.u8(5);
            out.flag(*value);
        }
        Figure::Time(value) => {
            out.u8(6);
            out.time(*value);
        }
        Figure::List(values) => {
            out.u8(7);
            out.uint(values.len() as u64);
            values.iter().for_each(|value| write_figure(value, out));
        }
    }
}

fn read_figures(from: &mut Reader<'_>) -> Result<Figures, DecodeError> {
    let count = from.count()?;
    (0..count).map(|_| Ok((SmolStr::new(from.text()?), read_figure(from, DEPTH_MAX)?))).collect()
}

fn read_figure(from: &mut Reader<'_>, depth: u8) -> Result<Figure, DecodeError> {
    Ok(match from.u8()? {
        0 => Figure::Unknown,
        1 => Figure::Number(from.f64()?),
        2 => Figure::Count(from.int()?),
        3 => Figure::Money(Money::from_millionths(from.int()?)),
        4 => Figure::Text(SmolStr::new(from.text()?)),
        5 => Figure::Flag(from.flag()?),
        6 => Figure::Time(from.time()?),
        7 => {
            let depth = depth.checked_sub(1).ok_or(DecodeError::Invalid("depth"))?;
            let count = from.count()?;
            Figure::List((0..count).map(|_| read_figure(from, depth)).collect::<Result<_, _>>()?)
        }
        tag => return Err(DecodeError::Unknown(u64::from(tag))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn sample() -> Insight {
        Insight {
            id: InsightId([7; 16]),
            customer_id: CustomerId::new("c-1").unwrap(),
            kind: InsightKind::BehaviorAnomaly,
            priority: Priority::High,
            action_required: true,
            timestamp: Timestamp::from_ms_clamped(1_000),
            event_timestamp: Timestamp::from_ms_clamped(900),
            revision: 2,
            model_version: 300,
            settings_version: 0x0102_0304_0506_0708,
            message_id: SmolStr::new("m"),
            sentence: "S.".to_owned(),
            params: vec![(SmolStr::new("n"), Figure::Count(-1))],
            figures: vec![
                (SmolStr::new("a"), Figure::Number(0.5)),
                (SmolStr::new("b"), Figure::List(vec![Figure::Text(SmolStr::new("x")), Figure::Unknown])),
                (SmolStr::new("c"), Figure::Money(Money::from_millionths(5))),
                (SmolStr::new("d"), Figure::Flag(true)),
                (SmolStr::new("e"), Figure::Time(Timestamp::from_ms_clamped(1))),
            ],
        }
    }

    #[test]
    fn an_insight_comes_back() {
        assert_eq!(Insight::decode(&sample().encode()), Ok(sample()));
    }

    #[test]
    fn bytes_cut_short_or_too_long_are_refused() {
        let bytes = sample().encode();
        for end in 0..bytes.len() {
            assert!(Insight::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        assert!(Insight::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn version_one_stays_readable() {
        let golden = "010707070707070707070707070707070703632d31020201d00f880e02ac020807060504030201016d02532e01016e0201\
                      05016101000000000000e03f016207020401780001630 30a0164050101650602";
        let golden: String = golden.chars().filter(|c| !c.is_whitespace()).collect();
        let hex: String = sample().encode().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden);
    }
}
