//! SCP-ECG records: written here as the standard says and read back, and the sample records of the reference data.
#![cfg(not(target_arch = "wasm32"))]

mod support;
#[allow(dead_code)]
#[path = "../src/format/testing.rs"]
mod testing;

use ecgnet::ecg::{Ecg, Lead, Notice, Sex};
use ecgnet::format::{FormatError, NoCompanions, ReadOptions, Unit, open, read};
use proptest::prelude::*;
use support::{crc_ccitt, shared};
use testing::{damaged, stored, synthetic};

/// The codes of the standard for I, II, III, aVR, aVL, aVF, V1 to V6.
const CODES: [u8; 12] = [1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8];

/// The samples of the writer's ECG are whole microvolts.
const MICROVOLT: u16 = 1000;

/// A record of these sections, all checksums right. `first` is the number of the first byte, 1 in the standard.
fn record(sections: &[(u16, Vec<u8>)], first: u32) -> Vec<u8> {
    let section = |number: u16, reserved: &[u8], content: &[u8]| {
        let length = (16 + content.len()) as u32;
        let rest = [&number.to_le_bytes()[..], &length.to_le_bytes(), &[20, 20], reserved, content].concat();
        [&crc_ccitt(&rest).to_le_bytes()[..], &rest].concat()
    };
    let mut pointers = Vec::new();
    let mut at = 6;
    let length = |content: &[u8]| 16 + content.len() as u32;
    for number in 0..12 {
        let found = sections.iter().find(|(other, _)| *other == number).map(|(_, content)| length(content));
        let (length, index) = match (number, found) {
            (0, _) => (136, at + first),
            (_, Some(length)) => (length, at + first),
            (_, None) => (0, 0),
        };
        pointers.extend([&number.to_le_bytes()[..], &length.to_le_bytes(), &index.to_le_bytes()].concat());
        at += length;
    }
    let mut sections = sections.to_vec();
    sections.sort_by_key(|(number, _)| *number);
    let mut rest = at.to_le_bytes().to_vec();
    rest.extend(section(0, b"SCPECG", &pointers));
    rest.extend(sections.iter().flat_map(|(number, content)| section(*number, &[0; 6], content)));
    [&crc_ccitt(&rest).to_le_bytes()[..], &rest].concat()
}

fn leads(ranges: &[(u32, u32, u8)], subtracted: bool) -> Vec<u8> {
    let count = ranges.len() as u8;
    let mut section = vec![count, u8::from(subtracted) | 4 | count << 3];
    for (start, end, code) in ranges {
        section.extend([&start.to_le_bytes()[..], &end.to_le_bytes(), &[*code]].concat());
    }
    section
}

fn twelve(samples: u32) -> Vec<(u32, u32, u8)> {
    CODES.map(|code| (1, samples, code)).to_vec()
}

/// How the numbers become bits.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Coding {
    Plain,
    DefaultTable,
    OwnTables,
}

const CODINGS: [Coding; 3] = [Coding::Plain, Coding::DefaultTable, Coding::OwnTables];

impl Coding {
    fn section(self) -> Option<(u16, Vec<u8>)> {
        let line = |prefix: &str, own_bits: u8, keeps: u8, number: i16| {
            let code: u32 = prefix.bytes().enumerate().map(|(place, bit)| u32::from(bit - b'0') << place).sum();
            let length = prefix.len() as u8;
            [&[length, length + own_bits, keeps][..], &number.to_le_bytes(), &code.to_le_bytes()].concat()
        };
        match self {
            Coding::Plain => None,
            Coding::DefaultTable => Some((2, 19999_u16.to_le_bytes().to_vec())),
            // Numbers from -128 to 127 in the first table, the others in the second.
            Coding::OwnTables => Some((
                2,
                [
                    &[2, 0, 4, 0][..],
                    &line("0", 0, 1, 0),
                    &line("10", 0, 1, -1),
                    &line("110", 8, 1, 0),
                    &line("111", 0, 0, 2),
                    &[3, 0],
                    &line("1", 16, 1, 0),
                    &line("01", 0, 0, 1),
                    &line("00", 0, 1, 900),
                ]
                .concat(),
            )),
        }
    }

