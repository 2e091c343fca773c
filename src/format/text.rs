//! Tables in text: CSV, TSV and columns between blanks.
//!
//! # Overview
//! What spreadsheets, export programs and research scripts write: one column a lead, or one row a lead, with or without
//! a line of names. The following is understood wherever it stands; what is not said is assumed as for
//! [NumPy arrays](super::npy), and said in notices:
//!
//! - names of leads with or without a unit: `I`, `aVR`, `I (mV)`, `II [uV]`, and a line of units below the names;
//! - a column of time in s, ms, µs or as the time of the day, which gives the sampling rate, or of sample numbers;
//! - lines such as `# sampling rate: 500 Hz`, `Unit;mV`, `age = 63` before the table; names of persons are not taken.
//!
//! A recording of one lead, such as that of a watch, is told so: it is no 12-lead ECG.
//!
//! # Encodings
//! UTF-8, UTF-16 with a byte-order mark, Windows-1252. Fields are separated by commas
//! ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)), semicolons, tabulators or blanks, with decimal point or decimal
//! comma, in quotes or not. A field that is empty or `NaN` is a missing sample.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::binary;
use super::date::{age_in_words, timestamp};
use super::error::{ENOUGH_LEADS, Place};
use super::matrix::{into_millivolt, likely_sampling_rate};
use super::number::Kind;
use super::recording::{
    Assigned, MAXIMUM_VALUES, Recording, SAMPLING_RATES, assign_leads, bounded, is_usual_lead_count,
};
use super::{Format, FormatError, ReadOptions, Source, Unit, sniff};
use crate::ecg::{Lead, Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["csv", "tsv", "txt"], recognises, read };

const NAME: &str = "text table";

/// So much of the beginning shows what kind of table it is, in bytes.
const SURVEYED: usize = 1 << 16;

/// A line of more fields is a lead, not a moment.
const MOST_COLUMNS: usize = 64;

/// So many lines are searched for names of leads.
const HEADER_LINES: usize = 20;

fn recognises(source: &Source<'_>) -> bool {
    let start = source.bytes.get(..SURVEYED).unwrap_or(source.bytes);
    if Encoding::for_bom(start).is_none() && sniff::is_binary(start) {
        return false;
    }
    let text = decoded(start);
    if text.trim_start().starts_with(['<', '{', '[']) {
        return false;
    }
    // A table of numbers has many numbers and few words.
    let (mut numbers, mut words) = (0, 0);
    let is_separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'');
    for token in text.split(is_separator).filter(|token| !token.is_empty()) {
        // Missing samples are as good as numbers.
        match token.eq_ignore_ascii_case("nan")
            || token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b':' | b'e' | b'E'))
                && token.bytes().any(|byte| byte.is_ascii_digit())
        {
            true => numbers += 1,
            false => words += 1,
        }
    }
    numbers >= 20 && numbers >= 2 * words
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let text = decoded(source.bytes);
    let Some((grammar, width)) = Grammar::find(&text) else {
        return Err(match leads_in_a_line(&text) {
            leads if leads.is_empty() => place.not_an_ecg("it has no table of numbers"),
            leads => FormatError::NoValidSample { file: place.file.to_owned(), format: place.format, leads },
        });
    };
    let table = match width > MOST_COLUMNS {
        true => Table::read_rows(&text, grammar, place)?,
        false => Table::read_columns(&text, grammar, width, place)?,
    };
    table.into_recording(options, place)
}

/// The leads that the first line with at least eight of them names.
fn leads_in_a_line(text: &str) -> Vec<Lead> {
    let named = |line| {
        let fields = |grammar: &Grammar| {
            let labels = Fields { grammar: *grammar, rest: Some(line) }.take(MOST_COLUMNS).map(Label::parse);
            labels.filter_map(|label| Some(Assigned::from_label(&label.name)?.lead)).collect::<Vec<Lead>>()
        };
        Grammar::ALL.iter().map(fields).find(|leads| leads.len() >= 8)
    };
    lines(text).take(HEADER_LINES).find_map(|(_, line)| named(line)).unwrap_or_default()
}

fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(length..).unwrap_or_default()).0;
    }
    binary::decoded(bytes)
}

/// The lines with their numbers, from 1; blank ones are left out.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = if text.contains('\n') { '\n' } else { '\r' };
    (1..).zip(text.split(end).map(str::trim)).filter(|(_, line)| !line.is_empty())
}

fn is_comment(line: &str) -> bool {
    line.starts_with(['#', '%']) || line.starts_with("//")
}

/// How the fields of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grammar {
    /// `None` for any number of blanks.
    delimiter: Option<char>,
    decimal_comma: bool,
}

/// One field of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    Number(f64),
    /// A time of the day or since the start, in seconds.
    Clock(f64),
    Missing,
    Text,
}

impl Grammar {
    /// All ways, the ones that cannot be mistaken for others first.
    const ALL: [Grammar; 8] = {
        const fn grammar(delimiter: Option<char>, decimal_comma: bool) -> Grammar {
            Grammar { delimiter, decimal_comma }
        }
        [
            grammar(Some('\t'), false),
            grammar(Some('\t'), true),
            grammar(Some(';'), false),
            grammar(Some(';'), true),
            grammar(Some(','), false),
            grammar(None, false),
            grammar(None, true),
            grammar(Some(','), true),
        ]
    };

