//! What crosses from JavaScript to Rust, with its TypeScript types.

use super::corrections;
use super::device::Choice;
use super::error::js_error;
use crate::format::{NamedFiles, ReadOptions};
use js_sys::{Array, Function, Reflect, Uint8Array};
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
    samplingRate?: string | number;
    /** The leads in the order of the file, such as `I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6`. */
    leadOrder?: string | string[];
}

/** What computes: `automatic` takes the graphics card where there is a real one, else the processor. */
export type DeviceChoice = "automatic" | "webgpu" | "cpu";

/** Called while weights are fetched, with bytes. */
export type OnProgress = (progress: { received: number; total: number }) => void;

export interface DeviceOptions {
    device?: DeviceChoice;
}

export interface LoadOptions extends DeviceOptions {
    /** The address of the folder with `manifest.json` and the weights files. */
    weights: string | URL;
    /** One of the manifest's networks; without it the manifest's default. */
    network?: string;
    onProgress?: OnProgress;
}

/** What is thrown: `code` stays the same between versions. */
export interface ECGNetError extends Error {
    code: string;
}
"#;

// What a page gives may be anything: nothing is taken for what its type says it is.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(typescript_type = "NamedBytes")]
    pub type NamedBytes;
    #[wasm_bindgen(typescript_type = "Uint8Array | NamedBytes | NamedBytes[]")]
    pub type Input;
    #[wasm_bindgen(typescript_type = "Uint8Array[]")]
    pub type WeightsFiles;
    #[wasm_bindgen(typescript_type = "Corrections")]
    pub type Corrections;
    #[wasm_bindgen(typescript_type = "DeviceChoice")]
    pub type DeviceChoice;
    #[wasm_bindgen(typescript_type = "OnProgress")]
    pub type OnProgress;
    #[wasm_bindgen(typescript_type = "DeviceOptions")]
    pub type DeviceOptions;
    #[wasm_bindgen(typescript_type = "LoadOptions")]
    pub type LoadOptions;
}

/// A property of an object; undefined where it has none or is no object.
fn property(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

/// A property that is a text, or is not there.
fn text(object: &JsValue, name: &str) -> Result<Option<String>, JsValue> {
    let value = property(object, name);
    if value.is_null() || value.is_undefined() {
        return Ok(None);
    }
    value.as_string().map(Some).ok_or_else(|| wrong(&format!("a text for {name}")))
}

impl LoadOptions {
    /// The address of the folder of the weights, with its last slash.
    pub fn weights(&self) -> Result<String, JsValue> {
        let stated = property(self, "weights");
        let address = stated.dyn_ref::<web_sys::Url>().map(web_sys::Url::href).or_else(|| stated.as_string());
        let address = address.ok_or_else(|| wrong("{ weights }, the address of the folder of the weights"))?;
        Ok(if address.ends_with('/') { address } else { address + "/" })
    }

    pub fn network(&self) -> Result<Option<String>, JsValue> {
        text(self, "network")
    }

    pub fn on_progress(&self) -> Option<Function> {
        property(self, "onProgress").dyn_into().ok()
    }
}

/// What options say of the device.
pub fn device(options: &JsValue) -> Result<Choice, JsValue> {
    text(options, "device")?.map_or(Ok(Choice::default()), |name| choice(&name))
}

/// What a person wants to compute with.
pub fn choice(name: &str) -> Result<Choice, JsValue> {
    name.parse().map_err(|error| js_error("argument", error))
}

/// The bytes of each weights file.
pub fn weights_files(files: &JsValue) -> Result<Vec<Vec<u8>>, JsValue> {
    let files = files.dyn_ref::<Array>().ok_or_else(|| wrong("an array of a Uint8Array for each weights file"))?;
    files.iter().map(|file| bytes(&file)).collect()
}

/// Files in memory by their names.
pub fn files(files: Vec<NamedBytes>) -> Result<NamedFiles, JsValue> {
    files.iter().map(|file| named(file)).collect()
}

fn named(file: &JsValue) -> Result<(String, Vec<u8>), JsValue> {
    if !file.is_object() {
        return Err(wrong("a Uint8Array, or files { name, bytes }"));
    }
    Ok((text(file, "name")?.unwrap_or_default(), bytes(&property(file, "bytes"))?))
}

/// One file's bytes, one named file, or several.
pub fn input(input: &JsValue) -> Result<NamedFiles, JsValue> {
    if input.is_instance_of::<Uint8Array>() {
        return Ok(NamedFiles::from([("recording".to_owned(), bytes(input)?)]));
    }
    match input.dyn_ref::<Array>() {
        Some(list) => list.iter().map(|file| named(&file)).collect(),
        None => Ok(NamedFiles::from([named(input)?])),
    }
}

fn bytes(value: &JsValue) -> Result<Vec<u8>, JsValue> {
    let bytes = value.dyn_ref::<Uint8Array>().ok_or_else(|| wrong("the bytes of a file as Uint8Array"))?;
    Ok(bytes.to_vec())
}

fn wrong(expected: &str) -> JsValue {
    js_error("argument", format_args!("expected {expected}"))
}

/// What is stated in place of what the file says.
pub fn read_options(stated: &JsValue) -> Result<ReadOptions, JsValue> {
    let rate = property(stated, "samplingRate");
    let rate = match rate.as_f64() {
        Some(rate) => Some(rate.to_string()),
        None => text(stated, "samplingRate")?,
    };
    let leads = match property(stated, "leadOrder").dyn_ref::<Array>() {
        Some(leads) => Some(leads.join(", ").into()),
        None => text(stated, "leadOrder")?,
    };
    let unit = text(stated, "unit")?;
    corrections::parse(&unit.unwrap_or_default(), &rate.unwrap_or_default(), &leads.unwrap_or_default())
        .map_err(|error| js_error("correction", error))
}
