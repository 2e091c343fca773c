//! A network on a device.

use super::device::{self, Choice, Opened, Trial};
use super::error::js_error;
use super::message::Estimate;
use super::pool::{self, Experience, Machine};
use super::weights::{self, Fetched, WeightsProblem};
use crate::ecg::{Ecg, Notice, Person};
use crate::estimate::{self, ComputeError, Estimator, EstimatorError, Prepared};
use crate::network::Architecture;
use crate::network::manifest::Manifest;
use crate::network::place::{Kernels, Place, Storage};
use crate::network::weights::{Calibration, Weights};
use crate::outcome::{Estimated, Failure, Outcome};
use crate::signal::Window;
use crate::signal::synthetic::{Parameters, synthetic};
use futures_lite::future;
use gloo_timers::future::TimeoutFuture;
use js_sys::Function;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_time::Instant;

/// Milliseconds in which a graphics card must open, then be ready, with its shaders compiled, and then answer each time.
/// Browsers end most of what hangs sooner, and call it a lost device.
const PATIENCE: u32 = 20_000;

/// The same where a processor plays the graphics card, which takes long to compile.
const PATIENCE_WITH_SOFTWARE: u32 = 120_000;

/// Values of the weights from which on they are packed on the processor: less memory is then worth a little time.
const PACKED_FROM: usize = 2_000_000;

/// A network that is ready.
pub struct Engine {
    /// For another device, should this one be lost; empty on the processor, which cannot be.
    spare: Vec<Weights>,
    /// The share of people that an age's interval is meant to hold.
    coverage: f32,
    /// How many values the weights have.
    values: usize,
    /// Whether helpers find the weights in the browser's cache.
    are_kept: bool,
    /// Milliseconds that the next estimate will take, zero before the first.
    to_estimate: Cell<f64>,
    on_device: RefCell<OnDevice>,
}

/// What is built anew where the device is lost.
#[derive(Clone)]
struct OnDevice {
    estimator: Rc<Estimator>,
    device: Opened,
    /// Milliseconds that it took to put the weights on the device.
    to_load: f64,
}

/// A recording that several workers may compute.
pub struct Shared {
    pub prepared: Prepared,
    /// For each worker its branches.
    pub shares: Vec<Vec<usize>>,
    /// How long it took to prepare.
    milliseconds: f64,
}

/// Why a network cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Problem(#[from] WeightsProblem),
    #[error(transparent)]
    Estimator(#[from] EstimatorError),
}

impl From<EngineError> for JsValue {
    fn from(error: EngineError) -> JsValue {
        match error {
            EngineError::Problem(problem) => problem.into(),
            error => js_error("weights", error),
        }
    }
}

impl Engine {
    /// Fetches a network's weights and puts them on the device that is wanted or, failing that, the processor.
    pub async fn load(
        folder: &str,
        manifest: &Manifest,
        network: Architecture,
        choice: Choice,
        report: Option<&Function>,
    ) -> Result<Engine, EngineError> {
        let Fetched { weights, are_kept } = weights::of(folder, manifest, network, report).await?;
        Ok(Engine { are_kept, ..Engine::new(weights, choice).await? })
    }

    /// The bytes of one weights file, or of one for age and one for sex.
    pub async fn from_files(files: &[Vec<u8>], choice: Choice) -> Result<Engine, EngineError> {
        let weights: Result<_, _> = files.iter().map(|file| Weights::from_bytes(file)).collect();
        Engine::new(weights.map_err(WeightsProblem::from)?, choice).await
    }

    /// Puts weights on the device that is wanted or, failing that, the processor.
    pub async fn new(weights: Vec<Weights>, choice: Choice) -> Result<Engine, EngineError> {
        let coverage = coverage(&weights);
        let values = values(&weights);
        let (on_device, spare) = OnDevice::open(weights, choice).await?;
        let (to_estimate, on_device) = (Cell::default(), RefCell::new(on_device));
        Ok(Engine { spare, coverage, values, are_kept: false, to_estimate, on_device })
    }

    pub fn architecture(&self) -> Architecture {
        self.on_device.borrow().estimator.architecture()
    }

    /// In how many branches a recording can be computed.
    pub fn branches(&self) -> usize {
        self.on_device.borrow().estimator.branch_costs().len()
    }

    /// What computes.
    pub fn device(&self) -> Opened {
        self.on_device.borrow().device.clone()
    }

