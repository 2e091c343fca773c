//! A network as it estimates: batch normalisation folded into the convolutions, kernels unfolded into matrices once.

use super::assembly::{Assembly, BatchNorm, FoldedConvolution, Step};
use super::folding::Folding;
use super::numbers::Numbers;
use super::operation::{self, ConvolutionGeometry, PoolGeometry, bytes};
use super::parameter::{DeployedTensor, NamedTensor};
use super::place::Place;
use super::{Architecture, BATCH_NORM_EPSILON, Head, INPUT_LEADS, INPUT_SAMPLES, Target};
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::HashMap;

/// A convolution or a scaling whose tensors have names.
#[derive(Debug, Clone, PartialEq)]
enum DeployedStep {
    Convolution {
        convolution: DeployedConvolution,
        relu: bool,
    },
    ScaleAndShift {
        name: String,
        channels: usize,
        relu: bool,
    },
    MaxPool(PoolGeometry),
    Flatten,
    GlobalAveragePool {
        channels: usize,
    },
    GlobalMaxPool {
        channels: usize,
    },
    /// The sum of two paths and a ReLU if asked for. The last step of `main` is a convolution without one, which takes
    /// the sum upon itself.
    Sum {
        main: Vec<DeployedStep>,
        other: Vec<DeployedStep>,
        relu: bool,
    },
    Branches(Vec<Vec<DeployedStep>>),
}

#[derive(Debug, Clone, PartialEq)]
struct DeployedConvolution {
    name: String,
    folding: Folding,
    geometry: ConvolutionGeometry,
}

/// The steps of a deployed network without its tensors.
#[derive(Debug, Clone, PartialEq)]
struct Plan {
    body: Vec<DeployedStep>,
    heads: Vec<(Head, DeployedConvolution)>,
}

/// A network that does not end in branches worth computing apart has one, of no steps.
static NO_BRANCHES: [Vec<DeployedStep>; 1] = [Vec::new()];

impl Plan {
    fn new(assembly: &Assembly) -> Plan {
        let heads = assembly.heads.iter().map(|(head, convolution)| (*head, deployed_convolution(convolution)));
        Plan { body: deployed_steps(&assembly.body), heads: heads.collect() }
    }

    /// What all branches have in common, and the branches.
    fn stem_and_branches(&self) -> (&[DeployedStep], &[Vec<DeployedStep>]) {
        match self.body.split_last() {
            Some((DeployedStep::Branches(branches), stem)) if branches.iter().all(|branch| cost(branch) > 0) => {
                (stem, branches)
            }
            _ => (&self.body, &NO_BRANCHES),
        }
    }

    /// Name and shape of every tensor of the deployed form.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        let convolution = |tensors: &mut Vec<_>, convolution: &DeployedConvolution| {
            tensors.push((format!("{}.kernel", convolution.name), convolution.folding.live_shape().to_vec()));
            tensors.push((format!("{}.bias", convolution.name), vec![convolution.folding.channels_out]));
        };
        visit(&self.body, &mut |step| match step {
            DeployedStep::Convolution { convolution: step, .. } => convolution(&mut tensors, step),
            DeployedStep::ScaleAndShift { name, channels, .. } => {
                tensors.push((format!("{name}.scale"), vec![*channels]));
                tensors.push((format!("{name}.shift"), vec![*channels]));
            }
            _ => {}
        });
        self.heads.iter().for_each(|(_, head)| convolution(&mut tensors, head));
        tensors
    }
}

fn visit<'a>(steps: &'a [DeployedStep], work: &mut impl FnMut(&'a DeployedStep)) {
    for step in steps {
        work(step);
        match step {
            DeployedStep::Sum { main, other, .. } => [main, other].into_iter().for_each(|path| visit(path, work)),
            DeployedStep::Branches(branches) => branches.iter().for_each(|branch| visit(branch, work)),
            _ => {}
        }
    }
}

/// Multiplications with additions of steps.
fn cost(steps: &[DeployedStep]) -> u64 {
    let mut cost = 0;
    visit(steps, &mut |step| {
        if let DeployedStep::Convolution { convolution, .. } = step {
            cost += convolution.geometry.multiplications();
        }
    });
    cost
}

fn deployed_convolution(convolution: &FoldedConvolution) -> DeployedConvolution {
    let FoldedConvolution { name, folding, geometry, .. } = convolution;
    DeployedConvolution { name: name.clone(), folding: folding.clone(), geometry: *geometry }
}

