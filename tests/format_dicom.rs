//! DICOM ECGs: two published examples compared with pydicom 3.0.2, and files written here in every encoding.
//!
//! pydicom reads the written files to the same samples; for those in big-endian order it gives out the bytes only, which
//! NumPy decoded.
#![cfg(not(target_arch = "wasm32"))]

mod support;
#[allow(dead_code)]
#[path = "../src/format/testing.rs"]
mod testing;

use std::io::Write;

use ecgnet::ecg::{Ecg, Lead, Notice, Sex};
use ecgnet::format::{FormatError, NoCompanions, ReadOptions, Unit, open, read};
use proptest::prelude::*;
use support::shared;
use testing::{damaged, stored};

/// An element: tag, type and value.
type Element = (u32, &'static str, Value);

#[derive(Clone)]
enum Value {
    Text(String),
    /// Numbers that are stored in so many bytes each.
    Numbers(usize, Vec<i64>),
    Items(Vec<Vec<Element>>),
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

fn number(size: usize, value: i64) -> Value {
    Value::Numbers(size, vec![value])
}

#[derive(Clone, Copy)]
struct Encoding {
    uid: &'static str,
    explicit: bool,
    big_endian: bool,
    /// Whether sequences and items are ended by delimiters.
    undefined: bool,
}

const IMPLICIT: Encoding = Encoding { uid: "1.2.840.10008.1.2", explicit: false, big_endian: false, undefined: false };
const EXPLICIT: Encoding = Encoding { uid: "1.2.840.10008.1.2.1", explicit: true, ..IMPLICIT };
const BIG_ENDIAN: Encoding = Encoding { uid: "1.2.840.10008.1.2.2", big_endian: true, ..EXPLICIT };
const DEFLATED: Encoding = Encoding { uid: "1.2.840.10008.1.2.1.99", ..EXPLICIT };

impl Encoding {
    fn integer(self, size: usize, value: i64) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..size].to_vec();
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn header(self, tag: u32, vr: Option<&str>, length: Option<usize>) -> Vec<u8> {
        let length = length.map_or(0xffff_ffff, |length| length as i64);
        let mut bytes = [self.integer(2, i64::from(tag >> 16)), self.integer(2, i64::from(tag & 0xffff))].concat();
        match vr.filter(|_| self.explicit) {
            Some(vr @ ("SQ" | "OB" | "OW" | "UN" | "OL")) => {
                bytes.extend([vr.as_bytes(), &[0, 0], &self.integer(4, length)].concat());
            }
            Some(vr) => bytes.extend([vr.as_bytes(), &self.integer(2, length)].concat()),
            None => bytes.extend(self.integer(4, length)),
        }
        bytes
    }

    fn elements(self, elements: &[Element]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, vr, value) in elements {
            let mut value = match value {
                Value::Text(text) => text.clone().into_bytes(),
                Value::Numbers(size, numbers) => {
                    numbers.iter().flat_map(|&number| self.integer(*size, number)).collect()
                }
                Value::Items(items) => {
                    bytes.extend(self.sequence(*tag, items));
                    continue;
                }
            };
            if value.len() % 2 == 1 {
                value.push(if matches!(*vr, "OB" | "UI") { 0 } else { b' ' });
            }
            bytes.extend(self.header(*tag, Some(vr), Some(value.len())));
            bytes.extend(value);
        }
        bytes
    }

    fn sequence(self, tag: u32, items: &[Vec<Element>]) -> Vec<u8> {
        let ended = |header: u32, vr, content: Vec<u8>, end: u32| match self.undefined {
            true => [self.header(header, vr, None), content, self.header(end, None, Some(0))].concat(),
            false => [self.header(header, vr, Some(content.len())), content].concat(),
        };
        let items =
            items.iter().map(|item| ended(0xfffe_e000, None, self.elements(item), 0xfffe_e00d)).collect::<Vec<_>>();
        ended(tag, Some("SQ"), items.concat(), 0xfffe_e0dd)
    }

    /// The whole file.
    fn file(self, elements: &[Element]) -> Vec<u8> {
        let mut data_set = self.elements(elements);
        if self.uid == DEFLATED.uid {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(&data_set).unwrap();
            data_set = encoder.finish().unwrap();
        }
        let meta = EXPLICIT.elements(&[(0x0002_0010, "UI", text(self.uid))]);
        let length = EXPLICIT.elements(&[(0x0002_0000, "UL", number(4, meta.len() as i64))]);
        [vec![0; 128], b"DICM".to_vec(), length, meta, data_set].concat()
    }
}

