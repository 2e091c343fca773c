//! The class that the page's worker holds.

use super::device::Choice;
use super::engine::{Engine, Shared};
use super::error::js_error;
use super::input::{self, Corrections, DeviceChoice, NamedBytes, OnProgress};
use super::message::{
    Device, Estimate, Format, Formats, Helpers, Networks, Paper, Prepared, Problem, Reading, Readings, Stated, remarks,
};
use super::pool::Machine;
use super::{dropped, paper, weights, words};
use crate::ecg::{Ecg, Notice, Person};
use crate::format::{self, ReadOptions};
use crate::network::Architecture;
use crate::network::manifest::Manifest;
use crate::outcome::{self, Estimated, Failure, Outcome, Record};
use crate::signal::{Window, beats, quality, synthetic};
use js_sys::{Float32Array, Function};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

unsafe extern "C" {
    /// What runs before everything else; the linker writes it.
    fn __wasm_call_ctors();
}

/// Runs the constructors that dependencies have, and has a panic reported with its place on the console.
#[wasm_bindgen(start)]
fn start() {
    // SAFETY: nothing else calls it. If nothing did, the linker would have every call from JavaScript run all of them.
    unsafe { __wasm_call_ctors() };
    console_error_panic_hook::set_once();
}

/// What a visitor of the page has opened: reads recordings, lays out their tracings, and estimates age and sex.
///
/// Everything that fails throws an `Error` with a `code`.
#[wasm_bindgen]
pub struct Session {
    weights: String,
    manifest: RefCell<Option<Rc<Manifest>>>,
    engine: RefCell<Option<Rc<Engine>>>,
    recordings: RefCell<BTreeMap<u32, Recording>>,
    /// Recordings that were prepared for the present network, and are neither concluded nor estimated yet.
    shared: RefCell<BTreeMap<u32, Shared>>,
    next_id: Cell<u32>,
}

/// An opened recording and what became of it.
struct Recording {
    file: String,
    ecg: Result<Rc<Ecg>, Failure>,
    /// What was found out about the quality of its signals.
    quality: Rc<[Notice]>,
    outcomes: BTreeMap<Architecture, Outcome>,
}

/// An object of the export; age and sex as the file states them only where they are wanted.
#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    record: Record<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<Stated>,
}

