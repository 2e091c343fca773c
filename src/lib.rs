//! ECGNet
pub mod ecg;
pub mod network;
pub mod signal { 
 pub const INPUT_SAMPLES: usize = 5120; pub const LEADS: usize=12;
 #[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
 pub enum Preprocessing { Time, Lead }
}