    fn encode(self, numbers: &[i32]) -> Vec<u8> {
        let two = |number: i32, bits: usize| format!("{:0bits$b}", number & ((1 << bits) - 1));
        let mut second_table = false;
        let mut bits = String::new();
        for &number in numbers {
            match self {
                Coding::Plain => bits += &(two(number & 0xff, 8) + &two(number >> 8, 8)),
                Coding::DefaultTable => match number {
                    0 => bits += "0",
                    -8..=8 => {
                        bits += &"1".repeat(number.unsigned_abs() as usize);
                        bits += if number < 0 { "01" } else { "00" };
                    }
                    -128..=127 => bits += &("1111111110".to_owned() + &two(number, 8)),
                    _ => bits += &("1111111111".to_owned() + &two(number, 16)),
                },
                Coding::OwnTables => {
                    let needs_second = !(-128..=127).contains(&number);
                    if needs_second != second_table {
                        bits += if needs_second { "111" } else { "01" };
                        second_table = needs_second;
                    }
                    bits += &match (needs_second, number) {
                        (false, 0) => "0".to_owned(),
                        (false, -1) => "10".to_owned(),
                        (false, _) => "110".to_owned() + &two(number, 8),
                        (true, 900) => "00".to_owned(),
                        (true, _) => "1".to_owned() + &two(number, 16),
                    };
                }
            }
        }
        let bits: Vec<u8> = bits.bytes().map(|bit| bit - b'0').collect();
        let mut bytes: Vec<u8> =
            bits.chunks(8).map(|bits| bits.iter().enumerate().map(|(place, bit)| bit << (7 - place)).sum()).collect();
        // The standard wants sections of an even length.
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    }
}

/// Section 5 or 6.
fn waveforms(
    multiplier: u16,
    interval: u16,
    differences: u8,
    bimodal: bool,
    coding: Coding,
    leads: &[Vec<i32>],
) -> Vec<u8> {
    let encoded: Vec<Vec<u8>> = leads
        .iter()
        .map(|lead| {
            let mut numbers = lead.clone();
            for place in (usize::from(differences)..lead.len()).filter(|_| differences > 0) {
                numbers[place] = match differences {
                    1 => lead[place] - lead[place - 1],
                    _ => lead[place] - 2 * lead[place - 1] + lead[place - 2],
                };
            }
            coding.encode(&numbers)
        })
        .collect();
    let mut section =
        [&multiplier.to_le_bytes()[..], &interval.to_le_bytes(), &[differences, u8::from(bimodal)]].concat();
    section.extend(encoded.iter().flat_map(|lead| (lead.len() as u16).to_le_bytes()));
    section.extend(encoded.concat());
    section
}

fn tags(tags: &[(u8, &[u8])]) -> (u16, Vec<u8>) {
    let tag = |(tag, value): &(u8, &[u8])| [&[*tag], &(value.len() as u16).to_le_bytes()[..], value].concat();
    (1, tags.iter().flat_map(tag).chain([255, 0, 0]).collect())
}

fn simple(coding: Coding, differences: u8, samples: usize) -> Vec<(u16, Vec<u8>)> {
    let rhythm = waveforms(MICROVOLT, 2000, differences, false, coding, &stored(samples));
    let mut sections = vec![(3, leads(&twelve(samples as u32), false)), (6, rhythm)];
    sections.extend(coding.section());
    sections
}

fn read_record(bytes: &[u8]) -> Result<Ecg, FormatError> {
    read("a.scp", bytes, &NoCompanions, &ReadOptions::default())
}

fn assert_equal(ecg: &Ecg, expected: &[Vec<f32>]) {
    assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
    for ((lead, samples), expected) in ecg.leads().iter().zip(expected) {
        assert_eq!(samples, expected, "lead {lead}");
    }
}

#[test]
fn every_encoding_is_read_back_exactly() {
    for coding in CODINGS {
        for differences in 0..=2 {
            let ecg = read_record(&record(&simple(coding, differences, 1000), 1)).unwrap();
            assert_eq!((ecg.sampling_rate(), &ecg.notices[..]), (500.0, &[][..]), "{coding:?}, {differences}");
            assert_equal(&ecg, &synthetic(1000));
        }
    }
}

