//! DICOM waveform objects (`.dcm`): the 12-lead, General and Ambulatory ECG.
//!
//! # Overview
//! [PS3.3, annex A.34](https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_A.34.html) (formerly
//! Supplement 30): the samples lie in one or more multiplex groups, each with its sampling frequency and, for each
//! channel, the lead as a code, the sensitivity, its correction factor, the baseline and the unit. Any other waveform
//! object is read too if its channels are ECG leads; an image is refused.
//!
//! Read is the group that holds the rhythm: a group that is called a median, average or representative beat, or a
//! derived one of less than three seconds, is never read; originals go before derived groups, more leads before fewer,
//! longer before shorter ones. Groups of other leads of the same time are read with it. The leads come from the codes of SCP-ECG (`5.6.3-9-1`) or ISO/IEEE 11073-10102 (`2:1`,
//! scheme MDC), else from the meaning beside the code, else from the label of the channel.
//!
//! # Encodings
//! [PS3.5](https://dicom.nema.org/medical/dicom/current/output/chtml/part05/PS3.5.html): implicit and explicit little
//! endian, explicit big endian and deflated data sets, with and without preamble and file meta information; samples of
//! 8, 16 and 32 bits, signed or not. Not read: the logarithmic 8-bit samples of sound (µ-law, A-law), and 32-bit samples
//! in big-endian order, for which two ways of writing exist.
//!
//! - Samples equal to the padding value become NaN, unless that value lies among the others: recorders are known that
//!   state 0 as padding, which is an ordinary voltage.
//! - The time between the samples of the channels (sample and time skew) is ignored: it is less than one sample, and the
//!   networks' sampling interval is longer.
//! - Where the age is not stated, it is computed from the date of birth.

mod data_set;

use std::borrow::Cow;
use std::io::Read;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::{tags, uids};

use super::date::{Day, Order, age_in_words, age_on, clock, day, moment};
use super::error::Place;
use super::number::{Kind, Number};
use super::recording::{
    Assigned, Calibration, Recording, assign_leads, bounded, is_usual_lead_count, lead_by_number, shortened,
};
use super::{Format, FormatError, ReadOptions, Source, Unit};
use crate::ecg::{Lead, Notice, Person, Sex};
use data_set::{DataSet, Fault, Syntax};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["dcm"], recognises, read };

const NAME: &str = "DICOM";

const SIGNATURE: &[u8] = b"DICM";

/// Unused bytes before the signature.
const PREAMBLE: usize = 128;

/// The group of the elements about the file itself.
const FILE_META_INFORMATION: u16 = 0x0002;

/// A retired transfer syntax, in which old files still are.
const EXPLICIT_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// A derived group of less than that is an averaged beat, in seconds.
const SHORTEST_DERIVED_RHYTHM: f64 = 3.0;

/// Deflated data sets may become so many times as long, and one mebibyte at least.
const MAXIMUM_INFLATION: u64 = 20;

fn recognises(source: &Source<'_>) -> bool {
    start(source.bytes) > 0 || data_set::recognised(source.bytes).is_some()
}

/// Where the first element begins.
fn start(bytes: &[u8]) -> usize {
    let signed = |at: usize| bytes.get(at..at + SIGNATURE.len()) == Some(SIGNATURE);
    [PREAMBLE, 0].into_iter().find(|&at| signed(at)).map_or(0, |at| at + SIGNATURE.len())
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let (bytes, syntax) = data_set_of_file(source.bytes, place)?;
    let data_set = DataSet::read(&bytes, syntax);
    let fault = |fault: &Fault| fault.error(place);
    let Some(waveforms) = data_set.get(tags::WAVEFORM_SEQUENCE) else {
        // An object that is known by its class to be no waveform is no damaged ECG.
        let kind = kind_of_object(&data_set);
        return Err(match (&data_set.fault, kind) {
            (Some(error), None) => fault(error),
            (_, kind) => place.not_an_ecg(format!("it is {} and has no waveforms", kind.unwrap_or("another object"))),
        });
    };
    let (items, item_fault) = waveforms.items();
    let groups: Vec<Group<'_>> = items.iter().enumerate().map(|(index, item)| Group::new(index, item)).collect();
    let Some(group) = rhythm(&groups, options) else {
        if let Some(error) = item_fault.as_ref().or(groups.iter().find_map(|group| group.waveform.fault.as_ref())) {
            return Err(fault(error));
        }
        return Err(without_rhythm(&groups, &data_set, options, place));
    };
    let mut recording = group.read(options, place)?;
    let joined = if options.lead_order.is_none() { simultaneous(group, &groups) } else { Vec::new() };
    for group in &joined {
        let more = group.read(options, place)?;
        recording.leads.extend(more.leads);
        recording.notices.extend(more.notices);
    }
    recording.notices.extend(others(group, &joined, &groups));
    recording.person = person(&data_set);
    Ok(recording)
}

