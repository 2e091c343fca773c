//! Philips Sierra XML (`restingecgdata`), versions 1.03 and 1.04: recorders and the archive TraceMasterVue by Philips.
//!
//! # Overview
//! Philips, *Philips ECG XML schema* (`SierraECG.xsd` 1.03, `PhilipsECG.xsd` 1.04). Root element `restingecgdata`. The
//! recording of all leads is in `parsedwaveforms`; the representative beats (`repbeats`) are not read. Version 1.03
//! does not name the leads, which are then those of the recorder's lead set.
//!
//! # Encodings
//! Base64 of signed 16-bit numbers, the low byte first, one lead after the other, or compressed by XLI: each lead has a
//! head of eight bytes (the number of bytes that follow, a number that is always 1, the first difference) and is
//! compressed by the method of Lempel, Ziv and Welch (Welch 1984) with codes of ten bits, first all high bytes, then all
//! low ones. What comes out are the first two samples and then the differences, plus 64, of each further sample but one
//! from the straight line through the two before it; the first difference is in the head.
//!
//! The leads III, aVR, aVL and aVF are stored as what they lack to the values that follow from I and II (Einthoven 1912,
//! Goldberger 1942). Uncompressed files may store them so or as they are; whichever has the smaller numbers is meant,
//! and said.
//!
//! Some recorders append a calibration pulse of 1 mV to all leads; it is cut off, which is said.

use roxmltree::Node;

use super::date::{self, Order, age_between};
use super::error::Place;
use super::recording::{Assigned, Calibration, Recording};
use super::xml::{self, Channel, child, descendant, number, text_at};
use super::{Format, FormatError, ReadOptions, Source, Unit};
use crate::ecg::{Lead, Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["xml"], recognises, read };

const NAME: &str = "Philips Sierra XML";

const ROOT: &str = "restingecgdata";

/// The step of these recorders, in microvolt, where the file does not say it.
const USUAL_STEP: f64 = 5.0;

/// Bytes before the compressed bytes of each lead.
const HEAD: usize = 8;

/// So many samples of all leads any file may have; compression makes a large file of few bytes.
const MAXIMUM_VALUES: usize = 1 << 20;

/// And so many for each byte of a larger file.
const VALUES_OF_A_BYTE: usize = 4;

/// So many signals at most have the recorders.
const MAXIMUM_SIGNALS: f64 = 64.0;

fn recognises(source: &Source<'_>) -> bool {
    xml::root_name(source.bytes).as_deref() == Some(ROOT)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let text = xml::decode(source.bytes);
    let document = xml::parse(&text, place)?;
    let root = document.root_element();
    let Some(waveforms) = descendant(root, "parsedwaveforms") else {
        return Err(place.not_an_ecg("it has no parsedwaveforms; export the recording with its samples"));
    };
    let characteristics = Characteristics::read(root, waveforms, place)?;
    let mut notices = Vec::new();
    let labels = labels(&characteristics, options, &mut notices, place)?;
    let limit = MAXIMUM_VALUES.max(source.bytes.len().saturating_mul(VALUES_OF_A_BYTE)) / labels.len().max(1);
    let mut leads = leads(&characteristics, &labels, limit, place)?;
    rebuild_limb_leads(&mut leads, &labels, characteristics.compressed, &mut notices);
    let step = characteristics.step.unwrap_or_else(|| {
        if options.unit.is_none() {
            notices.push(Notice::UnitAssumed { assumed: format!("{USUAL_STEP} µV in a step") });
        }
        USUAL_STEP
    });
    cut_pulse(&mut leads, step, characteristics.sampling_rate, &mut notices);
    let calibration = Calibration::of_steps(0.0, step, Unit::Microvolt, options);
    let channels = labels.into_iter().zip(leads).map(|(label, stored)| Channel {
        label,
        samples: stored.into_iter().map(|stored| calibration.millivolt(stored.into())).collect(),
    });
    let mut recording = xml::recording(channels.collect(), characteristics.sampling_rate, options, notices, place)?;
    recording.person = person(root);
    Ok(recording)
}

