//! `--device`: what computes.

use super::error::CommandError;
use burn::tensor::Device;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct DeviceOptions {
    /// What computes: the processor, any graphics card (wgpu), or an NVIDIA card (cuda)
    ///
    /// wgpu and cuda need a program that was built with that feature.
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu, value_name = "DEVICE")]
    device: DeviceName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DeviceName {
    Cpu,
    Wgpu,
    Cuda,
}

impl DeviceOptions {
    /// Opens the device.
    pub fn open(&self) -> Result<Device, CommandError> {
        match self.device {
            DeviceName::Cpu => Ok(Device::flex()),
            DeviceName::Wgpu => wgpu(),
            DeviceName::Cuda => cuda(),
        }
    }
}

#[cfg(gpu)]
fn wgpu() -> Result<Device, CommandError> {
    let gpu =
        crate::device::gpu().map_err(|error| CommandError::NoDevice { device: "wgpu", reason: error.to_string() })?;
    if gpu.is_software {
        eprintln!("note: {} is a processor that plays a graphics card; --device cpu is faster", gpu.name);
    }
    Ok(gpu.device)
}

#[cfg(not(gpu))]
fn wgpu() -> Result<Device, CommandError> {
    Err(CommandError::DeviceNotBuilt { device: "wgpu" })
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, CommandError> {
    tried("cuda", || Device::cuda(0))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device, CommandError> {
    Err(CommandError::DeviceNotBuilt { device: "cuda" })
}

/// A device on which a first computation succeeds. The drivers' libraries panic where there is no such device.
#[cfg(feature = "cuda")]
fn tried(name: &'static str, open: impl FnOnce() -> Device + std::panic::UnwindSafe) -> Result<Device, CommandError> {
    use burn::tensor::Tensor;

    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(|| {
        let device = open();
        let _ = (Tensor::<1>::ones([1], &device) + 1.0).into_data();
        device
    });
    std::panic::set_hook(hook);
    opened.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason is given");
        let reason = text.lines().next().unwrap_or_default().to_owned();
        CommandError::NoDevice { device: name, reason }
    })
}
