//! From a description to something that can run: sizes worked out, convolutions folded, parameters numbered.

use super::description::KernelLayout;
use super::description::{Convolution, Layer};
use super::folding::Folding;
use super::operation::{ConvolutionGeometry, PoolGeometry};
use super::parameter::{ParameterId, ParameterSpecification, Role};
use super::{Architecture, Head, INPUT_LEADS, INPUT_SAMPLES, Target};

/// The extent of an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub samples: usize,
    pub leads: usize,
    pub channels: usize,
}

impl Extent {
    /// The extent of the networks' input.
    pub const INPUT: Extent = Extent { samples: INPUT_SAMPLES, leads: INPUT_LEADS, channels: 1 };

    fn features(values: usize) -> Extent {
        Extent { samples: 1, leads: 1, channels: values }
    }

    /// Values of one sample.
    pub fn width(self) -> usize {
        self.leads * self.channels
    }
}

/// A convolution with its sizes and the positions of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedConvolution {
    pub name: String,
    pub folding: Folding,
    pub geometry: ConvolutionGeometry,
    pub kernel: ParameterId,
    pub bias: Option<ParameterId>,
}

/// A batch normalisation with the positions of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    pub name: String,
    pub channels: usize,
    pub gamma: ParameterId,
    pub beta: ParameterId,
    pub moving_mean: ParameterId,
    pub moving_variance: ParameterId,
}

/// One step of a network that can run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Convolution(FoldedConvolution),
    BatchNorm(BatchNorm),
    Relu,
    MaxPool(PoolGeometry),
    Dropout(f64),
    Flatten,
    GlobalAveragePool { channels: usize },
    GlobalMaxPool { channels: usize },
    Sum([Vec<Step>; 2]),
    Branches(Vec<Vec<Step>>),
}

/// A network with its sizes worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembly {
    pub architecture: Architecture,
    pub target: Target,
    pub body: Vec<Step>,
    /// One dense layer for each head of the target, in the order of [`Target::heads`].
    pub heads: Vec<(Head, FoldedConvolution)>,
    /// In published order; a [`ParameterId`] is a position here.
    pub parameters: Vec<ParameterSpecification>,
}

impl Assembly {
    /// Works out the network for inputs of [`Extent::INPUT`].
    pub fn new(architecture: Architecture, target: Target) -> Assembly {
        Assembly::for_input(architecture, target, Extent::INPUT)
    }

    /// The same network for inputs of another number of samples; `None` where its parameters depend on that number.
    pub fn for_samples(&self, samples: usize) -> Option<Assembly> {
        let other = Assembly::for_input(self.architecture, self.target, Extent { samples, ..Extent::INPUT });
        (other.parameters == self.parameters).then_some(other)
    }

    fn for_input(architecture: Architecture, target: Target, input: Extent) -> Assembly {
        let mut assembler = Assembler { parameters: Vec::new() };
        let (body, features) = assembler.steps(&architecture.body(), input);
        let heads = target.heads().iter().map(|&head| {
            let (convolution, _) = assembler.convolution(&architecture.head(head), features);
            (head, convolution)
        });
        let heads = heads.collect();
        Assembly { architecture, target, body, heads, parameters: assembler.parameters }
    }

    /// Positions of the parameters in the order of the published weights: as they are met, but all of a block (the first
    /// part of the name) together.
    pub fn published_order(&self) -> Vec<ParameterId> {
        let part = |id: ParameterId| self.parameters[id].name.split('.').next().unwrap_or_default();
        let mut parts: Vec<&str> = Vec::new();
        for id in 0..self.parameters.len() {
            if !parts.contains(&part(id)) {
                parts.push(part(id));
            }
        }
        let mut order: Vec<ParameterId> = (0..self.parameters.len()).collect();
        order.sort_by_key(|id| parts.iter().position(|name| *name == part(*id)));
        order
    }

    /// Number of parameters as published, moving averages included.
    pub fn published_parameters(&self) -> usize {
        self.parameters.iter().map(ParameterSpecification::published_values).sum()
    }
}

struct Assembler {
    parameters: Vec<ParameterSpecification>,
}

impl Assembler {
    fn parameter(&mut self, name: String, role: Role, published_shape: Vec<usize>) -> ParameterId {
        self.parameters.push(ParameterSpecification { name, role, published_shape });
        self.parameters.len() - 1
    }

    fn steps(&mut self, layers: &[Layer], mut extent: Extent) -> (Vec<Step>, Extent) {
        let mut steps = Vec::new();
        for layer in layers {
            let step;
            (step, extent) = self.step(layer, extent);
            steps.extend(step);
        }
        (steps, extent)
    }