/// What the file says about its samples, whichever version says it where.
struct Characteristics<'a, 'i> {
    waveforms: Node<'a, 'i>,
    compressed: bool,
    sampling_rate: Option<f64>,
    /// In microvolt.
    step: Option<f64>,
    /// Samples of each lead.
    samples: Option<usize>,
    /// Names of the leads with space between them.
    labels: Option<&'a str>,
    lead_set: Option<String>,
    signals: Option<f64>,
}

impl<'a, 'i> Characteristics<'a, 'i> {
    fn read(
        root: Node<'a, 'i>,
        waveforms: Node<'a, 'i>,
        place: Place<'_>,
    ) -> Result<Characteristics<'a, 'i>, FormatError> {
        let general = child(root, &["dataacquisition", "signalcharacteristics"]);
        let stated = |attribute: &str, elements: &[&str]| -> Result<Option<f64>, FormatError> {
            if let Some(text) = waveforms.attribute(attribute) {
                return number(waveforms, text, place).map(Some);
            }
            let Some(general) = general else { return Ok(None) };
            let found = elements.iter().find_map(|name| Some((child(general, &[name])?, text_at(general, &[name])?)));
            found.map(|(element, text)| number(element, &text, place)).transpose()
        };
        let unsupported = |feature: String| {
            let remedy = "export it as Philips ECG XML 1.03 or 1.04 with Base64 and XLI";
            place.unsupported(xml::line(waveforms), feature, remedy)
        };
        let encoding = waveforms.attribute("dataencoding").unwrap_or("Base64");
        if !encoding.eq_ignore_ascii_case("Base64") {
            return Err(unsupported(format!("the data encoding {encoding:?}")));
        }
        if let Some(bits) = stated("bitspersample", &["bitspersample"])?.filter(|bits| *bits != 16.0) {
            return Err(unsupported(format!("a sample of {bits} bits")));
        }
        if let Some(offset) = stated("signaloffset", &["signaloffset"])?.filter(|offset| *offset != 0.0) {
            return Err(unsupported(format!("the signal offset {offset}")));
        }
        let sampling_rate = stated("samplespersecond", &["samplingrate"])?;
        let step = stated("resolution", &["resolution", "signalresolution"])?;
        if let Some(step) = step.filter(|step| *step <= 0.0) {
            return Err(place.damaged(xml::line(waveforms), format!("a resolution of {step} µV")));
        }
        let duration = stated("durationperchannel", &[])?;
        let samples = duration.zip(sampling_rate).map(|(milliseconds, rate)| (milliseconds * rate / 1000.0) as usize);
        Ok(Characteristics {
            waveforms,
            compressed: is_compressed(waveforms).map_err(unsupported)?,
            sampling_rate,
            step,
            samples,
            labels: waveforms.attribute("leadlabels").filter(|labels| !labels.trim().is_empty()),
            lead_set: general.and_then(|general| text_at(general, &["acquisitiontype"])),
            signals: stated("numberofleads", &["numberchannelsallocated", "numberchannelsvalid"])?,
        })
    }
}

/// Whether the samples are compressed by XLI; the name of another compression.
fn is_compressed(waveforms: Node<'_, '_>) -> Result<bool, String> {
    if waveforms.attribute("compressflag").is_some_and(|flag| flag.eq_ignore_ascii_case("false")) {
        return Ok(false);
    }
    let method = waveforms.attribute("compressmethod").or(waveforms.attribute("compression")).unwrap_or_default();
    match method.trim().to_ascii_lowercase().as_str() {
        "xli" => Ok(true),
        "" | "uncompressed" | "none" => Ok(false),
        _ => Err(format!("the compression {method:?}")),
    }
}

