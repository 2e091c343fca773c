//! MATLAB files (`.mat`) of one ECG.
//!
//! # Overview
//! Research groups store ECGs as a matrix of 12 leads x samples or samples x 12 leads. Of the variables of a file, and
//! of the fields of its structs (the China Physiological Signal Challenge 2018 has `ECG.data`), the one of that shape is
//! read; where there are several, `val`, `ecg` and `data` go before others. Variables such as `fs`, `unit`, `age` and
//! `sex` are taken for what they say. Everything that is not said is assumed as for [NumPy arrays](super::npy), and said
//! in notices.
//!
//! The `.mat` files of the PhysioNet Challenges belong to [WFDB](super::wfdb): their gain is in the header beside them.
//!
//! # Encodings
//! The [published description](https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf) (The MathWorks, *MAT-File
//! Format*): version 4 and version 5, with and without compression (`-v6`, `-v7`), in both byte orders, all real numeric
//! classes. Version 7.3 (`-v7.3`) is HDF5 behind a block of 512 bytes, with the axes in the opposite order, structs as
//! groups and the class of each variable in an attribute. Cell arrays, sparse and complex matrices are not read.

use std::io::Read;

use flate2::read::ZlibDecoder;
use hdf5_pure::{AttrValue, Group};

use super::archive;
use super::date;
use super::error::Place;
use super::hdf5::{self, Numbers};
use super::matrix::{self, Axes, Stated};
use super::number::{Kind, Number};
use super::recording::{Recording, shortened};
use super::{Format, FormatError, ReadOptions, Source, Unit};
use crate::ecg::{Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["mat"], recognises, read };

const NAME: &str = "MATLAB";

/// The text, the version and the mark of the byte order before the first variable.
const HEADER_SIZE: usize = 128;

/// The compressed variables of a file may unpack to so many times its size, and this much more.
const MAXIMUM_RATIO: usize = 20;
const ALWAYS_UNPACKED: usize = 1 << 20;

/// Structs in structs are looked into as deep as this.
const MAXIMUM_DEPTH: u32 = 3;

/// Of a file of version 7.3 with more variables, no others are looked at.
const MOST_VARIABLES: usize = 256;

fn recognises(source: &Source<'_>) -> bool {
    Version::of(source.bytes).is_some()
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let mut found = Found { options, place, best: None, others: Vec::new(), largest: None, said: Said::default() };
    match Version::of(source.bytes) {
        Some(Version::Four { big_endian }) => read_version_4(source.bytes, big_endian, &mut found)?,
        Some(Version::Five { big_endian }) => read_version_5(source.bytes, big_endian, &mut found)?,
        Some(Version::Hdf5) => read_version_7_3(source.bytes, &mut found)?,
        None => {}
    }
    found.into_recording()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Four { big_endian: bool },
    Five { big_endian: bool },
    Hdf5,
}

impl Version {
    fn of(bytes: &[u8]) -> Option<Version> {
        if bytes.starts_with(b"MATLAB 7.3 MAT-file") {
            return Some(Version::Hdf5);
        }
        match bytes.get(124..HEADER_SIZE) {
            Some([0, 1, b'I', b'M']) => return Some(Version::Five { big_endian: false }),
            Some([1, 0, b'M', b'I']) => return Some(Version::Five { big_endian: true }),
            Some([0, 2, b'I', b'M'] | [2, 0, b'M', b'I']) => return Some(Version::Hdf5),
            _ => {}
        }
        let big_endian = [false, true].into_iter().find(|&big_endian| Matrix4::parse(bytes, big_endian).is_some())?;
        Some(Version::Four { big_endian })
    }
}

/// A variable that has been found: its shape and the bytes after it.
struct Variable<'a> {
    name: &'a str,
    shape: Vec<u64>,
    content: Content<'a>,
}

enum Content<'a> {
    Numbers { number: Number, bytes: &'a [u8] },
    Text(String),
}

/// What variables other than the ECG say.
#[derive(Default)]
struct Said {
    sampling_rate: Option<f64>,
    unit: Option<Unit>,
    person: Person,
}

/// What is known after some of the variables.
struct Found<'a> {
    options: &'a ReadOptions,
    place: Place<'a>,
    best: Option<Candidate>,
    /// Matrices that could be the ECG just as well.
    others: Vec<String>,
    /// The shape of the largest matrix that cannot be the ECG.
    largest: Option<Vec<u64>>,
    said: Said,
}

