//! The text of a WFDB header file, as header(5) describes it.

use super::samples::Storage;
use crate::ecg::{Notice, Person, Sex};
use crate::format::FormatError;
use crate::format::date::{self, Order, age_in_words, clock, moment};
use crate::format::error::Place;

/// Frames per second where the header does not say it.
const DEFAULT_FRAMES_PER_SECOND: f64 = 250.0;

/// Stored numbers per unit where the header does not say it.
const DEFAULT_GAIN: f64 = 200.0;

/// A header: the record and its signals.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub frames_per_second: f64,
    /// Samples of each signal, or frames if a signal has several samples a frame; `None` where it is not said.
    pub frames: Option<u64>,
    /// The parts of a recording of several segments, which has no signals of its own.
    pub segments: Option<Vec<Segment>>,
    pub signals: Vec<Signal>,
    pub person: Person,
    pub notices: Vec<Notice>,
}

/// One line of the list of segments.
#[derive(Debug, PartialEq)]
pub(super) struct Segment {
    /// Where the line stands in the header, from 1.
    pub line: usize,
    /// The record of the segment, or `~` for a gap.
    pub name: String,
    pub frames: u64,
}

/// One signal line.
#[derive(Debug, PartialEq)]
pub(super) struct Signal {
    /// Where the line stands in the header, from 1.
    pub line: usize,
    pub file: String,
    pub storage: Storage,
    pub samples_per_frame: u64,
    /// So many frames later than the others the signal was stored.
    pub skew: u64,
    /// Where the numbers begin in the file.
    pub byte_offset: u64,
    /// Stored numbers per unit; `None` where the signal is not calibrated.
    pub stated_gain: Option<f64>,
    /// The stored number that means zero.
    pub baseline: f64,
    pub unit: String,
    /// The number before the first difference in format 8.
    pub initial: i32,
    /// The sum of all numbers, modulo 2^16.
    pub checksum: Option<u16>,
    /// The name of the lead, or empty.
    pub description: String,
}

impl Signal {
    pub fn gain(&self) -> f64 {
        self.stated_gain.unwrap_or(DEFAULT_GAIN)
    }

    /// The unit, which is millivolt unless the header says otherwise.
    pub fn unit(&self) -> &str {
        if self.unit.is_empty() { "mV" } else { &self.unit }
    }
}

/// Reads the text of a header.
pub(super) fn parse(text: &str, place: Place<'_>) -> Result<Header, FormatError> {
    let numbered = || (1..).zip(text.trim_start_matches('\u{feff}').lines().map(str::trim));
    let mut lines = numbered().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let (number, line) =
        lines.next().ok_or_else(|| place.damaged("line 1", "the record line is missing; only comments are there"))?;
    let record = RecordLine::parse(line).map_err(|reason| place.damaged(format!("line {number}"), reason))?;
    let mut signals = Vec::new();
    let mut segments = Vec::new();
    let (announced, what) = match record.segments {
        Some(count) => (count, "segments"),
        None => (record.signals, "signals"),
    };
    for present in 0..announced {
        let (number, line) = lines.next().ok_or_else(|| {
            let reason = format!("{announced} {what} are announced, but only {present} lines follow");
            place.damaged(format!("line {number}"), reason)
        })?;
        match record.segments {
            Some(_) => segments.push(parse_segment(line, number, place)?),
            None => signals.extend(parse_signal(line, number, place)?),
        }
    }
    let mut person = Person { recorded_at: record.recorded_at, ..Person::default() };
    let comments = numbered().filter_map(|(_, line)| line.strip_prefix('#'));
    let mut notices = record.notices;
    notices.extend(read_comments(comments, &mut person));
    Ok(Header {
        frames_per_second: record.frames_per_second,
        frames: record.frames,
        segments: record.segments.map(|_| segments),
        signals,
        person,
        notices,
    })
}

