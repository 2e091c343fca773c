//! NumPy arrays (`.npy`) of one ECG, or of several.
//!
//! # Overview
//! Researchers store ECGs as bare arrays: 12 leads x samples, samples x 12 leads, or either with further axes of length
//! one; eight leads are taken as I, II, V1 to V6. An array of three axes, of which the first one counts ECGs, is a
//! [`Collection`](super::Collection); each of its ECGs is read by itself, so that its size does not matter. The file has no name, unit or rate. Unless the user states them in
//! [`ReadOptions`]:
//!
//! - the leads are in the usual order: [`Notice::LeadOrderAssumed`](crate::ecg::Notice::LeadOrderAssumed);
//! - the rate is 500 Hz, or the one that makes 1000, 1250, 2000, 2500, 4000, 4096 or 10,000 samples ten seconds:
//!   [`Notice::SamplingRateAssumed`](crate::ecg::Notice::SamplingRateAssumed);
//! - the unit is the one in which the QRS complexes are about 1 mV high:
//!   [`Notice::UnitAssumed`](crate::ecg::Notice::UnitAssumed); values of mean 0 and deviation 1 are standardised.
//!
//! # Encodings
//! Versions 1 to 3 of the
//! [format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), floating point of 2, 4 and 8 bytes
//! and integers of 1 to 8 bytes in either byte order, C and Fortran order. Python objects, records, complex numbers and
//! text are refused.

use super::bytes::Bytes;
use super::error::Place;
use super::matrix::{self, Axes, Stated};
use super::number::{Kind, Number};
use super::recording::Recording;
use super::{Format, FormatError, ReadOptions, Source, check_size};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["npy"], recognises, read };

pub(super) const NAME: &str = "NumPy";

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy itself refuses to read longer ones.
const MAXIMUM_HEADER_SIZE: usize = 10_000;

fn recognises(source: &Source<'_>) -> bool {
    source.bytes.starts_with(MAGIC)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let Array { header, number, start } = Array::parse(source.bytes, source.bytes.len() as u64, place)?;
    if Axes::of_several(&header.shape).is_some() {
        return Err(place.several(header.shape.first().copied().unwrap_or(0)));
    }
    let data = usize::try_from(start).ok().and_then(|start| source.bytes.get(start..)).unwrap_or_default();
    let axes = Axes::find(&header.shape, header.fortran_order, options, place)?;
    matrix::read(data, number, axes, Stated::default(), options, place)
}

/// An array whose numbers are all there.
struct Array {
    header: Header,
    number: Number,
    /// The byte at which the numbers begin.
    start: u64,
}

impl Array {
    /// Reads the header at the beginning of a file of this length.
    fn parse(beginning: &[u8], length: u64, place: Place<'_>) -> Result<Array, FormatError> {
        let (text, start) = header_text(beginning, place)?;
        let header = Header::parse(text)
            .map_err(|error| place.damaged(format!("byte {}", start - text.len() + error.at), error.reason))?;
        let number = number(&header.element).ok_or_else(|| {
            place.unsupported("the header", format!("the element type {:?}", header.element), "save it as float32")
        })?;
        let start = start as u64;
        let numbers = header.shape.iter().try_fold(1u64, |product, &length| product.checked_mul(length));
        let needed = numbers.and_then(|numbers| numbers.checked_mul(number.size as u64));
        let available = length.saturating_sub(start);
        if needed.is_none_or(|needed| needed > available) {
            let what = format!("the array {:?}", header.shape);
            return Err(place.truncated(what, needed.unwrap_or(u64::MAX), available));
        }
        Ok(Array { header, number, start })
    }
}

/// An array of several ECGs.
pub(super) struct Several<'a> {
    bytes: Bytes<'a>,
    array: Array,
    /// The lengths of the axes of one ECG.
    inner: Vec<u64>,
    /// The bytes of one ECG.
    size: u64,
    pub count: u64,
}

