//! One electrocardiogram: the leads in millivolt, their sampling rate, and what is known of the person.
//!
//! Everything downstream of [`crate::format`] works on [`Ecg`] and never asks which file it came from.

use std::fmt;

/// One of the twelve standard leads, in the order in which the published networks expect them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Lead {
    I,
    II,
    III,
    #[serde(rename = "aVR")]
    AVR,
    #[serde(rename = "aVL")]
    AVL,
    #[serde(rename = "aVF")]
    AVF,
    V1,
    V2,
    V3,
    V4,
    V5,
    V6,
}

impl Lead {
    /// The twelve leads in the networks' order: I, II, III, aVR, aVL, aVF, V1 to V6.
    pub const ALL: [Lead; 12] = [
        Lead::I,
        Lead::II,
        Lead::III,
        Lead::AVR,
        Lead::AVL,
        Lead::AVF,
        Lead::V1,
        Lead::V2,
        Lead::V3,
        Lead::V4,
        Lead::V5,
        Lead::V6,
    ];

    /// The name as it is printed on ECG paper.
    pub fn name(self) -> &'static str {
        match self {
            Lead::I => "I",
            Lead::II => "II",
            Lead::III => "III",
            Lead::AVR => "aVR",
            Lead::AVL => "aVL",
            Lead::AVF => "aVF",
            Lead::V1 => "V1",
            Lead::V2 => "V2",
            Lead::V3 => "V3",
            Lead::V4 => "V4",
            Lead::V5 => "V5",
            Lead::V6 => "V6",
        }
    }

    /// The position in [`Lead::ALL`], 0 to 11.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The lead that a device's or an archive's label means, in any usual spelling: `AVR`, `aVR`, `Lead II`,
    /// `ECG V3`, `lead_i`, `MDC_ECG_LEAD_AVF`, `V1-Cx`, `Ableitung I`, `EKG V1-Ref`, `2:II`, `V1 (C1)`. `None` where the
    /// label means something else, such as the lead upside down (`-aVR`) or the difference of two leads (`I-II`).
    pub fn from_label(label: &str) -> Option<Lead> {
        let mut text = label.split(['(', '[']).next().unwrap_or_default().trim().to_uppercase();
        if let Some(rest) = text.strip_prefix("MDC_ECG_LEAD_") {
            text = rest.to_owned();
        }
        // `2:II`: the number of the signal.
        if let Some((number, rest)) = text.split_once(':')
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            text = rest.trim_start().to_owned();
        }
        for prefix in LABEL_PREFIXES {
            if let Some(rest) = text.strip_prefix(prefix) {
                // A hyphen after these words joins; anywhere else it is a minus sign.
                let rest = rest.strip_prefix('-').or_else(|| rest.strip_prefix(" - ")).unwrap_or(rest);
                text = rest.trim_start_matches([' ', '_', ':', '.']).to_owned();
            }
        }
        if let Some(rest) = text.strip_suffix("-REF") {
            text = rest.to_owned();
        } else if let Some(rest) = text.strip_suffix("CX") {
            text = rest.strip_suffix('-').unwrap_or(rest).to_owned();
        }
        let text: String = text.chars().filter(|c| !matches!(c, ' ' | '_' | ':' | '.')).collect();
        let text = text.as_str();
        Lead::ALL.into_iter().find(|lead| lead.name().eq_ignore_ascii_case(text)).or(match text {
            "1" | "L1" | "DI" | "D1" | "\u{2160}" => Some(Lead::I),
            "2" | "L2" | "DII" | "D2" | "\u{2161}" => Some(Lead::II),
            "3" | "L3" | "DIII" | "D3" | "\u{2162}" => Some(Lead::III),
            "C1" => Some(Lead::V1),
            "C2" => Some(Lead::V2),
            "C3" => Some(Lead::V3),
            "C4" => Some(Lead::V4),
            "C5" => Some(Lead::V5),
            "C6" => Some(Lead::V6),
            _ => None,
        })
    }
}

