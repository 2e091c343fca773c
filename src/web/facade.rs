//! The class that the worker holds.

use super::message::{Estimate, Format, Formats, Networks, Paper, Problem, Reading, Readings, Stated, sentences};
use super::{dropped, paper, words};
use crate::ecg::{Ecg, Notice};
use crate::estimate::Estimator;
use crate::format::{self, NamedFiles, ReadOptions};
use crate::network::Architecture;
use crate::network::manifest::Manifest;
use crate::network::weights::{Calibration, Weights};
use crate::outcome::{self, Estimated, Failure, Outcome, Record};
use crate::signal::{Window, beats, quality, synthetic};
use burn::tensor::Device;
use js_sys::{Reflect, Uint8Array};
use std::collections::BTreeMap;
use std::fmt::Display;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;
use web_time::Instant;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A file with its name, in a folder with its path. */
export interface NamedBytes {
    name: string;
    bytes: Uint8Array;
}

/** What is thrown: `code` stays the same between versions. */
export interface ECGNetError extends Error {
    code: string;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A file with its name, in a folder with its path.
    #[wasm_bindgen(typescript_type = "NamedBytes")]
    pub type NamedBytes;

    #[wasm_bindgen(method, getter)]
    fn name(this: &NamedBytes) -> String;

    #[wasm_bindgen(method, getter)]
    fn bytes(this: &NamedBytes) -> Uint8Array;
}

/// Reports a panic with its place on the console before the instance ends.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Reads recordings, lays out their tracings, and estimates age and sex.
///
/// Everything that fails throws an `Error` with a `code`.
#[wasm_bindgen]
#[derive(Default)]
pub struct ECGNet {
    loaded: Option<Loaded>,
    recordings: BTreeMap<u32, Recording>,
    next_id: u32,
}

/// A network that is ready.
struct Loaded {
    estimator: Estimator,
    /// The share of people that an age's interval is meant to hold.
    coverage: f32,
}

/// A dropped recording and what became of it.
struct Recording {
    file: String,
    /// Absent where the file could not be read.
    ecg: Option<Ecg>,
    /// Absent until it is estimated.
    outcome: Option<(Option<Architecture>, Outcome)>,
}

#[wasm_bindgen]
impl ECGNet {
    #[wasm_bindgen(constructor)]
    pub fn new() -> ECGNet {
        ECGNet::default()
    }

    /// The file formats that can be read.
    pub fn formats() -> Result<Ts<Formats>, JsValue> {
        let endings = |endings: &[&str]| endings.iter().map(|ending| format!(".{ending}")).collect();
        let formats = format::supported().map(|(name, known)| Format { name, endings: endings(known) });
        to_js(&Formats(formats.collect()))
    }

    /// The networks that `weights/manifest.json` lists.
    pub fn networks(manifest: &[u8]) -> Result<Ts<Networks>, JsValue> {
        let manifest = Manifest::from_json(manifest).map_err(|error| js_error("manifest", error))?;
        to_js(&Networks::new(&manifest))
    }

    /// Puts a network in place of the present one: the bytes of one weights file, or of one for age and one for sex.
    pub fn load(&mut self, files: Vec<Uint8Array>) -> Result<(), JsValue> {
        let weights: Result<Vec<Weights>, _> = files.iter().map(|file| Weights::from_bytes(&file.to_vec())).collect();
        let weights = weights.map_err(|error| js_error("weights", error))?;
        let estimator = Estimator::new(&weights, &Device::flex()).map_err(|error| js_error("weights", error))?;
        let calibrations = weights.iter().map(|weights| &weights.description.calibration);
        let with_interval = calibrations.clone().find(|calibration| calibration.age_half_width.is_some());
        let coverage = with_interval.map_or_else(|| Calibration::default().age_coverage, |found| found.age_coverage);
        self.loaded = Some(Loaded { estimator, coverage });
        Ok(())
    }

    /// Reads all recordings among files of one folder. A file that cannot be read is a [`Reading`] with an error.
    pub fn read(&mut self, files: Vec<NamedBytes>) -> Result<Ts<Readings>, JsValue> {
        let files: NamedFiles = files.into_iter().map(|file| (file.name(), file.bytes().to_vec())).collect();
        let found = dropped::read_all(&files, &ReadOptions::default());
        to_js(&Readings(
            found.into_iter().map(|found| self.add(found.file, found.ecg.map_err(Failure::from))).collect(),
        ))
    }

    /// Adds a synthetic recording.
    pub fn sample(&mut self) -> Result<Ts<Readings>, JsValue> {
        let mut ecg = synthetic::synthetic(synthetic::Parameters::default());
        ecg.notices.push(Notice::File("a synthetic recording: nobody's heart beats in it".to_owned()));
        to_js(&Readings(vec![self.add("Sample (synthetic)".to_owned(), Ok(ecg))]))
    }