/// A matrix that can be the ECG.
struct Candidate {
    name: String,
    rank: usize,
    number: Number,
    axes: Axes,
    bytes: Vec<u8>,
}

/// How much a name speaks for the ECG; less is better.
fn rank(name: &str) -> usize {
    const NAMES: [&str; 3] = ["val", "ecg", "data"];
    NAMES.iter().position(|known| name.eq_ignore_ascii_case(known)).unwrap_or(NAMES.len())
}

impl Found<'_> {
    /// Takes from a variable what it says.
    fn visit(&mut self, variable: Variable<'_>) -> Result<(), FormatError> {
        let name: String = variable.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        match variable.content {
            Content::Text(text) => match name.as_str() {
                "sex" | "gender" => self.said.person.sex = self.said.person.sex.or(Sex::from_label(&text)),
                "unit" | "units" => self.said.unit = self.said.unit.or(Unit::from_symbol(&text)),
                _ => {}
            },
            Content::Numbers { number, bytes } if variable.shape.iter().all(|&length| length == 1) => {
                let Some(value) = number.read(bytes, 0) else { return Ok(()) };
                match name.as_str() {
                    "age" => self.said.person.age = self.said.person.age.or(date::age(value, "years")),
                    "fs" | "samplingrate" | "samplerate" | "samplingfrequency" | "samplefrequency" | "sfreq"
                    | "srate" | "currsamplerate" => self.said.sampling_rate = self.said.sampling_rate.or(Some(value)),
                    _ => {}
                }
            }
            Content::Numbers { number, bytes } => self.visit_matrix(variable.name, variable.shape, number, bytes)?,
        }
        Ok(())
    }

    fn visit_matrix(&mut self, name: &str, shape: Vec<u64>, number: Number, bytes: &[u8]) -> Result<(), FormatError> {
        let numbers = shape.iter().try_fold(1u64, |product, &length| product.checked_mul(length));
        let needed = numbers.and_then(|numbers| numbers.checked_mul(number.size as u64));
        if needed.is_none_or(|needed| needed > bytes.len() as u64) {
            let what = format!("the matrix {name} of the shape {shape:?}");
            return Err(self.place.truncated(what, needed.unwrap_or(u64::MAX), bytes.len() as u64));
        }
        let Ok(axes) = Axes::find(&shape, true, self.options, self.place) else {
            let size = |shape: &Vec<u64>| shape.iter().fold(1u64, |product, &length| product.saturating_mul(length));
            if self.largest.as_ref().is_none_or(|largest| size(largest) < size(&shape)) {
                self.largest = Some(shape);
            }
            return Ok(());
        };
        let rank = rank(name);
        match &self.best {
            Some(best) if best.rank < rank => {}
            Some(best) if best.rank == rank => self.others.push(name.to_owned()),
            _ => {
                self.others.clear();
                self.best = Some(Candidate { name: name.to_owned(), rank, number, axes, bytes: bytes.to_vec() });
            }
        }
        Ok(())
    }

    fn into_recording(self) -> Result<Recording, FormatError> {
        let Found { options, place, best, others, largest, said } = self;
        let Some(best) = best else {
            let shape = largest.ok_or_else(|| place.not_an_ecg("it has no matrix of real numbers"))?;
            Axes::find(&shape, true, options, place)?;
            return Err(place.not_an_ecg("it has no matrix of leads x samples"));
        };
        if let Some(rate) = said.sampling_rate.filter(|_| options.sampling_rate.is_none()) {
            place.sampling_rate(rate)?;
        }
        let stated = Stated { unit: said.unit, sampling_rate: said.sampling_rate, lead_order: false };
        let mut recording = matrix::read(&best.bytes, best.number, best.axes, stated, options, place)?;
        recording.person = said.person;
        if !others.is_empty() {
            let others = shortened(&others);
            let notice = format!("the matrix {} was read; {others} could be the ECG as well", best.name);
            recording.notices.push(Notice::File(notice));
        }
        Ok(recording)
    }
}

/// The head of a matrix in version 4.
struct Matrix4<'a> {
    name: &'a str,
    rows: u64,
    columns: u64,
    complex: bool,
    /// 0 = numbers, 1 = text, 2 = sparse.
    kind: u32,
    number: Number,
    /// The matrix and all after it.
    content: &'a [u8],
}

