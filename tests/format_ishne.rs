//! ISHNE Holter files, written here as the publication says and read back.
#![cfg(not(target_arch = "wasm32"))]

mod support;
#[allow(dead_code)]
#[path = "../src/format/testing.rs"]
mod testing;

use ecgnet::ecg::{Ecg, Lead, Notice, Sex};
use ecgnet::format::{FormatError, NoCompanions, ReadOptions, Unit, read};
use proptest::prelude::*;
use support::crc_ccitt;
use testing::{damaged, stored, synthetic};

/// The codes of the format for I, II, III, aVR, aVL, aVF, V1 to V6.
const CODES: [i16; 12] = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

/// The first byte of the checksum, of the codes and of the sampling rate.
const CHECKSUM: usize = 8;
const LEADS: usize = 156;
const RATE: usize = 272;

/// A file of these leads in whole microvolts, with `text` between the header and the samples.
fn file(codes: &[i16], leads: &[Vec<i32>], rate: u16, samples: u32, text: &[u8]) -> Vec<u8> {
    let padded = |text: &[u8], length: usize| {
        let mut text = text.to_vec();
        text.resize(length, 0);
        text
    };
    let twelve = |numbers: &[i16]| {
        let unused = std::iter::repeat_n(-9, 12 - numbers.len());
        numbers.iter().copied().chain(unused).flat_map(i16::to_le_bytes).collect::<Vec<u8>>()
    };
    let numbers = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let header = [
        (text.len() as u32).to_le_bytes().to_vec(),
        samples.to_le_bytes().to_vec(),
        522_u32.to_le_bytes().to_vec(),
        (522 + text.len() as u32).to_le_bytes().to_vec(),
        numbers(&[1]),
        padded(b"Given", 40),
        padded(b"Family", 40),
        padded(b"H-77", 20),
        // Woman, race unknown; born, recorded, file written; time of day.
        numbers(&[2, 0]),
        numbers(&[8, 5, 1953]),
        numbers(&[7, 5, 2002]),
        numbers(&[8, 5, 2002]),
        numbers(&[9, 10, 5]),
        numbers(&[codes.len() as u16]),
        twelve(codes),
        twelve(&vec![0; codes.len()]),
        twelve(&vec![1000; codes.len()]),
        numbers(&[0]),
        padded(b"digital", 40),
        numbers(&[rate]),
        padded(b"", 80 + 80 + 88),
        text.to_vec(),
    ]
    .concat();
    let frames = (0..leads[0].len()).flat_map(|sample| leads.iter().map(move |lead| lead[sample] as i16));
    let mut file = [b"ISHNE1.0", &crc_ccitt(&header).to_le_bytes()[..], &header].concat();
    file.extend(frames.flat_map(i16::to_le_bytes));
    file
}

fn whole(samples: usize) -> Vec<u8> {
    file(&CODES, &stored(samples), 500, samples as u32, b"free text")
}

fn read_file(bytes: &[u8]) -> Result<Ecg, FormatError> {
    read("a.ecg", bytes, &NoCompanions, &ReadOptions::default())
}

fn notices(bytes: &[u8]) -> Vec<String> {
    read_file(bytes).unwrap().notices.iter().map(Notice::to_string).collect()
}

#[test]
fn twelve_leads_are_read_back_exactly() {
    let ecg = read_file(&whole(1000)).unwrap();
    assert_eq!((ecg.sampling_rate(), &ecg.notices[..]), (500.0, &[][..]));
    assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
    assert!(ecg.leads().iter().map(|(_, samples)| samples).eq(&synthetic(1000)));
    // The day before the 49th birthday.
    let person = &ecg.person;
    assert_eq!((person.id.as_deref(), person.age, person.sex), (Some("H-77"), Some(48.0), Some(Sex::Female)));
    assert_eq!(person.recorded_at.as_deref(), Some("2002-05-07T09:10:05"));
}

