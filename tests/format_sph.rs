//! The six sample records of the SPH database, compared with h5py 3.14.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::Lead;
use ecgnet::format::{ReadOptions, open};
use support::shared;

/// Record, samples, the first sample of lead I, the last of V6, the sum and the largest absolute value, in millivolt.
const EXPECTED: [(&str, usize, f32, f32, f64, f32); 6] = [
    ("A00001", 5000, 0.021_606_445, 0.000_800_132_75, -8.589_598_655_700_684, 1.953_125),
    ("A00002", 6000, -0.037_597_656, -0.070_373_535, -27.240_318_298_339_844, 3.097_656_3),
    ("A00003", 6500, -0.040_802_002, 0.111_206_055, 62.450_093_269_348_145, 2.009_765_6),
    ("A00004", 5000, -0.018_402_1, 0.167_236_33, 9.863_014_221_191_406, 2.396_484_4),
    ("A00005", 5500, -0.022_399_902, -0.105_590_82, 13.562_518_119_812_012, 2.341_796_9),
    ("A00006", 5000, -0.044_006_348, -0.017_593_384, 36.785_711_288_452_15, 1.480_468_8),
];

#[test]
fn samples_equal_those_of_h5py() {
    for (record, samples, first, last, sum, highest) in EXPECTED {
        let Some(path) = shared(&format!("data/sph/{record}.h5")) else { return };
        let ecg = open(&path, &ReadOptions::default()).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples()), (500.0, samples));
        assert_eq!(ecg.notices, []);
        assert_eq!(ecg.person.id, None);
        assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
        assert_eq!(ecg.lead(Lead::I).unwrap()[0], first);
        assert_eq!(*ecg.lead(Lead::V6).unwrap().last().unwrap(), last);
        let all = || ecg.leads().iter().flat_map(|(_, samples)| samples);
        let read: f64 = all().map(|&sample| f64::from(sample)).sum();
        // Sums of numbers of eleven bits are exact in double precision, whatever the order.
        assert!((read - sum).abs() < 1e-9, "{record}: {read}");
        assert_eq!(all().fold(0.0f32, |highest, sample| highest.max(sample.abs())), highest);
    }
}
