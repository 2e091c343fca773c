//! What crosses from JavaScript to Rust, with its TypeScript types.

use super::corrections;
use super::device::Choice;
use super::error::js_error;
use crate::format::{NamedFiles, ReadOptions};
use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A file with its name; in a folder with its path, such as `ward/a.hea`. */
export interface NamedBytes {
    name: string;
    bytes: Uint8Array;
}

/** What is stated in place of what a file says; an empty text leaves the file its say. */
export interface Corrections {
    /** `V`, `mV`, `uV`, or the steps of the converter in a millivolt such as `200/mV`. */
    unit?: string;
    /** Samples a second. */
    samplingRate?: string;
    /** The leads in the order of the file, such as `I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6`. */
    leadOrder?: string;
}

/** What computes: `automatic` takes the graphics card where there is a real one, else the processor. */
export type DeviceChoice = "automatic" | "webgpu" | "cpu";

/** Called while weights are fetched, with bytes. */
export type OnProgress = (progress: { received: number; total: number }) => void;

export interface LoadOptions {
    /** The address of the folder with `manifest.json` and the weights files. */
    weights: string;
    /** One of the manifest's networks; without it the manifest's default. */
    network?: string;
    device?: DeviceChoice;
    onProgress?: OnProgress;
}

/** What is thrown: `code` stays the same between versions. */
export interface ECGNetError extends Error {
    code: string;
}
"#;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(typescript_type = "NamedBytes")]
    pub type NamedBytes;
    #[wasm_bindgen(method, getter)]
    fn name(this: &NamedBytes) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn bytes(this: &NamedBytes) -> JsValue;

    #[wasm_bindgen(typescript_type = "Uint8Array | NamedBytes | NamedBytes[]")]
    pub type Input;

    #[wasm_bindgen(typescript_type = "Corrections")]
    pub type Corrections;
    #[wasm_bindgen(method, getter)]
    fn unit(this: &Corrections) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = samplingRate)]
    fn sampling_rate(this: &Corrections) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = leadOrder)]
    fn lead_order(this: &Corrections) -> Option<String>;

    #[wasm_bindgen(typescript_type = "DeviceChoice")]
    pub type DeviceChoice;

    #[wasm_bindgen(typescript_type = "OnProgress")]
    pub type OnProgress;

    #[wasm_bindgen(typescript_type = "LoadOptions")]
    pub type LoadOptions;
    #[wasm_bindgen(method, getter, js_name = weights)]
    fn stated_weights(this: &LoadOptions) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    pub fn network(this: &LoadOptions) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    pub fn device(this: &LoadOptions) -> JsValue;
    #[wasm_bindgen(method, getter, js_name = onProgress)]
    pub fn on_progress(this: &LoadOptions) -> Option<Function>;
}

impl LoadOptions {
    /// The address of the folder with the weights, ending in `/`.
    pub fn weights(&self) -> Option<String> {
        let stated = self.stated_weights()?;
        Some(if stated.ends_with('/') { stated } else { stated + "/" })
    }
}

/// Files in memory by their names.
pub fn files(files: Vec<NamedBytes>) -> Result<NamedFiles, JsValue> {
    files.into_iter().map(|file| Ok((file.name().unwrap_or_default(), bytes(&file.bytes())?))).collect()
}

/// One file's bytes, one named file, or several.
pub fn input(input: Input) -> Result<NamedFiles, JsValue> {
    let input: JsValue = input.into();
    if input.is_instance_of::<Uint8Array>() {
        return Ok(NamedFiles::from([("recording".to_owned(), bytes(&input)?)]));
    }
    let list: Array = if Array::is_array(&input) { input.unchecked_into() } else { Array::of1(&input) };
    let mut named = Vec::with_capacity(list.length() as usize);
    for file in list.iter() {
        if !file.is_object() {
            return Err(wrong("a Uint8Array, or files { name, bytes }"));
        }
        named.push(file.unchecked_into());
    }
    files(named)
}

fn bytes(value: &JsValue) -> Result<Vec<u8>, JsValue> {
    let bytes = value.dyn_ref::<Uint8Array>().ok_or_else(|| wrong("the bytes of a file as Uint8Array"))?;
    Ok(bytes.to_vec())
}

fn wrong(expected: &str) -> JsValue {
    js_error("argument", format_args!("expected {expected}"))
}

/// What is stated in place of what the file says.
pub fn read_options(corrections: Option<Corrections>) -> Result<ReadOptions, JsValue> {
    let Some(stated) = corrections else { return Ok(ReadOptions::default()) };
    let rate = stated.sampling_rate();
    let rate = rate.as_string().or_else(|| rate.as_f64().map(|rate| rate.to_string()));
    corrections::parse(
        &stated.unit().unwrap_or_default(),
        &rate.unwrap_or_default(),
        &stated.lead_order().unwrap_or_default(),
    )
    .map_err(|error| js_error("correction", error))
}

/// What a person wants to compute with; nothing means automatic.
pub fn choice(device: &JsValue) -> Result<Choice, JsValue> {
    match device.as_string() {
        Some(name) => name.parse().map_err(|error| js_error("argument", error)),
        None => Ok(Choice::default()),
    }
}