/// Words before the name of a lead, in capitals, in the order in which they may follow each other.
const LABEL_PREFIXES: [&str; 10] = [
    "ECG",
    "EKG",
    "LEAD",
    "ABLEITUNG",
    "ABL.",
    "DERIVATION",
    "D\u{c9}RIVATION",
    "DERIVACI\u{d3}N",
    "DERIVA\u{c7}\u{c3}O",
    "DERIVAZIONE",
];

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The sex stated by a file or a table. The networks know these two classes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    Male,
    Female,
}

impl Sex {
    /// Number of classes.
    pub const COUNT: usize = 2;

    /// The published class number: 0 = male, 1 = female.
    pub fn class(self) -> usize {
        self as usize
    }

    /// Reads `M`, `male`, `F`, `female` in any case and in the languages of usual devices; `None` for anything else, such
    /// as `unknown`, and for numbers, whose meaning differs from file to file.
    pub fn from_label(label: &str) -> Option<Sex> {
        match label.trim().to_lowercase().as_str() {
            "m" | "male" | "man" | "m\u{e4}nnlich" | "maennlich" | "mann" | "masculino" | "masculin" | "hombre"
            | "homme" | "maschio" | "mannelijk" | "\u{7537}" => Some(Sex::Male),
            "f" | "female" | "woman" | "w" | "weiblich" | "frau" | "femenino" | "feminino" | "f\u{e9}minin"
            | "feminin" | "mujer" | "femme" | "femmina" | "vrouwelijk" | "\u{5973}" => Some(Sex::Female),
            _ => None,
        }
    }
}

impl fmt::Display for Sex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sex::Male => "male",
            Sex::Female => "female",
        })
    }
}

/// Ages in years; those outside are taken for errors. The oldest person whose age was verified lived to 122.
pub const AGES: std::ops::RangeInclusive<f32> = 0.0..=120.0;

/// What a file states about the person and the recording. Shown to the user, never logged or put into reports.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// The identifier of the person; that of a recording is none.
    pub id: Option<String>,
    /// Age in years at the time of the recording.
    pub age: Option<f32>,
    pub sex: Option<Sex>,
    /// Date and time of the recording, ISO 8601 (`2020-05-12T12:33:59`), or the date alone.
    pub recorded_at: Option<String>,
}

/// What the numbers of a lead mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Amplitude {
    /// Millivolt.
    #[default]
    Millivolt,
    /// Already filtered and scaled to unit variance by whoever published the file: the voltage is lost.
    Standardised,
}

/// Something a person should know about an ECG or the estimate made from it; never a reason to refuse it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Notice {
    #[error("leads {} were derived from the other limb leads", join(.0))]
    LimbLeadsDerived(Vec<Lead>),
    #[error("{}; the rest of the 10 s window was filled with zeros", length_in_words(*.seconds))]
    ShorterThanWindow { seconds: f64 },
    #[error("only {used_seconds:.1} s of {seconds:.1} s were used, from second {start_seconds:.1} on")]
    WindowChosen { seconds: f64, start_seconds: f64, used_seconds: f64 },
    #[error("the recording was resampled from {from} Hz to {to} Hz")]
    Resampled { from: f64, to: f64 },
    #[error("lead {0} is flat")]
    FlatLead(Lead),
    #[error("lead {lead}: {count} missing samples were filled from their neighbours")]
    MissingSamples { lead: Lead, count: usize },
    #[error("the amplitude is not stated in millivolt; the file holds standardised values")]
    Standardised,
    #[error("the QRS height of {millivolt:.3} mV is implausible (expected 0.3 to 5 mV): {likely_cause}")]
    ImplausibleAmplitude { millivolt: f64, likely_cause: String },
    #[error("the unit of the samples is not stated; {assumed} was assumed")]
    UnitAssumed { assumed: String },
    #[error("the sampling rate is not stated; {assumed} Hz was assumed")]
    SamplingRateAssumed { assumed: f64 },
    #[error("the lead order is not stated; {} was assumed", join(.0))]
    LeadOrderAssumed(Vec<Lead>),
    #[error("lead {lead}: {samples} samples lie at the end of the recorder's range; the true voltage is lost")]
    Clipped { lead: Lead, samples: usize },
    #[error("leads {} are noisy: muscle noise or mains hum above 5 % of the QRS height", join(.0))]
    Noisy(Vec<Lead>),
    #[error("lead I is upside down: the arm electrodes may be interchanged (or the heart lies on the right)")]
    ArmElectrodesInterchanged,
    #[error("the limb leads contradict each other by {millivolt:.3} mV (I + III = II, aVR + aVL + aVF = 0 must hold)")]
    LimbLeadsInconsistent { millivolt: f64 },
    /// A reader's remark about a file that deviates from its format.
    #[error("{0}")]
    File(String),
}

