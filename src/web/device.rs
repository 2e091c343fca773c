//! What computes in the browser, and what to do where that is not there.

use crate::estimate::{ComputeError, Estimate};
use crate::network::place::Storage;
use crate::web::words;
use burn::tensor::Device;
use std::str::FromStr;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::*;

/// What a person wants to compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The graphics card where there is a real one, else the processor.
    #[default]
    Automatic,
    WebGpu,
    Cpu,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "automatic" => Ok(Choice::Automatic),
            "webgpu" => Ok(Choice::WebGpu),
            "cpu" => Ok(Choice::Cpu),
            _ => Err(format!("there is no device {text:?}; choose automatic, webgpu or cpu")),
        }
    }
}

/// A device that computes.
#[derive(Debug, Clone)]
pub struct Opened {
    pub device: Device,
    /// For people: `CPU`, or the name of the graphics card.
    pub name: String,
    /// Why it is not the one that was wanted.
    pub remark: Option<String>,
    /// None is the processor.
    card: Option<Card>,
}

#[derive(Debug, Clone)]
struct Card {
    /// Whether a processor plays it.
    is_software: bool,
    #[cfg(target_arch = "wasm32")]
    gpu: crate::device::Gpu,
}

impl Opened {
    /// The processor, which is always there.
    pub fn cpu(remark: Option<String>) -> Opened {
        Opened { device: Device::flex(), name: "CPU".to_owned(), remark, card: None }
    }

    pub fn is_processor(&self) -> bool {
        self.card.is_none()
    }

    pub fn is_software(&self) -> bool {
        self.card.as_ref().is_some_and(|card| card.is_software)
    }

    /// In how many bits it should hold a network.
    pub fn storage(&self) -> Storage {
        #[cfg(target_arch = "wasm32")]
        if let Some(card) = &self.card {
            return card.gpu.storage();
        }
        Storage::Bits32
    }

    /// Fails where nothing that the device computed can be relied on.
    pub async fn check(&self) -> Result<(), ComputeError> {
        #[cfg(target_arch = "wasm32")]
        if let Some(card) = &self.card
            && let Some(fault) = card.gpu.fault().await
        {
            return Err(ComputeError::Device(fault));
        }
        Ok(())
    }

    /// The processor in its place where a trial of both with the same recording speaks for that.
    pub fn replaced(&self, choice: Choice, on_card: &Trial, on_processor: &Trial) -> Option<Opened> {
        let name = &self.name;
        if !on_card.agrees_with(on_processor) {
            return Some(self.failed(&format!("{name} computes something else than the processor.")));
        }
        let (on_card, on_processor) = (on_card.milliseconds, on_processor.milliseconds);
        let is_slow = on_card > SLOW && on_card > on_processor;
        (is_slow && choice == Choice::Automatic).then(|| {
            instead(&format!("{name} takes {on_card:.0} ms for a recording, the processor {on_processor:.0} ms."))
        })
    }

    /// The processor in its place after it failed: should the graphics card be wanted again, it is opened anew.
    pub fn failed(&self, reason: &str) -> Opened {
        #[cfg(target_arch = "wasm32")]
        if let Some(card) = &self.card {
            card.gpu.give_up();
        }
        instead(reason)
    }
}

/// Opens the device that is wanted or, where that cannot be had, the processor, and says why.
pub async fn open(choice: Choice) -> Opened {
    match choice {
        Choice::Cpu => Opened::cpu(None),
        Choice::WebGpu | Choice::Automatic => chosen(choice, web_gpu().await),
    }
}

fn chosen(choice: Choice, card: Result<Opened, String>) -> Opened {
    match (choice, card) {
        (Choice::WebGpu, Ok(card)) => card,
        (Choice::WebGpu, Err(reason)) => instead(&reason),
        (Choice::Automatic, Ok(card)) if !card.is_software() => card,
        // Nobody asked for the graphics card: that there is no real one is not worth a word.
        (Choice::Automatic | Choice::Cpu, _) => Opened::cpu(None),
    }
}

/// The processor in place of a graphics card that cannot compute.
pub fn instead(reason: &str) -> Opened {
    Opened::cpu(Some(format!("{} The processor computes instead.", words::sentence(reason))))
}

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen(module = "/src/web/adapter.js")]
extern "C" {
    #[wasm_bindgen(js_name = adapterName, catch)]
    async fn adapter_name() -> Result<JsValue, JsValue>;
}