    /// Finds how the table is written, and how many fields most of its lines have.
    fn find(text: &str) -> Option<(Grammar, usize)> {
        let end = (0..=SURVEYED.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        let start = text.get(..end).unwrap_or_default();
        // The last line may be cut off, and with it a number; it counts where it is the only one.
        let count = lines(start).count();
        let surveyed = if end < text.len() && count > 1 { count - 1 } else { count };
        let mut best: Option<(usize, Grammar, usize)> = None;
        for least in [2, 1] {
            for grammar in Grammar::ALL {
                // How many lines have how many fields.
                let mut widths = std::collections::BTreeMap::<usize, usize>::new();
                for (_, line) in lines(start).take(surveyed).filter(|(_, line)| !is_comment(line)) {
                    if let Some(width) = grammar.width_of_numbers(line).filter(|&width| width >= least) {
                        *widths.entry(width).or_default() += 1;
                    }
                }
                let Some((&width, &count)) = widths.iter().max_by_key(|&(&width, &count)| (count, width)) else {
                    continue;
                };
                if best.is_none_or(|(most, ..)| count > most) {
                    best = Some((count, grammar, width));
                }
            }
            if best.is_some() {
                break;
            }
        }
        best.map(|(_, grammar, width)| (grammar, width))
    }

    /// The number of fields of a line of numbers, of which the first may be a name; `None` for another line.
    fn width_of_numbers(self, line: &str) -> Option<usize> {
        let (mut width, mut numbers) = (0usize, 0usize);
        for field in self.fields(line) {
            match self.cell(field) {
                Cell::Number(_) => numbers += 1,
                Cell::Text if width > 0 => return None,
                _ => {}
            }
            width += 1;
        }
        // With a name there must be far more numbers than usual, to be a lead.
        let named = self.fields(line).next().is_some_and(|field| self.cell(field) == Cell::Text);
        (numbers > 0 && (!named || width > MOST_COLUMNS)).then_some(width)
    }

    fn fields(self, line: &str) -> Fields<'_> {
        Fields { grammar: self, rest: Some(line) }
    }

    fn cell(self, field: &str) -> Cell {
        match field {
            "" | "-" | "--" | "NA" | "N/A" | "n/a" | "null" | "NULL" => return Cell::Missing,
            _ => {}
        }
        let number = match self.decimal_comma && field.contains(',') {
            true => field.replace(',', ".").parse(),
            false => field.parse(),
        };
        match number {
            Ok(number) if f64::is_nan(number) => Cell::Missing,
            Ok(number) => Cell::Number(number),
            Err(_) => self.clock(field).map_or(Cell::Text, Cell::Clock),
        }
    }

    /// `12:33:59.002`, `0:00.002`, with a date before or after it or in brackets, in seconds.
    fn clock(self, field: &str) -> Option<f64> {
        if !field.starts_with(|c: char| c.is_ascii_digit() || c == '[') {
            return None;
        }
        let is_blank = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | 'T' | 'Z');
        let time = field.split(is_blank).find(|part| part.contains(':'))?;
        let mut seconds = 0.0;
        for (position, part) in time.split(':').enumerate() {
            let part: f64 = part.replace(',', ".").parse().ok()?;
            let fits = part >= 0.0 && part < if position == 0 { 1e6 } else { 60.0 };
            seconds = (fits && position < 3).then_some(seconds * 60.0 + part)?;
        }
        Some(seconds)
    }
}

/// The fields of a line, without blanks and quotes around them.
struct Fields<'a> {
    grammar: Grammar,
    rest: Option<&'a str>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let Some(delimiter) = self.grammar.delimiter else {
            let rest = self.rest?.trim_start();
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            self.rest = Some(after);
            return (!field.is_empty()).then(|| field.trim_matches(['"', '\'']));
        };
        let rest = self.rest?;
        let quote = rest.trim_start().chars().next().filter(|first| matches!(first, '"' | '\''));
        // The separator after the closing quote.
        let from = quote.and_then(|quote| {
            let open = rest.find(quote)? + 1;
            Some(open + rest.get(open..)?.find(quote)? + 1)
        });
        let from = from.unwrap_or(0);
        let end = rest.get(from..).and_then(|after| after.find(delimiter)).map(|length| from + length);
        let field = match end {
            Some(end) => {
                self.rest = rest.get(end + delimiter.len_utf8()..);
                rest.get(..end)?
            }
            None => {
                self.rest = None;
                rest
            }
        };
        Some(field.trim().trim_matches(['"', '\'']).trim())
    }
}

/// What lines before the table say.
#[derive(Debug, Default, PartialEq)]
struct Said {
    sampling_rate: Option<f64>,
    unit: Option<Unit>,
    /// The only lead of a recording, as watches write it.
    lead: Option<Lead>,
    person: Person,
}

impl Said {
    /// Reads `key: value`, several of them or in fields of the table.
    fn read(&mut self, line: &str, grammar: Grammar) {
        let line = line.trim_start_matches(['#', '%', '/', ' ', '\t', '"']);
        if line.contains([':', '=']) {
            for pair in line.split([',', ';', '\t']) {
                if let Some((key, value)) = pair.split_once([':', '=']) {
                    self.take(key, value);
                }
            }
        }
        for delimiter in [grammar.delimiter.unwrap_or(','), ',', ';', '\t'] {
            if let Some((key, value)) = line.split_once(delimiter) {
                self.take(key, value);
            }
        }
    }

    fn take(&mut self, key: &str, value: &str) {
        let key: String = key.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let value = value.trim().trim_matches(|c: char| matches!(c, '"' | '\'' | ',' | ';') || c.is_whitespace());
        match key.as_str() {
            "samplingrate"
            | "samplerate"
            | "samplingfrequency"
            | "samplefrequency"
            | "samplingfreq"
            | "fs"
            | "samplinghz"
            | "sampleratehz"
            | "samplingratehz"
            | "samplingfrequencyhz"
            | "samplingfrequencyinhz"
            | "samplespersecond"
            | "frequency"
            | "abtastrate"
            | "abtastfrequenz"
            | "messrate"
            | "frecuenciademuestreo"
            | "fshz" => {
                self.sampling_rate = self.sampling_rate.or_else(|| hertz(value));
            }
            "lead" | "ableitung" | "derivaci\u{f3}n" | "d\u{e9}rivation" => {
                self.lead = self.lead.or_else(|| Lead::from_label(value))
            }
            "unit" | "units" | "einheit" | "unidad" => self.unit = self.unit.or_else(|| Unit::from_symbol(value)),
            "age" | "patientage" | "ageyears" | "alter" | "edad" => {
                self.person.age = self.person.age.or_else(|| age_in_words(value))
            }
            "sex" | "gender" | "patientsex" | "patientgender" | "geschlecht" | "sexo" => {
                self.person.sex = self.person.sex.or_else(|| Sex::from_label(value))
            }
            "patientid" | "subjectid" if !value.is_empty() => {
                self.person.id.get_or_insert_with(|| value.chars().take(100).collect());
            }
            "date" | "recordeddate" | "recordingdate" | "recordedat" | "acquisitiondate" | "datum" | "fecha"
            | "aufzeichnungsdatum" => {
                let date = timestamp(value);
                self.person.recorded_at = self.person.recorded_at.take().or(date);
            }
            _ => {}
        }
    }
}