/// The first line: `name[/segments] signals [rate[/counter[(base)]] [samples [time [date]]]]`.
struct RecordLine {
    segments: Option<u64>,
    signals: u64,
    frames_per_second: f64,
    frames: Option<u64>,
    recorded_at: Option<String>,
    notices: Vec<Notice>,
}

impl RecordLine {
    fn parse(line: &str) -> Result<RecordLine, String> {
        let mut fields = line.split_ascii_whitespace();
        let name = fields.next().unwrap_or_default();
        let segments = match name.split_once('/') {
            Some((_, count)) => Some(count.parse().map_err(|_| format!("the number of segments is {count:?}"))?),
            None => None,
        };
        let signals = fields.next().ok_or("the number of signals is missing")?;
        let signals = signals.parse().map_err(|_| format!("the number of signals is {signals:?}"))?;
        let mut notices = Vec::new();
        let frames_per_second = match fields.next() {
            Some(field) => {
                let rate = field.split(['/', '(']).next().unwrap_or_default();
                let valid = |rate: &f64| rate.is_finite() && *rate > 0.0;
                rate.parse().ok().filter(valid).ok_or_else(|| format!("the sampling rate is {field:?}"))?
            }
            None => {
                notices.push(Notice::SamplingRateAssumed { assumed: DEFAULT_FRAMES_PER_SECOND });
                DEFAULT_FRAMES_PER_SECOND
            }
        };
        let frames = match fields.next() {
            Some(field) => field.parse().map_err(|_| format!("the number of samples is {field:?}"))?,
            None => 0,
        };
        let start: Vec<&str> = fields.collect();
        let recorded_at = recorded_at(&start);
        let has_date = start.iter().any(|field| !field.contains(':'));
        if has_date && recorded_at.is_none() {
            let text = "the date of the recording in the first line was not understood";
            notices.push(Notice::File(text.to_owned()));
        }
        Ok(RecordLine {
            segments,
            signals,
            frames_per_second,
            // Zero samples mean that their number is not known.
            frames: (frames > 0).then_some(frames),
            recorded_at,
            notices,
        })
    }
}

/// The date and time of the record line, in whatever order: `12:33:59 12/05/2020`, `12-May-2020 12:33:59`.
fn recorded_at(fields: &[&str]) -> Option<String> {
    let day = fields.iter().find_map(|field| date::day(field, Order::DayFirst))?;
    let time = fields.iter().filter(|field| field.matches(':').count() == 2).find_map(|field| clock(field));
    moment(day, time)
}

/// A line of the list of segments: `record samples`.
fn parse_segment(line: &str, number: usize, place: Place<'_>) -> Result<Segment, FormatError> {
    let mut fields = line.split_ascii_whitespace();
    let name = fields.next().unwrap_or_default().to_owned();
    let frames = fields.next().and_then(|field| field.parse().ok()).ok_or_else(|| {
        place.damaged(format!("line {number}"), format!("the number of samples of the segment {name:?} is missing"))
    })?;
    Ok(Segment { line: number, name, frames })
}