fn code(value: &str, scheme: &str, meaning: &str) -> Vec<Element> {
    vec![(0x0008_0100, "SH", text(value)), (0x0008_0102, "SH", text(scheme)), (0x0008_0104, "LO", text(meaning))]
}

/// The numbers that SCP-ECG and ISO/IEEE 11073 give to the twelve leads.
const NUMBERS: [u32; 12] = [1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8];

/// One multiplex group.
#[derive(Clone)]
struct Group {
    label: &'static str,
    originality: &'static str,
    /// Code, scheme and meaning of each channel.
    codes: Vec<[String; 3]>,
    leads: Vec<Vec<i64>>,
    bits: usize,
    interpretation: &'static str,
    sensitivity: &'static str,
    correction: &'static str,
    baseline: &'static str,
    unit: &'static str,
    unit_meaning: &'static str,
    padding: Option<i64>,
    rate: &'static str,
}

/// Twelve leads in steps of 1 µV.
fn group(samples: usize) -> Group {
    Group {
        label: "RHYTHM",
        originality: "ORIGINAL",
        codes: NUMBERS.map(|number| [format!("5.6.3-9-{number}"), "SCPECG".to_owned(), String::new()]).to_vec(),
        leads: stored(samples).into_iter().map(|lead| lead.into_iter().map(i64::from).collect()).collect(),
        bits: 16,
        interpretation: "SS",
        sensitivity: "1",
        correction: "1.0",
        baseline: "0",
        unit: "uV",
        unit_meaning: "microvolt",
        padding: None,
        rate: "500",
    }
}

impl Group {
    fn item(&self) -> Vec<Element> {
        let channel = |[value, scheme, meaning]: &[String; 3]| {
            let mut channel = vec![(0x003a_0208, "SQ", Value::Items(vec![code(value, scheme, meaning)]))];
            if !self.sensitivity.is_empty() {
                channel.extend([
                    (0x003a_0210, "DS", text(self.sensitivity)),
                    (0x003a_0211, "SQ", Value::Items(vec![code(self.unit, "UCUM", self.unit_meaning)])),
                    (0x003a_0212, "DS", text(self.correction)),
                    (0x003a_0213, "DS", text(self.baseline)),
                    (0x003a_0215, "DS", text("0.25")),
                ]);
            }
            channel
        };
        let samples = self.leads[0].len();
        let size = self.bits / 8;
        let numbers = (0..samples).flat_map(|sample| self.leads.iter().map(move |lead| lead[sample])).collect();
        let mut item = vec![
            (0x003a_0004, "CS", text(self.originality)),
            (0x003a_0005, "US", number(2, self.leads.len() as i64)),
            (0x003a_0010, "UL", number(4, samples as i64)),
            (0x003a_001a, "DS", text(self.rate)),
            (0x003a_0020, "SH", text(self.label)),
            (0x003a_0200, "SQ", Value::Items(self.codes.iter().map(channel).collect())),
            (0x5400_1004, "US", number(2, self.bits as i64)),
            (0x5400_1006, "CS", text(self.interpretation)),
        ];
        item.extend(self.padding.map(|padding| (0x5400_100a, "OW", number(size, padding))));
        item.push((0x5400_1010, if self.bits == 8 { "OB" } else { "OW" }, Value::Numbers(size, numbers)));
        item
    }
}

fn object(groups: &[Group]) -> Vec<Element> {
    let items = groups.iter().map(Group::item).collect();
    vec![
        (0x0008_0005, "CS", text("ISO_IR 100")),
        (0x0008_0016, "UI", text("1.2.840.10008.5.1.4.1.1.9.1.1")),
        (0x0008_0022, "DA", text("20200512")),
        (0x0008_0032, "TM", text("123359.25")),
        (0x0010_0010, "PN", text("Nobody^At all")),
        (0x0010_0020, "LO", text("P-17")),
        (0x0010_0030, "DA", text("19700513")),
        (0x0010_0040, "CS", text("F")),
        (0x5400_0100, "SQ", Value::Items(items)),
    ]
}

