//! Numbers of money, read from their text without a float on the way.

/// A decimal number's millionths; `None` for what is not plain decimal, or has more than six decimals.
pub(crate) fn millionths(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 6 || !plain(whole) || !plain(fraction) {
        return None;
    }
    Some(sign * format!("{whole}{fraction:0<6}").parse::<i128>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_digit_by_digit() {
        assert_eq!(millionths("12.5"), Some(12_500_000));
        assert_eq!(millionths("-0.000001"), Some(-1));
        assert_eq!(millionths("90071992547409.93"), Some(90_071_992_547_409_930_000));
        assert_eq!(millionths("1e3"), None);
        assert_eq!(millionths("1.0000001"), None);
        assert_eq!(millionths("\"1\""), None);
    }
}
