//! The operations of a deployed network as compute shaders of our own, inside burn's graph.
//!
//! Each shader is WGSL written for one geometry: sizes are constants in it, loops over a tile are unrolled, and what
//! cannot occur (padding, a remainder of four) is left out. A network has a few dozen of them; burn's runtime compiles
//! each once. Weights and activations are 32-bit floats or, where a network is wanted so, packed 16-bit floats; whatever
//! has one value for each channel, and every sum, is 32-bit floats.
//!
//! The runtime turns off wgpu's bounds checks, so every shader keeps its own.

mod concatenate;
mod convolution;
mod pool;
mod scale;
mod shader;

use super::{ConvolutionGeometry, PoolGeometry};
use crate::network::place::Storage;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, DispatchDevice, backend_extension};
use burn::tensor::{DType, Device};
use burn_cubecl::cubecl::prelude::{BufferIOAttr, CubeCount, CubeDim, ExecutionMode, KernelId};
use burn_cubecl::cubecl::server::KernelArguments;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::template::{KernelSource, SourceKernel, SourceTemplate};
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, CubeDevice};
use concatenate::Concatenate;
use convolution::{Convolution, Storages};
use pool::{GlobalPool, MaxPool};
use scale::ScaleAndShift;
use shader::Shader;
use std::sync::atomic::{AtomicU32, Ordering};

