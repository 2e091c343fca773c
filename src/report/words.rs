//! Figures in words: one way of writing them in the page, in Markdown and in the terminal.

use super::metrics::Measure;

/// What stands in place of an undefined figure.
pub const UNDEFINED: &str = "n/a";

/// A number with so many decimals, a true minus sign, and no negative zero.
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| matches!(c, '0' | '.')) => rest.to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => text,
    }
}

/// A number, or that it is undefined.
pub fn optional(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| UNDEFINED.to_owned(), |value| number(value, decimals))
}

/// A count with a thin space between thousands.
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A range of whole numbers such as `40-49`, with an en dash.
pub fn range(label: &str) -> String {
    label.replace('-', "\u{2013}")
}

/// A figure with its interval: `7.58 (7.21–7.95)`.
pub fn measure(measure: &Measure, decimals: usize) -> String {
    let value = optional(measure.value, decimals);
    match (measure.low, measure.high) {
        (Some(low), Some(high)) => {
            let (low, high) = (number(low, decimals), number(high, decimals));
            // A dash between signed numbers would be taken for one more sign.
            let between = if low.starts_with('\u{2212}') { " to " } else { "\u{2013}" };
            format!("{value} ({low}{between}{high})")
        }
        _ => value,
    }
}

/// A share in per cent with its interval: `91.2 % (90.1–92.3)`.
pub fn percent(share: &Measure) -> String {
    let hundredfold = |value: Option<f64>| value.map(|value| 100.0 * value);
    let value = percent_value(share.value);
    let interval = measure(&Measure { value: None, low: hundredfold(share.low), high: hundredfold(share.high) }, 1);
    match interval.strip_prefix(UNDEFINED) {
        Some(interval) => format!("{value}{interval}"),
        None => value,
    }
}

/// A share in per cent: `91.2 %`.
pub fn percent_value(share: Option<f64>) -> String {
    share.map_or_else(|| UNDEFINED.to_owned(), |share| format!("{}\u{a0}%", number(100.0 * share, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_true_minus_and_no_negative_zero() {
        assert_eq!(number(-1.26, 1), "\u{2212}1.3");
        assert_eq!(number(-0.01, 1), "0.0");
        assert_eq!(count(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(count(999), "999");
    }

    #[test]
    fn intervals_are_in_brackets() {
        let full = Measure { value: Some(0.912), low: Some(0.901), high: Some(0.923) };
        assert_eq!(percent(&full), "91.2\u{a0}% (90.1\u{2013}92.3)");
        assert_eq!(measure(&full, 2), "0.91 (0.90\u{2013}0.92)");
        assert_eq!(percent(&Measure { value: Some(0.5), ..Measure::default() }), "50.0\u{a0}%");
        let negative = Measure { value: Some(-0.4), low: Some(-0.9), high: Some(0.1) };
        assert_eq!(measure(&negative, 1), "\u{2212}0.4 (\u{2212}0.9 to 0.1)");
        assert_eq!(measure(&Measure::default(), 1), UNDEFINED);
    }
}
