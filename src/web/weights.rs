//! Weights: fetched when first needed, checked, kept in the browser's cache, and used from there the next time.
//!
//! A file is kept under its address and its SHA-256 sum: new weights of the same name are fetched anew, and what was
//! kept is checked as if it had just come. A download that is broken or not what the manifest means is tried twice.

use super::error::js_error;
use super::words;
use crate::network::Architecture;
use crate::network::arrival::{Arrival, ArrivalError};
use crate::network::manifest::{Entry, Manifest, ManifestError};
use crate::network::weights::{Weights, WeightsError};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/web/weights.js")]
extern "C" {
    /// A file that comes in parts.
    type Parts;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Parts) -> u16;
    #[wasm_bindgen(method, catch)]
    async fn next(this: &Parts) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    fn end(this: &Parts);
    #[wasm_bindgen(method, js_name = isKept, catch)]
    async fn is_kept(this: &Parts) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn fetched(address: &str, keep_at: Option<&str>) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn kept(address: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn keep(address: &str, text: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn forget(address: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = forgetOthers, catch)]
    async fn forget_others(address: &str) -> Result<JsValue, JsValue>;
}

/// How often a download is tried.
const TRIES: usize = 2;

/// Milliseconds before a download is tried again.
const PAUSE_MS: u32 = 300;

const MANIFEST: &str = "manifest.json";

/// A manifest is some kilobytes.
const LARGEST_MANIFEST: usize = 1_000_000;

/// Why there are no weights.
#[derive(Debug, thiserror::Error)]
pub enum WeightsProblem {
    #[error("the file {file} cannot be fetched: {reason}. Is this computer offline? It is needed once only")]
    Unreachable { file: String, reason: String },
    #[error("the file {file} is not there (status {status}); it belongs into the folder weights beside the page")]
    Missing { file: String, status: u16 },
    #[error("the download of {file} is broken: {found} came of {expected}, {TRIES} times; please try again later")]
    Length { file: String, found: String, expected: String },
    #[error(
        "the file {file} is not the one that the manifest means: its SHA-256 sum differs, {TRIES} times. It is damaged, \
         or the manifest is of other weights"
    )]
    Sum { file: String },
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("there are no weights of {0}")]
    NoNetwork(Architecture),
}

impl WeightsProblem {
    /// A short name of the kind of trouble, which stays the same between versions.
    pub fn code(&self) -> &'static str {
        match self {
            WeightsProblem::Unreachable { .. } => "weights-unreachable",
            WeightsProblem::Missing { .. } => "weights-missing",
            WeightsProblem::Length { .. } => "weights-truncated",
            WeightsProblem::Sum { .. } => "weights-damaged",
            WeightsProblem::Weights(_) => "weights",
            WeightsProblem::Manifest(_) => "manifest",
            WeightsProblem::NoNetwork(_) => "no-network",
        }
    }
}

impl From<WeightsProblem> for JsValue {
    fn from(problem: WeightsProblem) -> JsValue {
        js_error(problem.code(), problem)
    }
}

/// The manifest in a folder; offline the one whose weights were last used.
pub async fn manifest(folder: &str) -> Result<Manifest, WeightsProblem> {
    let address = format!("{folder}{MANIFEST}");
    let text = match request(&address, MANIFEST, None).await {
        Ok(parts) => manifest_text(&parts).await,
        Err(problem) => Err(problem),
    };
    let text = match text {
        Err(problem @ WeightsProblem::Unreachable { .. }) => {
            let parts = kept_parts(&address).await.ok_or(problem)?;
            manifest_text(&parts).await?
        }
        text => text?,
    };
    Ok(Manifest::from_json(&text)?)
}

async fn manifest_text(parts: &Parts) -> Result<Vec<u8>, WeightsProblem> {
    let mut text = Vec::new();
    while let Some(part) = next_part(parts, MANIFEST).await? {
        text.extend(part);
        if text.len() > LARGEST_MANIFEST {
            parts.end();
            break;
        }
    }
    Ok(text)
}

/// The weights of a network.
pub struct Fetched {
    pub weights: Vec<Weights>,
    /// Whether the browser keeps all their files.
    pub are_kept: bool,
}

/// The weights of one network. `report` is called with `{ received, total }` in bytes.
pub async fn of(
    folder: &str,
    manifest: &Manifest,
    network: Architecture,
    report: Option<&Function>,
) -> Result<Fetched, WeightsProblem> {
    let entries = manifest.of(network);
    if entries.is_empty() {
        return Err(WeightsProblem::NoNetwork(network));
    }
    let mut progress = Progress { before: 0, total: entries.iter().map(|entry| entry.bytes).sum(), report };
    let mut fetched = Fetched { weights: Vec::with_capacity(entries.len()), are_kept: true };
    for entry in &entries {
        let (weights, is_kept) = of_file(folder, entry, &progress).await?;
        fetched.weights.push(weights);
        fetched.are_kept &= is_kept;
        progress.before += entry.bytes;
    }
    // Not before all its weights are there: those of the manifest before it are what can be used without a network till
    // then.
    if fetched.are_kept && keep(&format!("{folder}{MANIFEST}"), &manifest.to_json()).await.is_ok() {
        for entry in entries {
            let _ = forget_others(&kept_at(folder, entry)).await;
        }
    }
    Ok(fetched)
}