/// `500`, `500 Hz`, `512 hertz`, `0.5 kHz`.
fn hertz(value: &str) -> Option<f64> {
    let end = value.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',')).unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    let rate: f64 = number.trim_end_matches(',').replace(',', ".").parse().ok()?;
    let unit = unit.trim().to_ascii_lowercase();
    Some(if unit.starts_with("khz") || unit.starts_with("kilohertz") { rate * 1000.0 } else { rate })
}

/// What a column or row holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Signal,
    /// With the length of one unit in seconds, where it is said.
    Time(Option<TimeUnit>),
    SampleNumber,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeUnit {
    Second,
    Millisecond,
    Microsecond,
}

impl TimeUnit {
    const ALL: [TimeUnit; 3] = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond];

    fn from_symbol(symbol: &str) -> Option<TimeUnit> {
        match symbol.trim().to_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => Some(TimeUnit::Second),
            "ms" | "msec" | "millisecond" | "milliseconds" => Some(TimeUnit::Millisecond),
            "us" | "\u{b5}s" | "\u{3bc}s" | "usec" | "microsecond" | "microseconds" => Some(TimeUnit::Microsecond),
            _ => None,
        }
    }

    fn per_second(self) -> f64 {
        match self {
            TimeUnit::Second => 1.0,
            TimeUnit::Millisecond => 1e3,
            TimeUnit::Microsecond => 1e6,
        }
    }

    fn name(self) -> &'static str {
        match self {
            TimeUnit::Second => "s",
            TimeUnit::Millisecond => "ms",
            TimeUnit::Microsecond => "µs",
        }
    }
}

/// The name of a column or row, taken apart.
#[derive(Debug, Clone, PartialEq)]
struct Label {
    name: String,
    unit: Option<Unit>,
    role: Role,
}

impl Label {
    fn parse(text: &str) -> Label {
        let text = text.trim().trim_start_matches(['#', '%']).trim();
        let (name, symbol) = match text.split_once(['(', '[']) {
            Some((name, rest)) => (name, rest.split([')', ']']).next().unwrap_or_default()),
            // A voltage may follow without brackets; V alone would be taken for a part of the name.
            None => match text.rsplit_once(['_', '/', ' ', ',']) {
                Some((name, symbol)) if is_unit_suffix(symbol) => (name, symbol),
                _ => (text, ""),
            },
        };
        let known: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let role = match known.as_str() {
            "time" | "t" | "timestamp" | "elapsedtime" | "zeit" | "temps" | "tiempo" | "hhmmssmmm" => {
                Role::Time(TimeUnit::from_symbol(symbol))
            }
            "seconds" | "sec" | "secs" | "s" | "ms" | "msec" | "milliseconds" | "us" | "\u{b5}s" | "microseconds" => {
                Role::Time(TimeUnit::from_symbol(&known))
            }
            "sample" | "samples" | "samplenumber" | "sampleindex" | "index" | "n" | "no" | "nr" | "row"
            | "unnamed0" => Role::SampleNumber,
            _ => Role::Signal,
        };
        Label { name: name.trim().chars().take(100).collect(), unit: Unit::from_symbol(symbol), role }
    }

    /// Whether it is a name such as tables of an ECG have.
    fn is_recognised(&self) -> bool {
        self.is_lead() || self.unit.is_some() || self.role != Role::Signal
    }

    fn is_lead(&self) -> bool {
        Assigned::from_label(&self.name).is_some()
    }

    /// The column of the row numbers, which some programs write without a name for it.
    fn row_numbers() -> Label {
        Label { role: Role::SampleNumber, ..Label::empty() }
    }

    fn empty() -> Label {
        Label { name: String::new(), unit: None, role: Role::Signal }
    }
}

fn is_unit_suffix(symbol: &str) -> bool {
    TimeUnit::from_symbol(symbol).is_some()
        || matches!(Unit::from_symbol(symbol), Some(Unit::Millivolt | Unit::Microvolt))
}

/// What the times of a table tell, one after the other.
#[derive(Debug, Default)]
struct Times {
    count: u64,
    first: f64,
    last: f64,
    shortest: f64,
    longest: f64,
    /// They are times of the day, or since the start, in seconds.
    clock: bool,
    /// A field was no time.
    incomplete: bool,
}

impl Times {
    fn add(&mut self, cell: Cell) {
        const DAY: f64 = 86_400.0;
        let time = match cell {
            Cell::Number(time) if !self.clock => time,
            Cell::Clock(time) => {
                self.clock = true;
                // After midnight the clock begins anew.
                if self.count > 0 { time + DAY * ((self.last - time) / DAY).round() } else { time }
            }
            _ => {
                self.incomplete = true;
                return;
            }
        };
        if self.count == 0 {
            self.first = time;
        } else {
            let step = time - self.last;
            (self.shortest, self.longest) =
                if self.count == 1 { (step, step) } else { (self.shortest.min(step), self.longest.max(step)) };
        }
        self.last = time;
        self.count += 1;
    }

    /// From one to the next, on average.
    fn step(&self) -> f64 {
        (self.last - self.first) / (self.count.saturating_sub(1) as f64)
    }

    /// Whether they grow without gaps.
    fn is_even(&self) -> bool {
        let step = self.step();
        !self.incomplete && self.count > 2 && self.shortest >= 0.0 && step > 0.0 && self.longest < 2.5 * step
    }

    fn is_sample_numbers(&self) -> bool {
        !self.clock && self.is_even() && self.shortest == 1.0 && self.longest == 1.0
    }

