//! Where a network that estimates lies, and in what form.

use burn::tensor::Device;

/// How many bits each weight and activation takes where ECGNet's own shaders compute, which add up in 32 either way. Any
/// other device holds 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Storage {
    /// Half of the memory to be read, and 11 significant bits of each number: answers differ a little.
    Bits16,
    #[default]
    Bits32,
}

/// How the CPU holds the kernels of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kernels {
    /// As they are multiplied with, which takes up to three times the memory of the same numbers in 32 bits: soonest done.
    #[default]
    Ready,
    /// In as many bits as their file has, made ready anew for each estimate.
    Packed,
}

/// A device, and how it holds a network.
#[derive(Debug, Clone)]
pub struct Place {
    pub device: Device,
    pub storage: Storage,
    pub kernels: Kernels,
}

/// In 32 bits, with kernels that are ready.
impl From<&Device> for Place {
    fn from(device: &Device) -> Place {
        Place { device: device.clone(), storage: Storage::default(), kernels: Kernels::default() }
    }
}