fn deployed_steps(steps: &[Step]) -> Vec<DeployedStep> {
    let mut deployed = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let before = position.checked_sub(1).map(|position| &steps[position]);
        match step {
            Step::Convolution(convolution) => {
                let convolution = deployed_convolution(convolution);
                deployed.push(DeployedStep::Convolution { convolution, relu: false });
            }
            // Folded into the convolution before it.
            Step::BatchNorm(_) if matches!(before, Some(Step::Convolution(_))) => {}
            Step::BatchNorm(BatchNorm { name, channels, .. }) => {
                let relu = matches!(steps.get(position + 1), Some(Step::Relu));
                deployed.push(DeployedStep::ScaleAndShift { name: name.clone(), channels: *channels, relu });
            }
            Step::Relu => match deployed.last_mut() {
                Some(DeployedStep::Convolution { relu, .. } | DeployedStep::Sum { relu, .. }) => *relu = true,
                Some(DeployedStep::ScaleAndShift { .. }) => {}
                _ => unreachable!("a ReLU follows a convolution, a sum or a batch normalisation"),
            },
            Step::MaxPool(geometry) => deployed.push(DeployedStep::MaxPool(*geometry)),
            Step::Dropout(_) => {}
            Step::Flatten => deployed.push(DeployedStep::Flatten),
            Step::GlobalMaxPool { channels } => deployed.push(DeployedStep::GlobalMaxPool { channels: *channels }),
            Step::GlobalAveragePool { channels } => {
                deployed.push(DeployedStep::GlobalAveragePool { channels: *channels });
            }
            Step::Sum(paths) => {
                deployed.push(deployed_sum(deployed_steps(&paths[0]), deployed_steps(&paths[1])));
            }
            Step::Branches(branches) => {
                deployed.push(DeployedStep::Branches(branches.iter().map(|branch| deployed_steps(branch)).collect()));
            }
        }
    }
    deployed
}

fn deployed_sum(first: Vec<DeployedStep>, second: Vec<DeployedStep>) -> DeployedStep {
    let takes_sum = |path: &[DeployedStep]| matches!(path.last(), Some(DeployedStep::Convolution { relu: false, .. }));
    let (main, other) = if takes_sum(&first) { (first, second) } else { (second, first) };
    assert!(takes_sum(&main), "a path of a sum ends with a convolution");
    DeployedStep::Sum { main, other, relu: false }
}

/// Folds the batch normalisations of a trained network into its convolutions.
///
/// `values` are the values of the assembly's parameters, kernels with their live columns only. With the scale
/// s = gamma / sqrt(variance + epsilon), a convolution with kernel K and bias b that is normalised becomes one with
/// kernel s K and bias beta + s (b - mean), exactly.
pub fn deploy(assembly: &Assembly, values: &[Vec<f32>]) -> Vec<DeployedTensor> {
    let mut tensors = Vec::new();
    deploy_steps(&assembly.body, values, &mut tensors);
    for (_, head) in &assembly.heads {
        deploy_convolution(head, None, values, &mut tensors);
    }
    tensors
}

fn deploy_steps(steps: &[Step], values: &[Vec<f32>], tensors: &mut Vec<DeployedTensor>) {
    for (position, step) in steps.iter().enumerate() {
        match step {
            Step::Convolution(convolution) => {
                let norm = match steps.get(position + 1) {
                    Some(Step::BatchNorm(norm)) => Some(norm),
                    _ => None,
                };
                deploy_convolution(convolution, norm, values, tensors);
            }
            Step::BatchNorm(norm) if position == 0 || !matches!(steps[position - 1], Step::Convolution(_)) => {
                let (scale, shift) = scale_and_shift(norm, values);
                let tensor = |part: &str, values: Vec<f32>| NamedTensor {
                    name: format!("{}.{part}", norm.name),
                    shape: vec![values.len()],
                    values: values.into(),
                };
                tensors.extend([tensor("scale", scale), tensor("shift", shift)]);
            }
            Step::Sum(paths) => paths.iter().for_each(|path| deploy_steps(path, values, tensors)),
            Step::Branches(branches) => branches.iter().for_each(|branch| deploy_steps(branch, values, tensors)),
            _ => {}
        }
    }
}