/// How much of a network has come.
struct Progress<'a> {
    /// Bytes of the files that are there.
    before: u64,
    total: u64,
    report: Option<&'a Function>,
}

impl Progress<'_> {
    /// Reports how much of the next file has come.
    fn received(&self, bytes: u64) {
        let Some(report) = self.report else { return };
        let progress = Object::new();
        for (name, bytes) in [("received", self.before + bytes), ("total", self.total)] {
            // Nothing keeps a new object from taking a property.
            let _ = Reflect::set(&progress, &name.into(), &(bytes as f64).into());
        }
        // Whoever looks on may fail; the download goes on.
        let _ = report.call1(&JsValue::UNDEFINED, &progress);
    }
}

/// The same from the browser's cache alone; `None` where a file is not kept there.
pub async fn kept_of(folder: &str, manifest: &Manifest, network: Architecture) -> Option<Vec<Weights>> {
    let mut weights = Vec::new();
    for entry in manifest.of(network) {
        weights.push(kept_file(folder, entry).await?);
    }
    Some(weights)
}

/// The weights of one file, and whether the browser keeps it.
async fn of_file(folder: &str, entry: &Entry, progress: &Progress<'_>) -> Result<(Weights, bool), WeightsProblem> {
    if let Some(weights) = kept_file(folder, entry).await {
        return Ok((weights, true));
    }
    let address = format!("{folder}{}", entry.file);
    let kept_at = kept_at(folder, entry);
    let mut tries = 0;
    loop {
        tries += 1;
        let problem = match request(&address, &entry.file, Some(&kept_at)).await {
            Ok(parts) => {
                let weights = arrived(entry, &parts, Some(progress)).await;
                if weights.is_err() {
                    parts.end();
                }
                let is_kept = parts.is_kept().await.is_ok_and(|is_kept| is_kept.is_truthy());
                match weights {
                    Ok(weights) => return Ok((weights, is_kept)),
                    Err(problem) => {
                        // It may have been kept, and is not the file that is meant.
                        let _ = forget(&kept_at).await;
                        problem
                    }
                }
            }
            Err(problem) => problem,
        };
        if tries == TRIES || matches!(problem, WeightsProblem::Missing { .. } | WeightsProblem::Weights(_)) {
            return Err(problem);
        }
        // What broke a download is often over in a moment.
        TimeoutFuture::new(PAUSE_MS).await;
    }
}

/// Decodes a file while it comes, and checks that it is the one that is meant.
async fn arrived(entry: &Entry, parts: &Parts, progress: Option<&Progress<'_>>) -> Result<Weights, WeightsProblem> {
    let mut arrival = Arrival::of(entry);
    while let Some(part) = next_part(parts, &entry.file).await? {
        arrival.push(&part);
        if arrival.is_too_long() {
            parts.end();
            break;
        }
        if let Some(progress) = progress {
            progress.received(arrival.received());
        }
    }
    let file = || in_folder(&entry.file);
    arrival.finish().map_err(|error| match error {
        ArrivalError::Length { found, expected } => {
            WeightsProblem::Length { file: file(), found: words::size(found), expected: words::size(expected) }
        }
        ArrivalError::Sum => WeightsProblem::Sum { file: file() },
        ArrivalError::Weights(error) => WeightsProblem::Weights(error),
    })
}

fn in_folder(file: &str) -> String {
    format!("weights/{file}")
}

/// Asks the server for a file, to be kept at `keep_at`.
async fn request(address: &str, file: &str, keep_at: Option<&str>) -> Result<Parts, WeightsProblem> {
    let answer = fetched(address, keep_at).await.map_err(|error| unreachable(file, &error))?;
    let parts: Parts = answer.unchecked_into();
    match parts.status() {
        200..=299 => Ok(parts),
        status => {
            parts.end();
            let file = in_folder(file);
            Err(match status {
                404 | 410 => WeightsProblem::Missing { file, status },
                // A server that is busy or broken may answer later.
                _ => WeightsProblem::Unreachable { file, reason: format!("the server answers with status {status}") },
            })
        }
    }
}

async fn next_part(parts: &Parts, file: &str) -> Result<Option<Vec<u8>>, WeightsProblem> {
    let part = parts.next().await.map_err(|error| unreachable(file, &error))?;
    Ok(part.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec()))
}

fn unreachable(file: &str, error: &JsValue) -> WeightsProblem {
    let reason = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    let reason = reason.unwrap_or_else(|| "no reason is given".to_owned());
    WeightsProblem::Unreachable { file: in_folder(file), reason }
}

fn kept_at(folder: &str, entry: &Entry) -> String {
    format!("{folder}{}?sha256={}", entry.file, entry.sha256)
}

async fn kept_file(folder: &str, entry: &Entry) -> Option<Weights> {
    let parts = kept_parts(&kept_at(folder, entry)).await?;
    arrived(entry, &parts, None).await.ok()
}

async fn kept_parts(address: &str) -> Option<Parts> {
    let parts = kept(address).await.ok()?;
    parts.is_object().then(|| parts.unchecked_into())
}