impl<'a> Several<'a> {
    /// The several ECGs of a file; `None` where it holds one, or something else.
    pub fn open(name: &str, bytes: &Bytes<'a>) -> Option<Several<'a>> {
        let place = Place { file: name, format: NAME };
        let beginning = bytes.part(0, MAXIMUM_HEADER_SIZE as u64 + 12).ok()?;
        let array = Array::parse(&beginning, bytes.length(), place).ok()?;
        let inner = Axes::of_several(&array.header.shape)?.to_vec();
        let count = array.header.shape.first().copied()?;
        let numbers = inner.iter().try_fold(array.number.size as u64, |product, &length| product.checked_mul(length));
        Some(Several { bytes: bytes.clone(), array, inner, size: numbers?, count })
    }

    /// Reads the ECG with this number.
    pub fn read(&self, index: u64, options: &ReadOptions, place: Place<'_>) -> Result<Recording, FormatError> {
        if self.array.header.fortran_order {
            let remedy = "save the array in C order, with numpy.ascontiguousarray";
            return Err(place.unsupported("the header", "an array of several ECGs in Fortran order", remedy));
        }
        check_size(place.file, self.size)?;
        let start = self.size.checked_mul(index).and_then(|before| self.array.start.checked_add(before));
        let data = self.bytes.part(start.unwrap_or(u64::MAX), self.size);
        let data = data.map_err(|source| FormatError::Io { file: place.file.to_owned(), source })?;
        if (data.len() as u64) < self.size {
            return Err(place.truncated(format!("ECG {index}"), self.size, data.len() as u64));
        }
        let axes = Axes::find(&self.inner, false, options, place)?;
        matrix::read(&data, self.array.number, axes, Stated::default(), options, place)
    }
}

/// The text of the header, and the byte at which the numbers begin.
fn header_text<'a>(bytes: &'a [u8], place: Place<'_>) -> Result<(&'a str, usize), FormatError> {
    let byte = |at: usize| bytes.get(at).map(|&byte| usize::from(byte));
    let short = |needed: usize| place.truncated("the header", needed as u64, bytes.len() as u64);
    let version = byte(6).ok_or_else(|| short(10))?;
    let (begin, length) = match version {
        1 => (10, byte(8).zip(byte(9)).map(|(low, high)| high << 8 | low)),
        2 | 3 => {
            let length = bytes.get(8..).and_then(|rest| rest.first_chunk()).map(|four| u32::from_le_bytes(*four));
            (12, length.map(|length| usize::try_from(length).unwrap_or(usize::MAX)))
        }
        _ => return Err(place.unsupported("byte 6", format!("version {version} of the format"), "save it again")),
    };
    let length = length.ok_or_else(|| short(begin))?;
    if length > MAXIMUM_HEADER_SIZE {
        return Err(place.damaged("byte 8", format!("a header of {length} bytes is claimed")));
    }
    let end = begin + length;
    let text = bytes.get(begin..end).ok_or_else(|| short(end))?;
    let text = std::str::from_utf8(text)
        .map_err(|error| place.damaged(format!("byte {}", begin + error.valid_up_to()), "the header is not text"))?;
    Ok((text, end))
}

/// The element type behind a NumPy code such as `<f4`.
fn number(code: &str) -> Option<Number> {
    let mut characters = code.chars();
    let big_endian = match characters.next()? {
        '<' | '|' | '=' => false,
        '>' => true,
        _ => return None,
    };
    let kind = match characters.next()? {
        'f' => Kind::Float,
        'i' => Kind::Signed,
        'u' => Kind::Unsigned,
        _ => return None,
    };
    Number::new(kind, characters.as_str().parse().ok()?, big_endian)
}