#[test]
fn other_leads_are_left_out_and_missing_ones_named() {
    let signal = stored(100);
    let ecg = read_file(&file(&[16, 2, 5, 19], &signal[..4], 200, 100, b"")).unwrap();
    assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq([Lead::V6, Lead::I]));
    assert!(ecg.leads()[1].1.iter().zip(&signal[2]).all(|(a, b)| *a == *b as f32 / 1000.0));
    assert!(ecg.notices[0].to_string().contains("the signals \"X\", \"AI\" are no leads"), "{:?}", ecg.notices);
    let error = ecg.into_twelve_leads().unwrap_err();
    assert!(error.to_string().contains("leads II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5 are missing"), "{error}");
    let error = read_file(&file(&[2, 3, 4], &signal[..3], 200, 100, b"")).unwrap_err();
    assert!(error.to_string().contains("none of its signals (\"X\", \"Y\", \"Z\")"), "{error}");
    let unnamed = read_file(&file(&[0; 8], &signal[..8], 200, 100, b"")).unwrap();
    assert!(matches!(&unnamed.notices[..], [Notice::LeadOrderAssumed(order)] if order.len() == 8));
}

#[test]
fn long_recordings_are_read_for_half_an_hour() {
    let signal = stored(40 * 60 * 4);
    let ecg = read_file(&file(&CODES, &signal, 4, 40 * 60 * 4, b"")).unwrap();
    assert_eq!(ecg.samples(), 30 * 60 * 4);
    assert!(ecg.notices[0].to_string().contains("only the first 30.0 were read"), "{:?}", ecg.notices);
}

#[test]
fn lengths_checksums_and_missing_samples() {
    // The number of samples of all leads together, as some recorders count.
    assert!(notices(&file(&CODES, &stored(100), 500, 1200, b"")).is_empty());
    let cut_off = &whole(100)[..522 + 9 + 24 * 70 + 5];
    assert_eq!(read_file(cut_off).unwrap().samples(), 70);
    assert_eq!(notices(cut_off), ["the header says that each lead has 100 samples, but the file has 70 of each"]);
    let mut altered = whole(100);
    altered[CHECKSUM] ^= 1;
    assert_eq!(notices(&altered), ["the checksum of the header is wrong: the file was damaged or altered"]);
    let mut signal = stored(100);
    signal[3][7] = -32768;
    let ecg = read_file(&file(&CODES, &signal, 500, 100, b"")).unwrap();
    assert!(ecg.leads()[3].1[7].is_nan());
    assert_eq!(ecg.leads().iter().flat_map(|(_, samples)| samples).filter(|sample| sample.is_nan()).count(), 1);
}

#[test]
fn corrections_replace_what_the_file_says() {
    let mut bytes = whole(100);
    bytes[RATE..RATE + 2].fill(0);
    // The resolution of lead II.
    bytes[LEADS + 2 + 48 + 2..][..2].fill(0);
    let error = read_file(&bytes).unwrap_err();
    assert!(error.to_string().contains("a sampling rate of 0 Hz cannot be read here; state the sampling"), "{error}");
    let mut options = ReadOptions { sampling_rate: Some(250.0), ..ReadOptions::default() };
    let error = read("a.ecg", &bytes, &NoCompanions, &options).unwrap_err();
    assert!(error.to_string().contains("lead II: a resolution of 0 nV cannot be read here"), "{error}");
    options.unit = Some(Unit::AdcCounts { per_millivolt: 500.0 });
    options.lead_order = Some(Lead::ALL.into_iter().rev().collect());
    let ecg = read("a.ecg", &bytes, &NoCompanions, &options).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.leads()[0].0), (250.0, Lead::V6));
    assert!(ecg.leads()[1].1.iter().zip(&stored(100)[1]).all(|(a, b)| *a == *b as f32 / 500.0));
}

#[test]
fn errors_say_what_is_wrong() {
    let changed = |place: usize, byte: u8| {
        let mut bytes = whole(100);
        bytes[place] = byte;
        bytes
    };
    for (bytes, code, expected) in [
        (whole(100)[..500].to_vec(), "truncated", "522 bytes are needed for the header"),
        (whole(100)[..531].to_vec(), "not-an-ecg", "it has no samples"),
        (changed(LEADS, 13), "damaged", "a file cannot have 13 leads"),
        (changed(LEADS, 0), "damaged", "a file cannot have 0 leads"),
        (changed(LEADS + 2, 6), "lead-twice", "lead II is given twice"),
        (changed(25, 200), "damaged", "the samples cannot begin at byte"),
        (changed(23, 0), "damaged", "the samples cannot begin at byte 19"),
    ] {
        let error = read_file(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_never_panic(bytes in damaged(whole(200))) {
        if let Err(error) = read_file(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_bytes_after_the_signature_never_panic(rest in proptest::collection::vec(any::<u8>(), 0..700)) {
        let _ = read_file(&[b"ISHNE1.0", &rest[..]].concat());
    }
}
