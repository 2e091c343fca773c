//! Dates, times and ages, whichever way a format writes them.

/// A date and, where known, a time as ISO 8601; `None` where the calendar has no such day or the clock no such time.
pub(super) fn iso_8601(year: u32, month: u32, day: u32, time: Option<Clock>) -> Option<String> {
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
pub(super) fn moment((year, month, day): Day, time: Option<Clock>) -> Option<String> {
    iso_8601(year, month, day, time).or_else(|| iso_8601(year, month, day, None))
}

/// Year, month and day.
pub(super) type Day = (u32, u32, u32);

/// Hour, minute and second.
pub(super) type Clock = (u32, u32, u32);

/// Which number comes first in dates that do not begin with the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// `31.12.2020`
    DayFirst,
    /// `12-31-2020`
    MonthFirst,
    /// Not known: read is what can be but one day.
    Unknown,
}

/// A day as `20201231`, with anything between the numbers as `2020-12-31`, or beginning with the day or the month, which
/// may be its name; with points the day comes first. What follows is ignored where no digit joins it.
pub(super) fn day(text: &str, order: Order) -> Option<Day> {
    let text = text.trim();
    let is_day = |(year, month, day): &Day| iso_8601(*year, *month, *day, None).is_some();
    if let Some(day) = compact::<8>(text) {
        return Some((number(day, 0, 4)?, number(day, 4, 6)?, number(day, 6, 8)?)).filter(is_day);
    }
    let mut parts = text.split(|c: char| !c.is_alphanumeric()).take(3);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    // Behind an ISO date there may be a time: `2020-12-31T12:00`.
    let third = third.split(|c: char| !c.is_ascii_digit()).next()?;
    let (first_number, third_number) = (first.parse().ok()?, third.parse().ok()?);
    let second_number = match (month_by_name(second), second.parse::<u32>()) {
        (Some(month), _) if third.len() == 4 => return Some((third_number, month, first_number)).filter(is_day),
        (Some(month), _) => month,
        (None, Ok(number)) => number,
        (None, Err(_)) => return None,
    };
    if first.len() == 4 {
        return Some((first_number, second_number, third_number)).filter(is_day);
    }
    let day_first = Some((third_number, second_number, first_number)).filter(is_day);
    let month_first = Some((third_number, first_number, second_number)).filter(is_day);
    let found = match order {
        // Nobody writes the month first with points.
        _ if text.get(first.len()..)?.starts_with('.') => day_first,
        Order::DayFirst => day_first,
        Order::MonthFirst => month_first,
        Order::Unknown if day_first.is_none() || day_first == month_first => month_first,
        Order::Unknown => day_first.filter(|_| month_first.is_none()),
    };
    found.filter(|_| third.len() == 4)
}

/// A time of the day: `12:33:59.250`, `12:33`, `123359.250`, `1233`; a time zone and more are ignored.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let text = text.trim();
    if let Some(digits) = compact::<6>(text).or_else(|| compact::<4>(text)) {
        return Some((number(digits, 0, 2)?, number(digits, 2, 4)?, number(digits, 4, 6).unwrap_or(0)));
    }
    let mut parts = text.split(':').map(|part| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)))
}

/// A point in time, from the year to the second or the day, with or without signs between: `20201231123359.000+0100`,
/// `2020-12-31T12:33:59`, `2020-12-31`.
pub(super) fn timestamp(text: &str) -> Option<String> {
    let text = text.trim();
    let (date, time) = match compact::<8>(text) {
        Some(date) => text.split_at_checked(date.len())?,
        None => {
            // Not the T of a month.
            let iso = text.split_once('T').filter(|(date, _)| date.ends_with(|c: char| c.is_ascii_digit()));
            iso.or_else(|| text.split_once(' ')).unwrap_or((text, ""))
        }
    };
    moment(day(date, Order::Unknown)?, clock(time.trim_start_matches('T')))
}

/// The same of a date and a time.
pub(super) fn date_and_time(date: &str, time: Option<&str>, order: Order) -> Option<String> {
    moment(day(date, order)?, time.and_then(clock))
}

