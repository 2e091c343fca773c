//! Two exports, of eight leads at 250 and 500 Hz, compared with a decoding by lxml and NumPy.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Lead, Sex};
use support::{ExpectedLead, assert_leads, fixture, person};

const AT_250_HZ: &[ExpectedLead] = &[
    (Lead::I, -0.03904, -0.03416, -15.99664, 0.4636),
    (Lead::II, -0.06832, -0.06832, -15.57696, 1.0248),
    (Lead::V1, 0.00976, 0.00976, -10.84336, 1.29808),
    (Lead::V2, -0.01952, -0.01952, -13.01984, 0.69784),
    (Lead::V3, -0.02928, -0.02928, -11.84864, 0.87352),
    (Lead::V4, -0.08784, -0.09272, -16.11864, 1.98128),
    (Lead::V5, -0.05856, -0.06832, -16.81648, 1.50304),
    (Lead::V6, -0.03904, -0.03904, -9.2232, 1.01016),
];

const AT_500_HZ: &[ExpectedLead] = &[
    (Lead::I, -0.03904, 0.25376, -93.67648, 1.08336),
    (Lead::II, 0.01952, -0.33184, -78.36304, 1.08824),
    (Lead::V1, -0.10736, -0.17568, -106.10584, 1.15168),
    (Lead::V2, 0.03904, -0.89792, -5.612, 2.0008),
    (Lead::V3, 0.13664, -0.86864, -9.15, 1.86904),
    (Lead::V4, -0.1952, -0.31232, -374.74496, 1.708),
    (Lead::V5, -0.18544, -0.12688, -397.57848, 2.75232),
    (Lead::V6, 0.01952, 0.61488, -184.89832, 3.294),
];

#[test]
fn samples_and_person_equal_those_by_lxml() {
    let Some(ecg) = fixture("ge-muse/muse_250hz.xml", 250.0, 2500, &[]) else { return };
    assert_leads(&ecg, AT_250_HZ);
    assert_eq!(ecg.person, person("159357456", Some(58.0), Some(Sex::Male), Some("1996-03-25T11:18:00")));
    let Some(ecg) = fixture("ge-muse/muse_500hz_8lead.xml", 500.0, 5000, &[]) else { return };
    assert_leads(&ecg, AT_500_HZ);
    assert_eq!(ecg.person, person("009020", None, None, None));
    assert_eq!(ecg.into_twelve_leads().unwrap().leads().len(), 12);
}
