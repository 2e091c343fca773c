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

/// What this worker has measured of a network on the processor.
#[derive(Debug, Clone, Copy)]
pub struct Experience {
    /// Milliseconds that it took to make the network ready, without fetching it.
    pub to_load: f64,
    /// Milliseconds that the next estimate will take, zero before the first; see [`to_estimate`].
    pub to_estimate: f64,
}

/// What an estimate that took so many milliseconds says of the next, where the one before it said `before` or, before the
/// first, zero.
pub fn to_estimate(before: f64, milliseconds: f64) -> f64 {
    let to_compile = if before == 0.0 { TO_COMPILE } else { 0.0 };
    (milliseconds - to_compile).max(1.0)
}

/// Milliseconds that a worker takes to start before it loads a network.
const TO_START: f64 = 200.0;

/// Milliseconds by which the first estimate takes longer than the next, since the browser still compiles the program:
/// measured 40 to 90, whatever the network.
const TO_COMPILE: f64 = 60.0;

/// How many times as long as it takes to start a helper the work must be that is worth one: it is over when most of it
/// has been done, and other work has the start take longer.
const WORTH: f64 = 2.0;

/// Milliseconds that one recording must take for its branches to be worth helpers.
const WORTH_BRANCHING: f64 = 100.0;

/// More helpers than this would wait for the first worker.
const MOST: usize = 7;

/// The share of the computer's memory that all helpers may take.
const SHARE_OF_MEMORY: f64 = 0.25;

/// The memory of a computer whose browser does not say it: little, for a computer of today.
const USUAL_MEMORY: f64 = 4.0 * 1024.0 * 1024.0 * 1024.0;

/// Bytes of a helper without a network.
const BYTES_OF_HELPER: f64 = 40e6;

/// Bytes of a helper for each value of the weights: large networks keep one, of 8 bits, or two and unpack what they need,
/// measured 1.7 (multiscale) to 3.7 (dnn) beyond the program. Small ones take more, but not of the 40 MB above.
const BYTES_OF_VALUE: f64 = 4.0;

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

/// How many helpers are worth it for a network of so many values and branches, where so many recordings wait.
pub fn helpers(machine: Machine, values: usize, branches: usize, waiting: usize, experience: Experience) -> usize {
    let Experience { to_load, to_estimate } = experience;
    let each = BYTES_OF_HELPER + BYTES_OF_VALUE * values as f64;
    let room = (machine.memory.unwrap_or(USUAL_MEMORY) * SHARE_OF_MEMORY / each) as usize;
    let worth_one = WORTH * (TO_START + to_load);
    let for_waiting = waiting.min((waiting as f64 * to_estimate / worth_one) as usize);
    let for_branches = if to_estimate >= WORTH_BRANCHING { branches.saturating_sub(1) } else { 0 };
    for_waiting.max(for_branches).min(machine.cores.saturating_sub(1)).min(room).min(MOST)
}

/// For each of so many workers, or fewer, the branches that it computes: none has much more to do than the others.
pub fn shares(costs: &[u64], workers: usize) -> Vec<Vec<usize>> {
    let mut costly_first: Vec<usize> = (0..costs.len()).collect();
    costly_first.sort_by_key(|branch| std::cmp::Reverse(costs[*branch]));
    let mut shares = vec![Vec::new(); workers.clamp(1, costs.len().max(1))];
    for branch in costly_first {
        let cost = |share: &Vec<usize>| share.iter().map(|branch: &usize| costs[*branch]).sum::<u64>();
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

    /// Of a network that takes 50 ms to load.
    fn for_waiting(machine: Machine, waiting: usize, to_estimate: f64) -> usize {
        helpers(machine, SMALL, 1, waiting, Experience { to_load: 50.0, to_estimate })
    }

    #[test]
    fn little_work_is_worth_no_helper() {
        assert_eq!(for_waiting(EIGHT_CORES, 0, 300.0), 0);
        assert_eq!(for_waiting(EIGHT_CORES, 20, 5.0), 0);
        assert_eq!(for_waiting(EIGHT_CORES, 20, 0.0), 0);
    }

    #[test]
    fn what_the_browser_takes_to_compile_is_no_work() {
        let first = to_estimate(0.0, 70.0);
        assert_eq!(for_waiting(EIGHT_CORES, 20, first), 0);
        assert_eq!(for_waiting(EIGHT_CORES, 20, to_estimate(first, 70.0)), 2);
    }

    #[test]
    fn the_more_work_the_more_helpers_as_far_as_there_are_cores() {
        assert_eq!(for_waiting(EIGHT_CORES, 20, 70.0), 2);
        assert_eq!(for_waiting(EIGHT_CORES, 3, 1000.0), 3);
        assert_eq!(for_waiting(EIGHT_CORES, 1000, 70.0), 7);
        let with_cores = |cores| for_waiting(Machine { cores, ..EIGHT_CORES }, 1000, 70.0);
        assert_eq!([64, 2, 1].map(with_cores), [MOST, 1, 0]);
    }

    #[test]
    fn what_takes_long_to_load_is_worth_fewer_helpers() {
        let helpers = |to_load| helpers(EIGHT_CORES, SMALL, 1, 20, Experience { to_load, to_estimate: 300.0 });
        assert_eq!([300.0, 1000.0, 5000.0].map(helpers), [6, 2, 0]);
    }

    #[test]
    fn branches_are_worth_helpers_where_they_take_long() {
        let helpers = |to_estimate| helpers(EIGHT_CORES, SMALL, 3, 0, Experience { to_load: 50.0, to_estimate });
        assert_eq!([300.0, 10.0].map(helpers), [2, 0]);
    }

    #[test]
    fn helpers_leave_memory_to_others() {
        let experience = Experience { to_load: 50.0, to_estimate: 300.0 };
        let helpers = |gigabytes: f64| {
            helpers(Machine { memory: Some(gigabytes * 1e9), ..EIGHT_CORES }, LARGE, 3, 1000, experience)
        };
        assert_eq!([0.5, 1.0, 2.0, 8.0].map(helpers), [0, 1, 3, MOST]);
    }

    #[test]
    fn shares_are_alike_and_hold_every_branch_once() {
        assert_eq!(shares(&[3, 5, 7], 1), [vec![2, 1, 0]]);
        assert_eq!(shares(&[3, 5, 7], 2), [vec![2], vec![1, 0]]);
        assert_eq!(shares(&[3, 5, 7], 8), [[2], [1], [0]]);
        assert_eq!(shares(&[9], 4), [[0]]);
    }
}
