//! A network under training: forward passes with gradients and the statistics of the batch.

use super::assembly::{Assembly, BatchNorm, FoldedConvolution, Step};
use super::deployed::{Outputs, flatten};
use super::description::Initialiser;
use super::parameter::{ParameterId, ParameterSpecification, Role};
use super::{BATCH_NORM_EPSILON, Head, operation};
use burn::tensor::{Device, Distribution, Gradients, Tensor, TensorData, activation};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution as _, StandardNormal};

/// A flat tensor of these values.
pub fn upload(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// The values of a flat tensor.
pub fn download(tensor: &Tensor<1>) -> Vec<f32> {
    tensor.to_data().try_to_vec().expect("parameters and their moments are of 32-bit floats")
}

/// A network with the values of its parameters.
#[derive(Debug, Clone)]
pub struct TrainableNetwork {
    pub assembly: Assembly,
    /// One flat tensor for each parameter of the assembly, on a device without gradients.
    pub values: Vec<Tensor<1>>,
}

/// A forward pass that gradients can be taken of.
pub struct TrainingPass {
    pub outputs: Outputs,
    leaves: Vec<Option<Tensor<1>>>,
    statistics: Vec<(ParameterId, Tensor<1>)>,
}

impl TrainingPass {
    /// The gradient of each trained parameter.
    pub fn gradients(&self, loss: Tensor<1>) -> Vec<Option<Tensor<1>>> {
        let gradients: Gradients = loss.backward();
        self.leaves.iter().map(|leaf| leaf.as_ref().and_then(|leaf| leaf.grad(&gradients))).collect()
    }
}

impl TrainableNetwork {
    /// A network with freshly drawn weights: the same seed gives the same weights on every machine.
    pub fn new(assembly: Assembly, seed: u64, device: &Device) -> Self {
        let values = assembly.parameters.iter().enumerate().map(|(stream, parameter)| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(stream as u64);
            initial_values(parameter, &mut random)
        });
        let values = values.collect();
        Self::with_values(assembly, values, device)
    }

    /// A network with given values, such as [`Assembly::from_published`] returns.
    pub fn with_values(assembly: Assembly, values: Vec<Vec<f32>>, device: &Device) -> Self {
        let device = device.clone().inner();
        Self { assembly, values: values.into_iter().map(|values| upload(values, &device)).collect() }
    }

    /// The values of all parameters.
    pub fn read_values(&self) -> Vec<Vec<f32>> {
        self.values.iter().map(download).collect()
    }

    /// A forward pass of `[recordings, samples, leads]` in training mode: batch normalisation by the batch's own
    /// statistics, and dropout by the device's random numbers (see [`Device::seed`]).
    pub fn forward(&self, input: Tensor<3>) -> TrainingPass {
        self.forward_as(&self.assembly, input)
    }

    /// The same for inputs of another number of samples, which `assembly` was worked out for
    /// ([`Assembly::for_samples`]).
    pub fn forward_as(&self, assembly: &Assembly, input: Tensor<3>) -> TrainingPass {
        let leaf = |(parameter, value): (&ParameterSpecification, &Tensor<1>)| {
            parameter.is_trained().then(|| Tensor::from_inner(value.clone()).require_grad())
        };
        let leaves: Vec<_> = self.assembly.parameters.iter().zip(&self.values).map(leaf).collect();
        let mut run = Run { leaves: &leaves, statistics: Vec::new() };
        let features = run.steps(&assembly.body, Tensor::from_inner(input.inner()));
        let mut outputs = Outputs { age: None, sex: None };
        for (head, convolution) in &assembly.heads {
            let output = run.convolution(convolution, features.clone()).squeeze_dim(1);
            match head {
                Head::Age => outputs.age = Some(output),
                Head::Sex => outputs.sex = Some(output),
            }
        }
        let statistics = run.statistics;
        TrainingPass { outputs, leaves, statistics }
    }

    /// Moves the moving averages of the batch normalisations towards the statistics of the pass; they keep the share
    /// `momentum` of themselves.
    pub fn update_moving_averages(&mut self, pass: &TrainingPass, momentum: f64) {
        for (id, statistic) in &pass.statistics {
            let moving = self.values[*id].clone();
            self.values[*id] = moving * momentum + statistic.clone() * (1.0 - momentum);
        }
    }
}