#[wasm_bindgen]
impl Session {
    /// `weights` is the address of the folder with the weights, ending in `/`.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: String) -> Session {
        Session {
            weights,
            manifest: RefCell::default(),
            engine: RefCell::default(),
            recordings: RefCell::default(),
            shared: RefCell::default(),
            next_id: Cell::default(),
        }
    }

    /// The file formats that can be read.
    pub fn formats(&self) -> Result<Ts<Formats>, JsValue> {
        let endings = |endings: &[&str]| endings.iter().map(|ending| format!(".{ending}")).collect();
        let formats = format::supported().map(|(name, known)| Format { name, endings: endings(known) });
        to_js(&Formats(formats.collect()))
    }

    /// The networks of which there are weights.
    pub async fn networks(&self) -> Result<Ts<Networks>, JsValue> {
        let manifest = weights::manifest(&self.weights).await?;
        let networks = Networks::new(&manifest);
        self.manifest.replace(Some(Rc::new(manifest)));
        to_js(&networks)
    }

    /// Puts a network in place of the present one, and says what computes it.
    pub async fn load(
        &self,
        network: String,
        device: DeviceChoice,
        report: Option<OnProgress>,
    ) -> Result<Ts<Device>, JsValue> {
        let network: Architecture = network.parse().map_err(|error| js_error("argument", error))?;
        let choice = input::choice(&device.as_string().unwrap_or_default())?;
        let report: Option<Function> = report.map(JsCast::unchecked_into);
        let manifest = self.manifest.borrow().clone();
        let manifest = match manifest {
            Some(manifest) => manifest,
            None => Rc::new(weights::manifest(&self.weights).await?),
        };
        self.manifest.replace(Some(manifest.clone()));
        // Two networks at a time may not fit.
        self.engine.replace(None);
        self.shared.borrow_mut().clear();
        let engine = Rc::new(Engine::load(&self.weights, &manifest, network, choice, report.as_ref()).await?);
        let device = engine.device();
        self.engine.replace(Some(engine));
        to_js(&Device::from(device))
    }

    /// What computes now.
    pub fn device(&self) -> Result<Ts<Device>, JsValue> {
        to_js(&Device::from(self.engine()?.device()))
    }

    /// Reads all recordings among files. A file that cannot be read is a [`Reading`] with an error.
    pub fn read(&self, files: Vec<NamedBytes>) -> Result<Ts<Readings>, JsValue> {
        let found = dropped::read_all(&input::files(files)?, &ReadOptions::default());
        let readings =
            found.into_iter().map(|found| self.put(self.new_id(), found.file, found.ecg.map_err(Failure::from)));
        to_js(&Readings(readings.collect()))
    }

    /// Reads a recording anew from the files that it came with, as a person states them to be.
    pub fn correct(&self, id: u32, files: Vec<NamedBytes>, corrections: Corrections) -> Result<Ts<Reading>, JsValue> {
        let file = self.with(id, |recording| recording.file.clone())?;
        let options = input::read_options(&corrections)?;
        let found = dropped::read_all(&input::files(files)?, &options);
        let found = found.into_iter().find(|found| found.file == file).ok_or_else(|| no_recording(id))?;
        to_js(&self.put(id, file, found.ecg.map_err(Failure::from)))
    }

    /// Adds a synthetic recording.
    pub fn sample(&self) -> Result<Ts<Readings>, JsValue> {
        let mut ecg = synthetic::synthetic(synthetic::Parameters::default());
        ecg.notices.push(Notice::File("this recording is synthetic: nobody's heart beats in it".to_owned()));
        to_js(&Readings(vec![self.put(self.new_id(), "Sample (synthetic)".to_owned(), Ok(ecg))]))
    }

    /// Lays out the tracing of a recording with 4, 2 or 1 columns side by side.
    pub fn paper(&self, id: u32, columns: usize) -> Result<Ts<Paper>, JsValue> {
        let ecg = self.ecg(id)?;
        let paper =
            paper::Paper::new(&ecg, Window::default(), columns).map_err(|error| js_error(error.code(), error))?;
        to_js(&Paper::from(paper))
    }

    /// Estimates age and sex of a recording with the network that is loaded.
    pub async fn estimate(&self, id: u32) -> Result<Ts<Estimate>, JsValue> {
        let (engine, ecg, quality) = (self.engine()?, self.ecg(id)?, self.quality(id)?);
        // A helper that was lost may have left it.
        self.shared.borrow_mut().remove(&id);
        let (outcome, message) = engine.estimate(&ecg, &quality).await;
        self.note(id, &engine, outcome);
        to_js(&message.map_err(thrown)?)
    }

    /// How many helpers, which are workers that compute beside this one, are worth it where so many recordings wait, and
    /// what they have to know; see [`Session::help`].
    pub fn helpers(&self, waiting: usize) -> Result<Ts<Helpers>, JsValue> {
        let engine = self.engine()?;
        let count = engine.helpers(Machine::here(), waiting);
        let manifest = self.manifest.borrow().as_ref().map(|manifest| manifest.to_json()).unwrap_or_default();
        to_js(&Helpers { count, network: engine.architecture().name(), manifest, branches: engine.branches() })
    }

    /// Makes this the session of a helper: loads a network that another session has loaded, on the processor and from
    /// the browser's cache, so that nothing is fetched twice.
    pub async fn help(&self, network: String, manifest: String) -> Result<(), JsValue> {
        let network: Architecture = network.parse().map_err(|error| js_error("argument", error))?;
        let manifest = Manifest::from_json(manifest.as_bytes()).map_err(|error| js_error("manifest", error))?;
        let weights = weights::kept_of(&self.weights, &manifest, network).await;
        let weights = weights.ok_or_else(|| js_error("not-kept", "the browser does not keep the weights"))?;
        self.engine.replace(Some(Rc::new(Engine::new(weights, Choice::Cpu).await?)));
        Ok(())
    }

    /// Prepares a recording for so many workers: `features` of each with its share, and then `conclude`, are together
    /// what `estimate` is.
    pub fn prepare(&self, id: u32, workers: usize) -> Result<Ts<Prepared>, JsValue> {
        let (engine, ecg, quality) = (self.engine()?, self.ecg(id)?, self.quality(id)?);
        let mut shared = engine.prepare(&ecg, &quality, workers).map_err(|failure| {
            // What cannot be prepared is not concluded: this is its outcome.
            self.note(id, &engine, Err(failure.clone()));
            thrown(failure)
        })?;
        let inputs = std::mem::take(&mut shared.prepared.inputs).concat();
        let prepared = Prepared { input: Float32Array::from(inputs.as_slice()), shares: shared.shares.clone() };
        self.shared.borrow_mut().insert(id, shared);
        to_js(&prepared)
    }

    /// What some branches of the network find in a prepared recording.
    pub async fn features(&self, input: Vec<f32>, branches: Vec<usize>) -> Result<Vec<Float32Array>, JsValue> {
        let features = self.engine()?.features(&input, &branches).await.map_err(thrown)?;
        Ok(features.iter().map(|values| Float32Array::from(values.as_slice())).collect())
    }

    /// Estimates from the features that were found of all shares, one share after the other, in so many milliseconds.
    pub async fn conclude(
        &self,
        id: u32,
        features: Vec<Float32Array>,
        milliseconds: f64,
    ) -> Result<Ts<Estimate>, JsValue> {
        let (engine, ecg) = (self.engine()?, self.ecg(id)?);
        let shared = self.shared.borrow_mut().remove(&id).ok_or_else(|| no_recording(id))?;
        let features = features.iter().map(Float32Array::to_vec).collect();
        let (outcome, message) = engine.conclude(&ecg.person, shared, features, milliseconds).await;
        self.note(id, &engine, outcome);
        to_js(&message.map_err(thrown)?)
    }

    /// Notes that a network could not estimate a recording since the computation stopped, with whatever held it: exports
    /// say so.
    pub fn stopped(&self, id: u32, network: String, message: String) -> Result<(), JsValue> {
        let network: Architecture = network.parse().map_err(|error| js_error("argument", error))?;
        let mut recordings = self.recordings.borrow_mut();
        let recording = recordings.get_mut(&id).ok_or_else(|| no_recording(id))?;
        recording.outcomes.insert(network, Err(Failure { code: "crash", message }));
        Ok(())
    }

    /// A table of comma-separated values of all recordings that a network estimated or that could not be read; with
    /// age and sex as the files state them only where that is wanted.
    pub fn csv(&self, network: String, with_stated: bool) -> Result<String, JsValue> {
        let recordings = self.recordings.borrow();
        let rows = outcomes(&recordings, &network, with_stated);
        let rows = rows.iter().map(|(file, network, outcome)| (*file, *network, outcome));
        outcome::csv_table(rows).map_err(|error| js_error("export", error))
    }

    /// The same as a list of objects in JSON.
    pub fn json(&self, network: String, with_stated: bool) -> Result<String, JsValue> {
        let recordings = self.recordings.borrow();
        let rows = outcomes(&recordings, &network, with_stated);
        let exported = |(file, _, outcome): &'_ (&'_ str, Option<Architecture>, Outcome)| -> serde_json::Value {
            let person = outcome.as_ref().ok().filter(|_| with_stated).map(|estimated| &estimated.person);
            let exported = Exported { record: Record::new(file, outcome), stated: person.map(Stated::new) };
            serde_json::to_value(exported).unwrap_or_default()
        };
        let records: Vec<serde_json::Value> = rows.iter().map(exported).collect();
        serde_json::to_string_pretty(&records).map_err(|error| js_error("export", error))
    }

    /// Forgets all recordings.
    pub fn clear(&self) {
        self.recordings.borrow_mut().clear();
        self.shared.borrow_mut().clear();
    }
}

