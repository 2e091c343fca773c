//! The few operations that the networks are made of.
//!
//! An activation is a tensor `[recordings, samples, leads x channels]`: all leads and channels of one sample lie side by
//! side, so that every convolution of the published networks, whether along time, across leads or both, is a convolution
//! along time of rows (see [`convolution`]), and that is one matrix product.
//!
//! On the CPU the operations are our own functions (`cpu`) inside burn's graph, with gradients of their own; on a GPU
//! that wgpu drives, what a deployed network needs are our own shaders (`gpu`). On any other device, and for training on
//! a GPU, they are composed of burn's tensor operations (`composed`), which also serve as the truth that the former are
//! tested against.

#[cfg(not(target_arch = "wasm32"))]
mod composed;
// Without training the gradients in it are not called.
#[cfg_attr(target_arch = "wasm32", allow(dead_code))]
mod cpu;
mod geometry;
#[cfg(gpu)]
pub(crate) mod gpu;
#[cfg(not(target_arch = "wasm32"))]
mod gradient;

use super::numbers::Numbers;
use super::place::Place;
#[cfg(gpu)]
use super::place::Storage;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, backend_extension};
#[cfg(not(target_arch = "wasm32"))]
use burn::tensor::activation;
use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_flex::{FlexTensor, Layout};
pub use geometry::{ConvolutionGeometry, PoolGeometry, same_padding};
#[cfg(gpu)]
use half::f16;
use std::sync::Arc;