    /// Lays out the tracing of a recording with 4, 2 or 1 columns side by side.
    pub fn paper(&self, id: u32, columns: usize) -> Result<Ts<Paper>, JsValue> {
        let ecg = self.recording(id)?.ecg.as_ref().ok_or_else(|| no_recording(id))?;
        let paper =
            paper::Paper::new(ecg, Window::default(), columns).map_err(|error| js_error(error.code(), error))?;
        to_js(&Paper::from(paper))
    }

    /// Estimates age and sex of a recording with the network that is loaded.
    pub fn estimate(&mut self, id: u32) -> Result<Ts<Estimate>, JsValue> {
        let Loaded { estimator, coverage } =
            self.loaded.as_ref().ok_or_else(|| js_error("no-network", "no network is loaded yet"))?;
        let recording = self.recordings.get_mut(&id).ok_or_else(|| no_recording(id))?;
        let ecg = recording.ecg.as_ref().ok_or_else(|| no_recording(id))?;
        let start = Instant::now();
        let outcome = estimator.estimate(ecg, Window::default()).map_err(Failure::from);
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        let outcome = outcome.map(|estimate| Estimated { estimate, person: ecg.person.clone() });
        let answer = match &outcome {
            Ok(estimated) => to_js(&Estimate::new(&estimated.estimate, *coverage, milliseconds)),
            Err(Failure { code, message }) => Err(js_error(code, message)),
        };
        recording.outcome = Some((Some(estimator.architecture()), outcome));
        answer
    }

    /// A table of comma-separated values of all recordings that were estimated or could not be read.
    pub fn csv(&self) -> Result<String, JsValue> {
        outcome::csv_table(self.outcomes()).map_err(|error| js_error("export", error))
    }

    /// The same as a list of objects in JSON.
    pub fn json(&self) -> Result<String, JsValue> {
        let records: Vec<Record> = self.outcomes().map(|(file, _, outcome)| Record::new(file, outcome)).collect();
        serde_json::to_string_pretty(&records).map_err(|error| js_error("export", error))
    }

    /// Forgets all recordings.
    pub fn clear(&mut self) {
        self.recordings.clear();
    }
}

impl ECGNet {
    fn add(&mut self, file: String, ecg: Result<Ecg, Failure>) -> Reading {
        let id = self.next_id;
        self.next_id += 1;
        let reading = reading(id, file.clone(), &ecg);
        let (ecg, outcome) = match ecg {
            Ok(ecg) => (Some(ecg), None),
            Err(failure) => (None, Some((None, Err(failure)))),
        };
        self.recordings.insert(id, Recording { file, ecg, outcome });
        reading
    }

    fn recording(&self, id: u32) -> Result<&Recording, JsValue> {
        self.recordings.get(&id).ok_or_else(|| no_recording(id))
    }

    fn outcomes(&self) -> impl Iterator<Item = (&str, Option<Architecture>, &Outcome)> {
        self.recordings.values().filter_map(|recording| {
            let (network, outcome) = recording.outcome.as_ref()?;
            Some((recording.file.as_str(), *network, outcome))
        })
    }
}

fn reading(id: u32, file: String, ecg: &Result<Ecg, Failure>) -> Reading {
    let window = Window::default();
    match ecg {
        Ok(ecg) => {
            let beats = beats::detect_within(ecg, window.start_seconds..window.start_seconds + paper::SECONDS);
            let notices: Vec<Notice> = ecg.notices.iter().cloned().chain(quality::assess(ecg, window)).collect();
            Reading {
                id,
                file,
                error: None,
                facts: words::facts(ecg, beats.heart_rate()),
                stated: Stated::new(&ecg.person),
                notices: sentences(&notices),
            }
        }
        Err(failure) => Reading {
            id,
            file,
            error: Some(Problem::from(failure)),
            facts: Vec::new(),
            stated: Stated::default(),
            notices: Vec::new(),
        },
    }
}

fn to_js<T: Tsify + serde::Serialize>(value: &T) -> Result<Ts<T>, JsValue> {
    value.into_ts().map_err(|error| js_error("internal", error))
}

fn no_recording(id: u32) -> JsValue {
    js_error("no-recording", format_args!("there is no recording {id}"))
}

/// A JavaScript `Error` with a `code`.
fn js_error(code: &str, message: impl Display) -> JsValue {
    let error = js_sys::Error::new(&words::sentence(&message.to_string()));
    // Setting a property of a new object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