fn read_file(bytes: &[u8]) -> Result<Ecg, FormatError> {
    read("a.dcm", bytes, &NoCompanions, &ReadOptions::default())
}

fn read_group(group: Group) -> Result<Ecg, FormatError> {
    read_file(&EXPLICIT.file(&object(&[group])))
}

/// Whether the ECG is the one in the tests, in steps of 1/1000 mV.
fn assert_is_synthetic(ecg: &Ecg, samples: usize) {
    assert_eq!((ecg.leads().len(), ecg.samples(), ecg.sampling_rate()), (12, samples, 500.0));
    for (lead, expected) in Lead::ALL.into_iter().zip(stored(samples)) {
        for (read, expected) in ecg.lead(lead).unwrap().iter().zip(expected) {
            assert!((f64::from(*read) - f64::from(expected) / 1000.0).abs() < 1e-7, "{lead}: {read} {expected}");
        }
    }
}

/// File, rate, samples, padding notice, person, and of each lead the first and last sample and the sum in millivolt.
struct Expected {
    file: &'static str,
    sampling_rate: f64,
    samples: usize,
    notices: usize,
    person: (&'static str, f32, Sex, &'static str),
    leads: [(f32, f32, f64); 12],
}

const EXPECTED: [Expected; 2] = [
    Expected {
        file: "example",
        sampling_rate: 500.0,
        samples: 5000,
        notices: 1,
        person: ("SBJ-123", 49.0, Sex::Male, "2002-11-22T09:10:00"),
        leads: [
            (-0.005, -0.0325, -12.3025),
            (-0.0175, -0.0175, -10.21),
            (-0.0125, 0.015, 2.0925),
            (0.01, 0.025, 11.08),
            (0.0025, -0.0225, -6.8025),
            (-0.015, 0.0, -3.925),
            (0.1075, 0.0275, -5.7475),
            (0.1375, 0.02, -6.62),
            (0.1, 0.0325, -7.7975),
            (0.07, 0.015, -6.2475),
            (0.0575, -0.05, -7.5225),
            (-0.0225, -0.0375, -4.405),
        ],
    },
    Expected {
        file: "waveform_ecg",
        sampling_rate: 1000.0,
        samples: 10_000,
        notices: 0,
        person: ("642341", 42.0, Sex::Female, "2013-01-25T10:59:19"),
        leads: [
            (0.1, 0.025, 926.61375),
            (0.1125, 0.1375, 908.5875),
            (0.0125, 0.1125, -18.02625),
            (-0.10625, -0.08125, -914.4975),
            (0.04375, -0.04375, 469.26375),
            (0.0625, 0.125, 442.1625),
            (0.05, 0.025, 357.775),
            (0.01875, -0.0125, 396.44375),
            (-0.0125, -0.1125, 367.325),
            (-0.025, -0.1375, 381.04375),
            (-0.06875, -0.15, 386.18125),
            (-0.05, -0.1125, 384.1875),
        ],
    },
];

#[test]
fn samples_equal_those_of_pydicom() {
    for expected in EXPECTED {
        let Some(path) = shared(&format!("fixtures/dicom/{}.dcm", expected.file)) else { return };
        let ecg = open(&path, &ReadOptions::default()).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples()), (expected.sampling_rate, expected.samples));
        assert_eq!(ecg.notices.len(), expected.notices, "{:?}", ecg.notices);
        let (id, age, sex, recorded_at) = expected.person;
        assert_eq!(ecg.person.id.as_deref(), Some(id));
        assert_eq!((ecg.person.age, ecg.person.sex), (Some(age), Some(sex)));
        assert_eq!(ecg.person.recorded_at.as_deref(), Some(recorded_at));
        for (lead, (first, last, sum)) in Lead::ALL.into_iter().zip(expected.leads) {
            let samples = ecg.lead(lead).unwrap();
            assert_eq!((samples[0], *samples.last().unwrap()), (first, last), "{lead}");
            let read: f64 = samples.iter().map(|&sample| f64::from(sample)).sum();
            assert!((read - sum).abs() < 1e-3, "{lead}: {read}");
        }
    }
}

