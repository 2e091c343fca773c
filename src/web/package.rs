//! The class for other people's pages.

use super::device::Choice;
use super::engine::Engine;
use super::error::js_error;
use super::input::{self, Corrections, DeviceOptions, Input, LoadOptions, WeightsFiles};
use super::message::{Device, Estimate};
use super::{dropped, weights};
use crate::network::{INPUT_LEADS, INPUT_SAMPLES};
use crate::outcome::Failure;
use crate::signal::{Window, quality};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

/// A network that estimates age and sex from a 12-lead ECG.
///
/// Everything that fails throws an `Error` with a `code`.
#[wasm_bindgen]
pub struct ECGNet(Engine);

#[wasm_bindgen]
impl ECGNet {
    /// Fetches a network's weights, checks them, keeps them in the browser's cache, and opens a device.
    pub async fn load(options: LoadOptions) -> Result<ECGNet, JsValue> {
        let (folder, choice) = (options.weights()?, input::device(&options)?);
        let manifest = weights::manifest(&folder).await?;
        let network = match options.network()? {
            Some(name) => name.parse().map_err(|error| js_error("argument", error))?,
            None => manifest.default,
        };
        let report = options.on_progress();
        Ok(ECGNet(Engine::load(&folder, &manifest, network, choice, report.as_ref()).await?))
    }

    /// As `load`, from the bytes of weights files: one for both estimates, or one for age and one for sex.
    #[wasm_bindgen(js_name = fromBytes)]
    pub async fn from_bytes(files: WeightsFiles, options: Option<DeviceOptions>) -> Result<ECGNet, JsValue> {
        let choice = options.map_or(Ok(Choice::default()), |options| input::device(&options))?;
        Ok(ECGNet(Engine::from_files(&input::weights_files(&files)?, choice).await?))
    }

    /// The name of the network.
    #[wasm_bindgen(getter)]
    pub fn network(&self) -> String {
        self.0.architecture().name().to_owned()
    }

    /// What computes, and why it is not what was wanted.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> Result<Ts<Device>, JsValue> {
        Device::from(self.0.device()).into_ts().map_err(|error| js_error("internal", error))
    }

    /// Estimates age and sex of the first recording among files: the bytes of one, or several with their names where
    /// they belong together, such as `.hea` and `.dat`.
    pub async fn estimate(&self, recording: Input, corrections: Option<Corrections>) -> Result<Ts<Estimate>, JsValue> {
        let options = input::read_options(&corrections.into())?;
        let found = dropped::read_all(&input::input(&recording)?, &options).into_iter().next();
        let found = found.ok_or_else(|| js_error("argument", "no file was given"))?;
        let thrown = |Failure { code, message }: Failure| js_error(code, message);
        let ecg = found.ecg.map_err(Failure::from).map_err(thrown)?;
        let (_, estimate) = self.0.estimate(&ecg, &quality::assess(&ecg, Window::default())).await;
        estimate.map_err(thrown)?.into_ts().map_err(|error| js_error("internal", error))
    }
    /// Estimates from an input that was prepared elsewhere: 5,120 samples of 12 leads, those of a sample side by side,
    /// as the manifest's preprocessing of the network makes them.
    #[wasm_bindgen(js_name = estimatePrepared)]
    pub async fn estimate_prepared(&self, input: Vec<f32>) -> Result<Ts<Estimate>, JsValue> {
        const VALUES: usize = INPUT_SAMPLES * INPUT_LEADS;
        if input.len() != VALUES {
            return Err(js_error("argument", format_args!("the input has {} values, not {VALUES}", input.len())));
        }
        let estimate = self.0.estimate_prepared(input).await;
        let estimate = estimate.map_err(|Failure { code, message }| js_error(code, message))?;
        estimate.into_ts().map_err(|error| js_error("internal", error))
    }
}