/// The operations which the CPU backend gets from `cpu`.
// A browser does not train.
#[cfg_attr(target_arch = "wasm32", allow(dead_code))]
#[backend_extension(Flex, Autodiff: cfg(not(target_arch = "wasm32")))]
pub(crate) trait EcgOperations: Backend {
    /// See [`convolution`].
    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: ConvolutionGeometry,
    ) -> FloatTensor<Self>;

    /// See [`deployed_convolution`], without a residual.
    fn deployed_convolution(
        input: FloatTensor<Self>,
        convolution: Arc<cpu::PreparedConvolution>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// See [`deployed_convolution`].
    fn residual_convolution(
        input: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        convolution: Arc<cpu::PreparedConvolution>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// See [`batch_norm`]; output, mean and variance.
    fn batch_norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f32,
        relu: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// See [`scale_and_shift`].
    fn scale_and_shift(
        input: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// See [`max_pool`].
    fn max_pool(input: FloatTensor<Self>, geometry: PoolGeometry) -> FloatTensor<Self>;

    /// See [`global_average_pool`] and [`global_max_pool`].
    fn global_pool(input: FloatTensor<Self>, channels: usize, average: bool) -> FloatTensor<Self>;

    /// See [`concatenate`].
    fn concatenate(first: FloatTensor<Self>, second: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// A contiguous tensor of the CPU backend from its values.
fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    let layout = Layout::contiguous(shape.to_vec().into());
    FlexTensor::new(burn::tensor::Bytes::from_elems(values), layout, DType::F32)
}

/// The values of a contiguous tensor of the CPU backend.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("made contiguous before")
}

fn convolve(
    input: &FlexTensor,
    residual: Option<&FlexTensor>,
    convolution: &cpu::PreparedConvolution,
    relu: bool,
) -> FlexTensor {
    let input = input.to_contiguous();
    let residual = residual.map(FlexTensor::to_contiguous);
    let geometry = convolution.geometry();
    let recordings = input.layout().shape()[0];
    let mut out = vec![0.0; recordings * geometry.samples_out * geometry.width_out];
    convolution.apply(values(&input), residual.as_ref().map(values), relu, &mut out);
    tensor(out, &[recordings, geometry.samples_out, geometry.width_out])
}

impl EcgOperations for Flex {
    fn convolution(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        geometry: ConvolutionGeometry,
    ) -> FlexTensor {
        let (input, weight, bias) = (input.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let recordings = input.layout().shape()[0];
        let mut out = vec![0.0; recordings * geometry.samples_out * geometry.width_out];
        cpu::convolution(values(&input), values(&weight), values(&bias), &geometry, &mut out);
        tensor(out, &[recordings, geometry.samples_out, geometry.width_out])
    }

    fn deployed_convolution(input: FlexTensor, convolution: Arc<cpu::PreparedConvolution>, relu: bool) -> FlexTensor {
        convolve(&input, None, &convolution, relu)
    }

    fn residual_convolution(
        input: FlexTensor,
        residual: FlexTensor,
        convolution: Arc<cpu::PreparedConvolution>,
        relu: bool,
    ) -> FlexTensor {
        convolve(&input, Some(&residual), &convolution, relu)
    }

    fn batch_norm(
        input: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f32,
        relu: bool,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let input = input.to_contiguous();
        let (gamma, beta) = (gamma.to_contiguous(), beta.to_contiguous());
        let channels = values(&gamma).len();
        let (mean, variance) = cpu::batch_statistics(values(&input), channels);
        let scale: Vec<f32> =
            values(&gamma).iter().zip(&variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
        let shift: Vec<f32> =
            values(&beta).iter().zip(&mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale).collect();
        let mut out = vec![0.0; values(&input).len()];
        cpu::scale_and_shift(values(&input), &scale, &shift, floor(relu), &mut out);
        let shape = input.layout().shape().to_vec();
        (tensor(out, &shape), tensor(mean, &[channels]), tensor(variance, &[channels]))
    }

    fn scale_and_shift(input: FlexTensor, scale: FlexTensor, shift: FlexTensor, relu: bool) -> FlexTensor {
        let (input, scale, shift) = (input.to_contiguous(), scale.to_contiguous(), shift.to_contiguous());
        let mut out = vec![0.0; values(&input).len()];
        cpu::scale_and_shift(values(&input), values(&scale), values(&shift), floor(relu), &mut out);
        tensor(out, &input.layout().shape().to_vec())
    }

    fn max_pool(input: FlexTensor, geometry: PoolGeometry) -> FlexTensor {
        let input = input.to_contiguous();
        let recordings = input.layout().shape()[0];
        let mut out = vec![0.0; recordings * geometry.samples_out * geometry.width_out()];
        cpu::max_pool(values(&input), &geometry, &mut out);
        tensor(out, &[recordings, geometry.samples_out, geometry.width_out()])
    }

    fn global_pool(input: FlexTensor, channels: usize, average: bool) -> FlexTensor {
        let input = input.to_contiguous();
        let (recordings, values) = (input.layout().shape()[0], values(&input));
        let mut out = vec![0.0; recordings * channels];
        cpu::global_pool(values, values.len() / (recordings * channels), channels, average, &mut out);
        tensor(out, &[recordings, 1, channels])
    }

    fn concatenate(first: FlexTensor, second: FlexTensor) -> FlexTensor {
        let (first, second) = (first.to_contiguous(), second.to_contiguous());
        let (shape, widths) = (first.layout().shape(), [first.layout().shape()[2], second.layout().shape()[2]]);
        let shape = [shape[0], shape[1], widths[0] + widths[1]];
        let mut out = vec![0.0; shape.iter().product()];
        cpu::concatenate(values(&first), values(&second), widths, &mut out);
        tensor(out, &shape)
    }
}

fn floor(relu: bool) -> f32 {
    if relu { 0.0 } else { f32::NEG_INFINITY }
}

/// Whether tensors on this device are computed by [`cpu`].
fn is_cpu(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// Whether nothing is to be differentiated either: where our operation is not differentiable, burn's own are.
fn is_cpu_without_gradients(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// Returns what the shaders make of the operation where tensors on this device are computed by them; `or` is what any
/// other device but the CPU does. A browser has no other: without burn's own kernels its wasm is less than half as large.
macro_rules! on_gpu {
    ($device:expr, $operation:ident($($tensor:ident),+; $($number:expr),*), or $composed:expr) => {{
        #[cfg(gpu)]
        if gpu::is_gpu($device) {
            let output = <Dispatch as gpu::GpuOperations>::$operation($($tensor.into_dispatch(),)+ $($number),*);
            return Tensor::from_dispatch(output);
        }
        #[cfg(target_arch = "wasm32")]
        unreachable!("a browser computes on the CPU or by WebGPU");
        #[cfg(not(target_arch = "wasm32"))]
        $composed
    }};
}

/// Multiplications with additions that one thread has done before several have shared them out.
#[cfg(not(target_arch = "wasm32"))]
const WORTH_SHARING: u64 = 50_000_000;

/// Does work of so many multiplications with additions: its parts on all cores, or all of it in this thread where that is
/// sooner done.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn on_cores<T: Send>(multiplications: u64, work: impl FnOnce() -> T + Send) -> T {
    if multiplications < WORTH_SHARING {
        return cpu::alone(work);
    }
    // In one of the cores' threads, so that not every part is handed over to them.
    rayon::scope(|_| work())
}

#[cfg(target_arch = "wasm32")]
pub(super) fn on_cores<T>(_: u64, work: impl FnOnce() -> T) -> T {
    work()
}

/// Convolution along time of rows, with a bias.
///
/// Shapes: `input` [recordings, samples_in, width_in], `weight` [taps * width_in, width_out], `bias` `[width_out]`; the
/// result is [recordings, samples_out, width_out].
#[cfg(not(target_arch = "wasm32"))]
pub fn convolution(input: Tensor<3>, weight: Tensor<2>, bias: Tensor<1>, geometry: ConvolutionGeometry) -> Tensor<3> {
    if !is_cpu(&input.device()) {
        return composed::convolution(input, weight, bias, geometry);
    }
    let (input, weight, bias) = (input.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(<Dispatch as EcgOperations>::convolution(input, weight, bias, geometry))
}

/// The convolution of a network that estimates, on one device.
#[derive(Debug, Clone)]
pub struct DeployedConvolution(Placed);

#[derive(Debug, Clone)]
enum Placed {
    Cpu(Arc<cpu::PreparedConvolution>),
    Device { weight: Box<Tensor<2>>, bias: Box<Tensor<1>>, geometry: ConvolutionGeometry },
}

impl DeployedConvolution {
    /// Puts a weight [taps * width_in, width_out] and a bias `[width_out]` in a place.
    pub fn new(weight: impl Into<Numbers>, bias: Vec<f32>, geometry: ConvolutionGeometry, place: &Place) -> Self {
        let (weight, device) = (weight.into(), &place.device);
        DeployedConvolution(if is_cpu(device) {
            Placed::Cpu(Arc::new(cpu::PreparedConvolution::new(weight, bias, geometry, place.kernels)))
        } else {
            let weight = weight.into_f32();
            let (rows, width) = (weight.len() / geometry.width_out, geometry.width_out);
            let dtype = weight_dtype(&weight, width, place);
            let weight = Tensor::from_data(TensorData::new(weight, [rows, width]), (device, dtype));
            let bias = Tensor::from_data(TensorData::new(bias, [width]), device);
            Placed::Device { weight: Box::new(weight), bias: Box::new(bias), geometry }
        })
    }

    /// Bytes of the weight and the bias; on the CPU of what they are made ready from.
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Placed::Cpu(convolution) => {
                let ConvolutionGeometry { width_out, .. } = convolution.geometry();
                (convolution.geometry().row() + 1) * width_out * size_of::<f32>()
            }
            Placed::Device { weight, bias, .. } => bytes(weight) + bytes(bias),
        }
    }
}

/// Bytes of a tensor's values.
pub fn bytes<const D: usize>(tensor: &Tensor<D>) -> usize {
    tensor.dims().iter().product::<usize>() * tensor.dtype().size()
}

/// 16 bits where they are wanted, the shaders can write rows of this width in them, and no value is too large.
#[cfg(gpu)]
fn weight_dtype(weight: &[f32], width: usize, place: &Place) -> DType {
    let packed = place.storage == Storage::Bits16
        && gpu::is_gpu(&place.device)
        && width.is_multiple_of(4)
        && weight.iter().all(|value| value.abs() <= f16::MAX.to_f32());
    gpu::dtype(if packed { Storage::Bits16 } else { Storage::Bits32 })
}

#[cfg(not(gpu))]
fn weight_dtype(_: &[f32], _: usize, _: &Place) -> DType {
    DType::F32
}

/// [`convolution`], a sum with `residual`, which has the shape of the result, and a ReLU if asked for. Not differentiable.
pub fn deployed_convolution(
    input: Tensor<3>,
    convolution: &DeployedConvolution,
    residual: Option<Tensor<3>>,
    relu: bool,
) -> Tensor<3> {
    let (weight, bias, geometry) = match convolution.0.clone() {
        Placed::Cpu(convolution) => {
            let input = input.into_dispatch();
            return Tensor::from_dispatch(match residual {
                Some(residual) => {
                    let residual = residual.into_dispatch();
                    <Dispatch as EcgOperations>::residual_convolution(input, residual, convolution, relu)
                }
                None => <Dispatch as EcgOperations>::deployed_convolution(input, convolution, relu),
            });
        }
        Placed::Device { weight, bias, geometry } => (*weight, *bias, geometry),
    };
    match residual {
        Some(residual) => {
            on_gpu!(&input.device(), gpu_residual_convolution(input, weight, bias, residual; geometry, relu), or {
                let sum = composed::convolution(input, weight, bias, geometry) + residual;
                if relu { activation::relu(sum) } else { sum }
            })
        }
        None => {
            on_gpu!(&input.device(), gpu_convolution(input, weight, bias; geometry, relu), or {
                let output = composed::convolution(input, weight, bias, geometry);
                if relu { activation::relu(output) } else { output }
            })
        }
    }
}

/// Batch normalisation by the statistics of the batch itself (Ioffe and Szegedy 2015), and a ReLU if asked for.
///
/// Shapes: `input` [recordings, samples, leads x channels], `gamma` and `beta` `[channels]`. Returns the output and, for
/// the moving averages, the mean and the variance of each channel, which carry no gradient.
#[cfg(not(target_arch = "wasm32"))]
pub fn batch_norm(
    input: Tensor<3>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    relu: bool,
) -> (Tensor<3>, Tensor<1>, Tensor<1>) {
    if !is_cpu(&input.device()) {
        return composed::batch_norm(input, gamma, beta, epsilon, relu);
    }
    let (input, gamma, beta) = (input.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
    let (output, mean, variance) = <Dispatch as EcgOperations>::batch_norm(input, gamma, beta, epsilon, relu);
    (Tensor::from_dispatch(output), Tensor::from_dispatch(mean), Tensor::from_dispatch(variance))
}

/// `scale * input + shift` for each channel, and a ReLU if asked for: what is left of a batch normalisation that cannot
/// be folded into a convolution. Not differentiable.
///
/// Shapes: `input` [recordings, samples, leads x channels], `scale` and `shift` `[channels]`.
pub fn scale_and_shift(input: Tensor<3>, scale: Tensor<1>, shift: Tensor<1>, relu: bool) -> Tensor<3> {
    let device = input.device();
    if is_cpu(&device) {
        let (input, scale, shift) = (input.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
        return Tensor::from_dispatch(<Dispatch as EcgOperations>::scale_and_shift(input, scale, shift, relu));
    }
    on_gpu!(&device, gpu_scale_and_shift(input, scale, shift; relu), or composed::scale_and_shift(input, scale, shift, relu))
}

/// Maximum over windows of samples and leads; padding never wins.
///
/// Shapes: [recordings, samples_in, leads_in x channels] to [recordings, samples_out, leads_out x channels].
pub fn max_pool(input: Tensor<3>, geometry: PoolGeometry) -> Tensor<3> {
    let device = input.device();
    if is_cpu(&device) {
        return Tensor::from_dispatch(<Dispatch as EcgOperations>::max_pool(input.into_dispatch(), geometry));
    }
    on_gpu!(&device, gpu_max_pool(input; geometry), or composed::max_pool(input, geometry))
}

/// The mean of each channel over samples and leads.
///
/// Shapes: [recordings, samples, leads x channels] to [recordings, 1, channels].
pub fn global_average_pool(input: Tensor<3>, channels: usize) -> Tensor<3> {
    let device = input.device();
    if is_cpu_without_gradients(&device) {
        return Tensor::from_dispatch(<Dispatch as EcgOperations>::global_pool(input.into_dispatch(), channels, true));
    }
    on_gpu!(&device, gpu_global_pool(input; channels, true), or composed::global_average_pool(input, channels))
}

/// The highest value of each channel over samples and leads.
///
/// Shapes: [recordings, samples, leads x channels] to [recordings, 1, channels].
pub fn global_max_pool(input: Tensor<3>, channels: usize) -> Tensor<3> {
    let device = input.device();
    if is_cpu_without_gradients(&device) {
        return Tensor::from_dispatch(<Dispatch as EcgOperations>::global_pool(input.into_dispatch(), channels, false));
    }
    on_gpu!(&device, gpu_global_pool(input; channels, false), or composed::global_max_pool(input, channels))
}

/// The rows of two activations side by side.
pub fn concatenate(first: Tensor<3>, second: Tensor<3>) -> Tensor<3> {
    let device = first.device();
    if is_cpu_without_gradients(&device) {
        let (first, second) = (first.into_dispatch(), second.into_dispatch());
        return Tensor::from_dispatch(<Dispatch as EcgOperations>::concatenate(first, second));
    }
    on_gpu!(&device, gpu_concatenate(first, second;), or Tensor::cat(vec![first, second], 2))
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