fn deploy_convolution(
    convolution: &FoldedConvolution,
    norm: Option<&BatchNorm>,
    values: &[Vec<f32>],
    tensors: &mut Vec<DeployedTensor>,
) {
    let filters = convolution.folding.channels_out;
    let mut kernel = values[convolution.kernel].clone();
    let mut bias = convolution.bias.map_or_else(|| vec![0.0; filters], |bias| values[bias].clone());
    if let Some(norm) = norm {
        let (scale, shift) = scale_and_shift(norm, values);
        for row in kernel.chunks_exact_mut(filters) {
            row.iter_mut().zip(&scale).for_each(|(value, scale)| *value *= scale);
        }
        for ((bias, scale), shift) in bias.iter_mut().zip(&scale).zip(&shift) {
            *bias = *bias * scale + shift;
        }
    }
    let name = &convolution.name;
    let shape = convolution.folding.live_shape().to_vec();
    tensors.push(NamedTensor { name: format!("{name}.kernel"), shape, values: kernel.into() });
    tensors.push(NamedTensor { name: format!("{name}.bias"), shape: vec![filters], values: bias.into() });
}

fn scale_and_shift(norm: &BatchNorm, values: &[Vec<f32>]) -> (Vec<f32>, Vec<f32>) {
    let scale: Vec<f32> = values[norm.gamma]
        .iter()
        .zip(&values[norm.moving_variance])
        .map(|(gamma, variance)| gamma / (variance + BATCH_NORM_EPSILON).sqrt())
        .collect();
    let shift = values[norm.beta]
        .iter()
        .zip(&values[norm.moving_mean])
        .zip(&scale)
        .map(|((beta, mean), scale)| beta - mean * scale)
        .collect();
    (scale, shift)
}

/// Why tensors do not make a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeployError {
    #[error("tensor {name} is missing; are these the weights of {network} for {target}?")]
    Missing { name: String, network: Architecture, target: Target },
    #[error("tensor {name} has the shape {found:?}, {network} needs {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize>, network: Architecture },
    #[error("tensor {name} holds a value that is not a finite number; the weights are damaged")]
    NotFinite { name: String },
}

/// The tensors of a deployed network, all there and sound.
///
/// # Errors
/// Where a tensor is missing, has another shape or holds a NaN or an infinity.
pub(super) fn tensors_by_name(
    architecture: Architecture,
    target: Target,
    tensors: &[DeployedTensor],
) -> Result<HashMap<&str, &DeployedTensor>, DeployError> {
    let mut by_name = HashMap::new();
    for (name, shape) in Plan::new(&Assembly::new(architecture, target)).tensors() {
        let found = tensors.iter().find(|tensor| tensor.name == name);
        let found = found.ok_or_else(|| DeployError::Missing { name: name.clone(), network: architecture, target })?;
        if found.shape != shape {
            let (found, network) = (found.shape.clone(), architecture);
            return Err(DeployError::Shape { name, found, expected: shape, network });
        }
        if !found.values.are_finite() {
            return Err(DeployError::NotFinite { name });
        }
        by_name.insert(found.name.as_str(), found);
    }
    Ok(by_name)
}

/// What a network says of a batch of recordings.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// `[recordings, 1]`, in units of 100 years.
    pub age: Option<Tensor<2>>,
    /// `[recordings, 2]`, the logits of male and female.
    pub sex: Option<Tensor<2>>,
}

/// A network that estimates, on one device.
#[derive(Debug, Clone)]
pub struct DeployedNetwork {
    architecture: Architecture,
    target: Target,
    plan: Plan,
    /// By layer.
    convolutions: HashMap<String, operation::DeployedConvolution>,
    /// By layer: scale and shift.
    scalings: HashMap<String, (Tensor<1>, Tensor<1>)>,
    /// Multiplications with additions that a recording takes.
    multiplications: u64,
    device: Device,
}