/// Beats every 400 samples: kind, first sample, fiducial point, last sample, all counted from 1; and protected areas.
const BEATS: [(u16, u32, u32, u32); 3] = [(0, 101, 200, 350), (1, 501, 600, 700), (0, 901, 1000, 1000)];
const PROTECTED: [(u32, u32); 3] = [(177, 224), (577, 624), (977, 1000)];

/// Section 4; the sample `fiducial` of the reference beat lies at the fiducial points.
fn beats(milliseconds: u16, fiducial: u16) -> Vec<u8> {
    let mut section = [milliseconds, fiducial, 3].map(u16::to_le_bytes).concat();
    for (kind, start, fiducial, end) in BEATS {
        section.extend(kind.to_le_bytes());
        section.extend([start, fiducial, end].map(u32::to_le_bytes).concat());
    }
    section.extend(PROTECTED.iter().flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()].concat()));
    section
}

/// Twelve reference beats of 300 samples in steps of 2 µV, with sample 120 at the fiducial point.
fn reference() -> Vec<Vec<i32>> {
    (0..12).map(|lead| (0..300).map(|sample| 100 + lead - (sample - 120i32).abs() / 2).collect()).collect()
}

/// Subtracts the reference beat from the beats of type 0, as the standard says.
fn subtract(rhythm: &mut [Vec<i32>]) {
    for (lead, beat) in rhythm.iter_mut().zip(reference()) {
        for (_, start, fiducial, end) in BEATS.into_iter().filter(|(kind, ..)| *kind == 0) {
            for sample in start..=end {
                lead[sample as usize - 1] -= 2 * beat[(120 + sample - fiducial) as usize - 1];
            }
        }
    }
}

#[test]
fn a_subtracted_reference_beat_is_added_again() {
    for coding in CODINGS {
        let mut rhythm = stored(1000);
        subtract(&mut rhythm);
        let mut sections = vec![
            (3, leads(&twelve(1000), true)),
            (4, beats(600, 120)),
            (5, waveforms(2 * MICROVOLT, 2000, 2, false, coding, &reference())),
            (6, waveforms(MICROVOLT, 2000, 2, false, coding, &rhythm)),
        ];
        sections.extend(coding.section());
        let ecg = read_record(&record(&sections, 1)).unwrap();
        assert_eq!(ecg.notices, []);
        assert_equal(&ecg, &synthetic(1000));
        sections.retain(|(number, _)| *number != 5);
        assert_eq!(read_record(&record(&sections, 1)).unwrap_err().code(), "unsupported");
    }
}

/// Bimodal compression: outside of the protected areas the mean of every four samples, what is left over as it is.
fn decimate(lead: &[i32]) -> Vec<i32> {
    let mut numbers = Vec::new();
    let mut next = 0;
    for (first, last) in PROTECTED.into_iter().chain([(lead.len() as u32 + 1, 0)]) {
        let blocks = lead[next..first as usize - 1].chunks_exact(4);
        let left_over = blocks.remainder().to_vec();
        numbers.extend(blocks.map(|block| (block.iter().sum::<i32>() as f64 / 4.0).round() as i32));
        numbers.extend(left_over);
        next = (first as usize - 1).max(last as usize);
        numbers.extend(&lead[first as usize - 1..next]);
    }
    numbers
}

fn bimodal(signal: &[Vec<i32>], subtracted: bool, coding: Coding) -> Vec<u8> {
    let mut rhythm = signal.to_vec();
    if subtracted {
        subtract(&mut rhythm);
    }
    let rhythm: Vec<Vec<i32>> = rhythm.iter().map(|lead| decimate(lead)).collect();
    let mut sections = vec![
        (3, leads(&twelve(1000), subtracted)),
        (4, beats(600, 120)),
        (5, waveforms(2 * MICROVOLT, 2000, 2, false, coding, &reference())),
        (6, waveforms(MICROVOLT, 8000, 2, true, coding, &rhythm)),
    ];
    sections.extend(coding.section());
    record(&sections, 1)
}