/// The names of the leads in the order of the samples, empty where nothing says or suggests them.
fn labels(
    characteristics: &Characteristics<'_, '_>,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
    place: Place<'_>,
) -> Result<Vec<String>, FormatError> {
    let count = match characteristics.signals {
        None => None,
        Some(count) if (1.0..=MAXIMUM_SIGNALS).contains(&count) => Some(count as usize),
        Some(wrong) => {
            return Err(place.damaged(xml::line(characteristics.waveforms), format!("it states {wrong} leads")));
        }
    };
    if let Some(labels) = characteristics.labels {
        let labels = labels.split_whitespace().take(count.unwrap_or(MAXIMUM_SIGNALS as usize));
        return Ok(labels.map(str::to_owned).collect());
    }
    let count = count.unwrap_or(Lead::ALL.len());
    let standard = matches!(characteristics.lead_set.as_deref(), Some("STD-12" | "10-WIRE"));
    if !standard && count < Lead::ALL.len() {
        return Ok(vec![String::new(); count]);
    }
    // The limb leads must be known to undo how they are stored, even where the user states another order.
    if !standard && options.lead_order.is_none() {
        notices.push(Notice::LeadOrderAssumed(Lead::ALL.to_vec()));
    }
    let label = |index: usize| {
        Lead::ALL.get(index).map_or_else(|| format!("channel {}", index + 1), |lead| lead.name().to_owned())
    };
    Ok((0..count).map(label).collect())
}

/// The stored numbers of each lead, at most `limit` of each.
fn leads(
    characteristics: &Characteristics<'_, '_>,
    labels: &[String],
    limit: usize,
    place: Place<'_>,
) -> Result<Vec<Vec<i32>>, FormatError> {
    let bytes = xml::base64(characteristics.waveforms, place)?;
    if !characteristics.compressed {
        let samples = characteristics.samples.unwrap_or(bytes.len() / 2 / labels.len().max(1));
        let needed = samples.saturating_mul(labels.len()).saturating_mul(2);
        if needed > bytes.len() {
            return Err(place.truncated("the samples", needed as u64, bytes.len() as u64));
        }
        let lead = |lead| xml::little_endian(&bytes).skip(lead * samples).take(samples).map(i32::from).collect();
        return Ok((0..labels.len()).map(lead).collect());
    }
    let mut rest = bytes.as_slice();
    let mut leads = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let name = if label.is_empty() { format!("signal {}", index + 1) } else { format!("lead {label}") };
        let damaged = |reason: &str| place.damaged(format!("the samples of {name}"), reason);
        let (head, body) =
            rest.split_at_checked(HEAD).ok_or_else(|| place.truncated(&name, HEAD as u64, rest.len() as u64))?;
        let (size, start) = match *head {
            [a, b, c, d, _, _, low, high] => (u32::from_le_bytes([a, b, c, d]), i16::from_le_bytes([low, high])),
            _ => return Err(damaged("it has no head")),
        };
        let (compressed, after) = usize::try_from(size)
            .ok()
            .and_then(|size| body.split_at_checked(size))
            .ok_or_else(|| place.truncated(&name, size.into(), body.len() as u64))?;
        rest = after;
        let unpacked = unpack(compressed, limit.saturating_mul(2)).map_err(damaged)?;
        let mut samples =
            from_differences(&unpacked, start.into()).ok_or_else(|| damaged("a sample has more than 16 bits"))?;
        if let Some(stated) = characteristics.samples {
            if samples.len() < stated {
                return Err(damaged(&format!("{stated} samples are stated, {} are there", samples.len())));
            }
            samples.truncate(stated);
        }
        leads.push(samples);
    }
    Ok(leads)
}