/// The data set of a file, inflated where it was deflated, and how it is encoded.
fn data_set_of_file<'a>(bytes: &'a [u8], place: Place<'_>) -> Result<(Cow<'a, [u8]>, Syntax), FormatError> {
    let elements = bytes.get(start(bytes)..).unwrap_or_default();
    let (meta, length) = DataSet::read_while(elements, Syntax::EXPLICIT, |tag| tag.0 == FILE_META_INFORMATION);
    let rest = elements.get(length..).unwrap_or_default();
    let transfer_syntax = meta.text(tags::TRANSFER_SYNTAX_UID);
    let syntax = match transfer_syntax.as_deref() {
        Some(uids::IMPLICIT_VR_LITTLE_ENDIAN) => Syntax::IMPLICIT,
        Some(EXPLICIT_BIG_ENDIAN) => Syntax::BIG_ENDIAN,
        Some(uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN) => {
            return Ok((Cow::Owned(inflated(rest, place)?), Syntax::EXPLICIT));
        }
        // All others compress the pixels of images and nothing else (PS3.5, annex A.4).
        Some(_) => Syntax::EXPLICIT,
        None => match (data_set::recognised(rest), meta.fault) {
            (Some(syntax), _) => syntax,
            (None, Some(fault)) => return Err(fault.error(place)),
            (None, None) => Syntax::IMPLICIT,
        },
    };
    Ok((Cow::Borrowed(rest), syntax))
}

fn inflated(deflated: &[u8], place: Place<'_>) -> Result<Vec<u8>, FormatError> {
    let limit = (deflated.len() as u64 * MAXIMUM_INFLATION).max(1 << 20);
    let mut bytes = Vec::new();
    let result = flate2::read::DeflateDecoder::new(deflated).take(limit + 1).read_to_end(&mut bytes);
    if bytes.len() as u64 > limit {
        return Err(FormatError::TooLarge {
            file: place.file.to_owned(),
            size: format!("a deflated data set of {} bytes that becomes longer than that", deflated.len()),
            limit: format!("{limit} bytes"),
        });
    }
    match result {
        Ok(_) => Ok(bytes),
        Err(error) => Err(place.damaged("the deflated data set", error.to_string())),
    }
}

