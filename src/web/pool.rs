//! How work on the processor is shared out among workers.
//!
//! A page has one thread for each worker and, on a host that sends no special headers, no memory that two of them share.
//! The first worker reads, prepares and concludes; helpers compute what lies between. Each holds a network of its own.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::*;

/// What a browser says of the computer.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Processors that can work at the same time.
    pub cores: usize,
    /// In bytes; not every browser says it.
    pub memory: Option<f64>,
}

/// Milliseconds of work that are worth a helper, which takes a part of this to start.
const WORTH_A_HELPER: f64 = 500.0;

/// Milliseconds that one recording must take for its branches to be worth helpers.
const WORTH_BRANCHING: f64 = 100.0;

/// More helpers than this would wait for the first worker.
const MOST: usize = 7;

/// The share of the computer's memory that all helpers may take.
const SHARE_OF_MEMORY: f64 = 0.25;

/// The memory of a computer whose browser does not say it: little, for a computer of today.
const USUAL_MEMORY: f64 = 4.0 * 1024.0 * 1024.0 * 1024.0;

/// Bytes of a helper without a network, and for each value of its weights. A value has 4 bytes, and while a network is
/// loaded there are several forms of it; measured 3.6 to 3.9 times as much (resnet18, dnn, multiscale).
const BYTES_OF_HELPER: f64 = 40e6;
const BYTES_OF_VALUE: f64 = 16.0;

#[cfg(target_arch = "wasm32")]
impl Machine {
    /// The computer that this runs on.
    pub fn here() -> Machine {
        let property = |object: &JsValue, name: &str| js_sys::Reflect::get(object, &name.into()).unwrap_or_default();
        let navigator = property(&js_sys::global(), "navigator");
        let number = |name: &str| property(&navigator, name).as_f64();
        Machine {
            cores: number("hardwareConcurrency").map_or(1, |cores| cores as usize),
            memory: number("deviceMemory").map(|gigabytes| gigabytes * 1024.0 * 1024.0 * 1024.0),
        }
    }
}

/// How many helpers are worth it for a network of so many values and branches, where so many recordings wait and the last
/// took so many milliseconds.
pub fn helpers(machine: Machine, values: usize, branches: usize, waiting: usize, milliseconds: f64) -> usize {
    let each = BYTES_OF_HELPER + BYTES_OF_VALUE * values as f64;
    let room = (machine.memory.unwrap_or(USUAL_MEMORY) * SHARE_OF_MEMORY / each) as usize;
    let for_waiting = waiting.min((waiting as f64 * milliseconds / WORTH_A_HELPER) as usize);
    let for_branches = if milliseconds >= WORTH_BRANCHING { branches.saturating_sub(1) } else { 0 };
    for_waiting.max(for_branches).min(machine.cores.saturating_sub(1)).min(room).min(MOST)
}

/// For each of so many workers, or fewer, the branches that it computes: none has much more to do than the others.
pub fn shares(costs: &[usize], workers: usize) -> Vec<Vec<usize>> {
    let mut costly_first: Vec<usize> = (0..costs.len()).collect();
    costly_first.sort_by_key(|branch| std::cmp::Reverse(costs[*branch]));
    let mut shares = vec![Vec::new(); workers.clamp(1, costs.len().max(1))];
    for branch in costly_first {
        let cost = |share: &Vec<usize>| share.iter().map(|branch: &usize| costs[*branch]).sum::<usize>();
        if let Some(share) = shares.iter_mut().min_by_key(|share| cost(share)) {
            share.push(branch);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHT_CORES: Machine = Machine { cores: 8, memory: None };
    const SMALL: usize = 1_000_000;
    const LARGE: usize = 22_000_000;

    #[test]
    fn little_work_is_worth_no_helper() {
        assert_eq!(helpers(EIGHT_CORES, SMALL, 1, 0, 300.0), 0);
        assert_eq!(helpers(EIGHT_CORES, SMALL, 1, 20, 5.0), 0);
        assert_eq!(helpers(EIGHT_CORES, SMALL, 1, 2, 0.0), 0);
    }

    #[test]
    fn the_more_work_the_more_helpers_as_far_as_there_are_cores() {
        assert_eq!(helpers(EIGHT_CORES, SMALL, 1, 20, 70.0), 2);
        assert_eq!(helpers(EIGHT_CORES, SMALL, 1, 3, 1000.0), 3);
        assert_eq!(helpers(EIGHT_CORES, SMALL, 1, 1000, 70.0), 7);
        assert_eq!(helpers(Machine { cores: 64, ..EIGHT_CORES }, SMALL, 1, 1000, 70.0), MOST);
        assert_eq!(helpers(Machine { cores: 2, ..EIGHT_CORES }, SMALL, 1, 1000, 70.0), 1);
        assert_eq!(helpers(Machine { cores: 1, ..EIGHT_CORES }, SMALL, 1, 1000, 70.0), 0);
    }

    #[test]
    fn branches_are_worth_helpers_where_they_take_long() {
        assert_eq!(helpers(EIGHT_CORES, LARGE, 3, 0, 300.0), 2);
        assert_eq!(helpers(EIGHT_CORES, SMALL, 3, 0, 10.0), 0);
    }

    #[test]
    fn helpers_leave_memory_to_others() {
        let with_memory = |gigabytes: f64| Machine { memory: Some(gigabytes * 1e9), ..EIGHT_CORES };
        let large = |gigabytes| helpers(with_memory(gigabytes), LARGE, 3, 1000, 300.0);
        assert_eq!([0.5, 2.0, 4.0, 8.0].map(large), [0, 1, 2, 5]);
    }

    #[test]
    fn shares_are_alike_and_hold_every_branch_once() {
        assert_eq!(shares(&[3, 5, 7], 1), [vec![2, 1, 0]]);
        assert_eq!(shares(&[3, 5, 7], 2), [vec![2], vec![1, 0]]);
        assert_eq!(shares(&[3, 5, 7], 8), [[2], [1], [0]]);
        assert_eq!(shares(&[9], 4), [[0]]);
    }
}