    /// The sampling rate, and what to say where the unit had to be assumed.
    fn sampling_rate(&self, unit: Option<TimeUnit>) -> Option<(f64, Option<Notice>)> {
        /// ECGs are sampled within these rates, which leaves one unit.
        const USUAL: std::ops::RangeInclusive<f64> = 40.0..=8000.0;
        let step = self.step();
        if self.clock || unit.is_some() {
            let per_second = if self.clock { 1.0 } else { unit.map_or(1.0, TimeUnit::per_second) };
            return Some((self.rounded(per_second / step, per_second), None));
        }
        let unit = TimeUnit::ALL.into_iter().find(|unit| USUAL.contains(&(unit.per_second() / step)))?;
        let notice = format!("the unit of the times is not stated; {} was assumed", unit.name());
        Some((self.rounded(unit.per_second() / step, unit.per_second()), Some(Notice::File(notice))))
    }

    /// The whole rate from which this one differs by the rounding of the times only.
    fn rounded(&self, rate: f64, per_second: f64) -> f64 {
        let duration = (self.last - self.first) / per_second;
        let uncertain = ((self.longest - self.shortest) / per_second / duration).max(1e-9);
        let whole = rate.round();
        if (rate - whole).abs() <= rate * uncertain { whole } else { rate }
    }
}

/// A table that was read.
struct Table {
    labels: Vec<Label>,
    /// Whether there are names at all.
    labelled: bool,
    signals: Vec<Vec<f32>>,
    /// All samples, also those that were not kept.
    samples: u64,
    /// Rows before the first sample that hold none.
    missing: u64,
    /// Which signal was looked at as time, and what it tells.
    times: (usize, Times),
    whole_numbers: bool,
    said: Said,
}

impl Table {
    /// Reads one column a signal.
    fn read_columns(text: &str, grammar: Grammar, width: usize, place: Place<'_>) -> Result<Table, FormatError> {
        let mut said = Said::default();
        let mut header: Vec<Label> = Vec::new();
        let mut signals = vec![Vec::new(); width];
        let (mut times, mut samples, mut whole_numbers) = (Times::default(), 0u64, true);
        let mut time_column = 0;
        let most = MAXIMUM_VALUES / width.max(1) as u64;
        let mut missing = 0u64;
        let mut cells = Vec::with_capacity(width);
        for (number, line) in lines(text) {
            if samples == 0 && is_missing(grammar, line, width) {
                missing += 1;
                continue;
            }
            if is_comment(line) || samples == 0 && !is_data(grammar, line, width) {
                said.read(line, grammar);
                if samples == 0 {
                    take_header(&mut header, line, grammar, width);
                }
                continue;
            }
            cells.clear();
            cells.extend(grammar.fields(line).take(MOST_COLUMNS + 1).map(|field| grammar.cell(field)));
            if samples == 0 && header.is_empty() && is_numbering(&cells) {
                // A first line of numbers 0, 1, 2 instead of names.
                header = vec![Label::empty(); width];
                continue;
            }
            while cells.len() > width && cells.last() == Some(&Cell::Missing) {
                cells.pop();
            }
            if cells.len() != width {
                let reason = format!("it has {} fields, the lines before it have {width}", cells.len());
                return Err(place.damaged(format!("line {number}"), reason));
            }
            if samples == 0 {
                let is_time = |label: &Label| matches!(label.role, Role::Time(_));
                time_column = header.iter().position(is_time).unwrap_or(0);
            }
            samples += 1;
            if samples > most {
                continue;
            }
            for (column, (cell, signal)) in cells.iter().zip(&mut signals).enumerate() {
                if column == time_column {
                    times.add(*cell);
                }
                let value = match *cell {
                    Cell::Number(value) => value,
                    Cell::Missing | Cell::Clock(_) => f64::NAN,
                    Cell::Text => {
                        // What stands there may be a name.
                        let reason = "a field is not a number";
                        return Err(place.damaged(format!("line {number}, column {}", column + 1), reason));
                    }
                };
                whole_numbers &= column == time_column || is_whole_or_missing(value);
                signal.push(value as f32);
            }
        }
        let labelled = header.iter().any(|label| !label.name.is_empty());
        header.resize(width, Label::empty());
        Ok(Table {
            labels: header,
            labelled,
            signals,
            samples,
            missing,
            times: (time_column, times),
            whole_numbers,
            said,
        })
    }

    /// Reads one row a signal.
    fn read_rows(text: &str, grammar: Grammar, place: Place<'_>) -> Result<Table, FormatError> {
        let (mut said, mut labels, mut signals) = (Said::default(), Vec::new(), Vec::<Vec<f32>>::new());
        let (mut times, mut samples, mut whole_numbers, mut labelled) = ((0, Times::default()), 0, true, false);
        let (mut kept, mut numbered) = (0, true);
        for (number, line) in lines(text) {
            if is_comment(line) || grammar.fields(line).take(MOST_COLUMNS + 1).count() <= MOST_COLUMNS {
                said.read(line, grammar);
                continue;
            }
            if signals.len() > MOST_COLUMNS {
                return Err(place.not_an_ecg(format!("it has more than {MOST_COLUMNS} long lines")));
            }
            let mut cells = grammar.fields(line).map(|field| grammar.cell(field)).peekable();
            let named = cells.next_if_eq(&Cell::Text).is_some();
            let label = if named { grammar.fields(line).next().map(Label::parse) } else { None };
            let label = label.unwrap_or_else(Label::empty);
            let mut own = Times::default();
            let mut row = Vec::new();
            for (column, cell) in cells.enumerate() {
                // A line of numbers for the columns has nothing above the numbers of the rows.
                if column > 0 || cell != Cell::Missing {
                    own.add(cell);
                }
                row.push(match cell {
                    Cell::Number(value) => value as f32,
                    Cell::Missing | Cell::Clock(_) => f32::NAN,
                    Cell::Text => {
                        let reason = "a field is not a number";
                        return Err(place.damaged(format!("line {number}, field {}", column + 1), reason));
                    }
                });
                kept += 1;
                if kept > MAXIMUM_VALUES {
                    let (size, limit) = ("more samples".to_owned(), MAXIMUM_VALUES.to_string());
                    return Err(FormatError::TooLarge { file: place.file.to_owned(), size, limit });
                }
            }
            // A first line of sample numbers or times.
            if signals.is_empty() && own.is_sample_numbers() {
                continue;
            }
            if let Role::Time(_) = label.role {
                times = (signals.len(), own);
            } else {
                whole_numbers &= row.iter().skip(1).all(|&value| is_whole_or_missing(value.into()));
            }
            while row.len() > samples && samples > 0 && row.last().is_some_and(|value| value.is_nan()) {
                row.pop();
            }
            if samples > 0 && row.len() != samples {
                let reason = format!("it has {} numbers, the lines before it have {samples}", row.len());
                return Err(place.damaged(format!("line {number}"), reason));
            }
            samples = row.len();
            numbered &= row.first().is_some_and(|&first| first == signals.len() as f32);
            labelled |= named;
            labels.push(label);
            signals.push(row);
        }
        // Rows that are numbered 0, 1, 2: the first number of each is not a sample.
        if numbered && signals.len() > 2 {
            signals.iter_mut().for_each(|row| drop(row.drain(..1)));
            samples = samples.saturating_sub(1);
        }
        Ok(Table { labels, labelled, signals, samples: samples as u64, missing: 0, times, whole_numbers, said })
    }

