//! The graphics device that a network may run on.

use crate::network::operation::gpu;
use crate::network::place::Storage;
use burn::tensor::Device;
use burn::tensor::wgpu::{WgpuInitError, WgpuOptions, WgpuSetup, wgpu};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::JsCast;
use wgpu::{
    DeviceDescriptor, DeviceType, ErrorFilter, Features, Instance, InstanceDescriptor, PowerPreference,
    RequestAdapterOptions,
};

/// Tasks that the runtime gathers before it submits them by itself: more than a forward pass has, so that a pass is one
/// submission.
const TASKS_OF_A_SUBMISSION: usize = 1024;

/// Invocations that fill a large graphics card; on a processor that plays one, splitting sums only costs.
const FILLS_HARDWARE: u32 = 16_384;
const FILLS_SOFTWARE: u32 = 1;

/// A graphics device that is open.
#[derive(Debug, Clone)]
pub struct Gpu {
    pub device: Device,
    /// As the adapter calls itself; browsers often keep it to themselves, then this is empty.
    pub name: String,
    /// Whether a processor plays the graphics card, slower than ECGNet on that processor itself.
    pub is_software: bool,
    driver: wgpu::Device,
    /// What went wrong outside of any call. Natively the runtime asks after every call.
    fault: Arc<Mutex<Option<String>>>,
}

impl Gpu {
    /// Why nothing that the device computed can be relied on, where there is a reason: a shader that the browser refuses,
    /// too little memory, the device's end. In a browser no call tells, and results are then what lay in memory before.
    pub async fn fault(&self) -> Option<String> {
        // Its answer comes after the reports of all that was asked before.
        self.driver.push_error_scope(ErrorFilter::Validation).pop().await;
        locked(&self.fault).clone()
    }

    /// In how many bits it should hold a network: a real card waits for memory. One that a processor plays keeps 32, in
    /// which it needs no second trial should a network not agree with the processor.
    pub fn storage(&self) -> Storage {
        if self.is_software { Storage::Bits32 } else { Storage::Bits16 }
    }

    /// Ends what the device computes and frees its memory, which burn keeps. Whoever opens one next gets another.
    pub fn give_up(&self) {
        forget(&self.fault);
        self.driver.destroy();
    }

    /// In a browser, notes what no call reports; without it the runtime panics.
    fn watch(&self) {
        let fault = Arc::clone(&self.fault);
        self.driver.on_uncaptured_error(Arc::new(move |error| {
            // What follows says where in the driver it was.
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            locked(&fault).get_or_insert(reason);
        }));
        let fault = Arc::clone(&self.fault);
        self.driver.set_device_lost_callback(move |reason, message| {
            forget(&fault);
            locked(&fault).get_or_insert_with(|| format!("it was lost: {reason:?}, {message}"));
        });
    }
}

/// Why there is no graphics device.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GpuError {
    #[error("there is no graphics card to compute with: {0}")]
    NoAdapter(String),
    #[error("the graphics card lacks {0}")]
    Lacks(&'static str),
    #[error("the graphics card refused ({0})")]
    Refused(String),
}

impl From<WgpuInitError> for GpuError {
    fn from(error: WgpuInitError) -> Self {
        GpuError::Refused(error.to_string())
    }
}

static OPENED: Mutex<Option<Gpu>> = Mutex::new(None);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forgets the device with this note of faults, if it is the one that is open.
fn forget(fault: &Arc<Mutex<Option<String>>>) {
    locked(&OPENED).take_if(|gpu| Arc::ptr_eq(&gpu.fault, fault));
}

/// Opens the fastest graphics device. Later calls return the same, until it is given up.
///
/// # Errors
/// Where there is no adapter, it lacks something or its device cannot be had.
pub async fn open_gpu() -> Result<Gpu, GpuError> {
    if let Some(gpu) = locked(&OPENED).clone() {
        return Ok(gpu);
    }
    // wgpu panics there.
    #[cfg(target_arch = "wasm32")]
    if !is_page_or_its_worker() {
        return Err(GpuError::NoAdapter("only a page and its own workers are offered one".to_owned()));
    }
    let instance = Instance::new(InstanceDescriptor::new_without_display_handle());
    let fastest = RequestAdapterOptions { power_preference: PowerPreference::HighPerformance, ..Default::default() };
    let adapter = instance.request_adapter(&fastest).await.map_err(|error| {
        // wgpu goes through every graphics API, of which a browser has one.
        let in_browser = cfg!(target_arch = "wasm32").then(|| "this browser offers none to pages".to_owned());
        GpuError::NoAdapter(in_browser.unwrap_or_else(|| error.to_string()))
    })?;
    let features = adapter.features();
    // In a browser burn's runtime panics without it at the first tensor.
    if cfg!(target_arch = "wasm32") && !features.contains(Features::TIMESTAMP_QUERY) {
        return Err(GpuError::Lacks("timestamp-query"));
    }
    let descriptor = DeviceDescriptor {
        // The runtime takes what the adapter has for what the device has.
        required_features: features - Features::MAPPABLE_PRIMARY_BUFFERS - Features::all_experimental_mask(),
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let requested = adapter.request_device(&descriptor).await;
    let (device, queue) = requested.map_err(|error| GpuError::Refused(error.to_string()))?;
    let information = adapter.get_info();
    let driver = device.clone();
    let setup = WgpuSetup { instance, adapter, device, queue, backend: information.backend };
    let device = WgpuOptions::default().setup(setup).tasks_max(TASKS_OF_A_SUBMISSION).init()?;
    let is_software = information.device_type == DeviceType::Cpu;
    gpu::set_invocations(if is_software { FILLS_SOFTWARE } else { FILLS_HARDWARE });
    let gpu = Gpu { device, name: information.name, is_software, driver, fault: Arc::default() };
    if cfg!(target_arch = "wasm32") {
        gpu.watch();
    }
    Ok(locked(&OPENED).insert(gpu).clone())
}

/// [`open_gpu`], waited for.
///
/// # Errors
/// As there.
#[cfg(not(target_arch = "wasm32"))]
pub fn gpu() -> Result<Gpu, GpuError> {
    burn_cubecl::cubecl::future::block_on(open_gpu())
}

#[cfg(target_arch = "wasm32")]
fn is_page_or_its_worker() -> bool {
    let scope = js_sys::global();
    scope.is_instance_of::<web_sys::Window>() || scope.is_instance_of::<web_sys::DedicatedWorkerGlobalScope>()
}