/// Undoes the compression of Lempel, Ziv and Welch with codes of ten bits, the highest bit first.
///
/// 0 to 255 are the bytes; each other code, in the order in which they come to be, is what the code before the current
/// one stands for and the first byte of the current one. The last code, 1023, ends the data.
fn unpack(bytes: &[u8], limit: usize) -> Result<Vec<u8>, &'static str> {
    const BITS: u32 = 10;
    const END: usize = (1 << BITS) - 1;
    /// What a code stands for: that of another code and a byte.
    #[derive(Clone, Copy)]
    struct Entry {
        before: usize,
        first: u8,
        last: u8,
        length: usize,
    }
    let mut table: Vec<Entry> =
        (0..=u8::MAX).map(|byte| Entry { before: 0, first: byte, last: byte, length: 1 }).collect();
    let mut unpacked: Vec<u8> = Vec::new();
    let mut previous: Option<usize> = None;
    let (mut buffer, mut filled) = (0u32, 0);
    for &byte in bytes {
        buffer = (buffer << 8 | u32::from(byte)) & 0xf_ffff;
        filled += 8;
        if filled < BITS {
            continue;
        }
        filled -= BITS;
        let code = (buffer >> filled) as usize & END;
        if code == END {
            break;
        }
        if let Some((index, entry)) = previous.and_then(|index| Some((index, *table.get(index)?)))
            && table.len() < END
        {
            // The code that is about to be added may already be used: it then begins as the one before does.
            let last = table.get(code).map_or(entry.first, |entry| entry.first);
            table.push(Entry { before: index, first: entry.first, last, length: entry.length + 1 });
        }
        let mut entry = *table.get(code).ok_or("a code is used before it exists")?;
        let end = unpacked.len() + entry.length;
        if end > limit {
            return Err("it is longer than any recording");
        }
        unpacked.resize(end, 0);
        for place in unpacked.iter_mut().rev().take(entry.length) {
            *place = entry.last;
            entry = table.get(entry.before).copied().unwrap_or(entry);
        }
        previous = Some(code);
    }
    Ok(unpacked)
}

/// The samples from their differences from a straight line: first all high bytes, then all low ones.
fn from_differences(bytes: &[u8], start: i32) -> Option<Vec<i32>> {
    /// Added to each difference.
    const BIAS: i32 = 64;
    let (high, low) = bytes.split_at(bytes.len().div_ceil(2));
    let low = low.iter().copied().chain(std::iter::repeat(0));
    let differences = high.iter().zip(low).map(|(&high, low)| i32::from(i16::from_be_bytes([high, low])));
    let mut samples: Vec<i32> = Vec::with_capacity(high.len());
    let mut correction = start;
    for difference in differences {
        let sample = match *samples.as_slice() {
            [.., before, last] => {
                let predicted = 2 * last - before - correction;
                correction = difference - BIAS;
                predicted
            }
            _ => difference,
        };
        i16::try_from(sample).ok()?;
        samples.push(sample);
    }
    Some(samples)
}

/// Makes the leads III, aVR, aVL and aVF from what they lack to the values that follow from I and II.
fn rebuild_limb_leads(leads: &mut [Vec<i32>], labels: &[String], compressed: bool, notices: &mut Vec<Notice>) {
    let assigned: Vec<Option<Assigned>> = labels.iter().map(|label| Assigned::from_label(label)).collect();
    // Where a lead is, and the sign with which it is stored.
    let position = |lead| {
        let mut found = assigned.iter().enumerate().filter_map(|(index, assigned)| Some((index, (*assigned)?)));
        found.find(|(_, assigned)| assigned.lead == lead).map(|(index, assigned)| (index, assigned.sign()))
    };
    let (Some(first), Some(second)) = (position(Lead::I), position(Lead::II)) else { return };
    let at = |leads: &[Vec<i32>], (lead, sign): (usize, i32)| -> Vec<i32> {
        leads.get(lead).map_or(Vec::new(), |stored| stored.iter().map(|stored| sign * stored).collect())
    };
    let (first, second) = (at(leads, first), at(leads, second));
    if !compressed {
        let Some(third) = position(Lead::III).map(|third| at(leads, third)) else { return };
        let height = |value: i32| u64::from(value.unsigned_abs());
        let stored: u64 = third.iter().map(|&stored| height(stored)).sum();
        let expected = first.iter().zip(&second).map(|(first, second)| second - first);
        let rebuilt: u64 = third.iter().zip(expected).map(|(stored, expected)| height(expected - stored)).sum();
        let differences = stored < rebuilt;
        notices.push(Notice::File(format!(
            "the file does not say how it stores the limb leads; by their size, {}",
            if differences { "as differences from those that follow from I and II" } else { "as they are" }
        )));
        if !differences {
            return;
        }
    }
    // Halves are rounded down, as the recorders do.
    let mut rebuild = |lead, third: &[i32], rule: fn(i32, i32, i32) -> i32| -> Vec<i32> {
        let Some((index, sign)) = position(lead) else { return Vec::new() };
        let Some(stored) = leads.get_mut(index) else { return Vec::new() };
        for (((stored, first), second), third) in stored.iter_mut().zip(&first).zip(&second).zip(third) {
            *stored = sign * rule(*first, *second, *third) - *stored;
        }
        at(leads, (index, sign))
    };
    let expected: Vec<i32> = first.iter().zip(&second).map(|(first, second)| second - first).collect();
    let rebuilt = rebuild(Lead::III, &expected, |_, _, third| third);
    let third = if rebuilt.is_empty() { expected } else { rebuilt };
    rebuild(Lead::AVR, &third, |first, second, _| -((first + second) >> 1));
    rebuild(Lead::AVL, &third, |first, _, third| (first - third) >> 1);
    rebuild(Lead::AVF, &third, |_, second, third| (second + third) >> 1);
}

