//! How a network is written down: a list of layers with the numbers of its publication.
//!
//! Padding, folding, parameters and gradients are properties of the building blocks; a description knows none of them.

/// How the weights of a kernel are drawn before training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initialiser {
    /// Uniform within sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), Keras' default.
    GlorotUniform,
    /// Normal with variance 2 / fan in, cut off at two standard deviations (He et al. 2015).
    HeNormal,
}

/// The dimensions of a kernel in the published weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelLayout {
    /// (samples, leads, channels in, filters).
    SamplesLeads,
    /// (samples, channels in, filters): the leads are the channels.
    Samples,
    /// (values in, values out): a dense layer.
    Dense,
}

/// A convolution or, as one that sees everything at once, a dense layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    pub name: String,
    pub filters: usize,
    /// Size in samples and leads.
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub bias: bool,
    pub initialiser: Initialiser,
    pub layout: KernelLayout,
}

impl Convolution {
    pub fn stride(mut self, samples: usize, leads: usize) -> Self {
        self.stride = (samples, leads);
        self
    }

    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    pub fn he_normal(mut self) -> Self {
        self.initialiser = Initialiser::HeNormal;
        self
    }
}

impl From<Convolution> for Layer {
    fn from(convolution: Convolution) -> Layer {
        Layer::Convolution(convolution)
    }
}

/// One layer of a description.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    Convolution(Convolution),
    BatchNorm {
        name: String,
    },
    Relu,
    MaxPool {
        size: (usize, usize),
        stride: (usize, usize),
    },
    /// Sets this share of the values to zero during training (Srivastava et al. 2014).
    Dropout(f64),
    /// From here on the twelve leads count as channels of a one-dimensional signal.
    LeadsToChannels,
    /// All samples, leads and channels in one row, samples outermost.
    Flatten,
    /// The mean of each channel over samples and leads.
    GlobalAveragePool,
    /// The highest value of each channel over samples and leads.
    GlobalMaxPool,
    /// The sum of two paths from the same input; an empty path is the input itself.
    Sum([Vec<Layer>; 2]),
    /// Several paths from the same input, their outputs side by side.
    Branches(Vec<Vec<Layer>>),
}

/// A two-dimensional convolution with a bias, Glorot-uniform, stride 1; `kernel` in samples and leads.
pub fn convolution(name: impl Into<String>, filters: usize, kernel: (usize, usize)) -> Convolution {
    Convolution {
        name: name.into(),
        filters,
        kernel,
        stride: (1, 1),
        bias: true,
        initialiser: Initialiser::GlorotUniform,
        layout: KernelLayout::SamplesLeads,
    }
}

/// A one-dimensional convolution with a bias, Glorot-uniform, stride 1; `kernel` in samples.
pub fn convolution_1d(name: impl Into<String>, filters: usize, kernel: usize) -> Convolution {
    Convolution { layout: KernelLayout::Samples, ..convolution(name, filters, (kernel, 1)) }
}

/// A dense layer with a bias, Glorot-uniform.
pub fn dense(name: impl Into<String>, units: usize) -> Convolution {
    Convolution { layout: KernelLayout::Dense, ..convolution(name, units, (1, 1)) }
}

pub fn batch_norm(name: impl Into<String>) -> Layer {
    Layer::BatchNorm { name: name.into() }
}

pub fn max_pool(size: (usize, usize), stride: (usize, usize)) -> Layer {
    Layer::MaxPool { size, stride }
}

/// The same layers with `prefix` before every name.
pub fn prefixed(prefix: &str, layers: Vec<Layer>) -> Vec<Layer> {
    let prefixed_layer = |layer| match layer {
        Layer::Convolution(convolution) => {
            Layer::Convolution(Convolution { name: format!("{prefix}{}", convolution.name), ..convolution })
        }
        Layer::BatchNorm { name } => Layer::BatchNorm { name: format!("{prefix}{name}") },
        Layer::Sum(paths) => Layer::Sum(paths.map(|path| prefixed(prefix, path))),
        Layer::Branches(branches) => {
            Layer::Branches(branches.into_iter().map(|branch| prefixed(prefix, branch)).collect())
        }
        nameless => nameless,
    };
    layers.into_iter().map(prefixed_layer).collect()
}
