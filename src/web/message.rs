//! What crosses from Rust to the page, with its TypeScript types.

use super::device::Opened;
use super::paper;
use super::words::{self, Fact};
use crate::ecg::{Notice, Person, Sex};
use crate::network::Architecture;
use crate::network::manifest;
use crate::outcome::{Estimated, Failure};
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

/// Which networks there are.
#[derive(Debug, Serialize, Tsify)]
pub struct Networks {
    /// The name of the network that estimates where none is chosen.
    pub default: &'static str,
    pub networks: Vec<Network>,
}

/// A network of which there are weights.
#[derive(Debug, Serialize, Tsify)]
pub struct Network {
    pub name: &'static str,
    /// The name with the size of the download.
    pub label: String,
    /// How large the download is.
    pub size: String,
    /// What it reached on people that it was not trained on.
    pub tests: Vec<NetworkTest>,
}

/// What a network reached on the people of one data set.
#[derive(Debug, Serialize, Tsify)]
pub struct NetworkTest {
    pub population: String,
    pub figures: Vec<Fact>,
}

impl Networks {
    pub fn new(manifest: &manifest::Manifest) -> Networks {
        let networks = manifest.architectures().map(|network| Network::new(network, &manifest.of(network)));
        Networks { default: manifest.default.name(), networks: networks.collect() }
    }
}

impl Network {
    fn new(network: Architecture, entries: &[&manifest::Entry]) -> Network {
        let size = words::size(entries.iter().map(|entry| entry.bytes).sum());
        let tests = entries.iter().flat_map(|entry| &entry.figures);
        let test = |figures: &manifest::Figures| NetworkTest {
            population: words::population(figures),
            figures: words::figures(figures),
        };
        Network { name: network.name(), label: format!("{network} ({size})"), size, tests: tests.map(test).collect() }
    }
}

/// A recording that was read, or a file that could not be.
#[derive(Debug, Default, Serialize, Tsify)]
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
    /// In beats a minute.
    #[tsify(optional)]
    pub heart_rate: Option<f64>,
    /// What a person should know about the recording.
    pub notices: Vec<Remark>,
}

/// What a person should know about a recording or its estimate.
#[derive(Debug, Clone, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    pub text: String,
    /// Whether it casts doubt on the recording; if not, it says what was done to it.
    pub is_warning: bool,
}

/// What computes.
#[derive(Debug, Serialize, Tsify)]
pub struct Device {
    pub name: String,
    /// Why it is not the one that was wanted.
    #[tsify(optional)]
    pub remark: Option<String>,
}

impl From<Opened> for Device {
    fn from(Opened { name, remark, .. }: Opened) -> Device {
        Device { name, remark }
    }
}

/// Workers that are to compute beside this one, and what they have to know.
#[derive(Debug, Serialize, Tsify)]
pub struct Helpers {
    /// How many are worth it.
    pub count: usize,
    pub network: &'static str,
    /// The manifest that the network is of, in JSON.
    pub manifest: String,
    /// In how many branches a recording can be shared out.
    pub branches: usize,
}

/// A recording that is ready to be computed by any workers.
#[derive(Debug, Serialize, Tsify)]
pub struct Prepared {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    pub input: Float32Array,
    /// For each worker the branches of the network that it is to compute.
    pub shares: Vec<Vec<usize>>,
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
        Problem { code: failure.code.to_owned(), message: words::sentence(&failure.message) }
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
    pub device: String,
    pub milliseconds: f64,
    /// The three above in words.
    pub computed: String,
    #[tsify(optional)]
    pub age: Option<Age>,
    #[tsify(optional)]
    pub sex: Option<SexEstimate>,
    pub notices: Vec<Remark>,
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
    /// Estimated minus stated age in years, where the file states one.
    #[tsify(optional)]
    pub difference: Option<f32>,
    /// The difference in words.
    #[tsify(optional)]
    pub comparison: Option<String>,
}

#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct SexEstimate {
    pub probability_female: f32,
    /// The more probable of the two.
    pub text: &'static str,
    /// The probability of that one in words.
    pub probability: String,
    /// How it compares with what the file states, in words.
    #[tsify(optional)]
    pub comparison: Option<String>,
}

impl Estimate {
    pub fn new(estimated: &Estimated, coverage: f32, device: &str, milliseconds: f64) -> Estimate {
        let Estimated { estimate, person } = estimated;
        let age = estimate.age.map(|age| Age {
            years: age.years,
            low: age.interval.map(|(low, _)| low),
            high: age.interval.map(|(_, high)| high),
            text: words::years(age.years),
            range: words::range(&age),
            interval: words::interval(&age, coverage),
            difference: person.age.map(|stated| age.years - stated),
            comparison: person.age.map(|stated| words::age_comparison(age.years, stated)),
        });
        let sex = estimate.sex.map(|estimate| SexEstimate {
            probability_female: estimate.probability_female,
            text: words::sex(estimate.sex),
            probability: words::probability(match estimate.sex {
                Sex::Female => estimate.probability_female,
                Sex::Male => 1.0 - estimate.probability_female,
            }),
            comparison: person.sex.map(|stated| words::sex_comparison(estimate.sex, stated)),
        });
        Estimate {
            network: estimate.network.name(),
            device: device.to_owned(),
            milliseconds,
            computed: words::computed(estimate.network, device, milliseconds),
            age,
            sex,
            notices: remarks(&estimate.notices),
        }
    }
}

/// Notices as sentences, warnings first.
pub fn remarks(notices: &[Notice]) -> Vec<Remark> {
    let remark =
        |notice: &Notice| Remark { text: words::sentence(&notice.to_string()), is_warning: words::is_warning(notice) };
    let mut remarks: Vec<Remark> = notices.iter().map(remark).collect();
    remarks.sort_by_key(|remark| !remark.is_warning);
    remarks
}