#[test]
fn bimodal_compression_keeps_the_protected_areas_and_what_is_level() {
    let mut signal = stored(1000);
    for lead in &mut signal {
        let level = |(sample, number): (usize, &mut i32)| {
            if !(180..220).contains(&(sample % 400)) {
                *number = 0;
            }
        };
        lead.iter_mut().enumerate().for_each(level);
    }
    for coding in CODINGS {
        let ecg = read_record(&bimodal(&signal, false, coding)).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples()), (500.0, 1000));
        assert!(ecg.notices[0].to_string().contains("outside of the QRS complexes"), "{:?}", ecg.notices);
        let expected: Vec<Vec<f32>> =
            signal.iter().map(|lead| lead.iter().map(|&number| number as f32 / 1000.0).collect()).collect();
        assert_equal(&ecg, &expected);
    }
}

#[test]
fn bimodal_compression_of_a_residual_is_near_the_original() {
    let wave = |sample: usize, lead: usize| 150.0 * (sample as f64 * std::f64::consts::TAU / 400.0 + lead as f64).sin();
    let signal: Vec<Vec<i32>> =
        (0..12).map(|lead| (0..1000).map(|sample| wave(sample, lead).round() as i32).collect()).collect();
    let mut with_beats = signal.clone();
    // The signal with the reference beat in it is what was recorded.
    for (lead, beat) in with_beats.iter_mut().zip(reference()) {
        for (_, start, fiducial, end) in BEATS.into_iter().filter(|(kind, ..)| *kind == 0) {
            for sample in start..=end {
                lead[sample as usize - 1] += 2 * beat[(120 + sample - fiducial) as usize - 1];
            }
        }
    }
    let ecg = read_record(&bimodal(&with_beats, true, Coding::DefaultTable)).unwrap();
    for ((_, samples), expected) in ecg.leads().iter().zip(&with_beats) {
        for (place, (sample, expected)) in samples.iter().zip(expected).enumerate() {
            let (error, number) = ((sample * 1000.0 - *expected as f32).abs(), place as u32 + 1);
            let protected = PROTECTED.iter().any(|(first, last)| (*first..=*last).contains(&number));
            assert!(error < if protected { 0.001 } else { 5.0 }, "sample {number}: {error} µV");
        }
    }
}

#[test]
fn leads_in_any_order_number_and_range() {
    let signal = stored(600);
    let eight = [8, 3, 1, 4, 2, 7, 6, 5];
    let order = [Lead::V6, Lead::V1, Lead::I, Lead::V2, Lead::II, Lead::V5, Lead::V4, Lead::V3];
    // Lead I begins at sample 3, V1 ends at 598; code 16 is the lead X of Frank.
    let mut ranges: Vec<(u32, u32, u8)> = eight.iter().map(|code| (1, 600, *code)).chain([(1, 600, 16)]).collect();
    ranges[2].0 = 3;
    ranges[1].1 = 598;
    let mut rhythm = signal[..9].to_vec();
    rhythm[2].drain(..2);
    rhythm[1].truncate(598);
    let rhythm = waveforms(2500, 1000, 0, false, Coding::Plain, &rhythm);
    let bytes = record(&[(3, leads(&ranges, false)), (6, rhythm)], 1);
    let ecg = read_record(&bytes).unwrap();
    assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(order));
    assert_eq!((ecg.sampling_rate(), ecg.samples()), (1000.0, 596));
    for ((_, samples), expected) in ecg.leads().iter().zip(&signal) {
        assert!(samples.iter().zip(&expected[2..598]).all(|(a, b)| *a == *b as f32 * 2.5 / 1000.0));
    }
    let said: Vec<String> = ecg.notices.iter().map(Notice::to_string).collect();
    assert!(said[0].contains("\"lead code 16\" is no lead"), "{said:?}");
    assert!(said[1].contains("samples 3 to 598"), "{said:?}");
    assert_eq!(ecg.into_twelve_leads().unwrap().leads().len(), 12);

    let one_after_the_other: Vec<(u32, u32, u8)> = vec![(1, 300, 1), (301, 600, 2)];
    let halves = [signal[0][..300].to_vec(), signal[1][300..].to_vec()];
    let rhythm = waveforms(MICROVOLT, 2000, 0, false, Coding::Plain, &halves);
    let error = read_record(&record(&[(3, leads(&one_after_the_other, false)), (6, rhythm)], 1)).unwrap_err();
    assert!(error.to_string().contains("recorded one after the other cannot be read here"), "{error}");
}