#[test]
fn every_encoding_gives_the_same_ecg() {
    let object = object(&[group(1000)]);
    for encoding in [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED] {
        for undefined in [false, true] {
            let file = Encoding { undefined, ..encoding }.file(&object);
            let mut files = vec![file.clone(), file[128..].to_vec(), file[132..].to_vec()];
            if encoding.uid != DEFLATED.uid {
                files.push(Encoding { undefined, ..encoding }.elements(&object));
            }
            for file in files {
                let ecg = read_file(&file).unwrap();
                assert_is_synthetic(&ecg, 1000);
                assert_eq!(ecg.notices, []);
                assert_eq!(ecg.person.id.as_deref(), Some("P-17"));
                assert_eq!((ecg.person.age, ecg.person.sex), (Some(49.0), Some(Sex::Female)));
                assert_eq!(ecg.person.recorded_at.as_deref(), Some("2020-05-12T12:33:59"));
            }
        }
    }
}

#[test]
fn units_sensitivities_and_baselines() {
    let divided = |by: i64, plus: i64| -> Vec<Vec<i64>> {
        group(1000).leads.into_iter().map(|lead| lead.into_iter().map(|step| step * by + plus).collect()).collect()
    };
    for changed in [
        Group { sensitivity: "0.001", unit: "mV", ..group(1000) },
        Group { sensitivity: "1e-6", unit: "V", ..group(1000) },
        Group { unit: "266016", ..group(1000) },
        Group { sensitivity: "4", correction: "0.25", ..group(1000) },
        Group { baseline: "-300", leads: divided(1, 300), ..group(1000) },
        Group { interpretation: "US", baseline: "-2000", leads: divided(1, 2000), ..group(1000) },
        Group { bits: 32, interpretation: "SL", sensitivity: "0.01", leads: divided(100, 0), ..group(1000) },
        Group { bits: 32, interpretation: "UL", baseline: "-5000", leads: divided(1, 5000), ..group(1000) },
    ] {
        assert_is_synthetic(&read_group(changed).unwrap(), 1000);
    }
    for (interpretation, plus, baseline) in [("SB", 0, "0"), ("UB", 128, "-1280")] {
        let leads: Vec<Vec<i64>> =
            group(1000).leads.into_iter().map(|lead| lead.into_iter().map(|step| step / 10 + plus).collect()).collect();
        let bytes = Group { bits: 8, interpretation, sensitivity: "10", baseline, leads: leads.clone(), ..group(1000) };
        let ecg = read_group(bytes).unwrap();
        for (lead, expected) in Lead::ALL.into_iter().zip(leads) {
            let read = ecg.lead(lead).unwrap().iter().map(|sample| (f64::from(*sample) * 100.0).round() as i64 + plus);
            assert!(read.eq(expected), "{lead} {interpretation}");
        }
    }
}

#[test]
fn leads_are_named_by_codes_and_meanings() {
    let named = |name: &dyn Fn(usize, Lead) -> [String; 3]| {
        let codes = Lead::ALL.into_iter().enumerate().map(|(index, lead)| name(index, lead)).collect();
        read_group(Group { codes, ..group(400) }).unwrap()
    };
    let owned = |texts: [&str; 3]| texts.map(str::to_owned);
    assert_is_synthetic(&named(&|index, _| owned([&format!("2:{}", NUMBERS[index]), "MDC", ""])), 400);
    assert_is_synthetic(&named(&|_, lead| owned(["x", "99LOCAL", &format!("Lead {lead} (Einthoven)")])), 400);
    assert_is_synthetic(&named(&|_, lead| owned([&format!("MDC_ECG_LEAD_{lead}"), "MDC", ""])), 400);
    let ecg = named(&|_, lead| {
        owned(["x", "99LOCAL", &if lead == Lead::AVR { "Lead -aVR".into() } else { lead.to_string() }])
    });
    assert_eq!(ecg.lead(Lead::AVR).unwrap()[210], -stored(400)[3][210] as f32 / 1000.0);
}