    /// How many workers beside this one are worth it where so many recordings wait.
    pub fn helpers(&self, machine: Machine, waiting: usize) -> usize {
        let on_device = self.on_device.borrow();
        if !self.are_kept || !on_device.device.is_processor() {
            return 0;
        }
        let experience = Experience { to_load: on_device.to_load, to_estimate: self.to_estimate.get() };
        pool::helpers(machine, self.values, self.branches(), waiting, experience)
    }

    /// Estimates age and sex; `quality` is what was found of the recording. A device that fails is replaced by the
    /// processor, once and for all.
    pub async fn estimate(&self, ecg: &Ecg, quality: &[Notice]) -> (Outcome, Result<Estimate, Failure>) {
        let work =
            async |estimator: &Estimator| estimator.run(estimator.prepare(ecg, Window::default(), quality)?).await;
        let start = Instant::now();
        let estimate = self.compute(work).await;
        let milliseconds = milliseconds(start);
        if estimate.is_ok() {
            self.to_estimate.set(pool::to_estimate(self.to_estimate.get(), milliseconds));
        }
        self.said(&ecg.person, estimate, milliseconds)
    }

    /// Estimates from an input that was prepared elsewhere; see [`Estimator::estimate_prepared`].
    pub async fn estimate_prepared(&self, input: Vec<f32>) -> Result<Estimate, Failure> {
        let start = Instant::now();
        let work = async |estimator: &Estimator| estimator.estimate_prepared(input.clone()).await;
        let estimate = self.compute(work).await;
        self.said(&Person::default(), estimate, milliseconds(start)).1
    }

    /// A recording for so many workers, and the share of the branches that each of them computes.
    pub fn prepare(&self, ecg: &Ecg, quality: &[Notice], workers: usize) -> Result<Shared, Failure> {
        let start = Instant::now();
        let estimator = self.on_device.borrow().estimator.clone();
        let prepared = estimator.prepare(ecg, Window::default(), quality)?;
        let shares = pool::shares(&estimator.branch_costs(), workers);
        Ok(Shared { prepared, shares, milliseconds: milliseconds(start) })
    }

    /// See [`Estimator::features`].
    pub async fn features(&self, inputs: &[f32], branches: &[usize]) -> Result<Vec<Vec<f32>>, Failure> {
        let estimator = self.on_device.borrow().estimator.clone();
        estimator.features(inputs, branches).await.map_err(not_computed)
    }

    /// The estimate of a recording whose features took so many milliseconds.
    pub async fn conclude(
        &self,
        person: &Person,
        shared: Shared,
        features: Vec<Vec<f32>>,
        computed_in: f64,
    ) -> (Outcome, Result<Estimate, Failure>) {
        let start = Instant::now();
        let estimator = self.on_device.borrow().estimator.clone();
        let estimate = estimator.conclude(shared.prepared, &shared.shares, features).await.map_err(not_computed);
        self.said(person, estimate, shared.milliseconds + computed_in + milliseconds(start))
    }

    fn said(
        &self,
        person: &Person,
        estimate: Result<estimate::Estimate, Failure>,
        milliseconds: f64,
    ) -> (Outcome, Result<Estimate, Failure>) {
        let outcome = estimate.map(|estimate| Estimated { estimate, person: person.clone() });
        let message = outcome.as_ref().map_err(Failure::clone).map(|estimated| {
            Estimate::new(estimated, self.coverage, &self.on_device.borrow().device.name, milliseconds)
        });
        (outcome, message)
    }

    async fn compute(
        &self,
        work: impl AsyncFn(&Estimator) -> Result<estimate::Estimate, ComputeError>,
    ) -> Result<estimate::Estimate, Failure> {
        // No borrow is held while something is waited for.
        let on_device = self.on_device.borrow().clone();
        let estimate = match on_device.compute(&work).await {
            Err(error @ ComputeError::Device(_)) if !on_device.device.is_processor() => {
                let processor = OnDevice::on_processor(self.spare.clone(), on_device.device.failed(&error.to_string()));
                let processor = processor.map_err(|error| failure("weights", error))?;
                self.on_device.replace(processor.clone());
                work(&processor.estimator).await
            }
            estimate => estimate,
        };
        estimate.map_err(not_computed)
    }
}