/// The header: a Python dictionary of three entries.
#[derive(Debug, PartialEq)]
struct Header {
    element: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// What is wrong in the header, and at which byte of it.
#[derive(Debug, PartialEq)]
struct HeaderError {
    at: usize,
    reason: String,
}

impl Header {
    fn parse(text: &str) -> Result<Header, HeaderError> {
        let mut parser = Parser { text, at: 0 };
        let (mut element, mut fortran_order, mut shape) = (None, None, None);
        parser.expect('{')?;
        while !parser.take('}') {
            let key = parser.string()?;
            parser.expect(':')?;
            match key {
                "descr" => element = Some(parser.element()?.to_owned()),
                "fortran_order" => fortran_order = Some(parser.boolean()?),
                "shape" => shape = Some(parser.shape()?),
                _ => return parser.error(format!("the unknown entry {key:?}")),
            }
            if !parser.take(',') {
                parser.expect('}')?;
                break;
            }
        }
        match (element, fortran_order, shape) {
            (Some(element), Some(fortran_order), Some(shape)) => Ok(Header { element, fortran_order, shape }),
            _ => parser.error("one of 'descr', 'fortran_order' and 'shape' is missing"),
        }
    }
}

/// Reads the few kinds of Python literals that a header may have. It keeps no nesting, so that none is too deep.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    /// What follows, without white space before it.
    fn rest(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn error<T>(&self, reason: impl Into<String>) -> Result<T, HeaderError> {
        Err(HeaderError { at: self.at, reason: reason.into() })
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.rest().starts_with(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    fn expect(&mut self, character: char) -> Result<(), HeaderError> {
        if self.take(character) { Ok(()) } else { self.error(format!("{character:?} is expected")) }
    }

    fn string(&mut self) -> Result<&'a str, HeaderError> {
        let rest = self.rest();
        let quote = if rest.starts_with('"') { '"' } else { '\'' };
        let content = rest.strip_prefix(quote).and_then(|rest| rest.split_once(quote));
        let Some((content, _)) = content else { return self.error("a text in quotes is expected") };
        self.at += content.len() + 2;
        Ok(content)
    }

    fn element(&mut self) -> Result<&'a str, HeaderError> {
        // A list describes the fields of a record.
        if self.rest().starts_with('[') {
            self.error("an array of records, which is not an ECG")
        } else {
            self.string()
        }
    }

    fn boolean(&mut self) -> Result<bool, HeaderError> {
        for (word, value) in [("True", true), ("False", false)] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.error("True or False is expected")
    }

    fn shape(&mut self) -> Result<Vec<u64>, HeaderError> {
        let mut shape = Vec::new();
        self.expect('(')?;
        while !self.take(')') {
            let rest = self.rest();
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let Ok(length) = rest[..digits].parse() else { return self.error("a length is expected") };
            shape.push(length);
            self.at += digits;
            // Python 2 wrote long integers as 5000L.
            self.take('L');
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Amplitude, Ecg, Lead, Notice};
    use crate::format::testing::{damaged, stored, synthetic};
    use crate::format::{Collection, NoCompanions, Unit};
    use proptest::prelude::*;

    /// A file as NumPy writes it.
    fn file(version: u8, element: &str, fortran_order: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if fortran_order { "True" } else { "False" };
        let mut text = format!("{{'descr': '{element}', 'fortran_order': {order}, 'shape': {shape}, }}");
        let begin = if version == 1 { 10 } else { 12 };
        while (begin + text.len() + 1) % 64 != 0 {
            text.push(' ');
        }
        text.push('\n');
        let mut file = [MAGIC, &[version, 0]].concat();
        match version {
            1 => file.extend((text.len() as u16).to_le_bytes()),
            _ => file.extend((text.len() as u32).to_le_bytes()),
        }
        [&file, text.as_bytes(), data].concat()
    }

    fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<Ecg, FormatError> {
        crate::format::read("x.npy", bytes, &NoCompanions, options)
    }

    fn read_file(bytes: &[u8]) -> Result<Ecg, FormatError> {
        read_with(bytes, &ReadOptions::default())
    }

    /// Twelve leads, one after the other, as this element type; with integers the unit is 1/1000 mV.
    fn leads_first(element: &str, samples: usize) -> Vec<u8> {
        let millivolt = synthetic(samples).into_iter().flatten();
        let steps = stored(samples).into_iter().flatten();
        match element {
            "<f2" => millivolt.flat_map(|x| half::f16::from_f32(x).to_le_bytes()).collect(),
            "<f4" => millivolt.flat_map(f32::to_le_bytes).collect(),
            ">f4" => millivolt.flat_map(f32::to_be_bytes).collect(),
            "<f8" => millivolt.flat_map(|x| f64::from(x).to_le_bytes()).collect(),
            "<i2" => steps.flat_map(|x| (x as i16).to_le_bytes()).collect(),
            ">i4" => steps.flat_map(i32::to_be_bytes).collect(),
            "<i8" => steps.flat_map(|x| i64::from(x).to_le_bytes()).collect(),
            _ => panic!("no such element"),
        }
    }

    #[test]
    fn every_element_type_and_version_is_read_back() {
        let expected = synthetic(1000);
        for (version, element) in [(1, "<f2"), (1, "<f4"), (2, ">f4"), (3, "<f8"), (1, "<i2"), (2, ">i4"), (3, "<i8")] {
            let bytes = file(version, element, false, "(12, 1000)", &leads_first(element, 1000));
            let ecg = read_file(&bytes).unwrap();
            for ((lead, samples), (expected_lead, expected)) in ecg.leads().iter().zip(Lead::ALL.iter().zip(&expected))
            {
                assert_eq!(lead, expected_lead);
                // Half precision has eleven bits.
                let tolerance = if element == "<f2" { 1e-3 } else { 1e-7 };
                let worst = samples.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(samples.len() == 1000 && worst < tolerance, "{element}: {worst}");
            }
            assert_eq!(
                ecg.notices[..2],
                [Notice::LeadOrderAssumed(Lead::ALL.to_vec()), Notice::SamplingRateAssumed { assumed: 100.0 }]
            );
            let unit = if element.contains('i') { "µV" } else { "mV" };
            assert!(ecg.notices[2].to_string().contains(unit));
        }
    }

    #[test]
    fn samples_first_and_fortran_order_are_the_same_bytes() {
        let leads = synthetic(700);
        let alternating: Vec<u8> =
            (0..700).flat_map(|sample| leads.iter().flat_map(move |lead| lead[sample].to_le_bytes())).collect();
        let expected = read_file(&file(1, "<f4", false, "(12, 700)", &leads_first("<f4", 700))).unwrap();
        for (fortran_order, shape) in [(false, "(700, 12)"), (true, "(12, 700)"), (false, "(1, 700, 12)")] {
            assert_eq!(read_file(&file(1, "<f4", fortran_order, shape, &alternating)).unwrap(), expected);
        }
        let python2 = file(1, "<f4", false, "(12L, 700L)", &leads_first("<f4", 700));
        assert_eq!(read_file(&python2).unwrap(), expected);
    }

    #[test]
    fn what_the_user_states_is_not_assumed() {
        let order: Vec<Lead> = Lead::ALL.into_iter().rev().collect();
        let options = ReadOptions {
            unit: Some(Unit::AdcCounts { per_millivolt: 500.0 }),
            sampling_rate: Some(250.0),
            lead_order: Some(order),
        };
        let bytes = file(1, "<i2", false, "(12, 1000)", &leads_first("<i2", 1000));
        let ecg = read_with(&bytes, &options).unwrap();
        assert_eq!(ecg.notices, []);
        assert_eq!(ecg.sampling_rate(), 250.0);
        let expected: Vec<f32> = synthetic(1000)[0].iter().map(|x| x * 2.0).collect();
        assert_eq!(ecg.lead(Lead::V6).unwrap(), expected);
    }

    #[test]
    fn eight_leads_make_twelve() {
        let data = &leads_first("<f4", 5000)[..8 * 5000 * 4];
        let ecg = read_file(&file(1, "<f4", false, "(8, 5000)", data)).unwrap();
        assert!(ecg.notices[0].to_string().contains("I, II, V1, V2, V3"));
        assert_eq!(ecg.into_twelve_leads().unwrap().leads().len(), 12);
    }

    #[test]
    fn standardised_values_are_no_millivolt() {
        let mut leads = synthetic(5000);
        for lead in &mut leads {
            let mean = lead.iter().sum::<f32>() / 5000.0;
            let deviation = (lead.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 5000.0).sqrt();
            lead.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
        }
        let data: Vec<u8> = leads.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        let ecg = read_file(&file(1, "<f4", false, "(12, 5000)", &data)).unwrap();
        assert_eq!(ecg.amplitude, Amplitude::Standardised);
        assert!(ecg.notices.contains(&Notice::Standardised));
        assert_eq!(ecg.lead(Lead::V1).unwrap(), leads[6]);
    }

    #[test]
    fn missing_samples_stay_missing_and_nothing_but_them_is_refused() {
        let mut data = leads_first("<f4", 600);
        data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        data[4..8].copy_from_slice(&f32::INFINITY.to_le_bytes());
        let ecg = read_file(&file(1, "<f4", false, "(12, 600)", &data)).unwrap();
        assert!(ecg.lead(Lead::I).unwrap()[..2].iter().all(|x| x.is_nan()));
        assert!(ecg.notices.iter().any(|notice| notice.to_string().contains("lead I: 1 infinite samples")));
        let nothing = f32::NAN.to_le_bytes().repeat(12 * 600);
        let error = read_file(&file(1, "<f4", false, "(12, 600)", &nothing)).unwrap_err();
        assert_eq!(error.code(), "no-valid-sample");
        // A flat recording has no height to tell the unit by.
        let flat = read_file(&file(1, "<f4", false, "(12, 600)", &[0; 12 * 600 * 4])).unwrap();
        assert!(flat.lead(Lead::I).unwrap().iter().all(|&x| x == 0.0));
    }

    #[test]
    fn errors_say_what_and_where() {
        let whole = file(1, "<f4", false, "(12, 5000)", &[]);
        for (bytes, code, expected) in [
            (whole.clone(), "truncated", "240000 bytes are needed for the array [12, 5000], but only 0 are there"),
            (file(1, "<f4", false, "(12, 99999999999999999)", &[]), "truncated", "the array"),
            (file(1, "<f4", false, "(99999999999, 99999999999)", &[]), "truncated", "the array"),
            (file(1, "|O", false, "(12, 5000)", &[0; 64]), "unsupported", "the element type \"|O\" cannot be read"),
            (file(1, "<c8", false, "(12, 5000)", &[0; 64]), "unsupported", "save it as float32"),
            (file(1, "<f4", false, "(2, 3)", &[0; 64]), "too-few-leads", "the shape [2, 3]"),
            (file(1, "<f4", false, "(-1, 12)", &[0; 64]), "damaged", "a length is expected"),
            (file(9, "<f4", false, "(2, 3)", &[]), "unsupported", "version 9"),
            (whole[..8].to_vec(), "truncated", "10 bytes are needed for the header, but only 8 are there"),
            (whole[..50].to_vec(), "truncated", "128 bytes are needed for the header, but only 50 are there"),
            (b"\x93NUMPY\x02\0\xff\xff\xff\xff{".to_vec(), "damaged", "byte 8: a header of 4294967295 bytes"),
            (b"\x93NUMPY\x01\0\x02\0\xff\xff".to_vec(), "damaged", "byte 10: the header is not text"),
            (b"\x93NUMPY\x01\0\x0e\0{'descr': 1234".to_vec(), "damaged", "byte 20: a text in quotes is expected"),
            (b"\x93NUMPY\x01\0\x02\0{}".to_vec(), "damaged", "'shape' is missing"),
        ] {
            let error = read_file(&bytes).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.to_string().starts_with("x.npy (NumPy)"), "{error}");
        }
    }

    #[test]
    fn a_record_array_is_refused() {
        let text = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }";
        let error = Header::parse(text).unwrap_err();
        assert_eq!((error.at, error.reason.as_str()), (10, "an array of records, which is not an ECG"));
    }

