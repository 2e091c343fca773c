//! `ensemble`: several trained networks whose answers are averaged (Lakshminarayanan et al. 2017).
//!
//! The heads are linear, so that the mean of the members' answers is the answer of one network: the members side by
//! side, and on all their features one head whose kernel is the members' kernels, one below the other, divided by their
//! number. It is trained member by member and put together by [`combine`]; docs/experiments.md says why these.

use super::description::{Layer, prefixed};
use super::parameter::{DeployedTensor, NamedTensor};
use super::{Architecture, Head, Target};

/// The networks that make an ensemble.
pub const MEMBERS: [Architecture; 4] =
    [Architecture::Compact, Architecture::Compact, Architecture::Resnet18, Architecture::Dnn];

fn prefix(member: usize) -> String {
    format!("member{}.", member + 1)
}

/// The members side by side.
pub fn body() -> Vec<Layer> {
    let branches = MEMBERS.iter().enumerate().map(|(number, member)| prefixed(&prefix(number), member.body()));
    vec![Layer::Branches(branches.collect())]
}

/// The ensemble's tensors in deployment form from those of its [`MEMBERS`], all for the same target.
///
/// What a member lacks is missing in the ensemble too, and is found when that is put on a device.
pub fn combine(members: &[Vec<DeployedTensor>; MEMBERS.len()], target: Target) -> Vec<DeployedTensor> {
    let is_of_head = |name: &str| Head::ALL.into_iter().any(|head| name.starts_with(&format!("{head}.")));
    let mut tensors = Vec::new();
    for (number, member) in members.iter().enumerate() {
        let body = member.iter().filter(|tensor| !is_of_head(&tensor.name));
        tensors.extend(body.map(|tensor| NamedTensor {
            name: prefix(number) + &tensor.name,
            shape: tensor.shape.clone(),
            values: tensor.values.clone(),
        }));
    }
    for head in target.heads() {
        tensors.extend(head_kernel(members, &format!("{head}.head.kernel")));
        tensors.extend(head_bias(members, &format!("{head}.head.bias")));
    }
    tensors
}

fn of_each(members: &[Vec<DeployedTensor>], name: &str) -> Option<Vec<NamedTensor>> {
    members.iter().map(|member| member.iter().find(|tensor| tensor.name == name).map(DeployedTensor::to_f32)).collect()
}

/// The members' kernels `[1, 1, features, outputs]`, one below the other.
fn head_kernel(members: &[Vec<DeployedTensor>], name: &str) -> Option<DeployedTensor> {
    let kernels = of_each(members, name)?;
    let mut shape = kernels.first()?.shape.clone();
    *shape.get_mut(2)? = kernels.iter().map(|kernel| kernel.shape.get(2)).sum::<Option<usize>>()?;
    let values = kernels.iter().flat_map(|kernel| &kernel.values).map(|value| value / members.len() as f32);
    Some(NamedTensor { name: name.to_owned(), shape, values: values.collect() })
}

fn head_bias(members: &[Vec<DeployedTensor>], name: &str) -> Option<DeployedTensor> {
    let biases = of_each(members, name)?;
    let shape = biases.first()?.shape.clone();
    let mean =
        |index: usize| biases.iter().filter_map(|bias| bias.values.get(index)).sum::<f32>() / members.len() as f32;
    let values = (0..shape.iter().product()).map(mean).collect();
    Some(NamedTensor { name: name.to_owned(), shape, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::assembly::Assembly;
    use crate::network::deployed::{DeployedNetwork, deploy};
    use crate::network::{INPUT_LEADS, INPUT_SAMPLES};
    use burn::tensor::{Device, Tensor};

    /// Values in (-0.5, 0.5) that only `seed` decides (Knuth's multiplicative hash).
    fn made_up(seed: usize, count: usize) -> Vec<f32> {
        let hash = |index: usize| (seed * 7919 + index).wrapping_mul(2_654_435_761) & 0xffff;
        (0..count).map(|index| hash(index) as f32 / 65_536.0 - 0.5).collect()
    }

    #[test]
    fn it_answers_the_mean_of_its_members() {
        let device = Device::flex();
        let member = |number: usize| {
            let assembly = Assembly::new(MEMBERS[number], Target::Both);
            let values: Vec<Vec<f32>> = assembly
                .parameters
                .iter()
                .enumerate()
                .map(|(position, parameter)| {
                    let around = if parameter.name.ends_with("variance") { 1.0 } else { 0.0 };
                    let values = made_up(number * 1000 + position, parameter.values());
                    values.into_iter().map(|value| around + 0.2 * value).collect()
                })
                .collect();
            deploy(&assembly, &values)
        };
        let members: [Vec<DeployedTensor>; MEMBERS.len()] = std::array::from_fn(member);
        let input = made_up(99, INPUT_SAMPLES * INPUT_LEADS);
        let answers = |architecture, tensors: &[DeployedTensor]| {
            let network = DeployedNetwork::new(architecture, Target::Both, tensors.to_vec(), &device).unwrap();
            let outputs = network.forward(network.input(input.clone()));
            let read = |output: Option<Tensor<2>>| output.unwrap().into_data().try_to_vec::<f32>().unwrap();
            [read(outputs.age), read(outputs.sex)].concat()
        };
        let mut mean = vec![0.0; 3];
        for (architecture, member) in MEMBERS.into_iter().zip(&members) {
            let said = answers(architecture, member);
            mean.iter_mut().zip(said).for_each(|(mean, said)| *mean += said / MEMBERS.len() as f32);
        }
        let together = answers(Architecture::Ensemble, &combine(&members, Target::Both));
        for (together, mean) in together.iter().zip(&mean) {
            assert!((together - mean).abs() < 1e-5 * mean.abs().max(1.0), "{together} and {mean}");
        }
    }
}