/// Cuts off the calibration pulse: at the end of every lead the same zeros, 1 mV for a while, and zeros.
fn cut_pulse(leads: &mut [Vec<i32>], step: f64, sampling_rate: Option<f64>, notices: &mut Vec<Notice>) {
    const SHORTEST_SECONDS: f64 = 0.05;
    let height = (1000.0 / step).round();
    let Some((lead, others)) = leads.split_first() else { return };
    let is_pulse = |index: usize| {
        let value = lead.get(index).copied();
        value.is_some_and(|value| value == 0 || f64::from(value) == height)
            && others.iter().all(|other| other.get(index).copied() == value)
    };
    let Some(begin) = (0..lead.len()).rev().find(|&index| !is_pulse(index)).map(|last| last + 1) else { return };
    let pulse = lead.get(begin..).unwrap_or_default();
    let high = pulse.iter().filter(|value| **value != 0).count();
    let rises = pulse.iter().zip(pulse.iter().skip(1)).filter(|(before, after)| **before == 0 && **after != 0).count();
    let rate = sampling_rate.unwrap_or(0.0);
    if others.is_empty() || rises != 1 || (high as f64) < SHORTEST_SECONDS * rate {
        return;
    }
    notices.push(Notice::File(format!(
        "the calibration pulse at the end, {} samples of each lead, was cut off",
        pulse.len()
    )));
    for lead in leads {
        lead.truncate(begin);
    }
}

