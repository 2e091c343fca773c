//! EDF and BDF recordings written here in every variant, and the test signals of a generator, which hold no ECG.
//!
//! pyedflib 0.1.42 reads the files of the variants below to the same samples, apart from EDF+D and the number of records
//! -1, which it does not read at all.
#![cfg(not(target_arch = "wasm32"))]

mod support;
#[allow(dead_code)]
#[path = "../src/format/testing.rs"]
mod testing;

use ecgnet::ecg::{Ecg, Lead, Notice, Sex};
use ecgnet::format::{FormatError, NoCompanions, ReadOptions, Unit, open, read};
use proptest::prelude::*;
use support::shared;
use testing::{damaged, stored};

#[derive(Clone)]
struct Signal {
    label: String,
    unit: &'static str,
    physical: (f64, f64),
    digital: (i32, i32),
    samples_per_record: usize,
    numbers: Vec<i32>,
}

#[derive(Clone)]
struct File {
    bdf: bool,
    patient: &'static str,
    recording: &'static str,
    start: &'static str,
    kind: &'static str,
    /// As the header states it; `None` for what is true.
    records: Option<i32>,
    seconds_per_record: f64,
    signals: Vec<Signal>,
    /// When each record begins, in an annotation signal.
    times: Option<Vec<f64>>,
}

/// Twelve leads at 500 Hz in steps of 1 µV, in records of a second.
fn file(samples: usize) -> File {
    let signal = |(lead, numbers): (Lead, Vec<i32>)| Signal {
        label: format!("ECG {lead}"),
        unit: "uV",
        physical: (-32768.0, 32767.0),
        digital: (-32768, 32767),
        samples_per_record: 500,
        numbers,
    };
    File {
        bdf: false,
        patient: "P-17 F 13-MAY-1970 Nobody_At_all",
        recording: "Startdate 12-MAY-2020 X X X",
        start: "12.05.2012.33.59",
        kind: "",
        records: None,
        seconds_per_record: 1.0,
        signals: Lead::ALL.into_iter().zip(stored(samples)).map(signal).collect(),
        times: None,
    }
}

impl File {
    fn bytes(&self) -> Vec<u8> {
        let width = if self.bdf { 3 } else { 2 };
        let mut signals = self.signals.clone();
        let records = signals.iter().map(|signal| signal.numbers.len() / signal.samples_per_record).max().unwrap_or(0);
        if self.times.is_some() {
            signals.push(Signal {
                label: if self.bdf { "BDF Annotations" } else { "EDF Annotations" }.to_owned(),
                unit: "",
                physical: (-1.0, 1.0),
                digital: if self.bdf { (-8_388_608, 8_388_607) } else { (-32768, 32767) },
                samples_per_record: 20,
                numbers: Vec::new(),
            });
        }
        let mut header = String::new();
        let mut put = |text: String, width: usize| {
            assert!(text.len() <= width, "{text}");
            header += &format!("{text:<width$}");
        };
        put(if self.bdf { "?BIOSEMI" } else { "0" }.to_owned(), 8);
        put(self.patient.to_owned(), 80);
        put(self.recording.to_owned(), 80);
        put(self.start.to_owned(), 16);
        put((256 * (signals.len() + 1)).to_string(), 8);
        put(self.kind.to_owned(), 44);
        put(self.records.unwrap_or(records as i32).to_string(), 8);
        put(self.seconds_per_record.to_string(), 8);
        put(signals.len().to_string(), 4);
        type Field = (usize, fn(&Signal) -> String);
        let fields: [Field; 10] = [
            (16, |signal| signal.label.clone()),
            (80, |_| String::new()),
            (8, |signal| signal.unit.to_owned()),
            (8, |signal| signal.physical.0.to_string()),
            (8, |signal| signal.physical.1.to_string()),
            (8, |signal| signal.digital.0.to_string()),
            (8, |signal| signal.digital.1.to_string()),
            (80, |_| String::new()),
            (8, |signal| signal.samples_per_record.to_string()),
            (32, |_| String::new()),
        ];
        for (width, field) in fields {
            signals.iter().for_each(|signal| put(field(signal), width));
        }
        let mut bytes = header.into_bytes();
        if self.bdf {
            bytes[0] = 0xff;
        }
        for record in 0..records {
            for signal in &signals {
                let count = signal.samples_per_record;
                if signal.label.ends_with("Annotations") {
                    let time = self.times.as_ref().unwrap()[record];
                    let mut annotation = format!("+{time}\u{14}\u{14}\0").into_bytes();
                    annotation.resize(count * width, 0);
                    bytes.extend(annotation);
                } else {
                    let numbers = &signal.numbers[record * count..][..count];
                    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().take(width)));
                }
            }
        }
        bytes
    }
}