impl DeployedNetwork {
    /// Puts the tensors that [`deploy`] made in a place, and lets each go once it is there.
    ///
    /// # Errors
    /// Where a tensor is missing, has another shape or holds a NaN or an infinity.
    pub fn new(
        architecture: Architecture,
        target: Target,
        tensors: Vec<DeployedTensor>,
        place: impl Into<Place>,
    ) -> Result<Self, DeployError> {
        let place = place.into();
        let plan = Plan::new(&Assembly::new(architecture, target));
        tensors_by_name(architecture, target, &tensors)?;
        let mut values: HashMap<_, _> = tensors.into_iter().map(|tensor| (tensor.name, tensor.values)).collect();
        let mut taken = |name: &str| values.remove(name).unwrap_or_else(|| Vec::new().into());
        let mut convolutions = HashMap::new();
        let mut multiplications = 0;
        let mut scalings = HashMap::new();
        let mut unfold = |step: &DeployedConvolution, taken: &mut dyn FnMut(&str) -> Numbers| {
            let matrix = step.folding.unfolded(taken(&format!("{}.kernel", step.name)));
            let bias = taken(&format!("{}.bias", step.name)).into_f32().repeat(step.folding.leads_out);
            let convolution = operation::DeployedConvolution::new(matrix, bias, step.geometry, &place);
            convolutions.insert(step.name.clone(), convolution);
            multiplications += step.geometry.multiplications();
        };
        plan.heads.iter().for_each(|(_, head)| unfold(head, &mut taken));
        visit(&plan.body, &mut |step| match step {
            DeployedStep::Convolution { convolution, .. } => unfold(convolution, &mut taken),
            DeployedStep::ScaleAndShift { name, channels, .. } => {
                let mut factor = |part| {
                    Tensor::from_data(
                        TensorData::new(taken(&format!("{name}.{part}")).into_f32(), [*channels]),
                        &place.device,
                    )
                };
                scalings.insert(name.clone(), (factor("scale"), factor("shift")));
            }
            _ => {}
        });
        Ok(Self { architecture, target, plan, convolutions, scalings, multiplications, device: place.device })
    }

    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    pub fn target(&self) -> Target {
        self.target
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Puts inputs, each [`INPUT_SAMPLES`] x [`INPUT_LEADS`] with the leads of a sample side by side, on the device.
    ///
    /// # Panics
    /// Where `values` is not a whole number of inputs.
    pub fn input(&self, values: Vec<f32>) -> Tensor<3> {
        let recordings = values.len() / (INPUT_SAMPLES * INPUT_LEADS);
        Tensor::from_data(TensorData::new(values, [recordings, INPUT_SAMPLES, INPUT_LEADS]), &self.device)
    }

    /// Runs the network on `[recordings, INPUT_SAMPLES, INPUT_LEADS]`.
    pub fn forward(&self, input: Tensor<3>) -> Outputs {
        let [recordings, ..] = input.dims();
        operation::on_cores(recordings as u64 * self.multiplications, || self.forward_watched(input, &mut Unwatched))
    }

    /// The same while somebody looks on, in this thread.
    pub fn forward_watched(&self, input: Tensor<3>, onlooker: &mut dyn Onlooker) -> Outputs {
        let features = self.run(&self.plan.body, input, onlooker);
        self.heads(features, onlooker)
    }

    /// Multiplications with additions of each branch, in their order, that can be computed apart from the others; of a
    /// network without such branches one number.
    pub fn branch_costs(&self) -> Vec<u64> {
        self.plan.stem_and_branches().1.iter().map(|branch| cost(branch)).collect()
    }

    /// What some of the branches make of `[recordings, INPUT_SAMPLES, INPUT_LEADS]`: `[recordings, 1, features]` each.
    ///
    /// # Panics
    /// Where there is no such branch.
    pub fn features(&self, input: Tensor<3>, branches: &[usize]) -> Vec<Tensor<3>> {
        let (stem, all) = self.plan.stem_and_branches();
        let input = self.run(stem, input, &mut Unwatched);
        branches.iter().map(|&branch| self.run(&all[branch], input.clone(), &mut Unwatched)).collect()
    }

    /// How many features the branches find together.
    pub fn feature_count(&self) -> usize {
        self.plan.heads.first().map_or(0, |(_, head)| head.geometry.width_in)
    }

    /// What the network says where its branches, all of them and in their order, have found these features.
    ///
    /// # Panics
    /// Where there are none, or others than the network's.
    pub fn conclude(&self, features: Vec<Tensor<3>>) -> Outputs {
        let features = features.into_iter().reduce(operation::concatenate).expect("there is a branch");
        self.heads(features, &mut Unwatched)
    }

    fn heads(&self, features: Tensor<3>, onlooker: &mut dyn Onlooker) -> Outputs {
        let mut output = |wanted: Head| {
            let (_, head) = self.plan.heads.iter().find(|(head, _)| *head == wanted)?;
            let [recordings, ..] = features.dims();
            let output = self.convolution(head, features.clone(), None, false, onlooker);
            Some(output.reshape([recordings, wanted.outputs()]))
        };
        Outputs { age: output(Head::Age), sex: output(Head::Sex) }
    }

    fn convolution(
        &self,
        step: &DeployedConvolution,
        input: Tensor<3>,
        residual: Option<Tensor<3>>,
        relu: bool,
        onlooker: &mut dyn Onlooker,
    ) -> Tensor<3> {
        let [recordings, ..] = input.dims();
        let convolution = &self.convolutions[&step.name];
        let operation = Operation {
            name: &step.name,
            multiplications: recordings as u64 * step.geometry.multiplications(),
            read: bytes(&input) + residual.as_ref().map_or(0, bytes) + convolution.bytes(),
        };
        let work = || operation::deployed_convolution(input.clone(), convolution, residual.clone(), relu);
        onlooker.operation(&operation, &work)
    }

    fn run(&self, steps: &[DeployedStep], mut input: Tensor<3>, onlooker: &mut dyn Onlooker) -> Tensor<3> {
        for step in steps {
            let mut simple = |name: &str, work: &dyn Fn() -> Tensor<3>| {
                onlooker.operation(&Operation { name, multiplications: 0, read: bytes(&input) }, work)
            };
            input = match step {
                DeployedStep::Convolution { convolution, relu } => {
                    self.convolution(convolution, input, None, *relu, onlooker)
                }
                DeployedStep::ScaleAndShift { name, relu, .. } => {
                    let (scale, shift) = &self.scalings[name];
                    simple(name, &|| operation::scale_and_shift(input.clone(), scale.clone(), shift.clone(), *relu))
                }
                DeployedStep::MaxPool(geometry) => {
                    simple("highest of a window", &|| operation::max_pool(input.clone(), *geometry))
                }
                DeployedStep::Flatten => flatten(input),
                DeployedStep::GlobalAveragePool { channels } => {
                    simple("mean", &|| operation::global_average_pool(input.clone(), *channels))
                }
                DeployedStep::GlobalMaxPool { channels } => {
                    simple("highest", &|| operation::global_max_pool(input.clone(), *channels))
                }
                DeployedStep::Sum { main, other, relu } => {
                    let Some((DeployedStep::Convolution { convolution, .. }, before)) = main.split_last() else {
                        unreachable!("deployed_sum puts a convolution last");
                    };
                    let other = self.run(other, input.clone(), onlooker);
                    let main = self.run(before, input, onlooker);
                    self.convolution(convolution, main, Some(other), *relu, onlooker)
                }
                DeployedStep::Branches(branches) => {
                    let outputs: Vec<_> =
                        branches.iter().map(|branch| self.run(branch, input.clone(), onlooker)).collect();
                    outputs
                        .into_iter()
                        .reduce(|left, right| {
                            let operation = Operation {
                                name: "side by side",
                                multiplications: 0,
                                read: bytes(&left) + bytes(&right),
                            };
                            onlooker.operation(&operation, &|| operation::concatenate(left.clone(), right.clone()))
                        })
                        .expect("there is a branch")
                }
            };
        }
        input
    }
}

/// Looks on while a network runs, operation by operation.
pub trait Onlooker {
    /// One operation: `work` does it each time that it is called. What is returned is handed on.
    fn operation(&mut self, operation: &Operation<'_>, work: &dyn Fn() -> Tensor<3>) -> Tensor<3>;
}

/// An operation on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'a> {
    /// That of the layer, where it has parameters.
    pub name: &'a str,
    /// Multiplications with additions.
    pub multiplications: u64,
    /// Bytes that have to be read: activations and parameters.
    pub read: usize,
}

struct Unwatched;

impl Onlooker for Unwatched {
    fn operation(&mut self, _: &Operation<'_>, work: &dyn Fn() -> Tensor<3>) -> Tensor<3> {
        work()
    }
}

/// All samples of a recording in one row.
pub(super) fn flatten(input: Tensor<3>) -> Tensor<3> {
    let [recordings, samples, width] = input.dims();
    input.reshape([recordings, 1, samples * width])
}
