//! Section 1: who was recorded, and when.

use super::super::binary::{Fields, text};
use super::super::date::{self, age_on, moment};
use crate::ecg::{Person, Sex};

/// Reads the tags about the person; whatever is not said properly is left out. Names are not read.
pub fn read(section: &[u8]) -> Person {
    let mut person = Person::default();
    let (mut birth, mut date, mut time) = (None, None, None);
    let mut fields = Fields(section);
    while let (Some(tag @ 0..=254), Some(length)) = (fields.u8(), fields.u16()) {
        let Some(value) = fields.take(usize::from(length)) else { break };
        match tag {
            2 => person.id = text(value),
            4 => person.age = age(value),
            5 => birth = day(value),
            8 => person.sex = sex(value),
            25 => date = day(value),
            26 => time = clock(value),
            _ => {}
        }
    }
    if let Some((year, month, day)) = date {
        person.recorded_at = moment((year, month, day), time);
        person.age = person.age.or_else(|| age_on(birth?, (year, month, day)));
    }
    person
}

/// A number and its unit.
fn age(value: &[u8]) -> Option<f32> {
    const UNITS: [&str; 5] = ["years", "months", "weeks", "days", "hours"];
    let mut fields = Fields(value);
    let (number, unit) = (f64::from(fields.u16()?), fields.u8()?);
    date::age(number, UNITS.get(usize::from(unit).checked_sub(1)?)?)
}

fn sex(value: &[u8]) -> Option<Sex> {
    match value.first()? {
        1 => Some(Sex::Male),
        2 => Some(Sex::Female),
        _ => None,
    }
}

/// Year, month and day. Years before electrocardiography or far ahead are those of a clock that was never set.
fn day(value: &[u8]) -> Option<(u32, u32, u32)> {
    let mut fields = Fields(value);
    let date = (u32::from(fields.u16()?), u32::from(fields.u8()?), u32::from(fields.u8()?));
    (1850..2200).contains(&date.0).then_some(date)
}

fn clock(value: &[u8]) -> Option<(u32, u32, u32)> {
    let mut fields = Fields(value);
    Some((u32::from(fields.u8()?), u32::from(fields.u8()?), u32::from(fields.u8()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[(u8, &[u8])]) -> Vec<u8> {
        let tag = |(tag, value): &(u8, &[u8])| [&[*tag], &(value.len() as u16).to_le_bytes()[..], value].concat();
        tags.iter().flat_map(tag).chain([255, 0, 0]).collect()
    }

    #[test]
    fn an_age_goes_before_the_birth_date() {
        let date: (u8, &[u8]) = (25, &[0xd2, 7, 11, 22]);
        let birth: (u8, &[u8]) = (5, &[0xa1, 7, 11, 23]);
        assert_eq!(read(&tags(&[birth, date])).age, Some(48.0));
        assert_eq!(read(&tags(&[(4, &[50, 0, 1]), birth, date])).age, Some(50.0));
        for unknown in [&[0, 0, 1][..], &[50, 0, 0], &[50, 0, 9], &[200, 0, 1], &[50]] {
            assert_eq!(read(&tags(&[(4, unknown), birth, date])).age, Some(48.0));
        }
        for (value, years) in [([18, 0, 2], 1.5), ([52, 0, 3], 0.996_577_7), ([73, 0, 4], 0.199_863_1)] {
            assert_eq!(read(&tags(&[(4, &value)])).age, Some(years));
        }
        assert_eq!(read(&tags(&[(4, &[48, 0, 5])])).age, Some(2.0 / 365.25));
        assert_eq!(read(&tags(&[birth])).age, None);
    }

    #[test]
    fn times_and_sexes() {
        let date: (u8, &[u8]) = (25, &[0xd2, 7, 11, 22]);
        let at = |time: &[u8]| read(&tags(&[(26, time), date])).recorded_at;
        assert_eq!(at(&[9, 10, 0]).as_deref(), Some("2002-11-22T09:10:00"));
        assert_eq!(at(&[9, 70, 0]).as_deref(), Some("2002-11-22"));
        assert_eq!(at(&[9]).as_deref(), Some("2002-11-22"));
        assert_eq!(read(&tags(&[(25, &[7, 0xe3, 8, 8])])).recorded_at, None);
        for (code, sex) in [(0, None), (1, Some(Sex::Male)), (2, Some(Sex::Female)), (9, None)] {
            assert_eq!(read(&tags(&[(8, &[code])])).sex, sex);
        }
    }

    #[test]
    fn what_is_cut_off_is_left_out() {
        let whole = tags(&[(2, b"SBJ-1\0"), (8, &[1])]);
        for length in 0..whole.len() {
            let person = read(&whole[..length]);
            assert_eq!(person.id.is_some(), length >= 9);
            assert_eq!(person.sex.is_some(), length >= 13);
        }
    }
}