#[test]
fn the_rhythm_is_read_and_never_the_averaged_beat() {
    let beat = Group { label: "MEDIAN BEAT", originality: "DERIVED", ..group(600) };
    let unlabelled = Group { label: "", ..beat.clone() };
    let rhythm = group(2000);
    let derived = Group { originality: "DERIVED", ..group(3000) };
    for groups in [[beat.clone(), rhythm.clone()], [rhythm.clone(), unlabelled.clone()]] {
        let ecg = read_file(&EXPLICIT.file(&object(&groups))).unwrap();
        assert_is_synthetic(&ecg, 2000);
        assert_eq!(ecg.notices, []);
    }
    let ecg = read_file(&EXPLICIT.file(&object(&[derived.clone(), rhythm]))).unwrap();
    assert_is_synthetic(&ecg, 2000);
    assert!(ecg.notices[0].to_string().contains("waveform group 2 (RHYTHM) was read, not"), "{:?}", ecg.notices);
    let ecg = read_group(derived).unwrap();
    assert!(ecg.notices[0].to_string().contains("marked as derived"), "{:?}", ecg.notices);
    for (beat, words) in [(beat, "(MEDIAN BEAT) is one averaged beat"), (unlabelled, "is one averaged beat")] {
        let error = read_group(beat).unwrap_err();
        assert_eq!(error.code(), "not-an-ecg");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn leads_in_several_groups_of_the_same_time_are_put_together() {
    let part = |from: usize, to: usize, samples: usize| {
        let whole = group(samples);
        Group { codes: whole.codes[from..to].to_vec(), leads: whole.leads[from..to].to_vec(), ..whole }
    };
    let median = Group { label: "MEDIAN", originality: "DERIVED", ..part(0, 12, 400) };
    let quarters = [part(0, 3, 5000), part(3, 6, 5000), part(6, 9, 5000), median, part(9, 12, 5000)];
    let ecg = read_file(&EXPLICIT.file(&object(&quarters))).unwrap();
    assert_is_synthetic(&ecg, 5000);
    assert_eq!(ecg.notices, []);
    // The same leads again, and leads of another length.
    let others = [part(0, 6, 5000), part(3, 12, 4000), part(0, 3, 5000)];
    let ecg = read_file(&EXPLICIT.file(&object(&others))).unwrap();
    assert_eq!((ecg.leads().len(), ecg.samples()), (9, 4000));
    assert!(ecg.notices[0].to_string().contains("waveform group 2 (RHYTHM) was read, not"), "{:?}", ecg.notices);
}

#[test]
fn padding_is_missing_unless_it_is_a_voltage() {
    let mut padded = Group { padding: Some(-32_768), ..group(1000) };
    padded.leads[0][999] = -32_768;
    let ecg = read_group(padded.clone()).unwrap();
    assert!(ecg.lead(Lead::I).unwrap()[999].is_nan());
    assert_eq!(ecg.leads().iter().flat_map(|(_, samples)| samples).filter(|sample| sample.is_nan()).count(), 1);
    let ecg = read_group(Group { padding: Some(0), ..group(1000) }).unwrap();
    assert_is_synthetic(&ecg, 1000);
    assert!(ecg.notices[0].to_string().contains("padding value 0 lies among the samples"), "{:?}", ecg.notices);
}

#[test]
fn corrections_go_before_the_file() {
    let order: Vec<Lead> = Lead::ALL.into_iter().rev().collect();
    let options = ReadOptions {
        unit: Some(Unit::AdcCounts { per_millivolt: 500.0 }),
        sampling_rate: Some(250.0),
        lead_order: Some(order),
    };
    let bytes = EXPLICIT.file(&object(&[group(1000)]));
    let ecg = read("a.dcm", &bytes, &NoCompanions, &options).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.lead(Lead::V6).unwrap()[210]), (250.0, stored(1000)[0][210] as f32 / 500.0));
    let too_few = ReadOptions { lead_order: Some(vec![Lead::I]), ..ReadOptions::default() };
    assert_eq!(read("a.dcm", &bytes, &NoCompanions, &too_few).unwrap_err().code(), "correction");
    let bare = EXPLICIT.file(&object(&[Group { sensitivity: "", ..group(1000) }]));
    assert_eq!(read_file(&bare).unwrap_err().code(), "unsupported");
    let stated = ReadOptions { unit: Some(Unit::Microvolt), ..ReadOptions::default() };
    assert_is_synthetic(&read("a.dcm", &bare, &NoCompanions, &stated).unwrap(), 1000);
}