    fn into_recording(self, options: &ReadOptions, place: Place<'_>) -> Result<Recording, FormatError> {
        let Table { mut labels, labelled, mut signals, samples, missing, times, whole_numbers, said } = self;
        let (time_position, times) = times;
        // The column that was thought to have no name may be what a separator at the end of each line leaves.
        let nothing_last = signals.last().is_some_and(|signal| signal.iter().all(|value| value.is_nan()));
        if labelled && nothing_last && labels.first() == Some(&Label::row_numbers()) {
            labels.rotate_left(1);
            labels.pop();
            labels.push(Label::empty());
        }
        let mut recording = Recording { person: said.person, ..Recording::default() };
        if missing > 0 {
            recording.notices.push(Notice::File(match missing {
                1 => "the first row holds no number and was left out".to_owned(),
                _ => format!("the first {missing} rows hold no number and were left out"),
            }));
        }
        let role = labels.get(time_position).map_or(Role::Signal, |label| label.role);
        let count = labels.iter().filter(|label| label.role == Role::Signal).count();
        let unnamed = labels.get(time_position).is_some_and(|label| label.name.is_empty());
        // A column without a name is time where one is too many, or where all others have names.
        let counts = unnamed && times.is_even() && (labelled || !is_usual_lead_count(count));
        let is_time = matches!(role, Role::Time(_)) || counts && (!times.is_sample_numbers() || times.clock);
        let is_dropped = |position: usize, label: &Label| {
            label.role != Role::Signal || position == time_position && (is_time || counts)
        };
        let mut from_times = None;
        if is_time && options.sampling_rate.is_none() {
            if !times.is_even() {
                let notice = "the times have gaps or do not grow evenly; the samples were taken as evenly spaced";
                recording.notices.push(Notice::File(notice.to_owned()));
            }
            let unit = if let Role::Time(unit) = role { unit } else { None };
            let usable = |(rate, _): &(f64, _)| said.sampling_rate.is_none() && SAMPLING_RATES.contains(rate);
            if let Some((rate, notice)) = times.sampling_rate(unit).filter(usable) {
                from_times = Some(rate);
                recording.notices.extend(notice);
            }
        }
        let recognised = labels.iter().any(Label::is_recognised);
        let dropped: Vec<bool> =
            labels.iter().enumerate().map(|(position, label)| is_dropped(position, label)).collect();
        let mut position = 0;
        signals.retain(|signal| {
            let empty = dropped.get(position).copied().unwrap_or(true)
                // What a separator at the end of each line leaves.
                || labels.get(position).is_some_and(|label| label.name.is_empty())
                    && signal.iter().all(|value| value.is_nan())
                    && position + 1 == labels.len();
            position += 1;
            !empty
        });
        let mut labels: Vec<Label> =
            labels.into_iter().zip(&dropped).filter(|(_, dropped)| !**dropped).map(|(label, _)| label).collect();
        labels.truncate(signals.len());
        if is_numbered(&labels) {
            labels.iter_mut().for_each(|label| label.name.clear());
        } else if !recognised {
            // These are no names of signals: a line about the person may stand here, which no message repeats.
            for (number, label) in (1..).zip(&mut labels).filter(|(_, label)| !label.name.is_empty()) {
                label.name = format!("signal {number}");
            }
        }
        // With a decimal comma between commas one lead looks like two.
        let one = signals.len() == 1 || signals.len() == 2 && said.lead.is_some();
        if one && options.lead_order.is_none() {
            return Err(one_lead(place));
        }
        let names: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
        let (leads, notices) = assign_leads(&names, options, place)?;
        if leads.iter().flatten().count() == 1 && options.lead_order.is_none() {
            return Err(one_lead(place));
        }
        recording.notices.extend(notices);
        recording.sampling_rate = match options.sampling_rate.or(said.sampling_rate).or(from_times) {
            Some(rate) => place.sampling_rate(rate)?,
            None => {
                let assumed = likely_sampling_rate(samples);
                recording.notices.push(Notice::SamplingRateAssumed { assumed });
                assumed
            }
        };
        let (kept, notice) = bounded(samples, signals.len() as u64, recording.sampling_rate);
        recording.notices.extend(notice);
        let mut units = Vec::new();
        for ((lead, label), mut signal) in leads.into_iter().zip(&labels).zip(signals) {
            let Some(lead) = lead else { continue };
            signal.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
            recording.leads.push(lead.with(signal));
            units.push(label.unit.or(said.unit));
        }
        let kind = if whole_numbers { Kind::Signed } else { Kind::Float };
        // One unit for all; otherwise each lead is brought into millivolt by its own.
        let first = units.first().copied().flatten();
        let mut unit = options.unit.or(first);
        if options.unit.is_none() && units.iter().any(|other| *other != first) {
            if units.iter().any(Option::is_none) {
                return Err(place.not_an_ecg("only some of its leads have a unit; state the unit"));
            }
            for ((_, samples), unit) in recording.leads.iter_mut().zip(&units) {
                let millivolt = unit.map_or(1.0, Unit::in_millivolt);
                samples.iter_mut().for_each(|sample| *sample = (f64::from(*sample) * millivolt) as f32);
            }
            unit = Some(Unit::Millivolt);
        }
        into_millivolt(&mut recording, kind, unit);
        Ok(recording)
    }
}

