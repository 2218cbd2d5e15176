//! What the shell keeps of a customer, beside the engine's state and in the same row as its head.

use omnix_model::{DecodeError, Position, Reader, Timestamp, Writer};

use crate::dedup::Seen;

/// Positions of baskets kept in a customer's head: what the latest insights rest on is found without a search.
pub(crate) const BASKETS_KEPT: usize = 8;
const VERSION: u8 = 1;

/// What the shell keeps of a customer: position, window of ids, positions of the last baskets, timer.
///
/// # Format, version 1
/// `version u8`, `position 12 bytes`, `due` (varint: 0 none, else ms + 1), `baskets` (varint count, 12 bytes
/// each, the latest last), `flipped` (varint count, varints), then [`Seen::encode`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shell {
    /// The last record applied to the customer.
    pub position: Position,
    /// When the customer's timer falls due: its row stands in that hour.
    pub timer: Option<Timestamp>,
    /// Where the last baskets began, the latest last.
    pub baskets: Vec<Position>,
    /// Pages that count under their second row: only where rows are written one by one.
    pub flipped: Vec<u16>,
    /// The event ids of the duplicate window.
    pub seen: Seen,
}

/// Set in a part's number: the second row of the page.
const SECOND_ROW: u16 = 1 << 15;

impl Shell {
    /// Notes that a basket began at `position`.
    pub fn note_basket(&mut self, position: Position) {
        if self.baskets.len() == BASKETS_KEPT {
            self.baskets.remove(0);
        }
        self.baskets.push(position);
    }

    /// Lets the other of a page's two rows count, and gives its part number.
    pub fn flip_page(&mut self, page: u16) -> u16 {
        match self.flipped.binary_search(&page) {
            Ok(index) => {
                self.flipped.remove(index);
                page
            }
            Err(index) => {
                self.flipped.insert(index, page);
                page | SECOND_ROW
            }
        }
    }

    /// The page that the row with this part number holds; none when the other one counts.
    #[must_use]
    pub fn page_of(&self, part: u16) -> Option<u16> {
        let page = part & !SECOND_ROW;
        let is_second = part & SECOND_ROW != 0;
        (self.flipped.binary_search(&page).is_ok() == is_second).then_some(page)
    }

    /// The shell as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::append_to(Vec::with_capacity(64 + 14 * self.seen.len()));
        out.u8(VERSION);
        out.raw(&self.position.to_bytes());
        out.uint(self.timer.map_or(0, |due| due.ms().unsigned_abs() + 1));
        out.uint(self.baskets.len() as u64);
        self.baskets.iter().for_each(|basket| out.raw(&basket.to_bytes()));
        out.uint(self.flipped.len() as u64);
        self.flipped.iter().for_each(|page| out.uint(u64::from(*page)));
        self.seen.encode(&mut out);
        out.into_bytes()
    }

    /// The shell that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such thing.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            VERSION => {}
            version => return Err(DecodeError::Unknown(u64::from(version))),
        }
        let position = read_position(&mut reader)?;
        let timer = match reader.uint()? {
            0 => None,
            due => {
                Some(Timestamp::from_ms_clamped(i64::try_from(due - 1).or(Err(DecodeError::Invalid("due")))?))
            }
        };
        let count = reader.count()?;
        if count > BASKETS_KEPT {
            return Err(DecodeError::Invalid("count of baskets"));
        }
        let baskets = (0..count).map(|_| read_position(&mut reader)).collect::<Result<_, _>>()?;
        let count = reader.count()?;
        let page =
            |reader: &mut Reader<'_>| u16::try_from(reader.uint()?).or(Err(DecodeError::Invalid("page")));
        let flipped = (0..count).map(|_| page(&mut reader)).collect::<Result<Vec<_>, _>>()?;
        if !flipped.is_sorted() {
            return Err(DecodeError::Invalid("order of pages"));
        }
        let seen = Seen::decode(&mut reader)?;
        if reader.is_empty() {
            Ok(Self { position, timer, baskets, flipped, seen })
        } else {
            Err(DecodeError::Invalid("end of the shell's part"))
        }
    }

    /// Bytes of memory beyond the structure itself.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.baskets.capacity() * size_of::<Position>() + self.seen.heap_bytes()
    }
}

/// Reads a position of [`Position::BYTES`] bytes.
///
/// # Errors
/// [`DecodeError`]
pub(crate) fn read_position(reader: &mut Reader<'_>) -> Result<Position, DecodeError> {
    let bytes = reader.raw(Position::BYTES)?;
    bytes.first_chunk().copied().map(Position::from_bytes).ok_or(DecodeError::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnix_model::{LogId, Origin};

    use crate::dedup::Window;

    #[test]
    fn a_shell_comes_back_and_a_cut_one_does_not() {
        let now = Timestamp::from_ms_clamped(1_767_225_600_000);
        let mut shell = Shell {
            position: Position { log: LogId(3), frame: 9, slot: 1 },
            timer: Some(now),
            flipped: vec![2, 9],
            ..Shell::default()
        };
        (1..=12).for_each(|frame| shell.note_basket(Position { log: LogId(3), frame, slot: 0 }));
        assert_eq!(shell.baskets.len(), BASKETS_KEPT);
        let mark = crate::dedup::Mark { hash: 7, fingerprint: 8 };
        assert!(shell.seen.remember(Origin::Client, mark, now, Window::default()).is_empty());
        let bytes = shell.encode();
        assert_eq!(Shell::decode(&bytes), Ok(shell));
        for cut in 0..bytes.len() {
            assert!(Shell::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