impl Matrix4<'_> {
    fn parse(bytes: &[u8], big_endian: bool) -> Option<Matrix4<'_>> {
        let word = |at: usize| word(bytes, at, big_endian);
        // In decimal digits: byte order, zero, number type, kind of matrix.
        let code = word(0)?.checked_sub(if big_endian { 1000 } else { 0 })?;
        let (kind, complex, name_length) = (code % 10, word(12)?, word(16)? as usize);
        if code > 52 || kind > 2 || complex > 1 || !(2..=64).contains(&name_length) {
            return None;
        }
        let number = match code / 10 {
            0 => Number::new(Kind::Float, 8, big_endian),
            1 => Number::new(Kind::Float, 4, big_endian),
            2 => Number::new(Kind::Signed, 4, big_endian),
            3 => Number::new(Kind::Signed, 2, big_endian),
            4 => Number::new(Kind::Unsigned, 2, big_endian),
            _ => Number::new(Kind::Unsigned, 1, big_endian),
        }?;
        let (name, content) = bytes.get(20..)?.split_at_checked(name_length)?;
        let name = std::str::from_utf8(name.strip_suffix(b"\0")?).ok()?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let (rows, columns) = (word(4)?.into(), word(8)?.into());
        is_name.then_some(Matrix4 { name, rows, columns, complex: complex == 1, kind, number, content })
    }
}

fn read_version_4(bytes: &[u8], big_endian: bool, found: &mut Found<'_>) -> Result<(), FormatError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let matrix = Matrix4::parse(rest, big_endian)
            .ok_or_else(|| found.place.damaged(format!("byte {at}"), "the head of a matrix is expected"))?;
        let parts = if matrix.complex { 2 } else { 1 };
        let needed = (matrix.rows.checked_mul(matrix.columns))
            .and_then(|numbers| numbers.checked_mul(matrix.number.size as u64 * parts));
        let length = needed.and_then(|needed| usize::try_from(needed).ok()).unwrap_or(usize::MAX);
        let (own, after) = matrix.content.split_at_checked(length).ok_or_else(|| {
            let what = format!("the matrix {} of {} x {} numbers", matrix.name, matrix.rows, matrix.columns);
            found.place.truncated(what, needed.unwrap_or(u64::MAX), matrix.content.len() as u64)
        })?;
        rest = after;
        let shape = vec![matrix.rows, matrix.columns];
        let content = match matrix.kind {
            0 if !matrix.complex => Content::Numbers { number: matrix.number, bytes: own },
            1 => Content::Text(text(matrix.number, own)),
            _ => continue,
        };
        found.visit(Variable { name: matrix.name, shape, content })?;
    }
    Ok(())
}

/// A short text, stored as one number a character.
fn text(number: Number, bytes: &[u8]) -> String {
    const LONGEST: usize = 100;
    let codes = (0..LONGEST).map_while(|index| number.read(bytes, index));
    codes.filter_map(|code| char::from_u32(code as u32)).collect()
}

fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let four = *bytes.get(at..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
}

fn read_version_7_3(bytes: &[u8], found: &mut Found<'_>) -> Result<(), FormatError> {
    let file = hdf5::open(bytes, found.place)?;
    let mut budget = Budget { variables: MOST_VARIABLES, bytes: archive::allowed(bytes.len() as u64) };
    visit_group(&file.root(), 0, &mut budget, found)
}

/// What may still be read of a file of version 7.3.
struct Budget {
    variables: usize,
    bytes: u64,
}

/// Looks at the variables of a file of version 7.3, or at the fields of a struct in it.
fn visit_group(group: &Group, depth: u32, budget: &mut Budget, found: &mut Found<'_>) -> Result<(), FormatError> {
    let place = found.place;
    let damaged = |error: hdf5_pure::Error| place.damaged("the list of its variables", error.to_string());
    for name in group.datasets().map_err(damaged)? {
        let Some(left) = budget.variables.checked_sub(1) else { return Ok(()) };
        budget.variables = left;
        let dataset = group.dataset(&name).map_err(damaged)?;
        let attributes = dataset.attrs().unwrap_or_default();
        // An empty matrix is stored as its shape; of cells and other objects there are only references.
        if attributes.contains_key("MATLAB_empty") {
            continue;
        }
        let is_text = attributes.get("MATLAB_class").and_then(AttrValue::as_str) == Some("char");
        let Some(numbers) = Numbers::read(&name, dataset, budget.bytes, place)? else { continue };
        budget.bytes = budget.bytes.saturating_sub(numbers.bytes.len() as u64);
        let Numbers { mut shape, number, bytes } = numbers;
        shape.reverse();
        let content = match is_text {
            true => Content::Text(text(number, &bytes)),
            false => Content::Numbers { number, bytes: &bytes },
        };
        found.visit(Variable { name: &name, shape, content })?;
    }
    if depth == MAXIMUM_DEPTH {
        return Ok(());
    }
    // `#refs#` and `#subsystem#` hold what cells and objects refer to.
    for name in group.groups().map_err(damaged)?.into_iter().filter(|name| !name.starts_with('#')) {
        let Some(left) = budget.variables.checked_sub(1) else { return Ok(()) };
        budget.variables = left;
        visit_group(&group.group(&name).map_err(damaged)?, depth + 1, budget, found)?;
    }
    Ok(())
}