impl Session {
    fn new_id(&self) -> u32 {
        self.next_id.replace(self.next_id.get() + 1)
    }

    fn put(&self, id: u32, file: String, ecg: Result<Ecg, Failure>) -> Reading {
        let quality = ecg.as_ref().map(|ecg| quality::assess(ecg, Window::default())).unwrap_or_default();
        let reading = reading(id, file.clone(), &ecg, &quality);
        let recording = Recording { file, ecg: ecg.map(Rc::new), quality: quality.into(), outcomes: BTreeMap::new() };
        self.recordings.borrow_mut().insert(id, recording);
        reading
    }

    fn engine(&self) -> Result<Rc<Engine>, JsValue> {
        self.engine.borrow().clone().ok_or_else(|| js_error("no-network", "no network is loaded yet"))
    }

    fn ecg(&self, id: u32) -> Result<Rc<Ecg>, JsValue> {
        self.with(id, |recording| recording.ecg.clone())?.map_err(thrown)
    }

    fn quality(&self, id: u32) -> Result<Rc<[Notice]>, JsValue> {
        self.with(id, |recording| recording.quality.clone())
    }

    /// Notes what became of a recording, unless it has been cleared meanwhile.
    fn note(&self, id: u32, engine: &Engine, outcome: Outcome) {
        if let Some(recording) = self.recordings.borrow_mut().get_mut(&id) {
            recording.outcomes.insert(engine.architecture(), outcome);
        }
    }

