//! Weights: fetched when first needed, checked, kept in the browser's cache, and used from there the next time.
//!
//! A file is kept under its address and its SHA-256 sum: new weights of the same name are fetched anew, and what was
//! kept is checked as if it had just come. A download that is broken or not what the manifest means is tried twice.

use super::error::js_error;
use super::words;
use crate::network::Architecture;
use crate::network::manifest::{Entry, Manifest, ManifestError};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/web/weights.js")]
extern "C" {
    type Fetched;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Fetched) -> u16;
    #[wasm_bindgen(method, getter)]
    fn bytes(this: &Fetched) -> Uint8Array;

    #[wasm_bindgen(js_name = fetchBytes, catch)]
    async fn fetch_bytes(
        address: &str,
        expected: f64,
        before: f64,
        total: f64,
        report: Option<&Function>,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn sha256(bytes: &Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn kept(address: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn keep(address: &str, bytes: &Uint8Array) -> Result<JsValue, JsValue>;
}

/// How often a download is tried.
const TRIES: usize = 2;

/// Milliseconds before a download is tried again.
const PAUSE_MS: u32 = 300;

const MANIFEST: &str = "manifest.json";

/// A manifest is some kilobytes.
const LARGEST_MANIFEST: f64 = 1e6;

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
    #[error("weights cannot be checked on this page: open it over https, or as localhost")]
    Insecure,
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
            WeightsProblem::Insecure => "weights-unchecked",
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
    let bytes = match fetched(&address, MANIFEST, LARGEST_MANIFEST, (0.0, 0.0), None).await {
        Ok(bytes) => bytes,
        Err(problem @ WeightsProblem::Unreachable { .. }) => kept_bytes(&address).await.ok_or(problem)?,
        Err(problem) => return Err(problem),
    };
    Ok(Manifest::from_json(&bytes.to_vec())?)
}

/// The bytes of the files of one network. `report` is called with `{ received, total }` in bytes.
pub async fn of(
    folder: &str,
    manifest: &Manifest,
    network: Architecture,
    report: Option<&Function>,
) -> Result<Vec<Vec<u8>>, WeightsProblem> {
    let entries = manifest.of(network);
    if entries.is_empty() {
        return Err(WeightsProblem::NoNetwork(network));
    }
    let total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let mut before = 0;
    let mut files = Vec::with_capacity(entries.len());
    for entry in entries {
        files.push(file(folder, entry, (before as f64, total as f64), report).await?.to_vec());
        before += entry.bytes;
    }
    // Not before its weights are there: those of the manifest before it are what can be used without a network till then.
    let _ = keep(&format!("{folder}{MANIFEST}"), &Uint8Array::from(manifest.to_json().as_bytes())).await;
    Ok(files)
}

/// The same from the browser's cache alone; `None` where a file is not kept there.
pub async fn kept_of(folder: &str, manifest: &Manifest, network: Architecture) -> Option<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    for entry in manifest.of(network) {
        files.push(kept_file(folder, entry).await?.to_vec());
    }
    Some(files)
}

async fn file(
    folder: &str,
    entry: &Entry,
    progress: (f64, f64),
    report: Option<&Function>,
) -> Result<Uint8Array, WeightsProblem> {
    if let Some(bytes) = kept_file(folder, entry).await {
        return Ok(bytes);
    }
    let address = format!("{folder}{}", entry.file);
    let mut tries = 0;
    loop {
        tries += 1;
        let checked = match fetched(&address, &entry.file, entry.bytes as f64, progress, report).await {
            Ok(bytes) => check(entry, &bytes).await.map(|()| bytes),
            Err(problem) => Err(problem),
        };
        match checked {
            Ok(bytes) => {
                // A browser that keeps nothing fetches again.
                let _ = keep(&kept_at(folder, entry), &bytes).await;
                return Ok(bytes);
            }
            Err(problem @ (WeightsProblem::Missing { .. } | WeightsProblem::Insecure)) => return Err(problem),
            Err(problem) if tries == TRIES => return Err(problem),
            // What broke a download is often over in a moment.
            Err(_) => TimeoutFuture::new(PAUSE_MS).await,
        }
    }
}

async fn fetched(
    address: &str,
    file: &str,
    expected: f64,
    (before, total): (f64, f64),
    report: Option<&Function>,
) -> Result<Uint8Array, WeightsProblem> {
    let file = format!("weights/{file}");
    let answer = fetch_bytes(address, expected, before, total, report).await;
    let fetched: Fetched = answer
        .map_err(|error| {
            let reason = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
            let reason = reason.unwrap_or_else(|| "no reason is given".to_owned());
            WeightsProblem::Unreachable { file: file.clone(), reason }
        })?
        .unchecked_into();
    match fetched.status() {
        200..=299 => Ok(fetched.bytes()),
        status @ (404 | 410) => Err(WeightsProblem::Missing { file, status }),
        // A server that is busy or broken may answer later.
        status => Err(WeightsProblem::Unreachable { file, reason: format!("the server answers with status {status}") }),
    }
}

fn kept_at(folder: &str, entry: &Entry) -> String {
    format!("{folder}{}?sha256={}", entry.file, entry.sha256)
}

async fn kept_file(folder: &str, entry: &Entry) -> Option<Uint8Array> {
    let bytes = kept_bytes(&kept_at(folder, entry)).await?;
    check(entry, &bytes).await.is_ok().then_some(bytes)
}

async fn kept_bytes(address: &str) -> Option<Uint8Array> {
    kept(address).await.ok()?.dyn_into().ok()
}

async fn check(entry: &Entry, bytes: &Uint8Array) -> Result<(), WeightsProblem> {
    let file = || format!("weights/{}", entry.file);
    if u64::from(bytes.length()) != entry.bytes {
        let found = words::size(bytes.length().into());
        return Err(WeightsProblem::Length { file: file(), found, expected: words::size(entry.bytes) });
    }
    let sum = sha256(bytes).await.ok().and_then(|sum| sum.as_string()).ok_or(WeightsProblem::Insecure)?;
    if sum.eq_ignore_ascii_case(&entry.sha256) { Ok(()) } else { Err(WeightsProblem::Sum { file: file() }) }
}
