//! The primitives of every stored format: little, unsigned and zigzag varints (LEB128), lengths before
//! bytes. Formats are documented on the types that use them.

use crate::{Money, Quantity, Timestamp};

/// Why bytes could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the bytes end too early")]
    Truncated,
    /// A value is not one that was ever written.
    #[error("`{0}` is not valid")]
    Invalid(&'static str),
    /// A newer version wrote this.
    #[error("unknown kind or version {0}")]
    Unknown(u64),
}

/// Appends primitives to a buffer.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Goes on writing at the end of `bytes`.
    #[must_use]
    pub const fn append_to(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What was written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// How many bytes were written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// An unsigned varint: 1 byte below 128, 10 at the most.
    #[expect(clippy::cast_possible_truncation, reason = "the low seven bits are what is written")]
    pub fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A signed varint, zigzag.
    #[expect(clippy::cast_sign_loss, reason = "zigzag maps signed to unsigned")]
    pub fn int(&mut self, value: i64) {
        self.uint(((value << 1) ^ (value >> 63)) as u64);
    }

    /// A signed varint of 128 bits: low half, then high half.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both halves are written")]
    pub fn int128(&mut self, value: i128) {
        self.uint(value as u64);
        self.int((value >> 64) as i64);
    }

    /// A float, all its bits.
    pub fn f64(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// A float of half the precision.
    pub fn f32(&mut self, value: f32) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// Eight bytes, little-endian.
    pub fn fixed64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes, little-endian.
    pub fn fixed32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes, their number before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.raw(bytes);
    }

    /// A text, as [`Self::bytes`].
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Yes or no, one byte.
    pub fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// An instant, in milliseconds.
    pub fn time(&mut self, value: Timestamp) {
        self.int(value.ms());
    }

    /// An amount, in millionths.
    pub fn money(&mut self, value: Money) {
        self.int(value.millionths());
    }

    /// A quantity, in thousandths.
    pub fn quantity(&mut self, value: Quantity) {
        self.int(value.thousandths());
    }
}

/// Takes primitives from the front of a slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their start.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes of a known number.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] when fewer are left.
    pub fn raw(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.raw(N)?.first_chunk().copied().ok_or(DecodeError::Truncated)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// An unsigned varint.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                return Err(DecodeError::Invalid("varint"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Invalid("varint"))
    }

    /// A signed varint.
    ///
    /// # Errors
    /// [`DecodeError`]
    #[expect(clippy::cast_possible_wrap, reason = "zigzag maps unsigned back to signed")]
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        let value = self.uint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A signed varint of 128 bits.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn int128(&mut self) -> Result<i128, DecodeError> {
        let low = self.uint()?;
        Ok(i128::from(self.int()?) << 64 | i128::from(low))
    }

    /// A number of things that must fit into memory: at most the bytes that are left.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn count(&mut self) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.uint()?).or(Err(DecodeError::Truncated))?;
        if count > self.rest.len() { Err(DecodeError::Truncated) } else { Ok(count) }
    }

    /// A finite float.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        let value = f64::from_bits(u64::from_le_bytes(self.array()?));
        if value.is_finite() { Ok(value) } else { Err(DecodeError::Invalid("float")) }
    }

    /// A finite float of half the precision.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn f32(&mut self) -> Result<f32, DecodeError> {
        let value = f32::from_bits(u32::from_le_bytes(self.array()?));
        if value.is_finite() { Ok(value) } else { Err(DecodeError::Invalid("float")) }
    }

    /// Eight bytes, little-endian.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn fixed64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Four bytes, little-endian.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn fixed32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Bytes, their number before them.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.count()?;
        self.raw(len)
    }

    /// A text.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).or(Err(DecodeError::Invalid("text")))
    }

    /// Yes or no.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid("flag")),
        }
    }

    /// An instant.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn time(&mut self) -> Result<Timestamp, DecodeError> {
        let ms = self.int()?;
        let time = Timestamp::from_ms_clamped(ms);
        if time.ms() == ms { Ok(time) } else { Err(DecodeError::Invalid("time")) }
    }

    /// An amount of money.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn money(&mut self) -> Result<Money, DecodeError> {
        self.int().map(Money::from_millionths)
    }

    /// A quantity.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn quantity(&mut self) -> Result<Quantity, DecodeError> {
        self.int().map(Quantity::from_thousandths)
    }
}

/// Escapes an amount that is too large for the short form of [`write_decimal`].
const DECIMAL_WHOLE: u64 = 7;

/// An amount of `units` of 10^-`decimals` (up to 6): its significant digits, zigzag, times 8, plus the number
/// of decimals they carry; 2.55 takes two bytes where 2,550,000 millionths take four. Where that does not
/// fit into 64 bits: 7, then the units.
pub(crate) fn write_decimal(writer: &mut Writer, units: i64, decimals: u32) {
    let (mut digits, mut kept) = (units, decimals);
    while kept > 0 && digits % 10 == 0 {
        digits /= 10;
        kept -= 1;
    }
    let zigzag = ((digits << 1) ^ (digits >> 63)).cast_unsigned();
    if zigzag >> 61 == 0 {
        writer.uint(zigzag << 3 | u64::from(kept));
    } else {
        writer.uint(DECIMAL_WHOLE);
        writer.int(units);
    }
}

/// The inverse of [`write_decimal`].
pub(crate) fn read_decimal(reader: &mut Reader<'_>, decimals: u32) -> Result<i64, DecodeError> {
    let invalid = DecodeError::Invalid("amount");
    let value = reader.uint()?;
    if value == DECIMAL_WHOLE {
        return reader.int();
    }
    let zigzag = value >> 3;
    let digits = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
    let kept = u32::try_from(value & 7).or(Err(invalid))?;
    let scale = decimals.checked_sub(kept).ok_or(invalid)?;
    digits.checked_mul(10_i64.pow(scale)).ok_or(invalid)
}