/// What is in a file that has no waveform, in words; `None` where its class is unknown or one of waveforms.
fn kind_of_object(data_set: &DataSet<'_>) -> Option<&'static str> {
    let class = data_set.text(tags::SOP_CLASS_UID);
    let class = class.as_deref()?;
    let known = OBJECTS.iter().find(|(uid, _)| *uid == class);
    let image = data_set.get(tags::ROWS).is_some() && data_set.get(tags::COLUMNS).is_some();
    known.map(|(_, words)| *words).or(image.then_some("an image"))
}

/// What archives of a clinic hold besides ECGs.
const OBJECTS: &[(&str, &str)] = &[
    (uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE, "an X-ray image (computed radiography)"),
    (uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION, "an X-ray image"),
    (uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE, "an X-ray angiography"),
    (uids::X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE, "an X-ray fluoroscopy"),
    (uids::CT_IMAGE_STORAGE, "a computed tomography image"),
    (uids::ENHANCED_CT_IMAGE_STORAGE, "a computed tomography image"),
    (uids::MR_IMAGE_STORAGE, "a magnetic resonance image"),
    (uids::ENHANCED_MR_IMAGE_STORAGE, "a magnetic resonance image"),
    (uids::NUCLEAR_MEDICINE_IMAGE_STORAGE, "a nuclear medicine image"),
    (uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE, "a positron emission tomography image"),
    (uids::ULTRASOUND_IMAGE_STORAGE, "an ultrasound image"),
    (uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE, "an ultrasound film"),
    (uids::SECONDARY_CAPTURE_IMAGE_STORAGE, "a picture (secondary capture)"),
    (uids::ENCAPSULATED_PDF_STORAGE, "a PDF document in a DICOM file"),
    (uids::BASIC_TEXT_SR_STORAGE, "a report"),
    (uids::ENHANCED_SR_STORAGE, "a report"),
    (uids::COMPREHENSIVE_SR_STORAGE, "a report"),
    (uids::MEDIA_STORAGE_DIRECTORY_STORAGE, "the table of contents of a disc (DICOMDIR)"),
];

/// What waveforms besides ECGs there are.
const OTHER_WAVEFORMS: &[(&str, &str)] = &[
    (uids::HEMODYNAMIC_WAVEFORM_STORAGE, "haemodynamic waveforms"),
    (uids::CARDIAC_ELECTROPHYSIOLOGY_WAVEFORM_STORAGE, "intracardiac waveforms"),
    (uids::BASIC_VOICE_AUDIO_WAVEFORM_STORAGE, "sound"),
    (uids::GENERAL_AUDIO_WAVEFORM_STORAGE, "sound"),
    (uids::ARTERIAL_PULSE_WAVEFORM_STORAGE, "pulse waveforms"),
    (uids::RESPIRATORY_WAVEFORM_STORAGE, "respiratory waveforms"),
    (uids::ROUTINE_SCALP_ELECTROENCEPHALOGRAM_WAVEFORM_STORAGE, "an electroencephalogram"),
    (uids::ELECTROMYOGRAM_WAVEFORM_STORAGE, "an electromyogram"),
    (uids::ELECTROOCULOGRAM_WAVEFORM_STORAGE, "an electrooculogram"),
    (uids::SLEEP_ELECTROENCEPHALOGRAM_WAVEFORM_STORAGE, "an electroencephalogram"),
    (uids::BODY_POSITION_WAVEFORM_STORAGE, "the position of the body"),
];

/// One multiplex group: channels that were sampled together.
struct Group<'a> {
    /// Counted from one, as in messages.
    number: usize,
    label: String,
    derived: bool,
    waveform: &'a DataSet<'a>,
    channels: Vec<Channel<'a>>,
    samples: u64,
    sampling_rate: Option<f64>,
}

/// One channel of a group.
struct Channel<'a> {
    definition: DataSet<'a>,
    /// The name of the lead, or how the file calls a channel that is none.
    name: String,
}