/// One data element of version 5: its type and its bytes.
struct Element<'a> {
    kind: u32,
    bytes: &'a [u8],
}

const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;

/// Takes elements from the front of some bytes.
struct Elements<'a> {
    rest: &'a [u8],
    big_endian: bool,
}

/// An element that is cut off: the bytes that it needs, and those that are there.
struct CutOff {
    needed: u64,
    available: u64,
}

impl<'a> Elements<'a> {
    fn next(&mut self) -> Result<Element<'a>, CutOff> {
        let cut_off = |needed: usize, available: usize| CutOff { needed: needed as u64, available: available as u64 };
        let all = self.rest;
        let (Some(kind), second) = (word(all, 0, self.big_endian), word(all, 4, self.big_endian)) else {
            return Err(cut_off(8, all.len()));
        };
        // Up to four bytes are stored inside the tag, with their number in the upper half of the type.
        let (kind, begin, length) = match (kind >> 16, second) {
            (0, Some(length)) => (kind, 8, usize::try_from(length).unwrap_or(usize::MAX)),
            (length @ 1..=4, Some(_)) => (kind & 0xffff, 4, length as usize),
            _ => return Err(cut_off(8, all.len())),
        };
        let end = length.saturating_add(begin);
        let bytes = all.get(begin..end).ok_or_else(|| cut_off(end, all.len()))?;
        // Elements begin at multiples of eight bytes, but for compressed ones.
        let next = if kind == COMPRESSED { end } else { end.next_multiple_of(8) };
        self.rest = all.get(next..).unwrap_or_default();
        Ok(Element { kind, bytes })
    }
}