fn read_file(file: &File) -> Result<Ecg, FormatError> {
    read_bytes(&file.bytes())
}

fn read_bytes(bytes: &[u8]) -> Result<Ecg, FormatError> {
    read("a.edf", bytes, &NoCompanions, &ReadOptions::default())
}

fn assert_is_synthetic(ecg: &Ecg, samples: std::ops::Range<usize>) {
    assert_eq!((ecg.leads().len(), ecg.samples(), ecg.sampling_rate()), (12, samples.len(), 500.0));
    for (lead, expected) in Lead::ALL.into_iter().zip(stored(samples.end)) {
        for (read, expected) in ecg.lead(lead).unwrap().iter().zip(&expected[samples.start..]) {
            assert!((f64::from(*read) - f64::from(*expected) / 1000.0).abs() < 1e-7, "{lead}: {read} {expected}");
        }
    }
}

#[test]
fn every_variant_gives_the_same_ecg() {
    let bdf = File { bdf: true, kind: "24BIT", ..file(5000) };
    let times = Some((0..10).map(f64::from).collect());
    let mut fine = File { kind: "BDF+C", times: times.clone(), ..bdf.clone() };
    for signal in &mut fine.signals {
        // 1/4 nV in a step.
        signal.physical = (-2000.0, 2000.0);
        signal.digital = (-8_000_000, 8_000_000);
        signal.numbers.iter_mut().for_each(|number| *number *= 4000);
    }
    let mut millivolt = file(5000);
    for signal in &mut millivolt.signals {
        (signal.unit, signal.physical) = ("mV", (-32.768, 32.767));
    }
    let mut offset = file(5000);
    for signal in &mut offset.signals {
        (signal.physical, signal.digital) = ((-2000.0, 2000.0), (0, 4000));
        signal.numbers.iter_mut().for_each(|number| *number += 2000);
    }
    let mut upside_down = file(5000);
    upside_down.signals[3].label = "ECG -aVR".to_owned();
    upside_down.signals[3].numbers.iter_mut().for_each(|number| *number = -*number);
    let mut inverted = file(5000);
    inverted.signals[7].physical = (32768.0, -32767.0);
    inverted.signals[7].numbers.iter_mut().for_each(|number| *number = -*number);
    let mut tenths = File { seconds_per_record: 0.1, ..file(5000) };
    tenths.signals.iter_mut().for_each(|signal| signal.samples_per_record = 50);
    let plus = File { kind: "EDF+C", times, ..file(5000) };
    let uninterrupted = File { kind: "EDF+D", ..plus.clone() };
    for (name, file) in [
        ("EDF", file(5000)),
        ("EDF+", plus),
        ("BDF", bdf),
        ("BDF+", fine),
        ("millivolt", millivolt),
        ("offset", offset),
        ("upside down", upside_down),
        ("inverted range", inverted),
        ("short records", tenths),
        ("EDF+D without a gap", uninterrupted),
        ("unfinished", File { records: Some(-1), ..file(5000) }),
    ] {
        let ecg = read_file(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_is_synthetic(&ecg, 0..5000);
        assert_eq!(ecg.notices, [], "{name}");
        assert_eq!(ecg.person.id.as_deref(), Some("P-17"));
        assert_eq!((ecg.person.age, ecg.person.sex), (Some(49.0), Some(Sex::Female)));
        assert_eq!(ecg.person.recorded_at.as_deref(), Some("2020-05-12T12:33:59"));
    }
}

#[test]
fn fewer_records_than_stated_are_an_error_and_more_are_ignored() {
    let error = read_file(&File { records: Some(11), ..file(5000) }).unwrap_err();
    assert_eq!(error.code(), "truncated");
    assert!(error.to_string().contains("132000 bytes are needed for 11 data records, but only 120000"), "{error}");
    assert_is_synthetic(&read_file(&File { records: Some(4), ..file(5000) }).unwrap(), 0..2000);
}

#[test]
fn the_longest_part_of_an_interrupted_recording_is_read() {
    let times = vec![0.0, 1.0, 5.5, 6.5, 7.5, 8.5, 9.5, 20.0, 21.0, 30.0];
    let ecg = read_file(&File { kind: "EDF+D", times: Some(times), ..file(5000) }).unwrap();
    assert_is_synthetic(&ecg, 1000..3500);
    assert!(ecg.notices[0].to_string().contains("interrupted 3 times; only the longest part, 5.0 s"));
    let without = read_file(&File { kind: "EDF+D", ..file(5000) }).unwrap_err();
    assert_eq!(without.code(), "damaged");
}

#[test]
fn signals_that_are_no_leads_and_other_rates_are_left_out() {
    let mut file = file(5000);
    file.signals[11].label = "Resp chest".to_owned();
    file.signals[2].samples_per_record = 250;
    file.signals[2].numbers.truncate(2500);
    let ecg = read_file(&file).unwrap();
    let said: Vec<String> = ecg.notices.iter().map(Notice::to_string).collect();
    assert_eq!(ecg.leads().len(), 10);
    assert!(said[0].contains("\"Resp chest\" is no lead"), "{said:?}");
    assert!(said[1].contains("only those of 500 Hz were read, not III (250 Hz)"), "{said:?}");
    assert_eq!(ecg.into_twelve_leads().unwrap_err().code(), "too-few-leads");
}

#[test]
fn long_recordings_are_bounded() {
    let mut long = file(0);
    long.seconds_per_record = 60.0;
    for signal in &mut long.signals {
        (signal.samples_per_record, signal.numbers) = (60, vec![1; 40 * 60]);
    }
    let ecg = read_file(&long).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.samples()), (1.0, 1800));
    assert!(ecg.notices[0].to_string().contains("40.0 minutes; only the first 30.0"), "{:?}", ecg.notices);
}