fn one_lead(place: Place<'_>) -> FormatError {
    FormatError::TooFewLeads {
        file: place.file.to_owned(),
        format: place.format,
        found: "one lead only, like the recordings of a watch or of a device for two fingers".to_owned(),
        needed: ENOUGH_LEADS.to_owned(),
    }
}

/// Whether a line is one of the table in which every sample is missing.
fn is_missing(grammar: Grammar, line: &str, width: usize) -> bool {
    let fields = || grammar.fields(line).take(MOST_COLUMNS + 1);
    fields().count() == width
        && fields().all(|field| grammar.cell(field) == Cell::Missing)
        && fields().any(|field| !field.is_empty())
}

/// Whether a line is the first of the table.
fn is_data(grammar: Grammar, line: &str, width: usize) -> bool {
    let cells = || grammar.fields(line).take(MOST_COLUMNS + 1).map(|field| grammar.cell(field));
    let numbers = cells().filter(|cell| matches!(cell, Cell::Number(_))).count();
    cells().count() >= width && numbers > 0 && cells().all(|cell| cell != Cell::Text)
}

/// Whether the numbers are 0, 1, 2, ...: names that a program gave to columns.
fn is_numbering(cells: &[Cell]) -> bool {
    let own = match cells.split_first() {
        Some((Cell::Missing, rest)) => rest,
        _ => cells,
    };
    own.len() > 2 && (0..).zip(own).all(|(number, cell): (i32, _)| *cell == Cell::Number(number.into()))
}

/// Whether the names are one word with a number counted up, such as `ch1` to `ch12`, which says nothing.
fn is_numbered(labels: &[Label]) -> bool {
    let number = |label: &Label| {
        let digits = label.name.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.parse::<usize>().ok()
    };
    let word = |label: &Label| label.name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let (Some(first), Some(start)) = (labels.first().map(word), labels.first().and_then(number)) else { return false };
    is_usual_lead_count(labels.len())
        && start <= 1
        && (start..).zip(labels).all(|(count, label)| number(label) == Some(count) && word(label) == first)
}

/// Takes the names of columns, or their units, from a line before the table.
fn take_header(header: &mut Vec<Label>, line: &str, grammar: Grammar, width: usize) {
    let line = line.trim_start_matches(['#', '%']).trim_start();
    let fields = || grammar.fields(line).take(MOST_COLUMNS + 1);
    let count = fields().count();
    // Names without a field for the row numbers, as R writes them.
    let shifted = count + 1 == width;
    if count != width && !shifted || width < 2 {
        return;
    }
    let units: Vec<Option<Unit>> = fields().map(Unit::from_symbol).collect();
    let times: Vec<Option<TimeUnit>> = fields().map(TimeUnit::from_symbol).collect();
    if !header.is_empty() && units.iter().filter(|unit| unit.is_some()).count() * 2 > count {
        for (label, (unit, time)) in header.iter_mut().skip(usize::from(shifted)).zip(units.into_iter().zip(times)) {
            label.unit = label.unit.or(unit);
            if let Role::Time(stated) = label.role {
                label.role = Role::Time(stated.or(time));
            }
        }
        return;
    }
    let mut labels: Vec<Label> = fields().map(Label::parse).collect();
    if shifted {
        labels.insert(0, Label::row_numbers());
    }
    // A sentence before the table may have as many words as the table has columns; names of leads go before it.
    let leads = |labels: &[Label]| labels.iter().filter(|label| label.is_lead()).count();
    if header.is_empty() || leads(&labels) >= leads(header) {
        *header = labels;
    }
}