/// Notices as texts, those that say the same of several leads as one.
pub fn in_words(notices: &[Notice]) -> Vec<String> {
    /// What such notices have in common, the lead, and how many samples it is about.
    fn shared(notice: &Notice) -> Option<(&'static str, Lead, usize)> {
        match *notice {
            Notice::FlatLead(lead) => Some(("are flat", lead, 0)),
            Notice::MissingSamples { lead, count } => {
                Some(("missing samples were filled from their neighbours", lead, count))
            }
            Notice::Clipped { lead, samples } => {
                Some(("samples lie at the end of the recorder's range; the true voltage is lost", lead, samples))
            }
            _ => None,
        }
    }
    let mut texts = Vec::new();
    let mut told = Vec::new();
    for notice in notices {
        let Some((what, ..)) = shared(notice) else {
            texts.push(notice.to_string());
            continue;
        };
        if told.contains(&what) {
            continue;
        }
        told.push(what);
        let alike: Vec<(Lead, usize)> = notices
            .iter()
            .filter_map(shared)
            .filter(|(other, ..)| *other == what)
            .map(|(_, lead, samples)| (lead, samples))
            .collect();
        let leads: Vec<Lead> = alike.iter().map(|(lead, _)| *lead).collect();
        texts.push(match alike.iter().map(|(_, samples)| samples).sum() {
            _ if leads.len() == 1 => notice.to_string(),
            0 => format!("leads {} {what}", join(&leads)),
            samples => format!("leads {}: {samples} {what}", join(&leads)),
        });
    }
    texts
}

/// The length of a recording that is shorter than the window of ten seconds.
fn length_in_words(seconds: f64) -> String {
    let missing = 10.0 - seconds;
    if missing < 0.1 {
        format!("the recording is {:.0} ms shorter than 10 s", (missing * 1000.0).round().max(1.0))
    } else {
        format!("the recording has {seconds:.1} s")
    }
}

pub(crate) fn join(leads: &[Lead]) -> String {
    leads.iter().map(|lead| lead.name()).collect::<Vec<_>>().join(", ")
}

/// Why samples cannot form an [`Ecg`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EcgError {
    #[error("the sampling rate {0} Hz is not between 1 and 100,000 Hz")]
    SamplingRate(f64),
    #[error("lead {lead} has {samples} samples, the leads before it have {expected}")]
    UnequalLengths { lead: Lead, samples: usize, expected: usize },
    #[error("lead {0} is given twice")]
    LeadTwice(Lead),
    #[error("there is no lead with samples")]
    Empty,
    #[error("a 12-lead ECG is needed; leads {} are missing and cannot be derived", join(.0))]
    LeadsMissing(Vec<Lead>),
}

impl EcgError {
    /// A short name of the kind of trouble for machines, such as `too-few-leads`; it stays the same between versions.
    pub fn code(&self) -> &'static str {
        match self {
            EcgError::SamplingRate(_) => "sampling-rate",
            EcgError::UnequalLengths { .. } => "unequal-lengths",
            EcgError::LeadTwice(_) => "lead-twice",
            EcgError::Empty => "not-an-ecg",
            EcgError::LeadsMissing(_) => "too-few-leads",
        }
    }
}

