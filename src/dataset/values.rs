//! Age and sex as tables and headers write them.

use super::left_out::Reason;
use crate::ecg::{AGES, Sex};

/// An age in years. A decimal comma is understood.
pub(super) fn age(text: &str) -> Result<f32, Reason> {
    let text = text.trim();
    if is_blank(text) {
        return Err(Reason::AgeNotGiven);
    }
    let age: f32 = text.replace(',', ".").parse().map_err(|_| Reason::AgeUnreadable(shortened(text)))?;
    plausible_age(age).ok_or_else(|| Reason::AgeOutOfRange(shortened(text)))
}

/// The age, if it is one that a person can have.
pub(super) fn plausible_age(age: f32) -> Option<f32> {
    AGES.contains(&age).then_some(age)
}

/// Male or female. Numbers are refused: 1 means female in PTB-XL, and male in ISO 5218.
pub(super) fn sex(text: &str) -> Result<Sex, Reason> {
    if is_blank(text.trim()) {
        return Err(Reason::SexNotGiven);
    }
    Sex::from_label(text).ok_or_else(|| Reason::SexUnknown(shortened(text.trim())))
}

/// A cell's text; `None` where it is blank.
pub(super) fn optional(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// An identifier that pandas wrote as a floating-point number, `15709.0`, as the whole number that it is.
pub(super) fn identifier(text: &str) -> Option<String> {
    let text = optional(text)?;
    if text.eq_ignore_ascii_case("nan") {
        return None;
    }
    let whole = text.strip_suffix(".0").filter(|whole| whole.bytes().all(|byte| byte.is_ascii_digit()));
    Some(whole.filter(|whole| !whole.is_empty()).unwrap_or(&text).to_owned())
}

fn is_blank(text: &str) -> bool {
    ["", "nan", "na", "n/a", "none", "null", "unknown", "-", "?"].iter().any(|blank| text.eq_ignore_ascii_case(blank))
}

/// Cells are quoted in messages: a broken table may have very long ones.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_years_from_0_to_120() {
        assert_eq!(age(" 74 "), Ok(74.0));
        assert_eq!(age("0"), Ok(0.0));
        assert_eq!(age("120"), Ok(120.0));
        assert_eq!(age("33,5"), Ok(33.5));
        assert_eq!(age("NaN"), Err(Reason::AgeNotGiven));
        for text in ["-1", "120.5", "300", "inf", "1e9"] {
            assert_eq!(age(text), Err(Reason::AgeOutOfRange(text.into())));
        }
        assert_eq!(age("56Y"), Err(Reason::AgeUnreadable("56Y".into())));
    }

    #[test]
    fn sexes_are_words() {
        assert_eq!(sex("Female"), Ok(Sex::Female));
        assert_eq!(sex("m"), Ok(Sex::Male));
        assert_eq!(sex("Unknown"), Err(Reason::SexNotGiven));
        assert_eq!(sex("1"), Err(Reason::SexUnknown("1".into())));
    }

    #[test]
    fn whole_numbers_lose_their_decimal_point() {
        let texts = ["15709.0", "15709", "S.0", "1.05", ".0", "", "nan"].map(identifier);
        assert_eq!(
            texts,
            [Some("15709"), Some("15709"), Some("S.0"), Some("1.05"), Some(".0"), None, None]
                .map(|text| text.map(str::to_owned))
        );
    }
}