/// What wgpu devices get from here; see the functions of the same names in [`super`].
#[backend_extension(Cube)]
pub(crate) trait GpuOperations: Backend {
    fn gpu_convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: ConvolutionGeometry,
        relu: bool,
    ) -> FloatTensor<Self>;

    fn gpu_residual_convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        geometry: ConvolutionGeometry,
        relu: bool,
    ) -> FloatTensor<Self>;

    fn gpu_scale_and_shift(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;

    fn gpu_max_pool(input: FloatTensor<Self>, geometry: PoolGeometry) -> FloatTensor<Self>;

    fn gpu_global_pool(input: FloatTensor<Self>, channels: usize, average: bool) -> FloatTensor<Self>;

    fn gpu_concatenate(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl GpuOperations for CubeBackend {
    fn gpu_convolution(
        input: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        geometry: ConvolutionGeometry,
        relu: bool,
    ) -> CubeTensor {
        let storages = Storages { input: storage(&input), weight: storage(&weight), residual: None };
        let shader = Convolution::new(invocations(), recordings(&input), &geometry, storages, relu);
        let shape = [recordings(&input), geometry.samples_out, geometry.width_out];
        launch(shader, vec![input, weight, bias], shape)
    }

    fn gpu_residual_convolution(
        input: CubeTensor,
        weight: CubeTensor,
        bias: CubeTensor,
        residual: CubeTensor,
        geometry: ConvolutionGeometry,
        relu: bool,
    ) -> CubeTensor {
        let residual_storage = Some(storage(&residual));
        let storages = Storages { input: storage(&input), weight: storage(&weight), residual: residual_storage };
        let shader = Convolution::new(invocations(), recordings(&input), &geometry, storages, relu);
        let shape = [recordings(&input), geometry.samples_out, geometry.width_out];
        launch(shader, vec![input, weight, bias, residual], shape)
    }

    fn gpu_scale_and_shift(input: CubeTensor, scale: CubeTensor, shift: CubeTensor, relu: bool) -> CubeTensor {
        let shape = dimensions(&input);
        let channels = scale.meta.shape().num_elements();
        let shader = ScaleAndShift::new(shape.iter().product(), channels, storage(&input), relu);
        launch(shader, vec![input, scale, shift], shape)
    }

    fn gpu_max_pool(input: CubeTensor, geometry: PoolGeometry) -> CubeTensor {
        let shape = [recordings(&input), geometry.samples_out, geometry.width_out()];
        let shader = MaxPool::new(recordings(&input), &geometry, storage(&input));
        launch(shader, vec![input], shape)
    }

    fn gpu_global_pool(input: CubeTensor, channels: usize, average: bool) -> CubeTensor {
        let [recordings, samples, width] = dimensions(&input);
        let positions = samples * width / channels;
        let shader = GlobalPool::new(recordings, positions, channels, storage(&input), average);
        launch(shader, vec![input], [recordings, 1, channels])
    }

    fn gpu_concatenate(first: CubeTensor, second: CubeTensor) -> CubeTensor {
        let [recordings, samples, left] = dimensions(&first);
        let [.., right] = dimensions(&second);
        let shader = Concatenate::new(recordings * samples, [left, right], [storage(&first), storage(&second)]);
        launch(shader, vec![first, second], [recordings, samples, left + right])
    }
}

/// Whether tensors on this device are computed by the shaders here: wgpu without gradients.
pub(super) fn is_gpu(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Cube(CubeDevice::Wgpu(_)))
}

/// Invocations that it takes to fill the device; see [`set_invocations`].
static INVOCATIONS: AtomicU32 = AtomicU32::new(1);

/// Says how many invocations it takes to fill the device: where a layer has fewer, its sums are split.
pub(crate) fn set_invocations(invocations: u32) {
    INVOCATIONS.store(invocations, Ordering::Relaxed);
}

fn invocations() -> u32 {
    INVOCATIONS.load(Ordering::Relaxed)
}

struct Source<S>(S);

impl<S: Shader> Source<S> {
    fn size(&self) -> CubeDim {
        let [x, y, z] = self.0.workgroup();
        CubeDim::new_3d(x, y, z)
    }
}

impl<S: Shader> KernelSource for Source<S> {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(self.0.wgsl())
    }

    fn id(&self) -> KernelId {
        // Unchecked: every loop has constant bounds, none needs a counter that ends it.
        KernelId::new::<Self>().info(self.0.clone()).cube_dim(self.size().0).mode(ExecutionMode::Unchecked)
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

/// Runs a shader on its inputs, in the order of its bindings, which the output follows.
fn launch<S: Shader>(shader: S, inputs: Vec<CubeTensor>, shape: [usize; 3]) -> CubeTensor {
    let inputs: Vec<CubeTensor> = inputs.into_iter().map(into_contiguous).collect();
    let (client, device) = (inputs[0].client.clone(), inputs[0].device.clone());
    let dtype = dtype(shader.output());
    let handle = client.empty(shape.iter().product::<usize>() * dtype.size());
    let output = CubeTensor::new_contiguous(client.clone(), device, shape.into(), handle, dtype);
    let arguments = inputs.into_iter().fold(KernelArguments::new(), |arguments, input| {
        arguments.with_buffer_io(input.handle.binding(), BufferIOAttr::ReadOnly)
    });
    let arguments = arguments.with_buffer_io(output.handle.clone().binding(), BufferIOAttr::WriteOnly);
    let [x, y, z] = shader.groups();
    let source = Source(shader);
    let size = source.size();
    client.launch(Box::new(SourceKernel::new(source, size)), CubeCount::Static(x, y, z), arguments);
    output
}

fn dimensions(tensor: &CubeTensor) -> [usize; 3] {
    let shape = tensor.meta.shape();
    [shape[0], shape[1], shape[2]]
}

fn recordings(tensor: &CubeTensor) -> usize {
    dimensions(tensor)[0]
}

fn storage(tensor: &CubeTensor) -> Storage {
    if tensor.dtype == dtype(Storage::Bits16) { Storage::Bits16 } else { Storage::Bits32 }
}

/// What burn calls it. Its own kernels need the feature `shader-f16` for 16 bits; ours take such a tensor's memory only.
pub(super) fn dtype(storage: Storage) -> DType {
    match storage {
        Storage::Bits16 => DType::F16,
        Storage::Bits32 => DType::F32,
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