#[test]
fn the_person_and_the_time() {
    let mut sections = simple(Coding::Plain, 0, 100);
    sections.push(tags(&[
        (0, b"Surname\0"),
        (2, b"SBJ-9\0"),
        (8, &[2]),
        (5, &[0xa1, 7, 5, 8]),
        (25, &[0xd2, 7, 11, 22]),
        (26, &[9, 10, 5]),
    ]));
    let person = read_record(&record(&sections, 1)).unwrap().person;
    assert_eq!((person.id.as_deref(), person.age, person.sex), (Some("SBJ-9"), Some(49.0), Some(Sex::Female)));
    assert_eq!(person.recorded_at.as_deref(), Some("2002-11-22T09:10:05"));
}

#[test]
fn corrections_replace_what_the_file_says() {
    let bytes = record(&simple(Coding::DefaultTable, 2, 100), 1);
    let mut order = Lead::ALL.to_vec();
    order.reverse();
    let options = ReadOptions {
        unit: Some(Unit::AdcCounts { per_millivolt: 500.0 }),
        sampling_rate: Some(250.0),
        lead_order: Some(order),
    };
    let ecg = read("a.scp", &bytes, &NoCompanions, &options).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.leads()[0].0), (250.0, Lead::V6));
    assert!(ecg.leads()[0].1.iter().zip(&stored(100)[0]).all(|(a, b)| *a == *b as f32 / 500.0));
    let too_short = ReadOptions { lead_order: Some(vec![Lead::I]), ..ReadOptions::default() };
    assert_eq!(read("a.scp", &bytes, &NoCompanions, &too_short).unwrap_err().code(), "correction");
    // Nothing to correct with: neither rate nor amplitude are guessed.
    for (place, code) in [(0, "state how many steps"), (2, "state the sampling rate")] {
        let mut sections = simple(Coding::Plain, 0, 100);
        sections[1].1[place..place + 2].fill(0);
        let error = read_record(&record(&sections, 1)).unwrap_err();
        assert!(error.to_string().contains(code), "{error}");
        let options = ReadOptions { lead_order: None, ..options.clone() };
        assert!(read("a.scp", &record(&sections, 1), &NoCompanions, &options).is_ok());
    }
}

#[test]
fn deviations_from_the_standard_are_said() {
    let whole = record(&simple(Coding::Plain, 0, 100), 1);
    let notices =
        |bytes: &[u8]| -> Vec<String> { read_record(bytes).unwrap().notices.iter().map(Notice::to_string).collect() };
    let mut altered = whole.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    assert_eq!(notices(&altered), ["the checksum of the record, section 6 is wrong: the file was damaged or altered"]);
    let mut longer = whole.clone();
    longer[5] = 1;
    assert!(notices(&longer)[0].contains("the file says that it has 16"), "{:?}", notices(&longer));
    let from_zero = record(&simple(Coding::Plain, 0, 100), 0);
    assert_eq!(notices(&from_zero), [""; 0]);
    // Version 1 of the standard has no signature.
    let mut unsigned = whole.clone();
    unsigned[16..22].fill(0);
    assert!(notices(&unsigned)[0].contains("section 0"), "{:?}", notices(&unsigned));
}

