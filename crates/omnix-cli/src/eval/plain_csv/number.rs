//! Numbers as people write them, to the text of a JSON number: `1.234,50 €` is `1234.50`.

/// The number in `text`; none when there is none. `has_decimal_comma`: how a lone comma is read.
pub(super) fn plain(text: &str, has_decimal_comma: bool) -> Option<String> {
    let is_part = |letter: &char| letter.is_ascii_digit() || matches!(letter, '.' | ',' | '-');
    let signs = ['€', '$', '£', '\'', '\u{a0}', '\u{202f}', ' ', '+'];
    let text = text.trim().trim_start_matches(char::is_alphabetic).trim_end_matches(char::is_alphabetic);
    let kept: String = text.chars().filter(|letter| !signs.contains(letter)).collect();
    if !kept.chars().all(|letter| is_part(&letter)) {
        return None;
    }
    let (sign, digits) = match kept.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", kept.as_str()),
    };
    let decimal = decimal_mark(digits, has_decimal_comma);
    let (whole, fraction) = match decimal {
        Some(mark) => digits.rsplit_once(mark)?,
        None => (digits, ""),
    };
    let whole: String = whole.chars().filter(|letter| !matches!(letter, '.' | ',')).collect();
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.contains(|letter: char| letter.is_ascii_digit()) || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// What stands before the decimals: of two different marks the last; a lone comma by the table's custom, a mark
/// that comes more than once never.
fn decimal_mark(digits: &str, has_decimal_comma: bool) -> Option<char> {
    let count = |mark: char| digits.chars().filter(|letter| *letter == mark).count();
    match (count('.'), count(',')) {
        (0, 1) => {
            let decimals = digits.rsplit_once(',').map_or(0, |(_, decimals)| decimals.len());
            (has_decimal_comma || decimals != 3).then_some(',')
        }
        (1, 0) => Some('.'),
        (0 | 2.., 0) | (0, 2..) => None,
        (_, _) => digits.chars().rev().find(|letter| matches!(letter, '.' | ',')),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn marks_and_signs_are_understood() {
        let cases = [
            ("12.50", "12.50"),
            ("12,50", "12.50"),
            ("1,234.50", "1234.50"),
            ("1.234,50 €", "1234.50"),
            ("EUR 9", "9"),
            ("-4.90", "-4.90"),
            ("$1,234", "1234"),
            ("1 234,5", "1234.5"),
            ("1.234.567", "1234567"),
            ("007", "7"),
            (".5", "0.5"),
            ("0", "0"),
        ];
        for (text, number) in cases {
            assert_eq!(plain(text, false).as_deref(), Some(number), "{text}");
        }
        assert_eq!(plain("1,234", true).as_deref(), Some("1.234"));
        for text in ["", "€", "abc", "1-2", "1e5x2", "."] {
            assert_eq!(plain(text, false), None, "{text}");
        }
    }
}