fn person(root: Node<'_, '_>) -> Person {
    let patient = |path: &[&str]| text_at(child(root, &["patient", "generalpatientdata"])?, path);
    let acquisition = child(root, &["dataacquisition"]);
    let when = |name| acquisition.and_then(|acquisition| acquisition.attribute(name));
    let recorded_at = when("date").and_then(|date| date::date_and_time(date, when("time"), Order::Unknown));
    let stated = || {
        ["years", "months", "weeks", "days"].into_iter().find_map(|unit| {
            let age = patient(&["age", unit])?.parse().ok()?;
            date::age(age, unit)
        })
    };
    let from_birth = || {
        age_between(
            &date::date_and_time(&patient(&["age", "dateofbirth"])?, None, Order::Unknown)?,
            recorded_at.as_deref()?,
        )
    };
    Person {
        id: patient(&["patientid"]),
        age: stated().or_else(from_birth),
        sex: patient(&["sex"]).and_then(|sex| Sex::from_label(&sex)),
        recorded_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::Ecg;
    use crate::format::NoCompanions;
    use crate::format::testing::{damaged, stored};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// Codes of ten bits by the method of Lempel, Ziv and Welch, and the one that ends them.
    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut table: HashMap<Vec<u8>, u32> = (0..=255u8).map(|byte| (vec![byte], byte.into())).collect();
        let mut codes = Vec::new();
        let mut current = Vec::new();
        for &byte in bytes {
            let longer = [&current[..], &[byte]].concat();
            if table.contains_key(&longer) {
                current = longer;
                continue;
            }
            codes.push(table[&current]);
            if table.len() < 1023 {
                table.insert(longer, table.len() as u32);
            }
            current = vec![byte];
        }
        codes.extend(table.get(&current));
        codes.push(1023);
        let bits: Vec<u32> = codes.iter().flat_map(|code| (0..10).rev().map(move |bit| code >> bit & 1)).collect();
        bits.chunks(8)
            .map(|byte| byte.iter().enumerate().map(|(place, bit)| (bit << (7 - place)) as u8).sum())
            .collect()
    }

    fn compressed(samples: &[i32]) -> Vec<u8> {
        let differences: Vec<i32> = samples.windows(3).map(|next| 2 * next[1] - next[0] - next[2]).collect();
        let biased = differences[1..].iter().map(|difference| difference + 64).chain([64]);
        let stored: Vec<i16> = samples[..2].iter().copied().chain(biased).map(|value| value as i16).collect();
        let high = stored.iter().map(|value| value.to_be_bytes()[0]);
        let low = stored.iter().map(|value| value.to_be_bytes()[1]);
        let packed = pack(&high.chain(low).collect::<Vec<u8>>());
        let mut bytes = (packed.len() as u32).to_le_bytes().to_vec();
        bytes.extend([1, 0]);
        bytes.extend((differences[0] as i16).to_le_bytes());
        bytes.extend(packed);
        bytes
    }

    /// The limb leads as they are stored: what they lack to the values that follow from I and II.
    fn as_differences(mut leads: Vec<Vec<i32>>) -> Vec<Vec<i32>> {
        for index in 0..leads[0].len() {
            let [i, ii, iii, avr, avl, avf] = [0, 1, 2, 3, 4, 5].map(|lead| leads[lead][index]);
            leads[2][index] = ii - i - iii;
            leads[3][index] = -(i + ii).div_euclid(2) - avr;
            leads[4][index] = (i - iii).div_euclid(2) - avl;
            leads[5][index] = (ii + iii).div_euclid(2) - avf;
        }
        leads
    }

    const SAMPLES: usize = 1000;

    /// Leads in steps of 5 µV that nearly obey Einthoven and Goldberger.
    fn leads() -> Vec<Vec<i32>> {
        let mut leads = stored(SAMPLES);
        let (first, second) = (leads[0].clone(), leads[1].clone());
        for (index, (i, ii)) in first.into_iter().zip(second).enumerate() {
            let odd = index as i32 % 3;
            for (lead, value) in [(2, ii - i), (3, -(i + ii) / 2), (4, i - ii / 2), (5, ii - i / 2)] {
                leads[lead][index] = value + odd;
            }
        }
        leads
    }

    fn base64(leads: &[Vec<i32>], compress: bool) -> String {
        let bytes: Vec<u8> = match compress {
            true => leads.iter().flat_map(|lead| compressed(lead)).collect(),
            false => leads.iter().flatten().flat_map(|&step| (step as i16).to_le_bytes()).collect(),
        };
        BASE64_STANDARD.encode(bytes)
    }

    const PERSON: &str = "<patient><generalpatientdata><patientid>7</patientid><name><lastname>Nobody</lastname></name>\
                          <age defaultage='50'><years>61</years></age><sex>Female</sex></generalpatientdata></patient>";

    fn version_1_03(attributes: &str, data: &str) -> String {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><restingecgdata><dataacquisition date='2011-12-01' time='07:27:34'>\
             <signalcharacteristics><samplingrate>500</samplingrate><signalresolution>5</signalresolution>\
             <acquisitiontype>STD-12</acquisitiontype><bitspersample>16</bitspersample><signaloffset>0</signaloffset>\
             <numberchannelsallocated>12</numberchannelsallocated></signalcharacteristics></dataacquisition>{PERSON}\
             <waveforms><parsedwaveforms {attributes} dataencoding='Base64' durationperchannel='2000'>\n{data}\n\
             </parsedwaveforms><repbeats>AAAA</repbeats></waveforms></restingecgdata>"
        )
    }

    fn version_1_04(data: &str) -> Vec<u8> {
        let text = format!(
            "<?xml version='1.0' encoding='utf-16'?>\r\n<restingecgdata xmlns='http://www3.medical.philips.com'>\r\n\
             <dataacquisition date='2008-12-23' time='19:44:46'/>{}<waveforms><parsedwaveforms dataencoding='Base64' \
             compression='XLI' numberofleads='12' leadlabels='I II III aVR aVL aVF V1 V2 V3 V4 V5 V6' \
             durationperchannel='2000' samplespersecond='500' resolution='5' signaloffset='0' bitspersample='16'>{data}\
             </parsedwaveforms></waveforms></restingecgdata>",
            PERSON.replace("<years>61</years>", "<dateofbirth>1976-01-01</dateofbirth>")
        );
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    fn file() -> String {
        version_1_03("compressflag='True' compressmethod='XLI'", &base64(&as_differences(leads()), true))
    }

    fn read_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Ecg, FormatError> {
        crate::format::read("a.xml", bytes, &NoCompanions, options)
    }

    fn read_stated(bytes: &[u8]) -> Ecg {
        read_bytes(bytes, &ReadOptions::default()).unwrap()
    }

    #[test]
    fn leads_upside_down_are_rebuilt_and_turned() {
        let mut turned = as_differences(leads());
        for lead in [0, 3] {
            turned[lead].iter_mut().for_each(|stored| *stored = -*stored);
        }
        let labels = "-I II III -aVR aVL aVF V1 V2 V3 V4 V5 V6";
        let attributes = format!("compressflag='True' compressmethod='XLI' leadlabels='{labels}'");
        let ecg = read_stated(version_1_03(&attributes, &base64(&turned, true)).as_bytes());
        assert_leads(&ecg, &leads());
    }

    fn assert_leads(ecg: &Ecg, expected: &[Vec<i32>]) {
        assert_eq!(ecg.sampling_rate(), 500.0);
        assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
        for ((lead, samples), expected) in ecg.leads().iter().zip(expected) {
            let close = |(&sample, &step): (&f32, &i32)| (f64::from(sample) - f64::from(step) * 0.005).abs() < 1e-5;
            assert_eq!(samples.len(), expected.len());
            assert!(samples.iter().zip(expected).all(close), "{lead}");
        }
    }

    #[test]
    fn both_versions_are_read_back() {
        let ecg = read_stated(file().as_bytes());
        assert_leads(&ecg, &leads());
        assert_eq!(ecg.notices, []);
        let recorded_at = Some("2011-12-01T07:27:34".to_owned());
        let expected = Person { id: Some("7".to_owned()), age: Some(61.0), sex: Some(Sex::Female), recorded_at };
        assert_eq!(ecg.person, expected);
        let ecg = read_stated(&version_1_04(&base64(&as_differences(leads()), true)));
        assert_leads(&ecg, &leads());
        assert_eq!(ecg.notices, []);
        assert_eq!(ecg.person.age, Some(32.0));
    }

    #[test]
    fn uncompressed_limb_leads_are_told_by_their_size() {
        for (stored, said) in [(leads(), "as they are"), (as_differences(leads()), "as differences")] {
            for attributes in ["compressflag='False' compressmethod='XLI'", "", "compression='Uncompressed'"] {
                let ecg = read_stated(version_1_03(attributes, &base64(&stored, false)).as_bytes());
                assert_leads(&ecg, &leads());
                assert!(ecg.notices[0].to_string().contains(said), "{:?}", ecg.notices);
            }
        }
    }

    #[test]
    fn a_calibration_pulse_is_cut_off_and_nothing_else() {
        let ends = |end: &[i32]| -> Vec<Vec<i32>> {
            let cut = |mut lead: Vec<i32>| {
                lead.truncate(SAMPLES - end.len());
                lead.extend(end);
                lead
            };
            leads().into_iter().map(cut).collect()
        };
        let pulse = [vec![0; 50], vec![200; 100], vec![0; 50]].concat();
        let text = |leads| version_1_03("compressmethod='XLI'", &base64(&as_differences(leads), true));
        let ecg = read_stated(text(ends(&pulse)).as_bytes());
        let kept: Vec<Vec<i32>> = leads().into_iter().map(|lead| lead[..SAMPLES - 200].to_vec()).collect();
        assert_leads(&ecg, &kept);
        assert!(ecg.notices[0].to_string().contains("200 samples of each lead, was cut off"), "{:?}", ecg.notices);
        for no_pulse in [vec![0; 200], [vec![0; 50], vec![180; 100], vec![0; 50]].concat()] {
            assert_leads(&read_stated(text(ends(&no_pulse)).as_bytes()), &ends(&no_pulse));
        }
    }

    #[test]
    fn what_is_missing_is_assumed_and_said() {
        let unknown = file().replace("STD-12", "OTHER").replace("signalresolution", "noresolution");
        let ecg = read_stated(unknown.as_bytes());
        assert_leads(&ecg, &leads());
        assert!(ecg.notices.contains(&Notice::LeadOrderAssumed(Lead::ALL.to_vec())));
        assert!(ecg.notices.contains(&Notice::UnitAssumed { assumed: "5 µV in a step".to_owned() }));
    }

    #[test]
    fn corrections_go_before_the_file() {
        let order: Vec<Lead> = Lead::ALL.into_iter().rev().collect();
        let options = ReadOptions {
            unit: Some(Unit::AdcCounts { per_millivolt: 100.0 }),
            sampling_rate: Some(1000.0),
            lead_order: Some(order.clone()),
        };
        let ecg = read_bytes(file().as_bytes(), &options).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples()), (1000.0, SAMPLES));
        assert!(ecg.leads().iter().map(|(lead, _)| lead).eq(&order));
        assert_eq!(ecg.lead(Lead::AVF).unwrap()[199], leads()[6][199] as f32 / 100.0);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let short = base64(&as_differences(leads()), true);
        let short = &short[..short.len() / 8 * 4];
        for (text, code, expected) in [
            (file().replace("parsedwaveforms", "waves"), "not-an-ecg", "no parsedwaveforms"),
            (file().replace("XLI", "ZIP"), "unsupported", "the compression \"ZIP\""),
            (file().replace("'Base64'", "'Plain'"), "unsupported", "the data encoding \"Plain\""),
            (file().replace("offset>0", "offset>8"), "unsupported", "the signal offset 8"),
            (file().replace(">16<", ">12<"), "unsupported", "a sample of 12 bits"),
            (file().replace(">5<", ">0<"), "damaged", "a resolution of 0 µV"),
            (file().replace("allocated>12<", "allocated>1e9<"), "damaged", "it states 1000000000 leads"),
            (file().replace("'2000'", "'2002'"), "damaged", "1001 samples are stated, 1000 are there"),
            (file().replace("'2000'", "'1e300'"), "damaged", "samples are stated"),
            (version_1_03("compressmethod='XLI'", short), "truncated", "bytes are needed for lead"),
            (version_1_03("", short), "truncated", "24000 bytes are needed for the samples"),
            (version_1_03("compressmethod='XLI'", "*"), "damaged", "is not Base64"),
            (file().replace("samplingrate>500", "samplingrate>1e9"), "damaged", "samples are stated"),
        ] {
            let error = read_bytes(text.as_bytes(), &ReadOptions::default()).unwrap_err();
            assert_eq!(error.code(), code, "{expected}: {error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn what_unpacks_to_very_much_is_refused() {
        let bomb = pack(&vec![0; 3_000_000]);
        assert!(bomb.len() < 6000);
        assert_eq!(unpack(&bomb, 3_000_000).unwrap().len(), 3_000_000);
        assert_eq!(unpack(&bomb, 2_999_999), Err("it is longer than any recording"));
        // 300 is used as the first code.
        assert_eq!(unpack(&[0b0100_1011, 0b0000_0000], 100), Err("a code is used before it exists"));
        assert_eq!(unpack(&[], 100), Ok(Vec::new()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damaged_files_never_panic(bytes in damaged(file().into_bytes())) {
            let _ = read_bytes(&bytes, &ReadOptions::default());
        }

        #[test]
        fn unpacking_undoes_packing(bytes in proptest::collection::vec(0u8..5, 0..3000)) {
            prop_assert_eq!(unpack(&pack(&bytes), bytes.len()), Ok(bytes));
        }

        #[test]
        fn any_bytes_are_unpacked_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
            if let Ok(unpacked) = unpack(&bytes, 1 << 20) {
                let _ = from_differences(&unpacked, -32768);
            }
        }
    }
}
