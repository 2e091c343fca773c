//! The published split of SPH against the one that pandas 1.5.3 drew, and what splits must keep to on real tables.
#![cfg(not(target_arch = "wasm32"))]

use ecgnet::dataset::split::{self, Folds, Part, Shares, Split};
use ecgnet::dataset::{Dataset, Record, sph};
use ecgnet::ecg::Sex;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

fn shared(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("ECGNET_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {name} is not there; set ECGNET_SHARED to the folder that holds it");
    None
}

fn sph_rows() -> Option<Vec<Record>> {
    Some(sph::read_metadata(&shared("data/sph/metadata.csv")?).expect("SPH's table is readable"))
}

fn sum_of(ids: &[String]) -> String {
    Sha256::digest(ids.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_partition(split: &Split, records: &HashSet<&str>) {
    let ids: Vec<&str> = split.iter().map(|(id, _)| id).collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id is in two parts");
    assert_eq!(&unique, records, "the parts cover all records");
}

#[test]
fn the_published_split_is_drawn_exactly() {
    let (Some(rows), Some(golden)) = (sph_rows(), shared("golden/sph_splits.json")) else { return };
    let golden: serde_json::Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let by_id: HashMap<&str, &Record> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let split = split::published(&rows).unwrap();
    for (part, name) in [(Part::Train, "train"), (Part::Validation, "val"), (Part::Test, "test")] {
        let (ids, golden) = (split.part(part), &golden[name]);
        assert_eq!(ids.len() as u64, golden["count"], "{part}");
        assert_eq!(serde_json::json!(ids[..5]), golden["first"], "{part}");
        assert_eq!(serde_json::json!(ids[ids.len() - 5..]), golden["last"], "{part}");
        assert_eq!(sum_of(ids), golden["sha256_in_order"], "{part}");
        let mut sorted = ids.to_vec();
        sorted.sort();
        assert_eq!(sum_of(&sorted), golden["sha256_sorted"], "{part}");
        let people: Vec<&Record> = ids.iter().map(|id| by_id[id.as_str()]).collect();
        // What the reference calls "male" is the number of women: over its three parts that is 6,283, the rows with
        // sex F among the normal ECGs. In the whole table 55.36 % of the rows have M, the share of men in Liu et al. 2022.
        let women = people.iter().filter(|row| row.sex == Some(Sex::Female)).count();
        assert_eq!(women as u64, golden["male"], "{part}");
        let years: f64 = people.iter().filter_map(|row| row.age).map(f64::from).sum();
        assert_eq!(years / people.len() as f64, golden["mean_age"], "{part}");
    }
    let normal = rows.iter().filter(|row| row.diagnoses == ["1"]).map(|row| row.id.as_str()).collect();
    assert_partition(&split, &normal);
}

#[test]
fn sph_s_sexes_are_those_of_its_publication() {
    let Some(rows) = sph_rows() else { return };
    let men = rows.iter().filter(|row| row.sex == Some(Sex::Male)).count() as f64 / rows.len() as f64;
    assert!((men - 0.5536).abs() < 1e-4, "Liu et al. 2022 state 55.36 % men, not {men}");
}

#[test]
fn the_published_split_shares_people_between_its_parts() {
    let Some(rows) = sph_rows() else { return };
    let split = split::published(&rows).unwrap();
    assert_eq!(split.check_patients(&rows).seen_test_records(), 134);
}

#[test]
fn the_published_split_is_not_drawn_from_a_part_of_the_table() {
    let Some(rows) = sph_rows() else { return };
    let error = split::published(&rows[1000..]).unwrap_err().to_string();
    assert!(error.contains("13903") && error.contains("metadata.csv"), "{error}");
}

#[test]
fn splits_by_patient_keep_sph_s_people_apart() {
    let Some(rows) = sph_rows() else { return };
    let all: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    for seed in [0, 1, 2022] {
        let shares = Shares { train: 0.7, validation: 0.1, test: 0.2 };
        let split = split::by_patient(&rows, shares, seed).unwrap();
        assert_partition(&split, &all);
        assert!(split.check_patients(&rows).overlaps.is_empty());
        for (part, share) in Part::ALL.into_iter().zip([0.7, 0.1, 0.2]) {
            let part_share = split.part(part).len() as f64 / rows.len() as f64;
            assert!((part_share - share).abs() < 0.002, "{part}: {part_share}");
        }
    }
}

/// The table that PTB-XL's unpacked subset has, without its files: empty ones stand for them.
#[test]
fn folds_keep_ptb_xl_s_people_apart() {
    let Some(index) = shared("data/ptbxl/index.csv") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut reader = csv::Reader::from_path(index).unwrap();
    let mut writer = csv::Writer::from_path(folder.path().join("ptbxl_database.csv")).unwrap();
    writer.write_record(["ecg_id", "patient_id", "age", "sex", "strat_fold", "filename_hr"]).unwrap();
    let columns: HashMap<String, usize> =
        reader.headers().unwrap().iter().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
    for row in reader.records() {
        let row = row.unwrap();
        let cell = |name: &str| row[columns[name]].to_owned();
        std::fs::write(folder.path().join(format!("{}.hea", cell("ecg_id"))), "").unwrap();
        let names = ["ecg_id", "patient_id", "age", "sex", "strat_fold", "ecg_id"];
        writer.write_record(names.map(cell)).unwrap();
    }
    writer.flush().unwrap();
    let dataset = Dataset::open(folder.path()).unwrap();
    assert_eq!(dataset.records.len(), 4451);
    assert!(dataset.left_out.is_empty(), "{}", dataset.summary());
    let (split, check) = split::by_fold(&dataset.records, &Folds::default()).unwrap();
    assert_partition(&split, &dataset.records.iter().map(|record| record.id.as_str()).collect());
    assert!(check.overlaps.is_empty(), "{check}");
    assert_eq!(split.validation.len(), 486);
    assert_eq!(split.test.len(), 531);
}