    #[test]
    fn several_ecgs_are_read_one_by_one() {
        let data = leads_first("<f4", 1000);
        let other: Vec<u8> = synthetic(1000).into_iter().rev().flatten().flat_map(f32::to_le_bytes).collect();
        let both = [&data[..], &other].concat();
        let expected = [&data, &other].map(|data| read_file(&file(1, "<f4", false, "(12, 1000)", data)).unwrap());
        for shape in ["(2, 12, 1000)", "(2, 1, 12, 1000)"] {
            let bytes = file(1, "<f4", false, shape, &both);
            let collection = Collection::from_bytes("x.npy", &bytes).unwrap();
            assert!(collection.names().eq(["x.npy[0]", "x.npy[1]"]));
            for (index, expected) in expected.iter().enumerate() {
                assert_eq!(&collection.read(index, &ReadOptions::default()).unwrap(), expected);
            }
            let error = read_file(&bytes).unwrap_err();
            assert_eq!(error.to_string(), "x.npy (NumPy) holds 2 ECGs: choose one of them");
        }
        let fortran = file(1, "<f4", true, "(2, 12, 1000)", &both);
        let error = Collection::from_bytes("x.npy", fortran).unwrap().read(0, &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("numpy.ascontiguousarray"), "{error}");
        let cut_off = file(1, "<f4", false, "(2, 12, 1000)", &data);
        assert_eq!(Collection::from_bytes("x.npy", &cut_off).unwrap().len(), 1);
        assert_eq!(read_file(&cut_off).unwrap_err().code(), "truncated");
    }