impl OnDevice {
    fn new(weights: Vec<Weights>, device: Opened, storage: Storage) -> Result<OnDevice, EstimatorError> {
        let kernels = if values(&weights) < PACKED_FROM { Kernels::Ready } else { Kernels::Packed };
        let place = Place { device: device.device.clone(), storage, kernels };
        let start = Instant::now();
        let estimator = Rc::new(Estimator::new(weights, place)?);
        Ok(OnDevice { estimator, device, to_load: milliseconds(start) })
    }

    fn on_processor(weights: Vec<Weights>, processor: Opened) -> Result<OnDevice, EstimatorError> {
        OnDevice::new(weights, processor, Storage::Bits32)
    }

    /// Opens a device and tries it, so that its first estimate takes no longer than the next. Returns as well what
    /// another device would need, should this one fail.
    async fn open(weights: Vec<Weights>, choice: Choice) -> Result<(OnDevice, Vec<Weights>), EstimatorError> {
        let opened = within(PATIENCE, async { Ok(device::open(choice).await) }).await;
        let opened = opened.unwrap_or_else(|error| device::instead(&error.to_string()));
        if opened.is_processor() {
            return Ok((OnDevice::on_processor(weights, opened)?, Vec::new()));
        }
        let processor = OnDevice::on_processor(weights.clone(), Opened::cpu(None))?;
        let mut storage = opened.storage();
        let (card, replaced) = loop {
            let card = OnDevice::new(weights.clone(), opened.clone(), storage)?;
            let tried = async {
                // The first time its shaders are compiled.
                card.tried().await?;
                Ok::<_, ComputeError>((card.tried().await?, processor.tried().await?))
            };
            let replaced = match tried.await {
                Ok((on_card, on_processor)) if storage == Storage::Bits16 && !on_card.agrees_with(&on_processor) => {
                    // They may be too few for this network.
                    storage = Storage::Bits32;
                    continue;
                }
                Ok((on_card, on_processor)) => card.device.replaced(choice, &on_card, &on_processor),
                Err(error) => Some(card.device.failed(&error.to_string())),
            };
            break (card, replaced);
        };
        Ok(match replaced {
            None => (card, weights),
            Some(device) => (OnDevice { device, ..processor }, Vec::new()),
        })
    }

    /// What it makes of a recording that is always the same.
    async fn tried(&self) -> Result<Trial, ComputeError> {
        let ecg = synthetic(Parameters::default());
        let start = Instant::now();
        let estimate =
            self.compute(async |estimator: &Estimator| estimator.estimate_later(&ecg, Window::default()).await).await?;
        Ok(Trial { estimate, milliseconds: milliseconds(start) })
    }

    /// Does work that a graphics card has to end in time, and without a fault.
    async fn compute<T>(&self, work: impl AsyncFn(&Estimator) -> Result<T, ComputeError>) -> Result<T, ComputeError> {
        if self.device.is_processor() {
            return work(&self.estimator).await;
        }
        let patience = if self.device.is_software() { PATIENCE_WITH_SOFTWARE } else { PATIENCE };
        let checked = async {
            let result = work(&self.estimator).await;
            self.device.check().await?;
            result
        };
        within(patience, checked).await
    }
}

/// Ends work of a graphics card that takes longer than so many milliseconds.
async fn within<T>(patience: u32, work: impl Future<Output = Result<T, ComputeError>>) -> Result<T, ComputeError> {
    let end = async {
        TimeoutFuture::new(patience).await;
        Err(ComputeError::Device(format!("there was no answer for {} seconds", patience / 1000)))
    };
    future::or(work, end).await
}

fn values(weights: &[Weights]) -> usize {
    weights.iter().flat_map(|weights| &weights.tensors).map(|tensor| tensor.values.len()).sum()
}

fn coverage(weights: &[Weights]) -> f32 {
    let calibrations = weights.iter().map(|weights| &weights.description.calibration);
    let with_interval = calibrations.into_iter().find(|calibration| calibration.age_half_width.is_some());
    with_interval.map_or_else(|| Calibration::default().age_coverage, |found| found.age_coverage)
}

fn not_computed(error: ComputeError) -> Failure {
    match error {
        ComputeError::Signal(error) => Failure::from(error),
        ComputeError::Device(_) => failure("device", error),
        ComputeError::OtherNetwork => failure("other-network", error),
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn failure(code: &'static str, error: impl std::fmt::Display) -> Failure {
    Failure { code, message: error.to_string() }
}
