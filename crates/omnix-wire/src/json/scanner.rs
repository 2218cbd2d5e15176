//! Takes values from the front of a JSON text.

use std::borrow::Cow;

use omnix_model::limits::JSON_DEPTH_MAX;

use super::Malformed;

/// One value; arrays and objects as their (well-formed) text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// The number's text.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(&'a str),
    Object(&'a str),
}

/// A position in a JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    #[cold]
    pub(crate) fn malformed(&self, reason: &'static str) -> Malformed {
        Malformed::at(self.text.as_bytes(), self.at, reason)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The next byte that is no blank, not taken.
    pub(crate) fn peek_token(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.peek()
    }

    /// Takes `byte` if it comes next, blanks aside.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek_token() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes `byte`, which must come next.
    pub(crate) fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), Malformed> {
        if self.take(byte) { Ok(()) } else { Err(self.malformed(reason)) }
    }

    /// Nothing but blanks may follow.
    pub(crate) fn expect_end(&mut self) -> Result<(), Malformed> {
        match self.peek_token() {
            None => Ok(()),
            Some(_) => Err(self.malformed("something follows the value")),
        }
    }

    /// Goes through the members of the object that begins here.
    #[inline]
    pub(crate) fn members<E: From<Malformed>>(
        &mut self,
        mut member: impl FnMut(Cow<'a, str>, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(b'{', "an object is expected")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            if self.peek_token() != Some(b'"') {
                return Err(self.malformed("a key is expected").into());
            }
            let key = self.string()?;
            self.expect(b':', "a colon is expected")?;
            member(key, self)?;
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',', "a comma or the object's end is expected")?;
        }
    }

    /// Goes through the elements of the array that begins here.
    pub(crate) fn elements<E: From<Malformed>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(b'[', "an array is expected")?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',', "a comma or the array's end is expected")?;
        }
    }

    /// The next value. `depth` is how many arrays and objects are open around it.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value<'a>, Malformed> {
        match self.peek_token() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b'{') => self.nested(depth).map(Value::Object),
            Some(b'[') => self.nested(depth).map(Value::Array),
            Some(b't') => self.word("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Value::Null),
            Some(_) => Err(self.malformed("a value is expected")),
            None => Err(self.malformed("the text ends too early")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Malformed> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.malformed("a value is expected"))
        }
    }

    /// The text of the array or object that begins here, checked.
    fn nested(&mut self, depth: usize) -> Result<&'a str, Malformed> {
        if depth >= JSON_DEPTH_MAX {
            return Err(self.malformed("arrays and objects are nested too deeply"));
        }
        let start = self.at;
        if self.peek() == Some(b'{') {
            self.members(|_, scanner| scanner.value(depth + 1).map(drop))?;
        } else {
            self.elements(|scanner| scanner.value(depth + 1).map(drop))?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn number(&mut self) -> Result<&'a str, Malformed> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.malformed("a digit is expected")) } else { Ok(()) }
    }

    /// The string that begins here; borrowed when nothing in it is escaped.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.at += 1;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let len = plain_len(rest);
        if rest.get(len) == Some(&b'"') {
            self.at = start + len + 1;
            return Ok(Cow::Borrowed(self.text.get(start..start + len).unwrap_or_default()));
        }
        self.escaped_string().map(Cow::Owned)
    }

    /// The rest of a string in which something is escaped.
    fn escaped_string(&mut self) -> Result<String, Malformed> {
        let mut text = self.plain_run()?.to_owned();
        while self.peek() == Some(b'\\') {
            self.at += 1;
            text.push(self.escaped()?);
            text.push_str(self.plain_run()?);
        }
        self.at += 1;
        Ok(text)
    }

    /// What stands before the next quote or backslash, which does come.
    fn plain_run(&mut self) -> Result<&'a str, Malformed> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        self.at = start + plain_len(rest);
        match self.peek() {
            Some(b'"' | b'\\') => Ok(self.text.get(start..self.at).unwrap_or_default()),
            Some(_) => Err(self.malformed("a control character in a string must be escaped")),
            None => Err(self.malformed("the text ends within a string")),
        }
    }

    /// The character behind a backslash.
    fn escaped(&mut self) -> Result<char, Malformed> {
        let byte = self.peek().ok_or_else(|| self.malformed("the text ends within a string"))?;
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.escaped_unit(),
            _ => return Err(self.malformed("no such escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// The character behind `\`, when that is followed by `u`; a surrogate must have its other half.
    fn escaped_unit(&mut self) -> Result<char, Malformed> {
        let start = self.at;
        let first = self.hex_unit()?;
        let code = match first {
            0xd800..=0xdbff if self.rest_starts_with("\\u") => {
                self.at += 1;
                match self.hex_unit()? {
                    low @ 0xdc00..=0xdfff => 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00),
                    _ => first,
                }
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| {
            self.at = start;
            self.malformed("half of a surrogate pair")
        })
    }

    fn rest_starts_with(&self, prefix: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(prefix))
    }

    /// Takes `u` and four hexadecimal digits.
    fn hex_unit(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.get(self.at + 1..self.at + 5);
        let unit = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.malformed("four hexadecimal digits are expected"))?;
        self.at += 5;
        Ok(unit)
    }
}

/// How many bytes stand before the first quote, backslash or control character.
///
/// Eight at a time: most of an event is strings, and most of the time is spent here.
fn plain_len(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let specials = special_bytes(u64::from_le_bytes(*word));
        if specials != 0 {
            return index * 8 + specials.trailing_zeros() as usize / 8;
        }
    }
    let len = tail.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
    words.len() * 8 + len.unwrap_or(tail.len())
}

/// The top bit of each byte that ends a plain run; bits above the lowest one set may be wrong, because a
/// subtraction borrows from the byte above only when it finds something.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const TOPS: u64 = ONES << 7;
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5c);
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    (below(quote, 1) | below(backslash, 1) | below(word, 0x20)) & TOPS
}

#[cfg(test)]
mod tests {
    use super::plain_len;

    #[test]
    fn a_run_ends_at_the_first_special_byte_wherever_it_stands() {
        for len in 0..40_usize {
            let plain: Vec<u8> = (0..len).map(|at| [b'a', 0x7f, 0x20, 0xc3, 0xff, 0x80][at % 6]).collect();
            assert_eq!(plain_len(&plain), len);
            for special in [b'"', b'\\', 0, 0x1f, b'\n'] {
                for at in 0..len {
                    let mut bytes = plain.clone();
                    bytes[at] = special;
                    assert_eq!(plain_len(&bytes), at, "{special} at {at} of {len}");
                    bytes[len - 1] = special;
                    assert_eq!(plain_len(&bytes), at, "{special} at {at} and last of {len}");
                }
            }
        }
    }
}