fn initial_values(parameter: &ParameterSpecification, random: &mut ChaCha8Rng) -> Vec<f32> {
    let count = parameter.values();
    match &parameter.role {
        Role::Bias | Role::Beta | Role::MovingMean => vec![0.0; count],
        Role::Gamma | Role::MovingVariance => vec![1.0; count],
        Role::Kernel { folding, initialiser, .. } => {
            // The fans count the published kernel, columns that meet only padding included, as Keras does.
            let field = (folding.taps * folding.columns) as f32;
            let fan_in = field * folding.channels_in as f32;
            let fan_out = field * folding.channels_out as f32;
            match initialiser {
                Initialiser::GlorotUniform => {
                    let limit = (6.0 / (fan_in + fan_out)).sqrt();
                    (0..count).map(|_| random.random_range(-limit..limit)).collect()
                }
                Initialiser::HeNormal => {
                    // Keras divides by the deviation of a normal cut off at two, so that the variance is 2 / fan in.
                    let deviation = (2.0 / fan_in).sqrt() / 0.879_625_7;
                    (0..count).map(|_| deviation * truncated_normal(random)).collect()
                }
            }
        }
    }
}

fn truncated_normal(random: &mut ChaCha8Rng) -> f32 {
    loop {
        let value: f32 = StandardNormal.sample(random);
        if value.abs() < 2.0 {
            return value;
        }
    }
}

/// One forward pass under way.
struct Run<'a> {
    leaves: &'a [Option<Tensor<1>>],
    statistics: Vec<(ParameterId, Tensor<1>)>,
}

impl Run<'_> {
    fn leaf(&self, id: ParameterId) -> Tensor<1> {
        self.leaves[id].clone().expect("kernels, biases, gammas and betas are trained")
    }

    fn convolution(&self, convolution: &FoldedConvolution, input: Tensor<3>) -> Tensor<3> {
        let FoldedConvolution { folding, geometry, kernel, bias, .. } = convolution;
        let matrix = folding.matrix(self.leaf(*kernel));
        let bias = match bias {
            Some(bias) => folding.repeat(self.leaf(*bias)),
            None => Tensor::zeros([geometry.width_out], &input.device()),
        };
        operation::convolution(input, matrix, bias, *geometry)
    }

    fn batch_norm(&mut self, norm: &BatchNorm, relu: bool, input: Tensor<3>) -> Tensor<3> {
        let (gamma, beta) = (self.leaf(norm.gamma), self.leaf(norm.beta));
        let (output, mean, variance) = operation::batch_norm(input, gamma, beta, BATCH_NORM_EPSILON, relu);
        self.statistics.push((norm.moving_mean, mean.inner()));
        self.statistics.push((norm.moving_variance, variance.inner()));
        output
    }

    fn steps(&mut self, steps: &[Step], mut value: Tensor<3>) -> Tensor<3> {
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            value = match step {
                Step::Convolution(convolution) => self.convolution(convolution, value),
                Step::BatchNorm(norm) => {
                    let relu = steps.next_if(|next| matches!(next, Step::Relu)).is_some();
                    self.batch_norm(norm, relu, value)
                }
                Step::Relu => activation::relu(value),
                Step::MaxPool(geometry) => operation::max_pool(value, *geometry),
                Step::Dropout(share) => dropout(value, *share),
                Step::Flatten => flatten(value),
                Step::GlobalAveragePool { channels } => operation::global_average_pool(value, *channels),
                Step::GlobalMaxPool { channels } => operation::global_max_pool(value, *channels),
                Step::Sum([first, second]) => self.steps(first, value.clone()) + self.steps(second, value),
                Step::Branches(branches) => {
                    let outputs = branches.iter().map(|branch| self.steps(branch, value.clone())).collect();
                    Tensor::cat(outputs, 2)
                }
            };
        }
        value
    }
}

/// Sets `share` of the values to zero and scales the others up so that the mean stays.
fn dropout(input: Tensor<3>, share: f64) -> Tensor<3> {
    let keep = 1.0 - share;
    let kept = input.random_like(Distribution::Bernoulli(keep));
    input * kept / keep
}
