//! Parameters by name.

use super::Head;
use super::description::{Initialiser, KernelLayout};
use super::folding::Folding;
use super::numbers::Numbers;

/// A tensor with its name, as weights files hold them; values in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor<V = Vec<f32>> {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: V,
}

/// A tensor of a network that estimates.
pub type DeployedTensor = NamedTensor<Numbers>;

impl DeployedTensor {
    /// In 32 bits.
    pub fn to_f32(&self) -> NamedTensor {
        NamedTensor { name: self.name.clone(), shape: self.shape.clone(), values: self.values.to_f32() }
    }

    /// In 32 bits.
    pub fn into_f32(self) -> NamedTensor {
        NamedTensor { name: self.name, shape: self.shape, values: self.values.into_f32() }
    }
}

/// The position of a parameter in a network's list.
pub type ParameterId = usize;

/// What a parameter does.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    Kernel { folding: Folding, layout: KernelLayout, initialiser: Initialiser },
    Bias,
    Gamma,
    Beta,
    MovingMean,
    MovingVariance,
}

/// A parameter of a network under training: its name, its role, and its published shape.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpecification {
    /// Such as `stage1.block1.conv1.kernel`.
    pub name: String,
    pub role: Role,
    /// The shape in the published weights.
    pub published_shape: Vec<usize>,
}

impl ParameterSpecification {
    /// Number of values that are trained and stored: of a kernel only the live columns.
    pub fn values(&self) -> usize {
        match &self.role {
            Role::Kernel { folding, .. } => folding.live_values(),
            _ => self.published_shape.iter().product(),
        }
    }

    /// Number of values in the published weights.
    pub fn published_values(&self) -> usize {
        self.published_shape.iter().product()
    }

    /// Whether it belongs to a head, such as `age.head`.
    pub fn is_of_head(&self, head: Head) -> bool {
        self.name.strip_prefix(&head.to_string()).is_some_and(|rest| rest.starts_with(".head."))
    }

    /// Whether gradients change it; moving averages follow the batches instead.
    pub fn is_trained(&self) -> bool {
        !matches!(self.role, Role::MovingMean | Role::MovingVariance)
    }
}