#[test]
fn persons_and_dates_are_read_as_far_as_they_are_known() {
    for (patient, recording, start, person) in [
        (
            "X M X X",
            "Startdate X X X X",
            "31.12.8423.59.59",
            (None, None, Some(Sex::Male), Some("2084-12-31T23:59:59")),
        ),
        ("X X X X", "", "01.01.8500.00.00", (None, None, None, Some("1985-01-01T00:00:00"))),
        ("Some_Body 12 Street", "", "32.01.8500.00.00", (None, None, None, None)),
        ("Somebody F 13-05-1970", "", "32.01.8500.00.00", (None, None, None, None)),
        ("Nobody", "Startdate 02-JAN-2090 X X X", "02.01.yy10.00.00", (None, None, None, Some("2090-01-02T10:00:00"))),
        (
            "A_1 F 29-FEB-1960 X",
            "",
            "28.02.2000.00.00",
            (Some("A 1"), Some(59.0), Some(Sex::Female), Some("2020-02-28T00:00:00")),
        ),
    ] {
        let ecg = read_file(&File { patient, recording, start, ..file(500) }).unwrap();
        let (id, age, sex, recorded_at) = person;
        assert_eq!((ecg.person.id.as_deref(), ecg.person.age, ecg.person.sex), (id, age, sex), "{patient}");
        assert_eq!(ecg.person.recorded_at.as_deref(), recorded_at, "{patient}");
    }
}

#[test]
fn corrections_go_before_the_file() {
    let order: Vec<Lead> = Lead::ALL.into_iter().rev().collect();
    let options = ReadOptions { unit: Some(Unit::Millivolt), sampling_rate: Some(250.0), lead_order: Some(order) };
    let with_annotations = File { times: Some((0..10).map(f64::from).collect()), ..file(5000) };
    let ecg = read("a.edf", &with_annotations.bytes(), &NoCompanions, &options).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.lead(Lead::V6).unwrap()[210]), (250.0, stored(500)[0][210] as f32));
    let mut unknown = file(500);
    unknown.signals[0].unit = "";
    let error = read_file(&unknown).unwrap_err();
    assert_eq!(error.code(), "unsupported");
    assert!(error.to_string().contains("signal 1, lead I: the unit \"\""), "{error}");
    unknown.signals[0].unit = "mmHg";
    assert_eq!(read_file(&unknown).unwrap_err().code(), "unsupported");
    let stated = ReadOptions { unit: Some(Unit::Microvolt), ..ReadOptions::default() };
    assert_is_synthetic(&read("a.edf", &unknown.bytes(), &NoCompanions, &stated).unwrap(), 0..500);
}

