//! Why a file could not be read, in words for the person who dropped it.

use std::io;

use super::recording::SAMPLING_RATES;
use crate::ecg::{EcgError, Lead};

/// Why a file is not an ECG that can be read.
///
/// Every message names the file, the format and the place, and says what to do about it. [`FormatError::code`] is the
/// same for all files of one kind of trouble and does not change between versions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The operating system does not give the file out.
    #[error("{file} cannot be read: {source}")]
    Io { file: String, source: io::Error },
    /// The file has no bytes.
    #[error("{file} is empty (0 bytes): export or download it again")]
    Empty { file: String },
    /// The file is larger, or claims more samples, than is read.
    #[error("{file} is too large: it has {size}, at most {limit} are read; cut out the part of interest")]
    TooLarge { file: String, size: String, limit: String },
    /// The content is of no known ECG format.
    #[error("{file} is not an ECG file that can be read here: it looks like {looks_like}. {advice}")]
    UnknownFormat { file: String, looks_like: String, advice: String },
    /// The format is known, but what the file holds is not an ECG.
    #[error("{file} ({format}) holds no ECG: {reason}")]
    NotAnEcg { file: String, format: &'static str, reason: String },
    /// The file holds more than the one ECG that was asked for.
    #[error("{file} ({format}) holds {count} ECGs: choose one of them")]
    Several { file: String, format: &'static str, count: u64 },
    /// The file ends before what its header announces.
    #[error(
        "{file} ({format}) is cut off: {needed} bytes are needed for {what}, but only {available} are there; \
         copy or download the file again"
    )]
    Truncated { file: String, format: &'static str, what: String, needed: u64, available: u64 },
    /// The file contradicts its format.
    #[error("{file} ({format}) is damaged at {place}: {reason}; export or download the file again")]
    Damaged { file: String, format: &'static str, place: String, reason: String },
    /// The file is right, but uses a part of its format that is not read here.
    #[error("{file} ({format}), {place}: {feature} cannot be read here; {remedy}")]
    Unsupported { file: String, format: &'static str, place: String, feature: String, remedy: String },
    /// Another file of the same recording is needed.
    #[error(
        "{file} ({format}) also needs the file {needs}: put it into the same folder, or choose both files together"
    )]
    MissingCompanion { file: String, format: &'static str, needs: String },
    /// There are leads, but not the eight or twelve of a 12-lead ECG, and nothing says which they are.
    #[error("{file} ({format}) has {found}, but {needed}; export all leads, or state the lead order")]
    TooFewLeads { file: String, format: &'static str, found: String, needed: String },
    /// No lead has a single sample that is a number.
    #[error("{file} ({format}) has no valid sample: every sample of {} is missing or infinite", names(.leads))]
    NoValidSample { file: String, format: &'static str, leads: Vec<Lead> },
    /// What the user stated about the file ([`super::ReadOptions`]) cannot be true.
    #[error("the stated {what} does not fit {file}: {reason}")]
    Correction { file: String, what: &'static str, reason: String },
    /// The samples were read, but do not form an ECG.
    #[error("{file} ({format}): {error}{}", remedy(.error))]
    Ecg { file: String, format: &'static str, error: EcgError },
}

impl FormatError {
    /// A short name of the kind of trouble for machines, such as `truncated`; it stays the same between versions.
    pub fn code(&self) -> &'static str {
        match self {
            FormatError::Io { .. } => "io",
            FormatError::Empty { .. } => "empty",
            FormatError::TooLarge { .. } => "too-large",
            FormatError::UnknownFormat { .. } => "unknown-format",
            FormatError::NotAnEcg { .. } => "not-an-ecg",
            FormatError::Several { .. } => "several-ecgs",
            FormatError::Truncated { .. } => "truncated",
            FormatError::Damaged { .. } => "damaged",
            FormatError::Unsupported { .. } => "unsupported",
            FormatError::MissingCompanion { .. } => "missing-companion",
            FormatError::TooFewLeads { .. } => "too-few-leads",
            FormatError::NoValidSample { .. } => "no-valid-sample",
            FormatError::Correction { .. } => "correction",
            FormatError::Ecg { error, .. } => error.code(),
        }
    }
}

/// What [`FormatError::TooFewLeads`] says is needed where the leads of a file are counted.
pub(super) const ENOUGH_LEADS: &str = "12 leads, or the 8 leads I, II and V1 to V6, are needed";

fn names(leads: &[Lead]) -> String {
    match leads {
        [lead] => format!("lead {lead}"),
        leads => format!("leads {}", leads.iter().map(|lead| lead.name()).collect::<Vec<_>>().join(", ")),
    }
}

fn remedy(error: &EcgError) -> &'static str {
    match error {
        EcgError::SamplingRate(_) => "; state the sampling rate",
        EcgError::LeadTwice(_) => "; state the lead order",
        EcgError::LeadsMissing(_) => "; export all leads, or state the lead order",
        EcgError::UnequalLengths { .. } | EcgError::Empty => "; export the recording again",
    }
}

/// The file and the format that a reader is busy with: names the two in its errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub file: &'a str,
    pub format: &'static str,
}

impl Place<'_> {
    pub fn damaged(self, place: impl Into<String>, reason: impl Into<String>) -> FormatError {
        FormatError::Damaged {
            file: self.file.to_owned(),
            format: self.format,
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub fn truncated(self, what: impl Into<String>, needed: u64, available: u64) -> FormatError {
        FormatError::Truncated { file: self.file.to_owned(), format: self.format, what: what.into(), needed, available }
    }

    pub fn unsupported(
        self,
        place: impl Into<String>,
        feature: impl Into<String>,
        remedy: impl Into<String>,
    ) -> FormatError {
        FormatError::Unsupported {
            file: self.file.to_owned(),
            format: self.format,
            place: place.into(),
            feature: feature.into(),
            remedy: remedy.into(),
        }
    }

    pub fn not_an_ecg(self, reason: impl Into<String>) -> FormatError {
        FormatError::NotAnEcg { file: self.file.to_owned(), format: self.format, reason: reason.into() }
    }

    pub fn several(self, count: u64) -> FormatError {
        FormatError::Several { file: self.file.to_owned(), format: self.format, count }
    }

    /// A sampling rate in Hz that an [`Ecg`](crate::ecg::Ecg) can have.
    pub fn sampling_rate(self, rate: f64) -> Result<f64, FormatError> {
        if SAMPLING_RATES.contains(&rate) { Ok(rate) } else { Err(self.ecg(EcgError::SamplingRate(rate))) }
    }

    pub fn ecg(self, error: EcgError) -> FormatError {
        FormatError::Ecg { file: self.file.to_owned(), format: self.format, error }
    }

    pub fn correction(self, what: &'static str, reason: impl Into<String>) -> FormatError {
        FormatError::Correction { file: self.file.to_owned(), what, reason: reason.into() }
    }
}