/// A signal line: `file format[xN][:skew][+offset] [gain[(baseline)][/unit] [resolution [zero [initial [checksum
/// [block size [description]]]]]]]`. `None` for a signal that is not stored.
fn parse_signal(line: &str, number: usize, place: Place<'_>) -> Result<Option<Signal>, FormatError> {
    let damaged = |reason: String| place.damaged(format!("line {number}"), reason);
    let mut rest = line;
    let file = next_field(&mut rest).unwrap_or_default().to_owned();
    let format = next_field(&mut rest).ok_or_else(|| damaged("the storage format is missing".to_owned()))?;
    let layout = Layout::parse(format).ok_or_else(|| damaged(format!("the storage format is {format:?}")))?;
    if layout.number == 0 {
        return Ok(None);
    }
    let storage = Storage::from_number(layout.number).ok_or_else(|| {
        place.unsupported(
            format!("line {number}"),
            format!("the storage format {}", layout.number),
            "convert the record to format 16 with the WFDB tools (xform) first",
        )
    })?;
    let (gain, baseline, unit) = match next_field(&mut rest) {
        Some(field) => parse_gain(field).ok_or_else(|| damaged(format!("the gain is {field:?}")))?,
        None => (0.0, None, ""),
    };
    let mut integer = |name: &str| match next_field(&mut rest) {
        None => Ok(None),
        Some(field) => whole_number(field).map(Some).ok_or_else(|| damaged(format!("the {name} is {field:?}"))),
    };
    let _resolution = integer("resolution of the converter")?;
    let zero = integer("zero of the converter")?.unwrap_or(0);
    let initial = integer("initial value")?.unwrap_or(zero);
    let checksum = integer("checksum")?;
    let _block_size = integer("block size")?;
    Ok(Some(Signal {
        line: number,
        file,
        storage,
        samples_per_frame: layout.samples_per_frame,
        skew: layout.skew,
        byte_offset: layout.byte_offset,
        stated_gain: (gain != 0.0).then_some(gain),
        baseline: baseline.unwrap_or(zero as f64),
        unit: unit.to_owned(),
        initial: initial as i32,
        // Stored with or without a sign.
        checksum: checksum.map(|sum| sum as u16),
        description: rest.trim().to_owned(),
    }))
}

/// Takes the next word from the front of a line.
fn next_field<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let start = rest.trim_start();
    if start.is_empty() {
        return None;
    }
    let (field, after) = start.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((start, ""));
    *rest = after;
    Some(field)
}

/// How the numbers lie in the file: `16`, `212x2`, `16:5`, `16+24`, or all of it.
struct Layout {
    number: u32,
    samples_per_frame: u64,
    skew: u64,
    byte_offset: u64,
}

impl Layout {
    fn parse(field: &str) -> Option<Layout> {
        let (number, mut rest) = leading_digits(field);
        let mut layout = Layout { number: number.parse().ok()?, samples_per_frame: 1, skew: 0, byte_offset: 0 };
        while let Some(modifier) = rest.chars().next() {
            let (digits, after) = leading_digits(&rest[modifier.len_utf8()..]);
            let value = digits.parse().ok()?;
            match modifier {
                'x' if value > 0 => layout.samples_per_frame = value,
                ':' => layout.skew = value,
                '+' => layout.byte_offset = value,
                _ => return None,
            }
            rest = after;
        }
        Some(layout)
    }
}

fn leading_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// `200`, `1000/mV`, `1000.0(0)/mV` as gain, baseline, unit.
fn parse_gain(field: &str) -> Option<(f64, Option<f64>, &str)> {
    let (field, unit) = field.split_once('/').unwrap_or((field, ""));
    let (gain, baseline) = match field.split_once('(') {
        Some((gain, baseline)) => (gain, Some(whole_number(baseline.strip_suffix(')')?)? as f64)),
        None => (field, None),
    };
    let gain: f64 = gain.parse().ok()?;
    gain.is_finite().then_some((gain, baseline, unit))
}

/// A whole number, also where it is written as `-1716.0`.
fn whole_number(field: &str) -> Option<i64> {
    field.parse().ok().or_else(|| {
        let number: f64 = field.parse().ok()?;
        (number.fract() == 0.0 && number.abs() < 2f64.powi(53)).then_some(number as i64)
    })
}

/// Takes age and sex from the comments, which are written in several ways: `Age: 74`, `<age>: 35 <sex>: M`, or
/// `69 M 1085 1629 x1` in the MIT-BIH databases.
fn read_comments<'a>(comments: impl Iterator<Item = &'a str>, person: &mut Person) -> Option<Notice> {
    let mut stated_age: Option<&str> = None;
    let is_number = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
    for comment in comments {
        stated_age = stated_age.or_else(|| comment_text(comment, "age").filter(is_number));
        person.sex = person.sex.or_else(|| stated_sex(comment));
        let mut words = comment.split_ascii_whitespace();
        if let (None, Some(age), Some(sex @ ("M" | "F"))) = (person.sex, words.next(), words.next())
            && is_number(&age)
        {
            (stated_age, person.sex) = (Some(age), Sex::from_label(sex));
        }
    }
    let age = stated_age?;
    person.age = age_in_words(age);
    let implausible = first_word(age).filter(|age| person.age.is_none() && age.parse() != Ok(0.0));
    implausible.map(|age| Notice::File(format!("the age of {age} is not plausible and was ignored")))
}