/// An electrocardiogram as it was recorded.
///
/// Invariants, checked by [`Ecg::new`]: at least one lead, each lead once, all leads of the same non-zero length, and a
/// sampling rate between 1 and 100,000 Hz. A sample may be NaN where the file marks it as missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Ecg {
    leads: Vec<(Lead, Vec<f32>)>,
    sampling_rate: f64,
    /// What the numbers mean; millivolt unless the file says otherwise.
    pub amplitude: Amplitude,
    pub person: Person,
    /// Remarks of the file reader.
    pub notices: Vec<Notice>,
}

impl Ecg {
    /// Puts leads (samples in millivolt) and their sampling rate in Hz together.
    ///
    /// # Errors
    /// Where an invariant of [`Ecg`] does not hold.
    pub fn new(leads: Vec<(Lead, Vec<f32>)>, sampling_rate: f64) -> Result<Ecg, EcgError> {
        if !(1.0..=100_000.0).contains(&sampling_rate) {
            return Err(EcgError::SamplingRate(sampling_rate));
        }
        let expected = leads.first().map_or(0, |(_, samples)| samples.len());
        if expected == 0 {
            return Err(EcgError::Empty);
        }
        for (position, (lead, samples)) in leads.iter().enumerate() {
            if samples.len() != expected {
                return Err(EcgError::UnequalLengths { lead: *lead, samples: samples.len(), expected });
            }
            if leads[..position].iter().any(|(other, _)| other == lead) {
                return Err(EcgError::LeadTwice(*lead));
            }
        }
        Ok(Ecg {
            leads,
            sampling_rate,
            amplitude: Amplitude::default(),
            person: Person::default(),
            notices: Vec::new(),
        })
    }

    /// The leads in the order of the file, with their samples in millivolt.
    pub fn leads(&self) -> &[(Lead, Vec<f32>)] {
        &self.leads
    }

    /// The samples of one lead, if it was recorded.
    pub fn lead(&self, lead: Lead) -> Option<&[f32]> {
        self.leads.iter().find(|(other, _)| *other == lead).map(|(_, samples)| samples.as_slice())
    }

    /// Samples per second, in Hz.
    pub fn sampling_rate(&self) -> f64 {
        self.sampling_rate
    }

    /// Number of samples of each lead.
    pub fn samples(&self) -> usize {
        self.leads[0].1.len()
    }

