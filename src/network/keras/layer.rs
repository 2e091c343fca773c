//! Layers by their weights: what the published networks and the files have in common.

use super::KerasError;
use std::fmt;

/// What a weight of a layer does; in the order in which Keras lists the weights of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Kernel,
    Bias,
    Gamma,
    Beta,
    MovingMean,
    MovingVariance,
}

impl Part {
    pub const BATCH_NORM: [Part; 4] = [Part::Gamma, Part::Beta, Part::MovingMean, Part::MovingVariance];

    const ALL: [Part; 6] = [Part::Kernel, Part::Bias, Part::Gamma, Part::Beta, Part::MovingMean, Part::MovingVariance];

    /// The name in Keras and in the published names.
    pub fn name(self) -> &'static str {
        match self {
            Part::Kernel => "kernel",
            Part::Bias => "bias",
            Part::Gamma => "gamma",
            Part::Beta => "beta",
            Part::MovingMean => "moving_mean",
            Part::MovingVariance => "moving_variance",
        }
    }

    pub fn from_name(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// The kinds of layers; each is numbered by itself in automatic names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Dense,
    Convolution1d,
    Convolution2d,
    BatchNorm,
}

/// Weights with their shapes.
pub(super) type Weights = Vec<(Part, Vec<usize>)>;

/// The weights of a layer with their shapes, in Keras' order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Signature {
    pub kind: Kind,
    weights: Weights,
}

impl Signature {
    /// From weights in any order; `None` where they make no layer of a known kind.
    pub fn new(mut weights: Weights) -> Option<Signature> {
        weights.sort();
        let parts: Vec<Part> = weights.iter().map(|(part, _)| *part).collect();
        let kind = match (parts.as_slice(), weights.first().map(|(_, shape)| shape.len())) {
            ([Part::Kernel] | [Part::Kernel, Part::Bias], Some(2)) => Kind::Dense,
            ([Part::Kernel] | [Part::Kernel, Part::Bias], Some(3)) => Kind::Convolution1d,
            ([Part::Kernel] | [Part::Kernel, Part::Bias], Some(4)) => Kind::Convolution2d,
            (parts, Some(1)) if parts == Part::BATCH_NORM => Kind::BatchNorm,
            _ => return None,
        };
        Some(Signature { kind, weights })
    }

    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.weights.iter().map(|(part, _)| *part)
    }

    pub fn has_kernel(&self) -> bool {
        self.kind != Kind::BatchNorm
    }

    /// Whether it is a convolution that looks at one point at a time.
    pub fn is_pointwise(&self) -> bool {
        let kernel = self.weights.first().map_or(&[][..], |(_, shape)| shape);
        match self.kind {
            Kind::Convolution1d | Kind::Convolution2d => kernel.iter().rev().skip(2).all(|&length| length == 1),
            Kind::Dense | Kind::BatchNorm => false,
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&described(&self.weights))
    }
}

/// Weights for people: `kernel [3, 3, 64, 64], bias [64]`.
pub(super) fn described(weights: &[(Part, Vec<usize>)]) -> String {
    let weights: Vec<String> = weights.iter().map(|(part, shape)| format!("{} {shape:?}", part.name())).collect();
    weights.join(", ")
}

/// A layer of a published network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PublishedLayer {
    /// Such as `stage1.block1.conv1`.
    pub name: String,
    pub signature: Signature,
}

impl PublishedLayer {
    /// The name with `_` between its parts, as a layer of Keras is called.
    pub fn keras_name(&self) -> String {
        self.name.replace('.', "_")
    }

    /// Which of several parallel branches (`branch2.`) it is in, if any.
    pub fn branch(&self) -> Option<&str> {
        self.name.split('.').next().filter(|part| part.starts_with("branch"))
    }

    /// The block or unit that it is in: all of its name but the last part.
    pub fn block(&self) -> Option<&str> {
        self.name.rsplit_once('.').map(|(block, _)| block)
    }
}

/// For each layer, whether it is the skip path of its block: a 1x1 convolution beside larger ones.
pub(super) fn skip_paths(layers: &[PublishedLayer]) -> Vec<bool> {
    layers.iter().map(|layer| layer.signature.is_pointwise() && main_path(layers, layer).next().is_some()).collect()
}

/// Positions of the convolutions around which a skip path leads.
pub(super) fn main_path<'a>(
    layers: &'a [PublishedLayer],
    skip: &'a PublishedLayer,
) -> impl Iterator<Item = usize> + 'a {
    let block = skip.block();
    let is_main = move |layer: &PublishedLayer| {
        block.is_some() && layer.block() == block && layer.signature.has_kernel() && !layer.signature.is_pointwise()
    };
    layers.iter().enumerate().filter(move |(_, layer)| is_main(layer)).map(|(position, _)| position)
}

/// A published network, its tensors gathered into layers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PublishedLayers {
    pub layers: Vec<PublishedLayer>,
    /// For each tensor, the position of its layer and what it is there.
    pub tensors: Vec<(usize, Part)>,
}

impl PublishedLayers {
    /// From names and shapes in published order, where those of a layer are side by side.
    ///
    /// # Errors
    /// Where a tensor's name does not end in a weight's, or the tensors of a layer make no layer.
    pub fn new<'a>(tensors: impl Iterator<Item = (&'a str, &'a [usize])>) -> Result<PublishedLayers, KerasError> {
        let mut gathered: Vec<(&str, Weights)> = Vec::new();
        let mut places = Vec::new();
        for (name, shape) in tensors {
            let wrong = |reason: &str| KerasError::NotPublished { tensor: name.to_owned(), reason: reason.to_owned() };
            let (layer, part) = name.rsplit_once('.').ok_or_else(|| wrong("names are like conv1.kernel"))?;
            let part = Part::from_name(part).ok_or_else(|| wrong("its name ends in no weight of Keras"))?;
            match gathered.iter().position(|(other, _)| *other == layer) {
                Some(position) if position + 1 == gathered.len() => gathered[position].1.push((part, shape.to_vec())),
                Some(_) => return Err(wrong("the tensors of its layer are not side by side")),
                None => gathered.push((layer, vec![(part, shape.to_vec())])),
            }
            places.push((gathered.len() - 1, part));
        }
        let layers = gathered.into_iter().map(|(name, weights)| {
            let found = described(&weights);
            let signature = Signature::new(weights);
            let signature = signature.ok_or_else(|| KerasError::UnknownLayer { layer: name.to_owned(), found })?;
            Ok(PublishedLayer { name: name.to_owned(), signature })
        });
        Ok(PublishedLayers { layers: layers.collect::<Result<_, KerasError>>()?, tensors: places })
    }
}