fn read_version_5(bytes: &[u8], big_endian: bool, found: &mut Found<'_>) -> Result<(), FormatError> {
    let mut elements = Elements { rest: bytes.get(HEADER_SIZE..).unwrap_or_default(), big_endian };
    let mut budget = bytes.len().saturating_mul(MAXIMUM_RATIO).saturating_add(ALWAYS_UNPACKED);
    // Fewer than eight bytes at the end are padding.
    while elements.rest.len() >= 8 {
        let at = format!("byte {}", bytes.len() - elements.rest.len());
        let cut_off = |place: Place<'_>, CutOff { needed, available }: CutOff| {
            place.truncated(format!("the variable at {at}"), needed, available)
        };
        let element = elements.next().map_err(|error| cut_off(found.place, error))?;
        match element.kind {
            MATRIX => visit_matrix(None, element.bytes, big_endian, 0, &at, found)?,
            COMPRESSED => {
                let unpacked = unpack(element.bytes, &mut budget, &at, found.place)?;
                let mut inner = Elements { rest: &unpacked, big_endian };
                let element = inner.next().map_err(|error| cut_off(found.place, error))?;
                if element.kind == MATRIX {
                    visit_matrix(None, element.bytes, big_endian, 0, &at, found)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn unpack(bytes: &[u8], budget: &mut usize, at: &str, place: Place<'_>) -> Result<Vec<u8>, FormatError> {
    let mut unpacked = Vec::new();
    let read = ZlibDecoder::new(bytes).take(*budget as u64 + 1).read_to_end(&mut unpacked);
    read.map_err(|error| place.damaged(at, format!("the compressed variable cannot be unpacked ({error})")))?;
    *budget = budget.checked_sub(unpacked.len()).ok_or_else(|| FormatError::TooLarge {
        file: place.file.to_owned(),
        size: "compressed variables that unpack to more".to_owned(),
        limit: format!("{MAXIMUM_RATIO} times the size of the file"),
    })?;
    Ok(unpacked)
}

/// Looks at a matrix element of version 5: flags, dimensions, name, and what its class brings. A field of a struct has
/// its name from there.
fn visit_matrix(
    field: Option<&str>,
    bytes: &[u8],
    big_endian: bool,
    depth: u32,
    at: &str,
    found: &mut Found<'_>,
) -> Result<(), FormatError> {
    const COMPLEX: u32 = 0x0800;
    // An empty element is an empty matrix.
    if bytes.is_empty() || depth > MAXIMUM_DEPTH {
        return Ok(());
    }
    let mut parts = Elements { rest: bytes, big_endian };
    let place = found.place;
    let mut next = || {
        parts.next().map_err(|CutOff { needed, available }| {
            place.damaged(at, format!("a part of {needed} bytes in a matrix that has {available} bytes left"))
        })
    };
    let flags = word(next()?.bytes, 0, big_endian).unwrap_or(0);
    let class = flags & 0xff;
    // The class 17 (objects of MATLAB) has no dimensions.
    if class == 17 {
        return Ok(());
    }
    let lengths = next()?.bytes.chunks_exact(4).map(|length| word(length, 0, big_endian).map_or(0, u64::from));
    let shape: Vec<u64> = lengths.take(8).collect();
    let own_name = next()?.bytes;
    let own_name = String::from_utf8_lossy(own_name);
    let name = field.unwrap_or(own_name.trim_end_matches('\0'));
    match class {
        // A struct: the space for a name, the names, and the fields, one after the other.
        2 if shape.iter().all(|&length| length == 1) => {
            let space = word(next()?.bytes, 0, big_endian).unwrap_or(0) as usize;
            let names = next()?.bytes;
            if space == 0 {
                return Ok(());
            }
            for field in names.chunks_exact(space) {
                let element = next()?;
                let field = field.split(|&byte| byte == 0).next().unwrap_or_default();
                if element.kind == MATRIX {
                    let field = String::from_utf8_lossy(field);
                    visit_matrix(Some(&field), element.bytes, big_endian, depth + 1, at, found)?;
                }
            }
            Ok(())
        }
        4 | 6..=15 if flags & COMPLEX == 0 => {
            let Element { kind, bytes } = next()?;
            let Some(number) = number(kind, big_endian) else { return Ok(()) };
            let content = match class {
                4 => Content::Text(text(number, bytes)),
                _ => Content::Numbers { number, bytes },
            };
            found.visit(Variable { name, shape, content })
        }
        _ => Ok(()),
    }
}

/// The number behind a data type of version 5. Whole numbers are stored as short as they can be, whatever the class.
fn number(kind: u32, big_endian: bool) -> Option<Number> {
    let (kind, size) = match kind {
        1 => (Kind::Signed, 1),
        // Text in UTF-8, of which only ASCII matters here.
        2 | 16 => (Kind::Unsigned, 1),
        3 => (Kind::Signed, 2),
        4 | 17 => (Kind::Unsigned, 2),
        5 => (Kind::Signed, 4),
        6 | 18 => (Kind::Unsigned, 4),
        7 => (Kind::Float, 4),
        9 => (Kind::Float, 8),
        12 => (Kind::Signed, 8),
        13 => (Kind::Unsigned, 8),
        _ => return None,
    };
    Number::new(kind, size, big_endian)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Ecg, Lead};
    use crate::format::NoCompanions;
    use crate::format::testing::{damaged, stored, synthetic};
    use flate2::{Compression, write::ZlibEncoder};
    use hdf5_pure::{DatasetBuilder, FileBuilder};
    use proptest::prelude::*;
    use std::io::Write;

    /// Writes in one of the byte orders.
    #[derive(Clone, Copy)]
    struct Writer {
        big_endian: bool,
    }

    impl Writer {
        fn in_order(self, mut bytes: Vec<u8>) -> Vec<u8> {
            if self.big_endian {
                bytes.reverse();
            }
            bytes
        }

        fn word(self, word: u32) -> Vec<u8> {
            self.in_order(word.to_le_bytes().to_vec())
        }

        fn element(self, kind: u32, bytes: &[u8]) -> Vec<u8> {
            if kind != MATRIX && (1..=4).contains(&bytes.len()) {
                let tag = self.word((bytes.len() as u32) << 16 | kind);
                return [&tag, bytes, &vec![0; 4 - bytes.len()]].concat();
            }
            let padding = vec![0; bytes.len().next_multiple_of(8) - bytes.len()];
            [&self.word(kind), &self.word(bytes.len() as u32), bytes, &padding].concat()
        }

        /// The numbers as this data type of version 5.
        fn numbers(self, kind: u32, values: &[f64]) -> Vec<u8> {
            let one = |&value: &f64| match kind {
                1 => (value as i8).to_le_bytes().to_vec(),
                2 => (value as u8).to_le_bytes().to_vec(),
                3 => (value as i16).to_le_bytes().to_vec(),
                4 => (value as u16).to_le_bytes().to_vec(),
                5 => (value as i32).to_le_bytes().to_vec(),
                6 => (value as u32).to_le_bytes().to_vec(),
                7 => (value as f32).to_le_bytes().to_vec(),
                9 => value.to_le_bytes().to_vec(),
                12 => (value as i64).to_le_bytes().to_vec(),
                13 => (value as u64).to_le_bytes().to_vec(),
                _ => panic!("no such type"),
            };
            values.iter().flat_map(|value| self.in_order(one(value))).collect()
        }

        fn head(self, name: &str, flags: u32, rows: u32, columns: u32) -> Vec<u8> {
            let flags = self.element(6, &[self.word(flags), self.word(0)].concat());
            let shape = self.element(5, &[self.word(rows), self.word(columns)].concat());
            [flags, shape, self.element(1, name.as_bytes())].concat()
        }

        fn matrix(self, name: &str, flags: u32, shape: (u32, u32), kind: u32, values: &[f64]) -> Vec<u8> {
            let numbers = self.element(kind, &self.numbers(kind, values));
            self.element(MATRIX, &[self.head(name, flags, shape.0, shape.1), numbers].concat())
        }

        fn text(self, name: &str, text: &str) -> Vec<u8> {
            let codes: Vec<f64> = text.bytes().map(f64::from).collect();
            self.matrix(name, 4, (1, text.len() as u32), 4, &codes)
        }

        fn structure(self, name: &str, fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
            let mut names = Vec::new();
            for (field, _) in fields {
                names.extend(field.bytes().chain(std::iter::repeat(0)).take(32));
            }
            let parts = [self.head(name, 2, 1, 1), self.element(5, &self.word(32)), self.element(1, &names)].concat();
            let fields: Vec<u8> = fields.iter().flat_map(|(_, field)| field.clone()).collect();
            self.element(MATRIX, &[parts, fields].concat())
        }

        fn file(self, compressed: bool, variables: &[Vec<u8>]) -> Vec<u8> {
            let mut file = b"MATLAB 5.0 MAT-file, made by hand".to_vec();
            file.resize(124, b' ');
            file.extend(if self.big_endian { [1, 0, b'M', b'I'] } else { [0, 1, b'I', b'M'] });
            for variable in variables {
                if !compressed {
                    file.extend(variable);
                    continue;
                }
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(variable).unwrap();
                let packed = encoder.finish().unwrap();
                file.extend([self.word(COMPRESSED), self.word(packed.len() as u32), packed].concat());
            }
            file
        }

        fn version_4(self, name: &str, kind: u32, rows: u32, columns: u32, values: &[f64]) -> Vec<u8> {
            let code = kind * 10 + if self.big_endian { 1000 } else { 0 };
            let head = [code, rows, columns, 0, name.len() as u32 + 1].map(|word| self.word(word)).concat();
            let kind = [9, 7, 5, 3, 4, 2][kind as usize];
            [&head, name.as_bytes(), b"\0", &self.numbers(kind, values)].concat()
        }
    }

    const WRITERS: [Writer; 2] = [Writer { big_endian: false }, Writer { big_endian: true }];

    /// Twelve leads as the columns of a matrix, one after the other.
    fn leads(samples: usize) -> Vec<f64> {
        synthetic(samples).into_iter().flatten().map(f64::from).collect()
    }

    fn steps(samples: usize) -> Vec<f64> {
        stored(samples).into_iter().flatten().map(f64::from).collect()
    }

    fn read_file(bytes: &[u8]) -> Result<Ecg, FormatError> {
        crate::format::read("x.mat", bytes, &NoCompanions, &ReadOptions::default())
    }

    fn assert_equal(ecg: &Ecg, expected: &[Vec<f32>]) {
        assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
        for ((_, samples), expected) in ecg.leads().iter().zip(expected) {
            assert_eq!(samples, expected);
        }
    }

    #[test]
    fn every_class_in_both_byte_orders_with_and_without_compression() {
        for writer in WRITERS {
            for compressed in [false, true] {
                // Class and data type; a matrix of doubles that are whole may be stored as short numbers.
                for (class, kind) in [(6, 9), (7, 7), (10, 3), (12, 5), (14, 12), (6, 3), (6, 5)] {
                    let values = if matches!(kind, 7 | 9) { leads(600) } else { steps(600) };
                    let rate = writer.matrix("fs", 6, (1, 1), 4, &[250.0]);
                    let matrix = writer.matrix("ecg", class, (600, 12), kind, &values);
                    let other = writer.matrix("other", 6, (2, 2), 9, &[0.0; 4]);
                    let ecg = read_file(&writer.file(compressed, &[other, matrix, rate])).unwrap();
                    assert_equal(&ecg, &synthetic(600));
                    assert_eq!(ecg.sampling_rate(), 250.0);
                    let unit = if matches!(kind, 7 | 9) { "mV" } else { "µV" };
                    assert!(ecg.notices[1].to_string().contains(unit), "{:?}", ecg.notices);
                }
                for (class, kind) in [(8, 1), (9, 2), (11, 4), (13, 6), (15, 13)] {
                    let values: Vec<f64> = steps(600).iter().map(|step| (step / 20.0).round().max(0.0)).collect();
                    let file = writer.file(compressed, &[writer.matrix("x", class, (600, 12), kind, &values)]);
                    let ecg = read_file(&file).unwrap();
                    let read: Vec<f64> = ecg.leads()[3].1.iter().map(|&mv| (f64::from(mv) * 1000.0).round()).collect();
                    assert_eq!(read, values[1800..2400], "class {class}");
                }
            }
        }
    }

    #[test]
    fn version_4_in_both_byte_orders() {
        for writer in WRITERS {
            for kind in [0, 1, 2, 3] {
                let values = if kind < 2 { leads(600) } else { steps(600) };
                let file = [writer.version_4("rate", 0, 1, 1, &[7.0]), writer.version_4("m", kind, 600, 12, &values)];
                assert_equal(&read_file(&file.concat()).unwrap(), &synthetic(600));
            }
            let whole =
                [writer.version_4("a", 4, 2, 2, &[1.0; 4]), writer.version_4("m", 3, 600, 12, &steps(600))].concat();
            assert_eq!(read_file(&whole[..5000]).unwrap_err().code(), "truncated");
            assert_eq!(read_file(&[&whole, &[0; 30][..]].concat()).unwrap_err().code(), "damaged");
        }
    }

    #[test]
    fn leads_may_be_rows_and_fields_of_a_struct() {
        for writer in WRITERS {
            let by_sample: Vec<f64> = (0..600)
                .flat_map(|sample| synthetic(600).into_iter().map(move |lead| f64::from(lead[sample])))
                .collect();
            let data = writer.matrix("", 6, (12, 600), 9, &by_sample);
            let fields = [
                ("sex", writer.text("", "Female")),
                ("age", writer.matrix("", 6, (1, 1), 2, &[74.0])),
                ("unit", writer.text("", "mV")),
                ("data", data),
            ];
            let ecg = read_file(&writer.file(true, &[writer.structure("ECG", &fields)])).unwrap();
            assert_equal(&ecg, &synthetic(600));
            assert_eq!((ecg.person.age, ecg.person.sex), (Some(74.0), Some(Sex::Female)));
            assert_eq!(ecg.notices.len(), 2, "{:?}", ecg.notices);
        }
    }

    /// A file of version 7.3 with these variables and the header of 128 bytes before it.
    fn version_7_3(fill: impl FnOnce(&mut FileBuilder)) -> Vec<u8> {
        let mut builder = FileBuilder::new();
        builder.with_userblock(512);
        fill(&mut builder);
        let mut file = builder.finish().unwrap();
        file[..HEADER_SIZE].fill(b' ');
        file[..19].copy_from_slice(b"MATLAB 7.3 MAT-file");
        file[124..HEADER_SIZE].copy_from_slice(&[0, 2, b'I', b'M']);
        file
    }

    fn characters(dataset: &mut DatasetBuilder, text: &str) {
        let codes: Vec<u16> = text.encode_utf16().collect();
        dataset.with_u16_data(&codes).with_shape(&[codes.len() as u64, 1]);
        dataset.set_attr("MATLAB_class", AttrValue::AsciiString("char".to_owned()));
    }

    #[test]
    fn version_7_3_is_read_back() {
        // 600 rows of 12 columns lie in the order of the columns, with the lengths turned round.
        let samples = leads(600);
        let file = version_7_3(|builder| {
            let matrix = builder.create_dataset("val");
            matrix.with_f64_data(&samples).with_shape(&[12, 600]).with_chunks(&[12, 200]).with_deflate(6);
            matrix.set_attr("MATLAB_class", AttrValue::AsciiString("double".to_owned()));
            builder.create_dataset("fs").with_f64_data(&[400.0]).with_shape(&[1, 1]);
            characters(builder.create_dataset("unit"), "mV");
            let empty = builder.create_dataset("comment");
            empty.with_u64_data(&[0, 0]).set_attr("MATLAB_empty", AttrValue::U8(1));
        });
        let ecg = read_file(&file).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples()), (400.0, 600));
        assert!(ecg.leads().iter().map(|(_, samples)| samples).eq(&synthetic(600)));
        assert_eq!(ecg.notices, [Notice::LeadOrderAssumed(Lead::ALL.to_vec())]);
    }

    #[test]
    fn structs_of_version_7_3_are_groups() {
        let samples = leads(600);
        let file = version_7_3(|builder| {
            let mut fields = builder.create_group("ECG");
            fields.create_dataset("data").with_f64_data(&samples).with_shape(&[12, 600]);
            fields.create_dataset("age").with_f64_data(&[63.0]).with_shape(&[1, 1]);
            characters(fields.create_dataset("sex"), "Female");
            builder.add_group(fields.finish());
            let mut references = builder.create_group("#refs#");
            references.create_dataset("val").with_f64_data(&[0.0; 12 * 600]).with_shape(&[12, 600]);
            builder.add_group(references.finish());
        });
        let ecg = read_file(&file).unwrap();
        assert_eq!((ecg.person.age, ecg.person.sex), (Some(63.0), Some(Sex::Female)));
        assert!(ecg.leads().iter().map(|(_, samples)| samples).eq(&synthetic(600)));
    }

    #[test]
    fn the_matrix_is_chosen_by_name_then_by_place() {
        let writer = WRITERS[0];
        let zeros = vec![0.0; 12 * 700];
        let first = writer.matrix("a", 6, (700, 12), 9, &zeros);
        let named = writer.matrix("Val", 6, (600, 12), 9, &leads(600));
        let ecg = read_file(&writer.file(false, &[first.clone(), named])).unwrap();
        assert_eq!(ecg.samples(), 600);
        let second = writer.matrix("b", 6, (600, 12), 9, &leads(600));
        let ecg = read_file(&writer.file(false, &[second, first])).unwrap();
        let said = ecg.notices.last().unwrap().to_string();
        assert_eq!((ecg.samples(), said.as_str()), (600, "the matrix b was read; a could be the ECG as well"));
    }

    #[test]
    fn what_is_not_read_is_answered() {
        let writer = WRITERS[0];
        let small = writer.matrix("x", 6, (3, 5), 9, &[0.0; 15]);
        let complex = writer.matrix("x", 0x0806, (600, 12), 9, &leads(600));
        let rate = writer.matrix("fs", 6, (1, 1), 9, &[-1.0]);
        let matrix = writer.matrix("x", 6, (600, 12), 9, &leads(600));
        let mut cut = writer.file(false, std::slice::from_ref(&matrix));
        cut.truncate(5000);
        let mut garbled = writer.file(true, std::slice::from_ref(&matrix));
        garbled[136..200].fill(0xff);
        for (file, code, expected) in [
            (b"MATLAB 7.3 MAT-file, HDF5".to_vec(), "damaged", "the beginning"),
            (version_7_3(|_| {}), "not-an-ecg", "no matrix of real numbers"),
            (writer.file(false, &[small]), "too-few-leads", "the shape [3, 5]"),
            (writer.file(false, &[complex]), "not-an-ecg", "no matrix of real numbers"),
            (writer.file(false, &[rate, matrix]), "sampling-rate", "-1 Hz"),
            (cut, "truncated", "the variable at byte 128"),
            (garbled, "damaged", "byte 128: the compressed variable cannot be unpacked"),
            (writer.file(true, &[writer.matrix("x", 6, (100, 20_000), 1, &[0.0; 2_000_000])]), "too-large", "20 times"),
        ] {
            let error = read_file(&file).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(file in prop_oneof![
            damaged(WRITERS[0].file(false, &[WRITERS[0].matrix("ecg", 6, (50, 12), 3, &steps(50))])),
            damaged(WRITERS[1].file(true, &[WRITERS[1].structure("s", &[("ecg", WRITERS[1].matrix("", 6, (50, 12), 3, &steps(50)))])])),
            damaged(WRITERS[0].version_4("ecg", 3, 50, 12, &steps(50))),
            damaged(version_7_3(|builder| {
                builder.create_dataset("ecg").with_f64_data(&leads(50)).with_shape(&[12, 50]);
            })),
        ]) {
            if let Err(error) = read_file(&file) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
