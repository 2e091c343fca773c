//! What crosses from Rust to the page, with its TypeScript types.

use super::paper;
use super::words::{self, Fact};
use crate::ecg::{Notice, Person, Sex};
use crate::estimate;
use crate::network::Architecture;
use crate::network::manifest;
use crate::outcome::Failure;
use js_sys::Float32Array;
use serde::Serialize;
use tsify::Tsify;

/// The file formats that can be read.
#[derive(Debug, Serialize, Tsify)]
#[serde(transparent)]
pub struct Formats(pub Vec<Format>);

#[derive(Debug, Serialize, Tsify)]
pub struct Format {
    pub name: &'static str,
    /// The usual endings of its files, with the dot.
    pub endings: Vec<String>,
}

/// Which networks there are, and the files with their weights.
#[derive(Debug, Serialize, Tsify)]
pub struct Networks {
    /// The name of the network that estimates where none is chosen.
    pub default: &'static str,
    pub networks: Vec<Network>,
}

/// A network with the files of its weights: one for both estimates, or one each.
#[derive(Debug, Serialize, Tsify)]
pub struct Network {
    pub name: &'static str,
    /// The name with the size of the download.
    pub label: String,
    pub files: Vec<WeightsFile>,
}

/// A file beside the manifest.
#[derive(Debug, Serialize, Tsify)]
pub struct WeightsFile {
    pub file: String,
    pub bytes: u64,
    /// SHA-256 sum in hexadecimal digits.
    pub sha256: String,
}

impl Networks {
    pub fn new(manifest: &manifest::Manifest) -> Networks {
        let networks = manifest.architectures().map(|network| Network::new(network, &manifest.of(network)));
        Networks { default: manifest.default.name(), networks: networks.collect() }
    }
}

impl Network {
    fn new(network: Architecture, entries: &[&manifest::Entry]) -> Network {
        let bytes = entries.iter().map(|entry| entry.bytes).sum();
        let file = |entry: &&manifest::Entry| WeightsFile {
            file: entry.file.clone(),
            bytes: entry.bytes,
            sha256: entry.sha256.to_ascii_lowercase(),
        };
        Network {
            name: network.name(),
            label: format!("{network} ({})", words::size(bytes)),
            files: entries.iter().map(file).collect(),
        }
    }
}

/// A recording that was read, or a file that could not be.
#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// What the recording is called in further calls.
    pub id: u32,
    pub file: String,
    /// Why there is no recording; everything below is empty then.
    #[tsify(optional)]
    pub error: Option<Problem>,
    pub facts: Vec<Fact>,
    pub stated: Stated,
    /// What a person should know about the recording.
    pub notices: Vec<String>,
}

/// All recordings of the files that were given together.
#[derive(Debug, Serialize, Tsify)]
#[serde(transparent)]
pub struct Readings(pub Vec<Reading>);

/// Why something is not there.
#[derive(Debug, Serialize, Tsify)]
pub struct Problem {
    /// Stays the same between versions.
    pub code: String,
    pub message: String,
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Problem {
        Problem { code: failure.code.to_owned(), message: failure.message.clone() }
    }
}

/// Age and sex as the file states them.
#[derive(Debug, Default, Serialize, Tsify)]
pub struct Stated {
    #[tsify(optional)]
    pub years: Option<f32>,
    #[tsify(optional)]
    pub age: Option<String>,
    #[tsify(optional)]
    pub sex: Option<&'static str>,
}

impl Stated {
    pub fn new(person: &Person) -> Stated {
        Stated { years: person.age, age: person.age.map(words::years), sex: person.sex.map(words::sex) }
    }
}

/// A tracing in millimetres; see `web/paper.rs`.
#[derive(Debug, Serialize, Tsify)]
pub struct Paper {
    pub width: f32,
    pub height: f32,
    /// Curves as x and y in turn; a pair of NaN lifts the pen.
    pub traces: Vec<Points>,
    pub marks: Vec<Points>,
    pub labels: Vec<Label>,
    pub scale: String,
    pub description: String,
}

#[derive(Debug, Serialize, Tsify)]
pub struct Label {
    pub text: &'static str,
    pub x: f32,
    pub y: f32,
}

/// Coordinates that reach the page as one typed array.
#[derive(Debug, Serialize, Tsify)]
pub struct Points(
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    Float32Array,
);

impl From<paper::Paper> for Paper {
    fn from(paper: paper::Paper) -> Paper {
        let points = |curves: Vec<Vec<f32>>| -> Vec<Points> {
            curves.iter().map(|curve| Points(Float32Array::from(curve.as_slice()))).collect()
        };
        let label = |label: paper::Label| Label { text: label.lead.name(), x: label.x, y: label.y };
        Paper {
            width: paper.width,
            height: paper.height,
            traces: points(paper.traces),
            marks: points(paper.marks),
            labels: paper.labels.into_iter().map(label).collect(),
            scale: paper.scale,
            description: paper.description,
        }
    }
}

/// What a network says of a recording.
#[derive(Debug, Serialize, Tsify)]
pub struct Estimate {
    pub network: &'static str,
    /// Where it was computed.
    pub device: &'static str,
    pub milliseconds: f64,
    /// The three above in words.
    pub computed: String,
    #[tsify(optional)]
    pub age: Option<Age>,
    #[tsify(optional)]
    pub sex: Option<SexEstimate>,
    pub notices: Vec<String>,
}

#[derive(Debug, Serialize, Tsify)]
pub struct Age {
    pub years: f32,
    #[tsify(optional)]
    pub low: Option<f32>,
    #[tsify(optional)]
    pub high: Option<f32>,
    pub text: String,
    /// The interval in short.
    #[tsify(optional)]
    pub range: Option<String>,
    /// What the interval means.
    #[tsify(optional)]
    pub interval: Option<String>,
}

#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct SexEstimate {
    pub probability_female: f32,
    /// The more probable of the two.
    pub text: &'static str,
    /// The probability of that one in words.
    pub probability: String,
}

impl Estimate {
    pub fn new(estimate: &estimate::Estimate, coverage: f32, milliseconds: f64) -> Estimate {
        let age = estimate.age.map(|age| Age {
            years: age.years,
            low: age.interval.map(|(low, _)| low),
            high: age.interval.map(|(_, high)| high),
            text: words::years(age.years),
            range: words::range(&age),
            interval: words::interval(&age, coverage),
        });
        let sex = estimate.sex.map(|estimate| SexEstimate {
            probability_female: estimate.probability_female,
            text: words::sex(estimate.sex),
            probability: words::probability(match estimate.sex {
                Sex::Female => estimate.probability_female,
                Sex::Male => 1.0 - estimate.probability_female,
            }),
        });
        let device = "CPU";
        let computed = words::computed(estimate.network, device, milliseconds);
        let notices = sentences(&estimate.notices);
        Estimate { network: estimate.network.name(), device, milliseconds, computed, age, sex, notices }
    }
}

/// Notices as sentences.
pub fn sentences(notices: &[Notice]) -> Vec<String> {
    notices.iter().map(|notice| words::sentence(&notice.to_string())).collect()
}