    fn step(&mut self, layer: &Layer, extent: Extent) -> (Option<Step>, Extent) {
        let Extent { samples, leads, channels } = extent;
        match layer {
            Layer::Convolution(convolution) => {
                let (convolution, extent) = self.convolution(convolution, extent);
                (Some(Step::Convolution(convolution)), extent)
            }
            Layer::BatchNorm { name } => (Some(Step::BatchNorm(self.batch_norm(name, channels))), extent),
            Layer::Relu => (Some(Step::Relu), extent),
            Layer::MaxPool { size, stride } => {
                let geometry = PoolGeometry::same(samples, leads, channels, *size, *stride);
                let extent = Extent { samples: geometry.samples_out, leads: geometry.leads_out, channels };
                (Some(Step::MaxPool(geometry)), extent)
            }
            Layer::Dropout(share) => (Some(Step::Dropout(*share)), extent),
            // The values of one sample lie side by side either way.
            Layer::LeadsToChannels => (None, Extent { samples, leads: 1, channels: extent.width() }),
            Layer::Flatten => (Some(Step::Flatten), Extent::features(samples * extent.width())),
            Layer::GlobalAveragePool => (Some(Step::GlobalAveragePool { channels }), Extent::features(channels)),
            Layer::GlobalMaxPool => (Some(Step::GlobalMaxPool { channels }), Extent::features(channels)),
            Layer::Sum(paths) => {
                let (first, extent_out) = self.steps(&paths[0], extent);
                let (second, other) = self.steps(&paths[1], extent);
                assert_eq!(extent_out, other, "both paths of a sum have the same size");
                (Some(Step::Sum([first, second])), extent_out)
            }
            Layer::Branches(branches) => {
                let branches: Vec<_> = branches.iter().map(|branch| self.steps(branch, extent)).collect();
                let width = branches.iter().map(|(_, extent)| extent.width()).sum();
                (Some(Step::Branches(branches.into_iter().map(|(steps, _)| steps).collect())), Extent::features(width))
            }
        }
    }

    fn convolution(&mut self, convolution: &Convolution, extent: Extent) -> (FoldedConvolution, Extent) {
        let Convolution { name, filters, kernel, stride, bias, initialiser, layout } = convolution;
        let Extent { samples, leads, channels } = extent;
        let folding = Folding::new(*kernel, stride.1, leads, channels, *filters);
        let extent_out = Extent { samples: samples.div_ceil(stride.0), leads: folding.leads_out, channels: *filters };
        let geometry = ConvolutionGeometry::same(samples, extent.width(), extent_out.width(), kernel.0, stride.0);
        let shape = match layout {
            KernelLayout::SamplesLeads => vec![kernel.0, kernel.1, channels, *filters],
            KernelLayout::Samples => vec![kernel.0, channels, *filters],
            KernelLayout::Dense => vec![channels, *filters],
        };
        let role = Role::Kernel { folding: folding.clone(), layout: *layout, initialiser: *initialiser };
        let kernel = self.parameter(format!("{name}.kernel"), role, shape);
        let bias = bias.then(|| self.parameter(format!("{name}.bias"), Role::Bias, vec![*filters]));
        (FoldedConvolution { name: name.clone(), folding, geometry, kernel, bias }, extent_out)
    }

    fn batch_norm(&mut self, name: &str, channels: usize) -> BatchNorm {
        let mut parameter = |part: &str, role: Role| self.parameter(format!("{name}.{part}"), role, vec![channels]);
        BatchNorm {
            name: name.to_owned(),
            channels,
            gamma: parameter("gamma", Role::Gamma),
            beta: parameter("beta", Role::Beta),
            moving_mean: parameter("moving_mean", Role::MovingMean),
            moving_variance: parameter("moving_variance", Role::MovingVariance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        let counts = |target| Architecture::ALL.map(|name| Assembly::new(name, target).published_parameters());
        assert_eq!(counts(Target::Age)[..4], [215_249, 6_400_033, 11_181_569, 55_508_737]);
        assert_eq!(counts(Target::Sex)[..4], [215_314, 6_405_154, 11_182_082, 55_510_274]);
    }

    #[test]
    fn networks_that_average_over_time_read_any_length() {
        let reads_a_quarter = |name| Assembly::new(name, Target::Both).for_samples(1280).is_some();
        assert_eq!(Architecture::ALL.map(reads_a_quarter), [false, false, true, true, true, false]);
    }

    #[test]
    fn folding_keeps_the_live_columns_only() {
        let live_millions = |architecture| {
            let assembly = Assembly::new(architecture, Target::Age);
            let kernels = assembly.parameters.iter().filter(|parameter| matches!(parameter.role, Role::Kernel { .. }));
            let live: usize = kernels.map(ParameterSpecification::values).sum();
            format!("{:.1}", live as f64 / 1e6)
        };
        assert_eq!(live_millions(Architecture::Resnet18), "4.4");
        assert_eq!(live_millions(Architecture::Multiscale), "21.5");
    }
}