#[test]
fn ages_are_read_in_their_units() {
    for (stated, age) in [("045Y", 45.0), ("006M", 0.5), ("045", 45.0), ("", 49.0), ("999Y", 49.0), ("?", 49.0)] {
        let mut object = object(&[group(400)]);
        object.insert(8, (0x0010_1010, "AS", text(stated)));
        assert_eq!(read_file(&EXPLICIT.file(&object)).unwrap().person.age, Some(age), "{stated}");
    }
}

#[test]
fn a_single_channel_that_is_no_lead_is_left_out() {
    let mut codes = group(400).codes;
    codes[11] = ["x", "99LOCAL", "Respiration"].map(str::to_owned);
    let ecg = read_group(Group { codes, ..group(400) }).unwrap();
    assert_eq!(ecg.leads().len(), 11);
    assert!(matches!(&ecg.notices[0], Notice::File(text) if text.contains("Respiration")), "{:?}", ecg.notices);
}

#[test]
fn errors_say_what_is_wrong() {
    let class = |uid: &str, groups: &[Group]| {
        let mut object = object(groups);
        object[1] = (0x0008_0016, "UI", text(uid));
        if groups.is_empty() {
            object.pop();
        }
        EXPLICIT.file(&object)
    };
    let brain = Group { codes: vec![["1", "99X", "Fp1"].map(str::to_owned); 12], ..group(400) };
    let whole = class("1.2.840.10008.5.1.4.1.1.9.1.2", &[group(1000)]);
    let mut deep = EXPLICIT.file(&object(&[]));
    for _ in 0..100_000 {
        deep.extend(EXPLICIT.header(0x5400_0200, Some("SQ"), None));
        deep.extend(EXPLICIT.header(0xfffe_e000, None, None));
    }
    let zeros = (0x0009_0010, "OB", Value::Numbers(1, vec![0; 4 << 20]));
    let bomb = DEFLATED.file(&[zeros]);
    for (bytes, code, expected) in [
        (class("1.2.840.10008.5.1.4.1.1.2", &[]), "not-an-ecg", "it is a computed tomography image"),
        (class("1.2.840.10008.5.1.4.1.1.104.1", &[]), "not-an-ecg", "a PDF document in a DICOM file"),
        (class("1.2.3", &[]), "not-an-ecg", "it is another object and has no waveforms"),
        (class("1.2.840.10008.5.1.4.1.1.9.7.1", &[brain]), "not-an-ecg", "it holds an electroencephalogram, and none"),
        (whole[..whole.len() - 1000].to_vec(), "truncated", "bytes are needed for element (5400,0100)"),
        (EXPLICIT.file(&object(&[Group { interpretation: "MB", bits: 8, ..group(400) }])), "unsupported", "µ-law"),
        (EXPLICIT.file(&object(&[Group { interpretation: "SS", bits: 8, ..group(400) }])), "damaged", "8 bits"),
        (EXPLICIT.file(&object(&[Group { sensitivity: "0", ..group(400) }])), "damaged", "sensitivity is 0"),
        (
            EXPLICIT.file(&object(&[Group { unit: "mm[Hg]", unit_meaning: "", ..group(400) }])),
            "unsupported",
            "the unit \"mm[Hg]\"",
        ),
        (EXPLICIT.file(&object(&[Group { rate: "", ..group(400) }])), "unsupported", "state the sampling rate"),
        (EXPLICIT.file(&object(&[Group { rate: "0", ..group(400) }])), "sampling-rate", "0 Hz"),
        (BIG_ENDIAN.file(&object(&[Group { bits: 32, interpretation: "SL", ..group(400) }])), "unsupported", "32-bit"),
        (EXPLICIT.file(&object(&[])), "not-an-ecg", "its waveform sequence is empty"),
        (bomb, "too-large", "deflated data set"),
    ] {
        let error = read_file(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(read_file(&deep).unwrap_err().code(), "not-an-ecg");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_files_never_panic(
        bytes in prop_oneof![
            damaged(EXPLICIT.file(&object(&[group(50), group(400)]))),
            damaged(Encoding { undefined: true, ..IMPLICIT }.file(&object(&[group(400)]))),
            damaged(BIG_ENDIAN.elements(&object(&[group(400)]))),
            damaged(DEFLATED.file(&object(&[group(400)]))),
        ],
    ) {
        if let Err(error) = read_file(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_bytes_after_the_signature_never_panic(rest in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_file(&[&b"DICM"[..], &rest].concat());
    }
}