#[cfg(target_arch = "wasm32")]
async fn web_gpu() -> Result<Opened, String> {
    let gpu = crate::device::open_gpu().await.map_err(|error| error.to_string())?;
    let adapter = adapter_name().await.ok().and_then(|name| name.as_string()).filter(|name| !name.is_empty());
    let name = adapter.map_or_else(|| "WebGPU".to_owned(), |adapter| format!("WebGPU ({adapter})"));
    let device = gpu.device.clone();
    Ok(Opened { device, name, remark: None, card: Some(Card { is_software: gpu.is_software, gpu }) })
}

#[cfg(not(target_arch = "wasm32"))]
async fn web_gpu() -> Result<Opened, String> {
    Err("WebGPU is in browsers only".to_owned())
}

/// Milliseconds in which any real graphics card answers.
const SLOW: f64 = 250.0;

/// The most by which a graphics card's estimate may differ from the processor's.
const YEARS_APART: f32 = 0.05;
const PROBABILITY_APART: f32 = 0.002;

/// What a device makes of a recording, and how long it takes.
#[derive(Debug, Clone)]
pub struct Trial {
    pub estimate: Estimate,
    pub milliseconds: f64,
}

impl Trial {
    /// Whether two devices found the same.
    pub fn agrees_with(&self, other: &Trial) -> bool {
        are_alike(&self.estimate, &other.estimate)
    }
}

fn are_alike(one: &Estimate, other: &Estimate) -> bool {
    let within = |one: Option<f32>, other: Option<f32>, apart: f32| match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= apart,
        (one, other) => one.is_none() && other.is_none(),
    };
    let years = |estimate: &Estimate| estimate.age.map(|age| age.years);
    let female = |estimate: &Estimate| estimate.sex.map(|sex| sex.probability_female);
    within(years(one), years(other), YEARS_APART) && within(female(one), female(other), PROBABILITY_APART)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::ecg::Sex;
    use crate::estimate::{AgeEstimate, SexEstimate};
    use crate::network::Architecture;

    fn card(is_software: bool) -> Result<Opened, String> {
        let card = Some(Card { is_software });
        Ok(Opened { device: Device::flex(), name: "WebGPU".to_owned(), remark: None, card })
    }

    fn none() -> Result<Opened, String> {
        Err("there is none".to_owned())
    }

    #[test]
    fn a_real_card_computes_and_one_that_a_processor_plays_only_if_it_is_asked_for() {
        assert_eq!(chosen(Choice::Automatic, card(false)).name, "WebGPU");
        assert_eq!(chosen(Choice::Automatic, card(true)).name, "CPU");
        assert_eq!(chosen(Choice::WebGpu, card(true)).name, "WebGPU");
    }

    #[test]
    fn what_cannot_be_had_is_replaced_and_explained() {
        assert_eq!(chosen(Choice::Automatic, none()).remark, None);
        let replaced = chosen(Choice::WebGpu, none());
        assert_eq!(replaced.remark.as_deref(), Some("There is none. The processor computes instead."));
        assert!(replaced.is_processor());
    }

    fn trial(years: f32, probability_female: f32, milliseconds: f64) -> Trial {
        let age = Some(AgeEstimate { years, interval: None });
        let sex = Some(SexEstimate { sex: Sex::Female, probability_female });
        Trial { estimate: Estimate { network: Architecture::Cnn, age, sex, notices: Vec::new() }, milliseconds }
    }

    fn replaced(choice: Choice, on_card: Trial) -> Option<String> {
        let processor = trial(61.0, 0.7, 100.0);
        card(false).unwrap().replaced(choice, &on_card, &processor).map(|opened| opened.remark.unwrap())
    }

    #[test]
    fn a_card_that_computes_something_else_is_found_out() {
        assert_eq!(replaced(Choice::WebGpu, trial(61.04, 0.701, 10.0)), None);
        for wrong in [trial(61.1, 0.7, 10.0), trial(61.0, 0.71, 10.0), trial(f32::NAN, 0.7, 10.0)] {
            let remark = replaced(Choice::WebGpu, wrong).unwrap();
            assert_eq!(remark, "WebGPU computes something else than the processor. The processor computes instead.");
        }
    }

    #[test]
    fn a_card_that_is_slower_than_the_processor_computes_only_if_it_is_asked_for() {
        let remark = replaced(Choice::Automatic, trial(61.0, 0.7, 300.0)).unwrap();
        assert!(remark.starts_with("WebGPU takes 300 ms for a recording, the processor 100 ms."), "{remark}");
        assert_eq!(replaced(Choice::WebGpu, trial(61.0, 0.7, 300.0)), None);
        assert_eq!(replaced(Choice::Automatic, trial(61.0, 0.7, 200.0)), None);
    }

    #[test]
    fn choices_have_names() {
        assert_eq!("webgpu".parse(), Ok(Choice::WebGpu));
        assert!("gpu".parse::<Choice>().is_err());
    }
}