#[test]
fn errors_say_what_is_wrong() {
    let sections = simple(Coding::Plain, 0, 100);
    let without = |missing: u16| -> Vec<u8> {
        record(&sections.iter().filter(|(number, _)| *number != missing).cloned().collect::<Vec<_>>(), 1)
    };
    let changed = |section: usize, place: usize, byte: u8| {
        let mut sections = sections.clone();
        sections[section].1[place] = byte;
        record(&sections, 1)
    };
    let whole = record(&sections, 1);
    let mut next_version = whole.clone();
    next_version[142 + 8..142 + 10].fill(30);
    for (bytes, code, expected) in [
        (without(3), "not-an-ecg", "it has no leads (section 3)"),
        (without(6), "not-an-ecg", "it has no rhythm (section 6)"),
        (whole[..whole.len() - 1].to_vec(), "truncated", "bytes are needed for section 6"),
        (whole[..100].to_vec(), "truncated", "the pointers to its sections"),
        (changed(1, 4, 3), "damaged", "there is no encoding number 3"),
        (changed(1, 5, 1), "unsupported", "bimodal compression without sections 4 and 5"),
        (changed(0, 6, 101), "damaged", "signal 1 has 100 of the 101 samples"),
        (changed(0, 2, 102), "damaged", "lead 1 ends before it begins"),
        (changed(0, 0, 13), "damaged", "it has 13 leads, but describes 12"),
        (changed(0, 10, 2), "lead-twice", "lead II is given twice; state the lead order"),
        (next_version, "unsupported", "version 3.0 of SCP-ECG"),
    ] {
        let error = read_record(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

fn any_record() -> impl Strategy<Value = Vec<u8>> {
    let signal = stored(1000);
    let files: Vec<Vec<u8>> = CODINGS
        .into_iter()
        .flat_map(|coding| [record(&simple(coding, 2, 200), 1), bimodal(&signal, true, coding)])
        .collect();
    proptest::sample::select(files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_never_panic(bytes in any_record().prop_flat_map(damaged)) {
        if let Err(error) = read_record(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

/// Of each lead of example.scp: the first and the last sample, the sum, the lowest and the highest, in steps of 2.5 µV.
/// Two independent decodings agree on them: libbiosig 2.5.0 and one from the text of the standard in Python.
const EXAMPLE: [(Lead, [i32; 5]); 12] = [
    (Lead::I, [-2, -13, -4921, -122, 166]),
    (Lead::II, [-7, -7, -4084, -267, 134]),
    (Lead::V1, [43, 11, -2299, -586, 69]),
    (Lead::V2, [55, 8, -2648, -771, 162]),
    (Lead::V3, [40, 13, -3119, -652, 161]),
    (Lead::V4, [28, 6, -2499, -355, 112]),
    (Lead::V5, [23, -20, -3009, -187, 235]),
    (Lead::V6, [-9, -15, -1762, -124, 389]),
    (Lead::III, [-5, 6, 837, -363, 181]),
    (Lead::AVR, [4, 10, 4432, -102, 136]),
    (Lead::AVL, [1, -9, -2721, -126, 253]),
    (Lead::AVF, [-6, 0, -1570, -310, 145]),
];

#[test]
fn the_example_record_equals_two_other_decodings() {
    let Some(path) = shared("fixtures/scp/example.scp") else { return };
    let ecg = open(&path, &ReadOptions::default()).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.samples(), &ecg.notices[..]), (500.0, 5000, &[][..]));
    assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(EXAMPLE.map(|(lead, _)| lead)));
    for ((lead, samples), (_, expected)) in ecg.leads().iter().zip(EXAMPLE) {
        let steps: Vec<i32> = samples.iter().map(|sample| (sample * 400.0).round() as i32).collect();
        assert!(steps.iter().zip(samples).all(|(step, sample)| *sample == *step as f32 / 400.0));
        let (lowest, highest) = (*steps.iter().min().unwrap(), *steps.iter().max().unwrap());
        assert_eq!([steps[0], steps[4999], steps.iter().sum(), lowest, highest], expected, "lead {lead}");
    }
    let person = &ecg.person;
    assert_eq!((person.id.as_deref(), person.age, person.sex), (Some("SBJ-123"), Some(49.0), Some(Sex::Male)));
    assert_eq!(person.recorded_at.as_deref(), Some("2002-11-22T09:10:00"));
}

#[test]
fn a_record_of_three_leads_is_refused() {
    // Its numbers are partly big-endian, and its section 3 has place for one of its three leads; libbiosig does not
    // recognise it at all.
    let Some(path) = shared("fixtures/scp/healforce_62.SCP") else { return };
    let error = open(&path, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "too-few-leads", "{error}");
    assert!(error.to_string().contains("has 3 leads, of which 1 is described in section 3"), "{error}");
    assert!(error.to_string().contains("the 8 leads I, II and V1 to V6, are needed"), "{error}");
}

#[test]
fn three_leads_are_named_downstream() {
    let ranges: Vec<(u32, u32, u8)> = [1, 2, 3].map(|code| (1, 100, code)).to_vec();
    let rhythm = waveforms(MICROVOLT, 2000, 0, false, Coding::Plain, &stored(100)[..3]);
    let ecg = read_record(&record(&[(3, leads(&ranges, false)), (6, rhythm)], 1)).unwrap();
    let error = ecg.into_twelve_leads().unwrap_err();
    assert!(error.to_string().contains("leads V2, V3, V4, V5, V6 are missing"), "{error}");
}
