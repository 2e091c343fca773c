//! The graphics device that a network may run on.

use crate::network::operation::gpu;
use burn::tensor::Device;
use burn::tensor::wgpu::{WgpuInitError, wgpu};
use std::sync::OnceLock;

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
    /// Whether shaders may compute with 16-bit floats.
    pub has_half_precision: bool,
}

/// Why there is no graphics device.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GpuError {
    #[error("there is no graphics adapter ({0})")]
    NoAdapter(String),
    #[error("the graphics adapter lacks {0}")]
    Lacks(&'static str),
    #[error("the graphics adapter refused ({0})")]
    Refused(String),
    #[error("the graphics device was lost ({0})")]
    Lost(String),
}

impl GpuError {
    /// Stays the same between versions.
    pub fn code(&self) -> &'static str {
        match self {
            GpuError::NoAdapter(_) => "gpu-none",
            GpuError::Lacks(_) => "gpu-lacks",
            GpuError::Refused(_) => "gpu-refused",
            GpuError::Lost(_) => "gpu-lost",
        }
    }
}

impl From<WgpuInitError> for GpuError {
    fn from(error: WgpuInitError) -> Self {
        match error {
            WgpuInitError::AdapterUnavailable { message, .. } => GpuError::NoAdapter(message),
            WgpuInitError::UnsupportedGraphicsApi { .. } => GpuError::NoAdapter(error.to_string()),
            other => GpuError::Refused(other.to_string()),
        }
    }
}

static OPENED: OnceLock<Gpu> = OnceLock::new();

/// Opens the graphics device that the system prefers, once: later calls return the same.
///
/// A lost device stays lost for this process, or in a browser for this worker.
///
/// # Errors
/// Where there is no adapter, it lacks something or its device cannot be had.
pub async fn open_gpu() -> Result<Gpu, GpuError> {
    if let Some(gpu) = OPENED.get() {
        return Ok(gpu.clone());
    }
    let options = Device::wgpu_options().tasks_max(TASKS_OF_A_SUBMISSION);
    let (device, setup) = options.init_with_setup_async().await?;
    let features = setup.adapter.features();
    // In a browser burn's runtime panics without it at the first tensor.
    if cfg!(target_arch = "wasm32") && !features.contains(wgpu::Features::TIMESTAMP_QUERY) {
        return Err(GpuError::Lacks("timestamp-query"));
    }
    let information = setup.adapter.get_info();
    let is_software = information.device_type == wgpu::DeviceType::Cpu;
    gpu::set_invocations(if is_software { FILLS_SOFTWARE } else { FILLS_HARDWARE });
    let has_half_precision = features.contains(wgpu::Features::SHADER_F16);
    let gpu = Gpu { device, name: information.name, is_software, has_half_precision };
    Ok(OPENED.get_or_init(|| gpu).clone())
}