    /// Length of the recording in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples() as f64 / self.sampling_rate
    }

    /// The same ECG with all twelve leads in the order of [`Lead::ALL`].
    ///
    /// Any two of the limb leads determine the other four (Einthoven 1912, Goldberger 1942): III = II - I,
    /// aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2. What was derived is said in a
    /// [`Notice::LimbLeadsDerived`].
    ///
    /// # Errors
    /// [`EcgError::LeadsMissing`] where a chest lead, or I or II, is absent and cannot be derived.
    pub fn into_twelve_leads(mut self) -> Result<Ecg, EcgError> {
        if self.leads.iter().map(|(lead, _)| *lead).eq(Lead::ALL) {
            return Ok(self);
        }
        let combine = |a: &[f32], b: &[f32], f: fn(f32, f32) -> f32| -> Vec<f32> {
            a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
        };
        let mut derived = Vec::new();
        if let (Some(first), None, Some(third)) = (self.lead(Lead::I), self.lead(Lead::II), self.lead(Lead::III)) {
            let samples = combine(first, third, |i, iii| i + iii);
            self.leads.push((Lead::II, samples));
            derived.push(Lead::II);
        } else if let (None, Some(second), Some(third)) =
            (self.lead(Lead::I), self.lead(Lead::II), self.lead(Lead::III))
        {
            let samples = combine(second, third, |ii, iii| ii - iii);
            self.leads.push((Lead::I, samples));
            derived.push(Lead::I);
        }
        type Rule = (Lead, fn(f32, f32) -> f32);
        const RULES: [Rule; 4] = [
            (Lead::III, |i, ii| ii - i),
            (Lead::AVR, |i, ii| -(i + ii) / 2.0),
            (Lead::AVL, |i, ii| i - ii / 2.0),
            (Lead::AVF, |i, ii| ii - i / 2.0),
        ];
        if let (Some(first), Some(second)) = (self.lead(Lead::I), self.lead(Lead::II)) {
            let missing = RULES.iter().filter(|(lead, _)| self.lead(*lead).is_none());
            let added: Vec<_> = missing.map(|(lead, rule)| (*lead, combine(first, second, *rule))).collect();
            derived.extend(added.iter().map(|(lead, _)| *lead));
            self.leads.extend(added);
        }
        let missing: Vec<Lead> = Lead::ALL.into_iter().filter(|lead| self.lead(*lead).is_none()).collect();
        if !missing.is_empty() {
            return Err(EcgError::LeadsMissing(missing));
        }
        self.leads.sort_by_key(|(lead, _)| *lead);
        if !derived.is_empty() {
            self.notices.push(Notice::LimbLeadsDerived(derived));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_devices_and_archives() {
        for lead in Lead::ALL {
            let name = lead.name();
            for label in [
                name.to_owned(),
                name.to_lowercase(),
                name.to_uppercase(),
                format!("Lead {name}"),
                format!("lead_{name}"),
                format!("ECG {name}"),
                format!("ECG lead {name}"),
                format!("EKG-{name}"),
                format!("EKG {name}-Ref"),
                format!("MDC_ECG_LEAD_{}", name.to_uppercase()),
                format!("Ableitung {name}"),
                format!("Abl. {name}"),
                format!("Derivaci\u{f3}n {name}"),
                format!("D\u{e9}rivation {name}"),
                format!("{name} (mV)"),
                format!(" {name} [uV]"),
                format!("7:{name}"),
            ] {
                assert_eq!(Lead::from_label(&label), Some(lead), "{label}");
            }
        }
        for (label, lead) in [
            ("1", Lead::I),
            ("DII", Lead::II),
            ("\u{2162}", Lead::III),
            ("Lead I (Einthoven)", Lead::I),
            ("V1-Cx", Lead::V1),
            ("C6", Lead::V6),
        ] {
            assert_eq!(Lead::from_label(label), Some(lead), "{label}");
        }
        for label in ["", "-aVR", "I-II", "V7", "V4R", "MLII", "Resp", "ECG", "(I)", "abl", "4", "IV", "12:33"] {
            assert_eq!(Lead::from_label(label), None, "{label}");
        }
    }

    #[test]
    fn notices_of_several_leads_are_one() {
        let notices = [
            Notice::FlatLead(Lead::I),
            Notice::MissingSamples { lead: Lead::V1, count: 3 },
            Notice::Standardised,
            Notice::FlatLead(Lead::V2),
            Notice::Clipped { lead: Lead::V3, samples: 40 },
            Notice::MissingSamples { lead: Lead::V2, count: 4 },
        ];
        assert_eq!(
            in_words(&notices),
            [
                "leads I, V2 are flat",
                "leads V1, V2: 7 missing samples were filled from their neighbours",
                "the amplitude is not stated in millivolt; the file holds standardised values",
                "lead V3: 40 samples lie at the end of the recorder's range; the true voltage is lost",
            ]
        );
    }

    #[test]
    fn nearly_ten_seconds_are_not_called_ten() {
        let text = |seconds| Notice::ShorterThanWindow { seconds }.to_string();
        assert!(text(9.998).starts_with("the recording is 2 ms shorter than 10 s; the rest"));
        assert!(text(4.0).starts_with("the recording has 4.0 s; the rest"));
    }

    #[test]
    fn sexes_in_words() {
        for label in ["M", "male", " MALE ", "M\u{c4}NNLICH", "hombre", "\u{7537}"] {
            assert_eq!(Sex::from_label(label), Some(Sex::Male), "{label}");
        }
        for label in ["f", "Female", "W", "weiblich", "femme", "\u{5973}"] {
            assert_eq!(Sex::from_label(label), Some(Sex::Female), "{label}");
        }
        for label in ["", "U", "UN", "unknown", "0", "1", "2", "O", "X"] {
            assert_eq!(Sex::from_label(label), None, "{label}");
        }
    }
}