/// The first digits of a text where there are so many at least.
fn compact<const DIGITS: usize>(text: &str) -> Option<&str> {
    text.get(..DIGITS).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn number(digits: &str, from: usize, to: usize) -> Option<u32> {
    digits.get(from..to)?.parse().ok()
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
        "a" | "y" | "yr" | "yrs" | "year" | "years" | "jahr" | "jahre" | "años" | "ans" | "anni" | "anos" | "岁" => {
            Some(1.0)
        }
        "m" | "mo" | "mos" | "month" | "months" | "monat" | "monate" | "meses" | "mois" | "mesi" | "月" => Some(12.0),
        "w" | "wk" | "wks" | "week" | "weeks" | "woche" | "wochen" | "semanas" | "semaines" => Some(DAYS / 7.0),
        "d" | "day" | "days" | "tag" | "tage" | "días" | "dias" | "jours" | "天" => Some(DAYS),
        "h" | "hour" | "hours" | "stunden" => Some(DAYS * 24.0),
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
pub(super) fn age_on(birth: Day, day: Day) -> Option<f32> {
    iso_8601(birth.0, birth.1, birth.2, None)?;
    let before_birthday = u32::from((day.1, day.2) < (birth.1, birth.2));
    plausible_age(day.0.checked_sub(birth.0)?.checked_sub(before_birthday)? as f32)
}

/// The same of two days in ISO 8601; a time of the day is ignored.
pub(super) fn age_between(birth: &str, recorded: &str) -> Option<f32> {
    let day = |text: &str| Some((number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?));
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
    fn days_in_any_order() {
        use Order::{DayFirst, MonthFirst, Unknown};
        let expected = Some((2020, 3, 4));
        for (text, order) in [
            ("20200304", Unknown),
            ("20200304091000.0+0100", Unknown),
            (" 2020-03-04 ", MonthFirst),
            ("2020/3/4", DayFirst),
            ("2020.03.04", Unknown),
            ("2020-03-04T12:00:00", Unknown),
            ("04.03.2020", MonthFirst),
            ("4.3.2020", DayFirst),
            ("04-Mar-2020", Unknown),
            ("04-MAR-2020", MonthFirst),
            ("2020-Mar-04", Unknown),
            ("03-04-2020", MonthFirst),
            ("04/03/2020", DayFirst),
        ] {
            assert_eq!(day(text, order), expected, "{text}");
        }
        assert_eq!(
            (day("12/31/2020", Unknown), day("31/12/2020", Unknown)),
            (Some((2020, 12, 31)), Some((2020, 12, 31)))
        );
        assert_eq!(day("02/02/2020", Unknown), Some((2020, 2, 2)));
        for wrong in
            ["", "2002", "20020231", "é20020131", "03/04/2020", "3.4.20", "04-Brumaire-2020", "31.31.2020", "1-2"]
        {
            assert_eq!(day(wrong, Unknown), None, "{wrong}");
        }
    }

    #[test]
    fn times_of_the_day() {
        for (text, expected) in [
            ("091000.125", (9, 10, 0)),
            ("140610000", (14, 6, 10)),
            ("0910", (9, 10, 0)),
            ("09:10:07", (9, 10, 7)),
            ("9:10", (9, 10, 0)),
            (" 09:10:07.250 +0200", (9, 10, 7)),
        ] {
            assert_eq!(clock(text), Some(expected), "{text}");
        }
        for wrong in ["", "9h", "9", ":", "é9:10"] {
            assert_eq!(clock(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn points_in_time() {
        for (text, expected) in [
            ("20021122091000.000+0100", Some("2002-11-22T09:10:00")),
            ("200211220910", Some("2002-11-22T09:10:00")),
            ("20021122", Some("2002-11-22")),
            ("20021122990000", Some("2002-11-22")),
            ("2002-11-22T09:10:00Z", Some("2002-11-22T09:10:00")),
            ("2002-11-22 09:10", Some("2002-11-22T09:10:00")),
            ("2002-11-22T09:10:00 +0200", Some("2002-11-22T09:10:00")),
            ("22-OCT-2002 09:10", Some("2002-10-22T09:10:00")),
            ("20021322", None),
            ("2002", None),
            ("", None),
        ] {
            assert_eq!(timestamp(text).as_deref(), expected, "{text}");
        }
        let at = date_and_time("2008-12-23", Some("19:44:46"), Order::Unknown);
        assert_eq!(at.as_deref(), Some("2008-12-23T19:44:46"));
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
            ("18 Monate", Some(1.5)),
            ("63岁", Some(63.0)),
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
