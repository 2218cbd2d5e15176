//! Amounts are exact from a number's text to a sum's.

use omnix_model::{Money, NumberError, Quantity, Rounded};
use proptest::prelude::*;

fn millionths(text: &str) -> Result<i64, NumberError> {
    Money::parse(text).map(|(money, _)| money.millionths())
}

#[test]
fn numbers_of_json_are_read() {
    for (text, expected) in [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("1", 1_000_000),
        ("12.5", 12_500_000),
        ("-12.50", -12_500_000),
        ("0.000001", 1),
        ("1e3", 1_000_000_000),
        ("1E+3", 1_000_000_000),
        ("125e-1", 12_500_000),
        ("0.00000125e6", 1_250_000),
        ("0e999999999999", 0),
        ("1e-999999999999", 0),
        ("0.30000000000000004", 300_000),
        ("9.2e12", 9_200_000_000_000_000_000),
        ("-9.2e12", -9_200_000_000_000_000_000),
        ("9200000000000.000000", 9_200_000_000_000_000_000),
        ("0.0000000000000000000000000000001e30", 100_000),
    ] {
        assert_eq!(millionths(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_beyond_is_told() {
    let beyond = [
        "1e300",
        "-1e300",
        "9.3e12",
        "9200000000000.000001",
        "9223372036854775807",
        "1e99999999999999999999",
        "100000000000000000000000000000",
    ];
    for text in beyond {
        assert_eq!(millionths(text), Err(NumberError::OutOfRange), "{text}");
    }
}

#[test]
fn what_is_no_json_number_is_refused() {
    for text in [
        "", "-", "+1", ".5", "5.", "1.e3", "01", "-01", "1e", "1e+", "e5", "1 ", " 1", "1,5", "0x1", "NaN",
        "Infinity", "1_000", "1.2.3", "--1", "1e5.0", "１",
    ] {
        assert_eq!(millionths(text), Err(NumberError::Malformed), "{text:?}");
    }
}

#[test]
fn rounding_is_half_to_even_and_told() {
    for (text, expected, rounded) in [
        ("0.0000004", 0, Rounded::Yes),
        ("0.0000005", 0, Rounded::Yes),
        ("0.00000050", 0, Rounded::Yes),
        ("0.000000500000000000000001", 1, Rounded::Yes),
        ("0.0000006", 1, Rounded::Yes),
        ("0.0000015", 2, Rounded::Yes),
        ("0.0000025", 2, Rounded::Yes),
        ("-0.0000015", -2, Rounded::Yes),
        ("-0.0000025", -2, Rounded::Yes),
        ("0.9999995", 1_000_000, Rounded::Yes),
        ("1e-20", 0, Rounded::Yes),
        ("1.0000000", 1_000_000, Rounded::No),
        ("1.000000", 1_000_000, Rounded::No),
    ] {
        let (money, told) = Money::parse(text).unwrap();
        assert_eq!((money.millionths(), told), (expected, rounded), "{text}");
    }
    let (quantity, told) = Quantity::parse("1.2345").unwrap();
    assert_eq!((quantity.thousandths(), told), (1_234, Rounded::Yes));
}

#[test]
fn texts_are_the_shortest() {
    for (millionths, text) in [
        (0, "0"),
        (1, "0.000001"),
        (-1, "-0.000001"),
        (100_000, "0.1"),
        (30_000_000, "30"),
        (-12_340_000, "-12.34"),
        (i64::MIN, "-9223372036854.775808"),
        (i64::MAX, "9223372036854.775807"),
    ] {
        assert_eq!(Money::from_millionths(millionths).to_string(), text);
        assert_eq!(Money::sum_text(i128::from(millionths)), text);
    }
    assert_eq!(Quantity::from_thousandths(-2_500).to_string(), "-2.5");
    let sum = 300 * i128::from(Money::parse("0.1").unwrap().0.millionths());
    assert_eq!(Money::sum_text(sum), "30");
    assert_eq!(Money::sum_text(i128::MIN), "-170141183460469231731687303715884.105728");
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(units in -9_200_000_000_000_000_000..=9_200_000_000_000_000_000_i64) {
        let money = Money::from_millionths(units);
        prop_assert_eq!(Money::parse(&money.to_string()), Ok((money, Rounded::No)));
        let quantity = Quantity::from_thousandths(units);
        prop_assert_eq!(Quantity::parse(&quantity.to_string()), Ok((quantity, Rounded::No)));
    }

    #[test]
    fn the_nearest_amount_is_taken(number in -1e9..1e9_f64) {
        let (money, _) = Money::parse(&format!("{number:?}")).unwrap();
        // Half a millionth, and what floats of this size cannot say.
        prop_assert!((money.as_f64() - number).abs() <= 0.5e-6 + 1e9 * f64::EPSILON);
    }

    #[test]
    fn any_text_is_an_amount_or_an_error(text in "[-+0-9.eE]{0,30}") {
        let _: Result<_, NumberError> = Money::parse(&text);
    }
}