impl<'a> Channel<'a> {
    fn new(definition: DataSet<'a>) -> Channel<'a> {
        let source = definition.first_item(tags::CHANNEL_SOURCE_SEQUENCE).unwrap_or_default();
        let code = source.text(tags::CODE_VALUE).unwrap_or_default();
        let scheme = source.text(tags::CODING_SCHEME_DESIGNATOR).unwrap_or_default();
        if let Some(lead) = lead_of_code(&scheme, &code) {
            return Channel { definition, name: lead.name().to_owned() };
        }
        // A bare number as a code of another scheme is not the number of a lead.
        let code_in_words = code.starts_with("MDC_ECG_LEAD_").then(|| code.clone());
        let names = [code_in_words, source.text(tags::CODE_MEANING), definition.text(tags::CHANNEL_LABEL)];
        let mut names = names.into_iter().flatten();
        let lead = names.clone().find_map(|name| {
            // "Lead I (Einthoven)"
            let short = name.split('(').next().unwrap_or_default();
            Assigned::from_label(short).map(|_| short.to_owned())
        });
        let name = lead.unwrap_or_else(|| {
            let code = if code.is_empty() { String::new() } else { format!("code {code}") };
            names.next().map_or(code, Cow::into_owned)
        });
        Channel { definition, name }
    }

    fn is_lead(&self) -> bool {
        Assigned::from_label(&self.name).is_some()
    }

    /// What the stored numbers mean.
    fn calibration(
        &self,
        lead: Lead,
        options: &ReadOptions,
        place: Place<'_>,
        at: &str,
    ) -> Result<Calibration, FormatError> {
        let at = format!("{at}, lead {lead}");
        let number = |tag| self.definition.number(tag);
        let correction = number(tags::CHANNEL_SENSITIVITY_CORRECTION_FACTOR).unwrap_or(1.0);
        let step = number(tags::CHANNEL_SENSITIVITY).map(|sensitivity| sensitivity * correction);
        let code = self.definition.first_item(tags::CHANNEL_SENSITIVITY_UNITS_SEQUENCE).unwrap_or_default();
        let symbols = [code.text(tags::CODE_VALUE), code.text(tags::CODE_MEANING)];
        let known = symbols.iter().flatten().find_map(|symbol| Unit::from_symbol(symbol));
        let symbol = symbols.into_iter().flatten().next().unwrap_or_default();
        let (step, unit) = match (step, known, options.unit) {
            (Some(step), _, _) if !step.is_normal() => {
                return Err(place.damaged(at, format!("the channel sensitivity is {step} {symbol}")));
            }
            (Some(step), Some(unit), _) | (Some(step), None, Some(unit)) => (step, unit),
            (None, _, Some(unit)) => (1.0, unit),
            (None, _, None) => {
                return Err(place.unsupported(at, "a channel without sensitivity", "state the unit of its numbers"));
            }
            (Some(_), None, None) => {
                return Err(place.unsupported(at, format!("the unit {symbol:?}"), "state the unit, such as mV or uV"));
            }
        };
        let baseline = number(tags::CHANNEL_BASELINE).unwrap_or(0.0);
        Ok(Calibration::new(-baseline / step, 1.0 / step, unit, options))
    }
}

/// The lead that a code names.
fn lead_of_code(scheme: &str, code: &str) -> Option<Lead> {
    let number = match scheme {
        "SCPECG" => code.strip_prefix("5.6.3-9-")?,
        "MDC" => code.strip_prefix("2:")?,
        _ => return None,
    };
    lead_by_number(number.parse().ok()?)
}

impl<'a> Group<'a> {
    fn new(index: usize, waveform: &'a DataSet<'a>) -> Group<'a> {
        let channels =
            waveform.get(tags::CHANNEL_DEFINITION_SEQUENCE).map_or(Vec::new(), |channels| channels.items().0);
        let unsigned = |tag: Tag| waveform.get(tag).and_then(|element| element.unsigned()).unwrap_or(0);
        Group {
            number: index + 1,
            label: waveform.text(tags::MULTIPLEX_GROUP_LABEL).unwrap_or_default().into_owned(),
            derived: waveform.text(tags::WAVEFORM_ORIGINALITY).as_deref() == Some("DERIVED"),
            waveform,
            channels: channels.into_iter().map(Channel::new).collect(),
            samples: unsigned(tags::NUMBER_OF_WAVEFORM_SAMPLES).into(),
            sampling_rate: waveform.number(tags::SAMPLING_FREQUENCY),
        }
    }

    /// Group and label as in messages.
    fn described(&self) -> String {
        match self.label.as_str() {
            "" => format!("waveform group {}", self.number),
            label => format!("waveform group {} ({label})", self.number),
        }
    }

    fn seconds(&self) -> f64 {
        self.sampling_rate.map_or(0.0, |rate| self.samples as f64 / rate)
    }