    fn with<T>(&self, id: u32, work: impl FnOnce(&Recording) -> T) -> Result<T, JsValue> {
        self.recordings.borrow().get(&id).map(work).ok_or_else(|| no_recording(id))
    }
}

/// What became of the recordings that a network estimated or that could not be read.
fn outcomes<'a>(
    recordings: &'a BTreeMap<u32, Recording>,
    network: &str,
    with_stated: bool,
) -> Vec<(&'a str, Option<Architecture>, Outcome)> {
    let network: Option<Architecture> = network.parse().ok();
    let outcome = |recording: &'a Recording| {
        let (network, outcome) = match &recording.ecg {
            Err(failure) => (None, Err(failure.clone())),
            Ok(_) => (network, recording.outcomes.get(&network?)?.clone()),
        };
        let private = |estimated: Estimated| match with_stated {
            true => estimated,
            false => Estimated { person: Person::default(), ..estimated },
        };
        Some((recording.file.as_str(), network, outcome.map(private)))
    };
    recordings.values().filter_map(outcome).collect()
}

fn reading(id: u32, file: String, ecg: &Result<Ecg, Failure>, quality: &[Notice]) -> Reading {
    let window = Window::default();
    let mut reading = Reading { id, file, ..Reading::default() };
    match ecg {
        Ok(ecg) => {
            let beats = beats::detect_within(ecg, window.start_seconds..window.start_seconds + paper::SECONDS);
            let notices: Vec<Notice> = ecg.notices.iter().chain(quality).cloned().collect();
            reading.heart_rate = beats.heart_rate();
            reading.facts = words::facts(ecg, reading.heart_rate);
            reading.stated = Stated::new(&ecg.person);
            reading.notices = remarks(&notices);
        }
        Err(failure) => reading.error = Some(Problem::from(failure)),
    }
    reading
}

fn to_js<T: Tsify + Serialize>(value: &T) -> Result<Ts<T>, JsValue> {
    value.into_ts().map_err(|error| js_error("internal", error))
}

fn thrown(Failure { code, message }: Failure) -> JsValue {
    js_error(code, message)
}

fn no_recording(id: u32) -> JsValue {
    js_error("no-recording", format_args!("there is no recording {id}"))
}