fn is_whole_or_missing(value: f64) -> bool {
    value.is_nan() || value.fract() == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::Ecg;
    use crate::format::NoCompanions;
    use crate::format::testing::{damaged, stored, synthetic};
    use proptest::prelude::*;

    const SAMPLES: usize = 600;

    /// A table: twelve columns after those that `before` writes for each sample.
    fn table(separator: &str, before: impl Fn(usize) -> String, number: impl Fn(f32) -> String) -> String {
        let leads = synthetic(SAMPLES);
        let line = |sample: usize| {
            let fields: Vec<String> = leads.iter().map(|lead| number(lead[sample])).collect();
            format!("{}{}\n", before(sample), fields.join(separator))
        };
        (0..SAMPLES).map(line).collect()
    }

    fn plain(separator: &str) -> String {
        table(separator, |_| String::new(), |value| value.to_string())
    }

    fn names(separator: &str, suffix: &str) -> String {
        Lead::ALL.map(|lead| format!("{lead}{suffix}")).join(separator)
    }

    fn read_with(text: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Ecg, FormatError> {
        crate::format::read("x.csv", text.as_ref(), &NoCompanions, options)
    }

    fn read_text(text: impl AsRef<[u8]>) -> Result<Ecg, FormatError> {
        read_with(text, &ReadOptions::default())
    }

    fn assert_synthetic(ecg: &Ecg) {
        assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
        for ((lead, samples), expected) in ecg.leads().iter().zip(synthetic(SAMPLES)) {
            assert_eq!(*samples, expected, "lead {lead}");
        }
    }

    fn said(ecg: &Ecg) -> String {
        ecg.notices.iter().map(Notice::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn rows_and_tables_without_a_number_are_told() {
        let missing = format!("{}\n", ["nan"; 12].join(","));
        for (rows, text) in [(1, "the first row holds no number"), (2, "the first 2 rows hold no number")] {
            let ecg = read_text(format!("{}\n{}{}", names(",", ""), missing.repeat(rows), plain(","))).unwrap();
            assert_synthetic(&ecg);
            assert!(said(&ecg).contains(text), "{}", said(&ecg));
        }
        let error = read_text(format!("{}\n{}", names(",", ""), missing.repeat(600))).unwrap_err();
        assert_eq!(error.code(), "no-valid-sample", "{error}");
        let error = read_text(format!("a,b,c\n{}", "nan,nan,nan\n".repeat(600))).unwrap_err();
        assert_eq!(error.code(), "not-an-ecg", "{error}");
    }

    #[test]
    fn every_separator_with_and_without_names() {
        for separator in [",", ";", "\t", " ", ", ", "   "] {
            let ecg = read_text(plain(separator)).unwrap();
            assert_synthetic(&ecg);
            assert!(said(&ecg).contains("lead order is not stated"), "{}", said(&ecg));
            let header = names(separator, if separator.contains(' ') { "_mV" } else { " (mV)" });
            let ecg = read_text(format!("{header}\n{}", plain(separator))).unwrap();
            assert_synthetic(&ecg);
            assert_eq!(ecg.notices, [Notice::SamplingRateAssumed { assumed: 500.0 }]);
        }
    }

    #[test]
    fn decimal_commas_and_quotes() {
        let comma = |value: f32| value.to_string().replace('.', ",");
        for separator in [";", "\t", " "] {
            assert_synthetic(&read_text(table(separator, |_| String::new(), comma)).unwrap());
        }
        for quoted in [|value: f32| format!("\"{value}\""), |value: f32| format!("\"{value}\"").replace('.', ",")] {
            assert_synthetic(&read_text(table(",", |_| String::new(), quoted)).unwrap());
        }
        assert_synthetic(&read_text(table(",", |_| String::new(), |value| format!("'{value:e}'"))).unwrap());
    }

    #[test]
    fn byte_order_marks_line_ends_and_other_alphabets() {
        let text = format!(
            "{}\n{}",
            names(",", " [\u{b5}V]"),
            table(",", |_| String::new(), |mv| (mv * 1000.0).round().to_string())
        );
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let little = [vec![0xff, 0xfe], utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect()].concat();
        let big = [vec![0xfe, 0xff], utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect()].concat();
        let windows: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let (dos, mac) = (text.replace('\n', "\r\n"), text.replace('\n', "\r"));
        for bytes in
            [text.clone().into_bytes(), format!("\u{feff}{text}").into(), little, big, windows, dos.into(), mac.into()]
        {
            let ecg = read_text(bytes).unwrap();
            assert_synthetic(&ecg);
            assert_eq!(ecg.notices, [Notice::SamplingRateAssumed { assumed: 500.0 }]);
        }
    }

    #[test]
    fn times_give_the_sampling_rate() {
        let numbers = |before: &dyn Fn(usize) -> String| table(",", before, |value| value.to_string());
        let clock = |sample: usize| {
            let milliseconds = (12 * 3600 * 1000 + sample * 4) % 86_400_000;
            let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
            format!("{:02}:{:02}:{:02}.{rest:03},", seconds / 3600, seconds / 60 % 60, seconds % 60)
        };
        for (name, text) in [
            ("time (s)", numbers(&|sample| format!("{},", sample as f64 / 250.0))),
            ("t_ms", numbers(&|sample| format!("{},", sample * 4))),
            ("Time [us]", numbers(&|sample| format!("{},", sample * 4000))),
            ("time", numbers(&clock)),
            ("time", numbers(&|sample| format!("2020-05-12 {}", clock(sample)))),
        ] {
            let ecg = read_text(format!("{name},{}\n{text}", names(",", "/mV"))).unwrap();
            assert_synthetic(&ecg);
            assert_eq!((ecg.sampling_rate(), said(&ecg)), (250.0, String::new()), "{name}");
        }
        // Rounded to milliseconds, 360 Hz are steps of 2 and 3 ms; without a name the column is one too many.
        let ecg = read_text(numbers(&|sample| format!("{:.3},", sample as f64 / 360.0))).unwrap();
        assert_eq!(ecg.sampling_rate(), 360.0);
        assert!(said(&ecg).contains("unit of the times is not stated; s was assumed"), "{}", said(&ecg));
        let options = ReadOptions { sampling_rate: Some(100.0), ..ReadOptions::default() };
        let text = numbers(&|sample| format!("{},", sample * 4));
        assert_eq!(read_with(&text, &options).unwrap().sampling_rate(), 100.0);
        // Sample numbers give none.
        let ecg = read_text(numbers(&|sample| format!("{sample},"))).unwrap();
        assert_synthetic(&ecg);
        assert!(ecg.notices.contains(&Notice::SamplingRateAssumed { assumed: 500.0 }));
    }

    #[test]
    fn lines_before_the_table_say_rate_unit_and_person() {
        let microvolt = table(",", |_| String::new(), |mv| (mv * 1000.0).round().to_string());
        for hints in [
            "# sampling rate: 250 Hz\n# unit: uV; age: 63; sex: F\n# date: 2020-05-12 12:33:59\n# Name: Nobody\n",
            "Sample Rate,250 hertz\nUnit,\u{b5}V\nAge,63\nSex,Female\nRecorded Date,2020-05-12 12:33:59 +0200\n\n",
            "Abtastfrequenz,250 Hz\nEinheit,\u{b5}V\nAlter,63\nGeschlecht,weiblich\nDatum,12.05.2020 12:33:59\n\n",
        ] {
            let ecg = read_text(format!("{hints}{}\n{microvolt}", names(",", ""))).unwrap();
            assert_synthetic(&ecg);
            assert_eq!((ecg.sampling_rate(), said(&ecg)), (250.0, String::new()));
            let expected = (Some(63.0), Some(Sex::Female), Some("2020-05-12T12:33:59".to_owned()), None);
            assert_eq!((ecg.person.age, ecg.person.sex, ecg.person.recorded_at, ecg.person.id), expected);
        }
    }

    #[test]
    fn one_row_a_lead() {
        let row = |lead: &Vec<f32>| lead.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        let rows: Vec<String> = synthetic(SAMPLES).iter().map(row).collect();
        assert_synthetic(&read_text(rows.join("\n")).unwrap());
        let named: Vec<String> =
            Lead::ALL.iter().rev().zip(rows.iter().rev()).map(|(lead, row)| format!("{lead},{row}")).collect();
        let ecg = read_text(named.join("\n")).unwrap();
        assert_eq!(ecg.lead(Lead::V2).unwrap(), synthetic(SAMPLES)[7]);
        // With the numbers of columns and rows that a program adds.
        let columns: Vec<String> = (0..SAMPLES).map(|sample| sample.to_string()).collect();
        let numbered: Vec<String> = rows.iter().enumerate().map(|(number, row)| format!("{number},{row}")).collect();
        assert_synthetic(&read_text(format!(",{}\n{}", columns.join(","), numbered.join("\n"))).unwrap());
        let mut short = rows.clone();
        short[5] = "1,2,".repeat(50);
        assert_eq!(read_text(short.join("\n")).unwrap_err().code(), "damaged");
    }

    #[test]
    fn columns_that_are_no_leads_and_names_that_say_nothing() {
        let ecg = read_text(format!("{},RESP\n{}", names(",", ""), plain(",").replace('\n', ",7\n"))).unwrap();
        assert!(said(&ecg).contains("\"RESP\""), "{}", said(&ecg));
        assert_synthetic(&ecg);
        let channels = (1..=12).map(|number| format!("ch{number}")).collect::<Vec<_>>().join(",");
        let ecg = read_text(format!("{channels}\n{}", plain(","))).unwrap();
        assert!(ecg.notices.contains(&Notice::LeadOrderAssumed(Lead::ALL.to_vec())));
        assert_synthetic(&read_text(plain(",").replace('\n', ",\n")).unwrap());
        let ecg =
            read_text(format!("{}\n{}", names(",", ""), plain(",").replacen('1', "", 1).replacen(",0.", ",NaN,0.", 0)))
                .unwrap();
        assert_eq!(ecg.leads().len(), 12);
    }

    #[test]
    fn corrections_go_before_the_file() {
        let mut order = Lead::ALL.to_vec();
        order.reverse();
        let options = ReadOptions {
            unit: Some(Unit::AdcCounts { per_millivolt: 500.0 }),
            sampling_rate: Some(250.0),
            lead_order: Some(order),
        };
        let steps = table(",", |_| String::new(), |mv| (mv * 1000.0).round().to_string());
        let ecg = read_with(format!("{}\n{steps}", names(",", " (mV)")), &options).unwrap();
        let replaced = "the stated unit 500/mV replaces the file's, which makes the voltages 0.002 times as high\n\
                        the stated leads replace the file's, which are I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6";
        assert_eq!((ecg.sampling_rate(), said(&ecg).as_str()), (250.0, replaced));
        let expected: Vec<f32> = stored(SAMPLES)[0].iter().map(|&step| (f64::from(step) / 500.0) as f32).collect();
        assert_eq!(ecg.lead(Lead::V6).unwrap(), expected);
    }

    #[test]
    fn one_lead_and_what_is_no_ecg() {
        let numbers = (0..600).map(|number| format!("{}.5\n", number % 50)).collect::<String>();
        let watch = "Name,Nobody\nDate of Birth,\"1 Jan 1970\"\nRecorded Date,2020-05-12 12:33:59 +0200\n\
                     Classification,Sinus Rhythm\nSoftware Version,1.90\nDevice,\"Watch4,3\"\nSample Rate,512 hertz\n\n\n\
                     Lead,Lead I\nUnit,\u{b5}V\n\n";
        let two =
            |header: &str| format!("{header}\n{}", (0..600).map(|n| format!("{n},{}\n", n % 7)).collect::<String>());
        let three = (0..600).map(|n| format!("{},{},{}\n", n % 5, n % 7, n % 9)).collect::<String>();
        for (text, code, expected) in [
            (format!("{watch}{numbers}"), "too-few-leads", "one lead only, like the recordings of a watch"),
            (
                format!("Messrate,512 Hertz\nAbleitung,Ableitung I\nEinheit,\u{b5}V\n\n{}", numbers.replace('.', ",")),
                "too-few-leads",
                "one lead only",
            ),
            (two("time (ms),ECG I"), "too-few-leads", "one lead only"),
            (three.clone(), "too-few-leads", "3 signals without names"),
            (format!("age,height,weight\n{three}"), "not-an-ecg", "(\"signal 1\", \"signal 2\", \"signal 3\")"),
            (format!("Patient;Nobody\n{}", two("").replace(',', ";")), "not-an-ecg", "(\"signal 1\", \"signal 2\")"),
            (
                format!("{}1,2,x,4,5,6,7,8,9,10,11,12\n", plain(",")),
                "damaged",
                "line 601, column 3: a field is not a number",
            ),
            (format!("{}1,2,3\n", plain(",")), "damaged", "line 601: it has 3 fields"),
            ("Dear colleague, please find enclosed 12 leads.\n".repeat(30), "unknown-format", "a text file"),
        ] {
            let error = read_text(text).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.to_string().contains("Nobody"));
        }
    }

    proptest! {
        #[test]
        fn damaged_tables_never_panic(text in prop_oneof![
            damaged(format!("# fs: 500 Hz\ntime,{}\n{}", names(",", " (mV)"), table(",", |s| format!("{s},"), |mv| mv.to_string())).into_bytes()),
            damaged(plain(" ").into_bytes()),
        ]) {
            if let Err(error) = read_text(text) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn any_table_never_panics(text in "([0-9.,;: \t\n\"'\\[-]{0,200}(1,2,3\n|mV|I |time){0,5}){0,6}") {
            let table = "1,2,3,4,5,6,7,8\n".repeat(10);
            let _ = read_text(format!("{text}\n{table}{text}"));
        }
    }
}