    /// Whether this is one beat, computed from many.
    fn is_averaged_beat(&self) -> bool {
        let label = self.label.to_ascii_uppercase();
        let called =
            ["MEDIAN", "AVERAGE", "REPRESENTATIVE", "TEMPLATE", "BEAT"].iter().any(|word| label.contains(word));
        called || (self.derived && self.sampling_rate.is_some() && self.seconds() < SHORTEST_DERIVED_RHYTHM)
    }

    fn leads(&self) -> usize {
        self.channels.iter().filter(|channel| channel.is_lead()).count()
    }

    /// Whether its channels are, or can be taken as, leads.
    fn has_leads(&self, options: &ReadOptions) -> bool {
        let unnamed =
            is_usual_lead_count(self.channels.len()) && self.channels.iter().all(|channel| channel.name.is_empty());
        match &options.lead_order {
            Some(order) => order.len() == self.channels.len(),
            None => unnamed || self.leads() > 0,
        }
    }

    fn read(&self, options: &ReadOptions, place: Place<'_>) -> Result<Recording, FormatError> {
        let at = self.described();
        let labels: Vec<&str> = self.channels.iter().map(|channel| channel.name.as_str()).collect();
        let (leads, mut notices) = assign_leads(&labels, options, place)?;
        let Some(sampling_rate) = options.sampling_rate.or(self.sampling_rate) else {
            return Err(place.unsupported(at, "a waveform without sampling frequency", "state the sampling rate"));
        };
        let sampling_rate = place.sampling_rate(sampling_rate)?;
        let (number, data) = self.stored(place, &at)?;
        let (kept, notice) = bounded(self.samples, self.channels.len() as u64, sampling_rate);
        notices.extend(notice);
        let channel_count = self.channels.len();
        // The length was checked, so that every index is within the bytes.
        let stored = |channel: usize| {
            (0..kept as usize)
                .map(move |sample| number.read(data, sample * channel_count + channel).unwrap_or(f64::NAN))
        };
        let selected = || leads.iter().enumerate().filter_map(|(channel, lead)| Some((channel, (*lead)?)));
        let values = || selected().flat_map(|(channel, _)| stored(channel));
        let (padding, notice) = self.padding(number, values());
        notices.extend(notice);
        let mut recording = Recording { sampling_rate, notices, ..Recording::default() };
        for (position, lead) in selected() {
            let Some(channel) = self.channels.get(position) else { continue };
            let calibration = channel.calibration(lead.lead, options, place, &at)?;
            let millivolt = |number: f64| match Some(number) == padding {
                true => f32::NAN,
                false => calibration.millivolt(number),
            };
            recording.leads.push(lead.with(stored(position).map(millivolt).collect()));
        }
        if self.derived {
            recording.notices.push(Notice::File(format!("{at} is marked as derived: the recorder computed it")));
        }
        Ok(recording)
    }

    /// How the samples are stored, and the bytes that hold them all.
    fn stored(&self, place: Place<'_>, at: &str) -> Result<(Number, &'a [u8]), FormatError> {
        let missing = |name: &str| match &self.waveform.fault {
            Some(fault) => fault.error(place),
            None => place.damaged(at, format!("the {name} is missing")),
        };
        let bits = self.waveform.get(tags::WAVEFORM_BITS_ALLOCATED).and_then(|element| element.unsigned());
        let bits = bits.ok_or_else(|| missing("number of bits of a sample"))?;
        let interpretation = self.waveform.text(tags::WAVEFORM_SAMPLE_INTERPRETATION);
        let interpretation = interpretation.ok_or_else(|| missing("type of the samples"))?;
        let data = self.waveform.get(tags::WAVEFORM_DATA).ok_or_else(|| missing("waveform data"))?;
        let kind = match (&*interpretation, bits) {
            ("SB", 8) | ("SS", 16) | ("SL", 32) => Kind::Signed,
            ("UB", 8) | ("US", 16) | ("UL", 32) => Kind::Unsigned,
            ("MB" | "AB", _) => {
                let feature = "the logarithmic samples of sound (µ-law, A-law)";
                return Err(place.unsupported(at, feature, "export the ECG with 16-bit samples"));
            }
            _ => {
                return Err(
                    place.damaged(at, format!("samples of {bits} bits are said to be of type {interpretation:?}"))
                );
            }
        };
        let big_endian = data.syntax.big_endian;
        if big_endian && bits == 32 && data.vr != Some(VR::OL) {
            return Err(place.unsupported(at, "32-bit samples in big-endian order", "export the ECG as little endian"));
        }
        let channels = self.waveform.get(tags::NUMBER_OF_WAVEFORM_CHANNELS).and_then(|element| element.unsigned());
        if channels.is_some_and(|stated| stated as usize != self.channels.len()) {
            let reason = format!("{} channels are stated, {} defined", channels.unwrap_or(0), self.channels.len());
            return Err(place.damaged(at, reason));
        }
        let size = (bits / 8) as usize;
        let needed = self.samples.saturating_mul(self.channels.len() as u64).saturating_mul(size as u64);
        let available = data.value.len() as u64;
        if needed > available {
            let what = format!("{} samples of {} channels", self.samples, self.channels.len());
            return Err(place.truncated(what, needed, available));
        }
        let number = Number::new(kind, size, big_endian).ok_or_else(|| missing("type of the samples"))?;
        Ok((number, data.value))
    }