    #[test]
    fn samples_first_in_several_ecgs() {
        let leads = synthetic(700);
        let alternating: Vec<u8> =
            (0..700).flat_map(|sample| leads.iter().flat_map(move |lead| lead[sample].to_le_bytes())).collect();
        let bytes = file(1, "<f4", false, "(3, 700, 12)", &alternating.repeat(3));
        let collection = Collection::from_bytes("x.npy", bytes).unwrap();
        let ecg = collection.read(2, &ReadOptions::default()).unwrap();
        assert!(ecg.leads().iter().map(|(_, samples)| samples).eq(&leads));
    }

    proptest! {
        #[test]
        fn damaged_files_never_panic(bytes in damaged(file(1, "<f4", true, "(12, 600)", &leads_first("<f4", 600)))) {
            if let Err(error) = read_file(&bytes) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn any_header_never_panics(text in "[{('a-z_, :<>0-9fi|TrueFals)}é]{0,80}", version in 1u8..4) {
            let length = if version == 1 { 2 } else { 4 };
            let mut bytes = [MAGIC, &[version, 0], &(text.len() as u32).to_le_bytes()[..length]].concat();
            bytes.extend(text.as_bytes());
            let _ = read_file(&bytes);
        }

        #[test]
        fn any_shape_is_refused_or_read_within_the_data(
            shape in proptest::collection::vec(0u64..20, 0..5), length in 0usize..4000, fortran: bool,
        ) {
            let text = shape.iter().map(|length| format!("{length},")).collect::<String>();
            let _ = read_file(&file(1, "<i2", fortran, &format!("({text})"), &vec![7; length]));
        }
    }
}
