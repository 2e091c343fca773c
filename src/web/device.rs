//! What computes in the browser, and what to do where that is not there.

use crate::web::words;
use burn::tensor::Device;
use std::str::FromStr;

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

const PROCESSOR: &str = "CPU";

/// A device that computes.
#[derive(Debug, Clone)]
pub struct Opened {
    pub device: Device,
    /// For people: `CPU`, or the name of the graphics card.
    pub name: String,
    /// Why it is not the one that was wanted.
    pub remark: Option<String>,
}

impl Opened {
    /// The processor, which is always there.
    pub fn cpu(remark: Option<String>) -> Opened {
        Opened { device: Device::flex(), name: PROCESSOR.to_owned(), remark }
    }

    pub fn is_processor(&self) -> bool {
        self.name == PROCESSOR
    }
}

/// Opens the device that is wanted or, where that cannot be had, the processor, and says why.
pub async fn open(choice: Choice) -> Opened {
    match choice {
        Choice::Cpu => Opened::cpu(None),
        Choice::WebGpu => match web_gpu().await {
            Ok(opened) => opened,
            Err(reason) => instead(&reason),
        },
        // Nobody asked for the graphics card: that there is none is not worth a word.
        Choice::Automatic => web_gpu().await.unwrap_or_else(|_| Opened::cpu(None)),
    }
}

/// The processor in place of a graphics card that cannot compute.
pub fn instead(reason: &str) -> Opened {
    Opened::cpu(Some(format!("{} The processor computes instead.", words::sentence(reason))))
}

/// The one place where the graphics card comes in.
async fn web_gpu() -> Result<Opened, String> {
    Err("WebGPU is not part of this build yet".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn opened(choice: Choice) -> Opened {
        match pin!(open(choice)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(opened) => opened,
            Poll::Pending => panic!("nothing has to be waited for"),
        }
    }

    #[test]
    fn what_cannot_be_had_is_replaced_and_explained() {
        assert_eq!(opened(Choice::Automatic).remark, None);
        assert_eq!(opened(Choice::Cpu).remark, None);
        let remark = opened(Choice::WebGpu).remark.unwrap();
        assert_eq!(remark, "WebGPU is not part of this build yet. The processor computes instead.");
        assert_eq!(opened(Choice::WebGpu).name, "CPU");
    }

    #[test]
    fn choices_have_names() {
        assert_eq!("webgpu".parse(), Ok(Choice::WebGpu));
        assert!("gpu".parse::<Choice>().is_err());
    }
}