    /// The number that marks samples as missing.
    fn padding(&self, number: Number, values: impl Iterator<Item = f64>) -> (Option<f64>, Option<Notice>) {
        let element = self.waveform.get(tags::WAVEFORM_PADDING_VALUE);
        let Some(padding) = element.and_then(|element| number.read(element.value, 0)) else { return (None, None) };
        let (mut lower, mut higher, mut equal) = (false, false, 0u64);
        for value in values {
            lower |= value < padding;
            higher |= value > padding;
            equal += u64::from(value == padding);
        }
        if lower && higher && equal > 0 {
            let notice = format!(
                "harmless: the padding value {padding} lies among the samples; the {equal} samples of that value were taken as \
                 measured"
            );
            return (None, Some(Notice::File(notice)));
        }
        (Some(padding), None)
    }
}

/// The group that is read.
fn rhythm<'g, 'a>(groups: &'g [Group<'a>], options: &ReadOptions) -> Option<&'g Group<'a>> {
    let candidates = groups.iter().filter(|group| !group.is_averaged_beat() && group.has_leads(options));
    // The first of equal ones.
    candidates.reduce(|best, group| {
        let rank = |group: &Group<'_>| (!group.derived, group.leads(), (group.seconds() * 1000.0) as u64);
        if rank(group) > rank(best) { group } else { best }
    })
}

/// The other groups that were recorded together with this one, with leads that are not in it: a file may have its leads
/// in groups of three or six.
fn simultaneous<'g, 'a>(first: &Group<'a>, groups: &'g [Group<'a>]) -> Vec<&'g Group<'a>> {
    let time = |group: &Group<'_>| {
        let offset = group.waveform.number(tags::MULTIPLEX_GROUP_TIME_OFFSET).unwrap_or(0.0);
        (group.derived, group.samples, group.sampling_rate, offset)
    };
    let leads = |group: &Group<'_>| -> Vec<Lead> {
        let assigned = group.channels.iter().filter_map(|channel| Assigned::from_label(&channel.name));
        assigned.map(|assigned| assigned.lead).collect()
    };
    let mut known = leads(first);
    let mut found = Vec::new();
    for group in groups.iter().filter(|group| !group.is_averaged_beat() && time(group) == time(first)) {
        let own = leads(group);
        if !own.is_empty() && own.iter().all(|lead| !known.contains(lead)) {
            known.extend(own);
            found.push(group);
        }
    }
    found
}