#[test]
fn what_programs_write_against_the_format_is_understood() {
    let replaced = |bytes: Vec<u8>, from: &[u8], to: &[u8]| -> Vec<u8> {
        let mut bytes = bytes;
        for at in 0..bytes.len().min(3328) - from.len() {
            if &bytes[at..at + from.len()] == from {
                bytes[at..at + from.len()].copy_from_slice(to);
            }
        }
        bytes
    };
    let mut micro = file(5000);
    micro.signals.iter_mut().for_each(|signal| signal.unit = "?V");
    let latin_1 = replaced(micro.bytes(), b"?V ", b"\xb5V ");
    let mut tenths = file(5000);
    tenths.signals.iter_mut().for_each(|signal| signal.physical = (-3276.8, 3276.7));
    tenths.signals.iter_mut().flat_map(|signal| &mut signal.numbers).for_each(|number| *number *= 10);
    let commas = replaced(replaced(tenths.bytes(), b"-3276.8", b"-3276,8"), b"3276.7", b"3276,7");
    for bytes in [latin_1, commas] {
        let ecg = read_bytes(&bytes).unwrap();
        assert_is_synthetic(&ecg, 0..5000);
        assert_eq!(ecg.notices, []);
    }
    let mut without_unit = file(5000);
    without_unit.signals.iter_mut().for_each(|signal| signal.unit = "");
    let ecg = read_file(&without_unit).unwrap();
    assert_is_synthetic(&ecg, 0..5000);
    assert!(
        ecg.notices[0].to_string().contains("µV (the same as 1000 steps per mV), by the height"),
        "{:?}",
        ecg.notices
    );
}

#[test]
fn errors_say_what_is_wrong() {
    let with = |change: fn(&mut File)| {
        let mut file = file(500);
        change(&mut file);
        file.bytes()
    };
    let mut size = file(500).bytes();
    size[184..188].copy_from_slice(b"256 ");
    for (bytes, code, expected) in [
        (with(|file| file.signals[1].digital = (5, 5)), "damaged", "signal 2, lead II: its digital range is \"5\""),
        (with(|file| file.signals[1].physical = (f64::NAN, 1.0)), "damaged", "its physical range is \"NaN\""),
        (with(|file| file.signals.truncate(0)), "not-an-ecg", "no signals"),
        (with(|file| file.seconds_per_record = 0.0), "not-an-ecg", "annotations, but no signals"),
        (with(|file| file.seconds_per_record = -1.0), "damaged", "the duration of a data record is \"-1\""),
        (with(|file| file.records = Some(-2)), "damaged", "the number of data records is \"-2\""),
        (with(|file| file.records = Some(0)), "not-an-ecg", "it has no samples"),
        (with(|file| file.signals[4].label = "II".to_owned()), "lead-twice", "lead II is given twice"),
        (size, "damaged", "the size of the header is \"256\""),
        (file(500).bytes()[..1000].to_vec(), "truncated", "3328 bytes are needed for the header of 12 signals"),
    ] {
        let error = read_bytes(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn test_signals_are_no_ecg() {
    for (name, label) in [("test_generator.bdf", "\"sine 5Hz\""), ("test_subsecond.edf", "\"Fp1\"")] {
        let Some(path) = shared(&format!("fixtures/edf/{name}")) else { return };
        let error = open(&path, &ReadOptions::default()).unwrap_err();
        assert_eq!(error.code(), "not-an-ecg");
        assert!(error.to_string().contains(label), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_files_never_panic(
        bytes in prop_oneof![
            damaged(file(1000).bytes()),
            damaged(File { bdf: true, kind: "BDF+D", times: Some(vec![0.0, 7.0]), ..file(1000) }.bytes()),
        ],
    ) {
        if let Err(error) = read_bytes(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_header_never_panics(rest in proptest::collection::vec(prop_oneof![Just(b' '), b'-'..=b'9'], 0..600)) {
        let _ = read_bytes(&[&b"0       "[..], &rest].concat());
    }
}