fn stated_sex(comment: &str) -> Option<Sex> {
    let text = comment_text(comment, "sex").or_else(|| comment_text(comment, "gender"))?;
    Sex::from_label(first_word(text)?)
}

/// What follows `name:` or `<name>:` in a comment, in any case, up to the next colon.
fn comment_text<'a>(comment: &'a str, name: &str) -> Option<&'a str> {
    let names_it = |before: &str| {
        let word = before.split_ascii_whitespace().next_back().unwrap_or_default();
        word.trim_start_matches('<').trim_end_matches('>').eq_ignore_ascii_case(name)
    };
    let (_, after) = comment.split(':').zip(comment.split(':').skip(1)).find(|(before, _)| names_it(before))?;
    Some(after.trim())
}

fn first_word(text: &str) -> Option<&str> {
    text.split_ascii_whitespace().next().map(|word| word.trim_end_matches([',', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { file: "x.hea", format: "WFDB" };

    fn parsed(text: &str) -> Header {
        parse(text, PLACE).unwrap()
    }

    fn error(text: &str) -> FormatError {
        parse(text, PLACE).unwrap_err()
    }

    #[test]
    fn every_field_of_a_full_header() {
        let header = parsed(
            "# made by hand\r\n\r\nrec 2 360/720(10) 650000 13:05:00.250 25/04/1989\r\n\
             rec.dat 212x2:3+24 204.8(-7)/uV 11 1024 995 -22131 0 Lead II, chest\r\n\
             rec.dat 16 \r\n# 69 M 1085 1629 x1\r\n",
        );
        assert_eq!((header.frames_per_second, header.frames), (360.0, Some(650_000)));
        assert_eq!(
            header.person,
            Person {
                id: None,
                age: Some(69.0),
                sex: Some(Sex::Male),
                recorded_at: Some("1989-04-25T13:05:00".to_owned())
            }
        );
        let full = Signal {
            line: 4,
            file: "rec.dat".to_owned(),
            storage: Storage::Packed12,
            samples_per_frame: 2,
            skew: 3,
            byte_offset: 24,
            stated_gain: Some(204.8),
            baseline: -7.0,
            unit: "uV".to_owned(),
            initial: 995,
            checksum: Some(43_405),
            description: "Lead II, chest".to_owned(),
        };
        let bare = &header.signals[1];
        assert_eq!(header.signals[0], full);
        assert_eq!((bare.gain(), bare.unit(), bare.baseline, bare.stated_gain), (200.0, "mV", 0.0, None));
        assert_eq!((bare.checksum, bare.description.as_str()), (None, ""));
        assert!(header.notices.is_empty());
    }

    #[test]
    fn what_a_header_may_leave_out() {
        let header = parsed("rec 0");
        assert_eq!((header.frames_per_second, header.frames), (250.0, None));
        assert_eq!(header.notices, [Notice::SamplingRateAssumed { assumed: 250.0 }]);
        assert_eq!(parsed("rec 1 100 0\n~ 0").frames, None);
        assert!(parsed("rec 1 100 0\n~ 0").signals.is_empty());
        let zero_is_baseline = parsed("rec 1 100\na 16 200/mV 12 1024");
        assert_eq!(zero_is_baseline.signals[0].baseline, 1024.0);
        assert_eq!(zero_is_baseline.signals[0].initial, 1024);
    }

    #[test]
    fn dates_in_the_standard_and_in_the_challenge_order() {
        let at = |rest: &str| parsed(&format!("rec 0 500 5000 {rest}")).person.recorded_at;
        assert_eq!(at("12-May-2020 12:33:59").as_deref(), Some("2020-05-12T12:33:59"));
        assert_eq!(at("12:33:59 12/05/2020").as_deref(), Some("2020-05-12T12:33:59"));
        assert_eq!(at("2020-05-12").as_deref(), Some("2020-05-12"));
        assert_eq!(at("12:33:59"), None);
        let odd = parsed("rec 0 500 5000 00:00:00 31/02/2020");
        assert_eq!(odd.person.recorded_at, None);
        assert!(odd.notices[0].to_string().contains("was not understood"));
    }

    #[test]
    fn age_and_sex_as_the_databases_write_them() {
        let person = |comment: &str| parsed(&format!("rec 0 500 5000\n{comment}")).person;
        for (comment, age, sex) in [
            ("#Age: 74\n#Sex: Male", Some(74.0), Some(Sex::Male)),
            ("# age: 81\n# sex: female", Some(81.0), Some(Sex::Female)),
            ("# <age>: 35  <sex>: M  <diagnoses>: (none)", Some(35.0), Some(Sex::Male)),
            ("# age: 6 months", Some(0.5), None),
            ("# Patient age: 45, gender: w", Some(45.0), Some(Sex::Female)),
            ("#Age: 0", None, None),
            ("#Age: NaN\n#Sex: Unknown", None, None),
            ("#Age: Unknown\n#Dx: age: none", None, None),
            ("# 24 F 654 1629 x1", Some(24.0), Some(Sex::Female)),
            ("# Passage: 3\n#Sex:", None, None),
        ] {
            assert_eq!((person(comment).age, person(comment).sex), (age, sex), "{comment}");
        }
        let odd = parsed("rec 0 500 5000\n#Age: 300");
        assert_eq!(odd.person.age, None);
        assert!(odd.notices[0].to_string().contains("300"));
    }

    #[test]
    fn errors_name_the_line_and_the_field() {
        for (text, code, expected) in [
            ("# only a comment", "damaged", "line 1: the record line is missing"),
            ("rec", "damaged", "line 1: the number of signals is missing"),
            ("rec twelve", "damaged", "the number of signals is \"twelve\""),
            ("#\nrec 1 -5", "damaged", "line 2: the sampling rate is \"-5\""),
            ("rec 1 nan", "damaged", "the sampling rate is \"nan\""),
            ("rec 1 500 many", "damaged", "the number of samples is \"many\""),
            ("rec 12 500 5000\nx.dat 16", "damaged", "12 signals are announced, but only 1 lines follow"),
            ("rec 18446744073709551615 500 5000", "damaged", "18446744073709551615 signals are announced"),
            ("rec 1\nx.dat", "damaged", "line 2: the storage format is missing"),
            ("rec 1\nx.dat 16x0", "damaged", "the storage format is \"16x0\""),
            ("rec 1\nx.dat 16\u{e9}4", "damaged", "the storage format is"),
            ("rec 1\nx.dat 99999999999", "damaged", "the storage format is"),
            ("rec 1\nx.dat 16 1000(a)/mV", "damaged", "the gain is \"1000(a)/mV\""),
            ("rec 1\nx.dat 16 inf/mV", "damaged", "the gain is \"inf/mV\""),
            ("rec 1\nx.dat 16 200 12 0 I", "damaged", "the initial value is \"I\""),
            ("rec 1\nx.dat 999 200", "unsupported", "the storage format 999 cannot be read here; convert"),
            ("rec/2 12 500 5000\nrec_1 2500", "damaged", "2 segments are announced, but only 1 lines follow"),
            (
                "rec/2 12 500 5000\nrec_1\nrec_2 2500",
                "damaged",
                "line 2: the number of samples of the segment \"rec_1\"",
            ),
            ("rec/x 12 500 5000", "damaged", "the number of segments is \"x\""),
        ] {
            let error = error(text);
            assert_eq!(error.code(), code, "{text}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(error.to_string().contains("x.hea (WFDB)"), "{error}");
        }
    }
}