/// Why no group can be read.
fn without_rhythm(
    groups: &[Group<'_>],
    data_set: &DataSet<'_>,
    options: &ReadOptions,
    place: Place<'_>,
) -> FormatError {
    if groups.is_empty() {
        return place.not_an_ecg("its waveform sequence is empty");
    }
    if let Some(beat) = groups.iter().find(|group| group.is_averaged_beat() && group.has_leads(options)) {
        return place.not_an_ecg(format!("{} is one averaged beat, and there is no rhythm", beat.described()));
    }
    if let Some(order) = &options.lead_order {
        let counts: Vec<String> = groups.iter().map(|group| group.channels.len().to_string()).collect();
        let reason = format!("it names {} leads, the waveform groups have {}", order.len(), shortened(&counts));
        return place.correction("lead order", reason);
    }
    let class = data_set.text(tags::SOP_CLASS_UID).unwrap_or_default();
    let kind =
        OTHER_WAVEFORMS.iter().find(|(uid, _)| *uid == class).map(|(_, words)| format!("it holds {words}, and "));
    let names = groups.iter().flat_map(|group| &group.channels).map(|channel| format!("{:?}", channel.name));
    place.not_an_ecg(format!(
        "{}none of its channels ({}) is one of the twelve leads; if they are, state the lead order",
        kind.unwrap_or_default(),
        shortened(&names.collect::<Vec<_>>())
    ))
}

/// Which other groups of leads there are, apart from averaged beats.
fn others(chosen: &Group<'_>, joined: &[&Group<'_>], groups: &[Group<'_>]) -> Option<Notice> {
    let is_read =
        |group: &Group<'_>| group.number == chosen.number || joined.iter().any(|joined| joined.number == group.number);
    let other = |group: &&Group<'_>| !is_read(group) && group.leads() > 0 && !group.is_averaged_beat();
    let others: Vec<String> = groups.iter().filter(other).map(Group::described).collect();
    (!others.is_empty()).then(|| Notice::File(format!("{} was read, not {}", chosen.described(), shortened(&others))))
}

fn person(data_set: &DataSet<'_>) -> Person {
    let date = |tag: Tag| -> Option<Day> { day(&data_set.text(tag)?, Order::Unknown) };
    let recorded = [
        (tags::ACQUISITION_DATE_TIME, None),
        (tags::ACQUISITION_DATE, Some(tags::ACQUISITION_TIME)),
        (tags::CONTENT_DATE, Some(tags::CONTENT_TIME)),
        (tags::SERIES_DATE, Some(tags::SERIES_TIME)),
        (tags::STUDY_DATE, Some(tags::STUDY_TIME)),
    ];
    let recorded = recorded.into_iter().find_map(|(date_tag, time_tag)| {
        let day = date(date_tag)?;
        let time = match time_tag {
            Some(tag) => data_set.text(tag).and_then(|text| clock(&text)),
            None => data_set.text(date_tag)?.get(8..).and_then(clock),
        };
        moment(day, time).map(|text| (day, text))
    });
    let stated_age = data_set.text(tags::PATIENT_AGE).and_then(|text| age_in_words(&text));
    Person {
        id: data_set.text(tags::PATIENT_ID).map(Cow::into_owned),
        age: stated_age.or_else(|| age_on(date(tags::PATIENT_BIRTH_DATE)?, recorded.as_ref()?.0)),
        sex: data_set.text(tags::PATIENT_SEX).and_then(|text| Sex::from_label(&text)),
        recorded_at: recorded.map(|(_, text)| text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_only_in_their_scheme() {
        assert_eq!(lead_of_code("SCPECG", "5.6.3-9-61"), Some(Lead::III));
        assert_eq!(lead_of_code("MDC", "2:3"), Some(Lead::V1));
        for (scheme, code) in [("MDC", "5.6.3-9-1"), ("SCPECG", "5.6.3-9-999"), ("99X", "2:1"), ("MDC", "2:")] {
            assert_eq!(lead_of_code(scheme, code), None);
        }
    }

    #[test]
    fn other_formats_are_not_recognised() {
        let zeros = [0; 200];
        for bytes in [&b"\x89HDF\r\n\x1a\n"[..], b"DIC", b"rec 12 500 5000\n", &zeros, &[8, 0, 5, 0], &[]] {
            assert!(start(bytes) == 0 && data_set::recognised(bytes).is_none());
        }
    }
}
