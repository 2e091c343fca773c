//! Dates, times and ages, whichever way a format writes them.

/// A date and, where known, a time as ISO 8601; `None` where the calendar has no such day or the clock no such time.
pub(super) fn iso_8601(year: u32, month: u32, day: u32, time: Option<(u32, u32, u32)>) -> Option<String> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=9999).contains(&year) || !(1..=days).contains(&day) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    match time {
        None => Some(date),
        Some((hour @ 0..=23, minute @ 0..=59, second @ 0..=60)) => {
            Some(format!("{date}T{hour:02}:{minute:02}:{second:02}"))
        }
        Some(_) => None,
    }
}

/// The same of a day, given as year, month and day, without the time where the clock has no such time.
pub(super) fn moment((year, month, day): (u32, u32, u32), time: Option<(u32, u32, u32)>) -> Option<String> {
    iso_8601(year, month, day, time).or_else(|| iso_8601(year, month, day, None))
}

/// The number of a month by the first three letters of its English name.
pub(super) fn month_by_name(name: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    (1..).zip(MONTHS).find(|(_, month)| month.eq_ignore_ascii_case(name)).map(|(number, _)| number)
}

/// An age in years, where it is one; the largest verified age is 122.
fn plausible_age(years: f32) -> Option<f32> {
    (0.0..=122.0).contains(&years).then_some(years)
}

/// A stated age in years. 0 in any unit is what many devices write where they do not know it.
pub(super) fn age(number: f64, unit: &str) -> Option<f32> {
    plausible_age((number / units_in_a_year(unit)?) as f32).filter(|years| *years > 0.0)
}

fn units_in_a_year(unit: &str) -> Option<f64> {
    const DAYS: f64 = 365.25;
    match unit.trim().to_ascii_lowercase().as_str() {
        "a" | "y" | "yr" | "yrs" | "year" | "years" => Some(1.0),
        "m" | "mo" | "mos" | "month" | "months" => Some(12.0),
        "w" | "wk" | "wks" | "week" | "weeks" => Some(DAYS / 7.0),
        "d" | "day" | "days" => Some(DAYS),
        "h" | "hour" | "hours" => Some(DAYS * 24.0),
        _ => None,
    }
}

/// An age as people write it, in years unless it says otherwise: `45`, `045Y`, `6 months`.
pub(super) fn age_in_words(text: &str) -> Option<f32> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    let unit: &str = rest
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')'))
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    // A single letter that stands alone may be the sex.
    let is_unit = units_in_a_year(unit).is_some() && (unit.len() > 1 || rest.starts_with(unit));
    age(number.parse().ok()?, if is_unit { unit } else { "years" })
}

/// The completed years from a day of birth to another day, each as year, month and day.
pub(super) fn age_on(birth: (u32, u32, u32), day: (u32, u32, u32)) -> Option<f32> {
    iso_8601(birth.0, birth.1, birth.2, None)?;
    let before_birthday = u32::from((day.1, day.2) < (birth.1, birth.2));
    plausible_age(day.0.checked_sub(birth.0)?.checked_sub(before_birthday)? as f32)
}

/// The same of two days in ISO 8601; a time of the day is ignored.
pub(super) fn age_between(birth: &str, recorded: &str) -> Option<f32> {
    let day = |text: &str| {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
        Some((number(0, 4)?, number(5, 7)?, number(8, 10)?))
    };
    age_on(day(birth)?, day(recorded)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_months() {
        assert_eq!(moment((2020, 5, 12), Some((12, 33, 59))).as_deref(), Some("2020-05-12T12:33:59"));
        assert_eq!(moment((2020, 5, 12), Some((25, 0, 0))).as_deref(), Some("2020-05-12"));
        assert_eq!(moment((2021, 2, 29), None), None);
        assert_eq!((month_by_name("Dec"), month_by_name("JAN"), month_by_name("Mai")), (Some(12), Some(1), None));
    }

    #[test]
    fn ages_in_any_unit() {
        assert_eq!(age(58.0, "YEARS"), Some(58.0));
        assert_eq!(age(6.0, "mo"), Some(0.5));
        assert_eq!(age(1461.0, "d"), Some(4.0));
        for (number, unit) in [(999.0, "a"), (5.0, "parsec"), (0.0, "years"), (-1.0, "d"), (f64::NAN, "Y")] {
            assert_eq!(age(number, unit), None, "{number} {unit}");
        }
        for (text, expected) in [
            ("45", Some(45.0)),
            ("45.5 years old", Some(45.5)),
            ("045Y", Some(45.0)),
            ("6 months", Some(0.5)),
            ("006M", Some(0.5)),
            ("69 M", Some(69.0)),
            ("35  <sex>", Some(35.0)),
            ("000Y", None),
            ("unknown", None),
            ("-3", None),
            ("", None),
        ] {
            assert_eq!(age_in_words(text), expected, "{text}");
        }
        let weeks = age_in_words("29 weeks").unwrap();
        assert!((weeks - 0.5558).abs() < 1e-4, "{weeks}");
    }

    #[test]
    fn ages_are_completed_years() {
        assert_eq!(age_on((1953, 5, 8), (2002, 5, 7)), Some(48.0));
        assert_eq!(age_on((1953, 5, 8), (2002, 5, 8)), Some(49.0));
        for (birth, day) in [((2003, 1, 1), (2002, 5, 8)), ((1953, 0, 0), (2002, 5, 8)), ((1853, 1, 1), (2002, 5, 8))] {
            assert_eq!(age_on(birth, day), None);
        }
        assert_eq!(age_between("1953-05-08", "2002-05-07T23:59:59"), Some(48.0));
        assert_eq!(age_between("1953", "2002-05-08"), None);
    }
}
