//! Several recordings in one file, and files inside files.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Ecg, Lead};
use ecgnet::format::{Collection, NamedFiles, NoCompanions, ReadOptions, Unit, open, read};
use ecgnet::signal::synthetic::{Parameters, synthetic};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::{Cursor, Write};
use support::shared;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

type File = (String, Vec<u8>);

/// A WFDB record of 16-bit integers, a thousand a millivolt.
fn record(path: &str, seed: u64) -> [File; 2] {
    let ecg = synthetic(Parameters { seed, seconds: 2.0, ..Parameters::default() });
    let bare = path.rsplit('/').next().unwrap();
    let signal = |lead: Lead| format!("{bare}.dat 16 1000/mV 16 0 0 0 0 {lead}\n");
    let signals: String = Lead::ALL.into_iter().map(signal).collect();
    let header = format!("{bare} 12 500 {}\n{signals}#Age: {}\n#Sex: F\n", ecg.samples(), 40 + seed);
    let value = |lead: Lead, sample: usize| (ecg.lead(lead).unwrap()[sample] * 1000.0).round() as i16;
    let frames = (0..ecg.samples()).flat_map(|sample| Lead::ALL.map(|lead| value(lead, sample)));
    let samples = frames.flat_map(i16::to_le_bytes).collect();
    [(format!("{path}.hea"), header.into_bytes()), (format!("{path}.dat"), samples)]
}

/// The record as it is read from files beside each other.
fn expected(seed: u64) -> Ecg {
    let [(name, header), (_, samples)] = record("r", seed);
    let companions = NamedFiles::from([("r.dat".to_owned(), samples)]);
    read(&name, &header, &companions, &ReadOptions::default()).unwrap()
}

/// An array as NumPy writes it.
fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
}

fn values(seed: u64) -> Vec<f32> {
    let ecg = synthetic(Parameters { seed, seconds: 2.0, ..Parameters::default() });
    ecg.leads().iter().flat_map(|(_, samples)| samples.clone()).collect()
}

fn zipped_as(method: CompressionMethod, files: impl IntoIterator<Item = File>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(method);
        match path.strip_suffix('/') {
            Some(folder) => zip.add_directory(folder, options).unwrap(),
            None => {
                zip.start_file(path, options).unwrap();
                zip.write_all(&bytes).unwrap();
            }
        }
    }
    zip.finish().unwrap().into_inner()
}

fn zipped(files: impl IntoIterator<Item = File>) -> Vec<u8> {
    zipped_as(CompressionMethod::Deflated, files)
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn named(name: &str, bytes: Vec<u8>) -> File {
    (name.to_owned(), bytes)
}

fn names(collection: &Collection<'_>) -> Vec<String> {
    collection.names().map(str::to_owned).collect()
}

fn as_stated(collection: &Collection<'_>, index: usize) -> Result<Ecg, ecgnet::format::FormatError> {
    collection.read(index, &ReadOptions::default())
}

/// The position of the central directory's entry of a file, after its signature.
fn directory_entry(zip: &[u8], name: &str) -> usize {
    let found = |at: &usize| zip[*at..].starts_with(b"PK\x01\x02") && zip[at + 46..].starts_with(name.as_bytes());
    (0..zip.len() - 46).find(found).unwrap()
}

#[test]
fn files_of_one_record_belong_together_within_their_folder() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let folders = [named("a/", vec![]), named("b/", vec![])];
        let files = folders.into_iter().chain(record("b/r", 2)).chain(record("a/r", 1)).chain(record("r", 3));
        let zip = zipped_as(method, files);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exams.zip");
        std::fs::write(&path, &zip).unwrap();
        for collection in [Collection::open(&path).unwrap(), Collection::from_bytes("exams.zip", zip).unwrap()] {
            assert_eq!(names(&collection), ["exams.zip/a/r.hea", "exams.zip/b/r.hea", "exams.zip/r.hea"]);
            for seed in [2, 1, 3] {
                let ecg = as_stated(&collection, seed as usize - 1).unwrap();
                assert_eq!(ecg, expected(seed));
                assert_eq!(ecg.person.age, Some(40.0 + seed as f32));
            }
            assert_eq!(collection.others(), 0);
            assert_eq!(as_stated(&collection, 3).unwrap_err().code(), "not-an-ecg");
        }
        let error = open(&path, &ReadOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), "exams.zip (ZIP archive) holds 3 ECGs: choose one of them");
    }
}

#[test]
fn what_is_no_ecg_by_its_name_is_counted() {
    let others = [
        "__MACOSX/._r.hea",
        ".DS_Store",
        "a/.hidden.npy",
        "report.pdf",
        "scan.PNG",
        "README.md",
        "readme.txt",
        "LICENSE",
        "a/RECORDS",
        "table.xlsx",
    ];
    let others = others.map(|name| named(name, b"no ECG".to_vec()));
    let collection = Collection::from_bytes("a.zip", zipped(others.clone().into_iter().chain(record("r", 1)))).unwrap();
    assert_eq!((names(&collection), collection.others()), (vec!["a.zip/r.hea".to_owned()], 10));
    assert_eq!(as_stated(&collection, 0).unwrap(), expected(1));
    // A collection of one is that one.
    let zip = zipped(record("r", 1));
    assert_eq!(read("a.zip", &zip, &NoCompanions, &ReadOptions::default()).unwrap(), expected(1));

    for (zip, message) in [
        (zipped(others), "none of its 10 files is one by its ending"),
        (zipped([named("a.pdf", vec![1])]), "the only file in it is none by its ending"),
        (zipped([]), "a.zip (ZIP archive) holds no ECG: it is empty"),
    ] {
        let collection = Collection::from_bytes("a.zip", &zip).unwrap();
        assert!(collection.is_empty());
        for error in [as_stated(&collection, 0), read("a.zip", &zip, &NoCompanions, &ReadOptions::default())]
            .map(Result::unwrap_err)
        {
            assert_eq!(error.code(), "not-an-ecg");
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}

#[test]
fn compressed_files_are_read_under_their_own_name() {
    let array = npy("(12, 1000)", &values(1));
    let plain = read("a.npy", &array, &NoCompanions, &ReadOptions::default()).unwrap();
    // Several gzip members are one file.
    let (first, second) = array.split_at(1234);
    for packed in [gzipped(&array), [gzipped(first), gzipped(second)].concat()] {
        assert_eq!(read("a.npy.gz", &packed, &NoCompanions, &ReadOptions::default()).unwrap(), plain);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy.GZ");
        std::fs::write(&path, &packed).unwrap();
        let collection = Collection::open(&path).unwrap();
        assert_eq!(
            (names(&collection), as_stated(&collection, 0).unwrap()),
            (vec!["a.npy.GZ".to_owned()], plain.clone())
        );
        let cut_off = &packed[..packed.len() - 20];
        let error = read("a.npy.gz", cut_off, &NoCompanions, &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("it is cut off"), "{error}");
    }
    let [(_, header), (_, samples)] = record("r", 1);
    let beside = NamedFiles::from([("r.dat".to_owned(), samples)]);
    let ecg = read("r.hea.gz", &gzipped(&header), &beside, &ReadOptions::default()).unwrap();
    assert_eq!(ecg, expected(1));
    let archive = zipped([named("a.npy", array)]);
    let error = Collection::from_bytes("cut.zip", &archive[..archive.len() / 2]).unwrap_err();
    assert!(error.to_string().contains("it is cut off, or no archive"), "{error}");
    let error = read("a.pdf.gz", &gzipped(b"%PDF-1.7"), &NoCompanions, &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("a.pdf is not an ECG file"), "{error}");
}

#[test]
fn archives_in_archives_are_opened_one_level_deep() {
    let array = npy("(12, 1000)", &values(1));
    let several = npy("(2, 12, 1000)", &[values(1), values(2)].concat());
    let inner = zipped(record("ward/r", 1).into_iter().chain([named("x.npy.gz", gzipped(&array))]));
    let zip = zipped([
        named("a.npy.gz", gzipped(&array)),
        named("b.zip", inner.clone()),
        named("c.npy", several.clone()),
        named("d.npy.gz", gzipped(&several)),
        named("empty.zip", zipped([named("a.pdf", vec![1])])),
    ]);
    let collection = Collection::from_bytes("all.zip", &zip).unwrap();
    let expected_names = [
        "all.zip/a.npy.gz",
        "all.zip/b.zip/ward/r.hea",
        "all.zip/b.zip/x.npy.gz",
        "all.zip/c.npy[0]",
        "all.zip/c.npy[1]",
        "all.zip/d.npy.gz[0]",
        "all.zip/d.npy.gz[1]",
    ];
    assert_eq!((names(&collection), collection.others()), (expected_names.map(str::to_owned).to_vec(), 1));
    let plain =
        |seed| read("a.npy", &npy("(12, 1000)", &values(seed)), &NoCompanions, &ReadOptions::default()).unwrap();
    let read_one = |index| as_stated(&collection, index);
    assert_eq!(read_one(0).unwrap(), plain(1));
    assert_eq!(read_one(1).unwrap(), expected(1));
    let error = read_one(2).unwrap_err();
    assert!(error.to_string().contains("unpack the outer archive first"), "{error}");
    for (index, seed) in [(3, 1), (6, 2), (4, 2), (5, 1)] {
        assert_eq!(read_one(index).unwrap(), plain(seed));
    }
    let packed = gzipped(&inner);
    let collection = Collection::from_bytes("b.zip.gz", &packed).unwrap();
    assert_eq!(names(&collection), ["b.zip.gz/ward/r.hea", "b.zip.gz/x.npy.gz"]);
    assert_eq!(as_stated(&collection, 0).unwrap(), expected(1));
}

#[test]
fn corrections_reach_every_recording() {
    let array = npy("(2, 12, 1000)", &[values(1), values(2)].concat());
    let order: Vec<Lead> = Lead::ALL.into_iter().rev().collect();
    let options = ReadOptions {
        unit: Some(Unit::AdcCounts { per_millivolt: 2.0 }),
        sampling_rate: Some(250.0),
        lead_order: Some(order),
    };
    let zip = zipped([named("a.npy", array)]);
    let ecg = Collection::from_bytes("a.zip", &zip).unwrap().read(1, &options).unwrap();
    assert_eq!((ecg.sampling_rate(), &ecg.notices[..]), (250.0, &[][..]));
    let half: Vec<f32> = values(2)[..1000].iter().map(|value| value / 2.0).collect();
    assert_eq!(ecg.lead(Lead::V6).unwrap(), half);
    let wrong = ReadOptions { sampling_rate: Some(0.0), ..ReadOptions::default() };
    let error = Collection::from_bytes("a.zip", &zip).unwrap().read(1, &wrong).unwrap_err();
    assert_eq!(error.code(), "correction");
}

#[test]
fn encrypted_and_strangely_packed_files_are_refused_by_file() {
    let zip = zipped(record("r", 1).into_iter().chain([named("b.npy", npy("(12, 1000)", &values(1)))]));
    let entry = directory_entry(&zip, "b.npy");
    let mut encrypted = zip.clone();
    encrypted[entry + 8] |= 1;
    let mut unknown = zip;
    unknown[entry + 10] = 14;
    for (bytes, expected_text) in
        [(encrypted, "with its password first"), (unknown, "unpack the archive first, or pack it with deflate")]
    {
        let collection = Collection::from_bytes("a.zip", &bytes).unwrap();
        assert_eq!(names(&collection), ["a.zip/b.npy", "a.zip/r.hea"]);
        assert_eq!(as_stated(&collection, 1).unwrap(), expected(1));
        let error = as_stated(&collection, 0).unwrap_err();
        assert_eq!(error.code(), "unsupported", "{error}");
        assert!(error.to_string().starts_with("a.zip/b.npy (ZIP archive)"), "{error}");
        assert!(error.to_string().contains(expected_text), "{error}");
    }
}

#[test]
fn bombs_are_refused_by_what_comes_out() {
    // 20 MiB of zeros pack to 20 kB.
    let zeros = vec![0; 20 << 20];
    let bomb = zipped([named("a.npy", zeros.clone()), named("b.dat", zeros.clone())].into_iter().chain(record("r", 1)));
    let collection = Collection::from_bytes("bomb.zip", &bomb).unwrap();
    assert_eq!(names(&collection), ["bomb.zip/a.npy", "bomb.zip/b.dat", "bomb.zip/r.hea"]);
    for index in 0..2 {
        let error = as_stated(&collection, index).unwrap_err();
        assert_eq!(error.code(), "too-large");
        assert!(error.to_string().contains("MiB when it is unpacked, at most"), "{error}");
    }
    // A claim of a small size changes nothing.
    let mut lying = bomb.clone();
    let entry = directory_entry(&lying, "a.npy");
    lying[entry + 24..entry + 28].copy_from_slice(&100u32.to_le_bytes());
    let collection = Collection::from_bytes("bomb.zip", &lying).unwrap();
    assert!(matches!(as_stated(&collection, 0).unwrap_err().code(), "too-large" | "damaged"));
    assert_eq!(as_stated(&collection, 2).unwrap(), expected(1));

    let error = read("a.npy.gz", &gzipped(&zeros), &NoCompanions, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "too-large");

    // Many files, each within its limit.
    let many = (0..6).map(|number| named(&format!("{number}.dat"), zeros[..15 << 20].to_vec()));
    let collection = Collection::from_bytes("many.zip", zipped(many)).unwrap();
    let codes: Vec<&str> = (0..6).map(|index| as_stated(&collection, index).unwrap_err().code()).collect();
    assert_eq!((codes[0], codes[5]), ("missing-companion", "too-large"));
    // Reading the first one again is no more.
    assert_eq!(as_stated(&collection, 0).unwrap_err().code(), "missing-companion");
}

#[test]
fn very_long_paths_are_not_listed() {
    // Each of the rows would repeat the path.
    let array = npy("(1000, 8, 2)", &[0.0; 16_000]);
    let long = format!("{}.npy", "a".repeat(60_000));
    let zip = zipped([named(&long, array.clone()), named("b.npy", array)]);
    let collection = Collection::from_bytes("a.zip", zip).unwrap();
    assert_eq!((collection.len(), collection.others()), (1000, 1));
    assert!(collection.names().all(|name| name.len() < 20));
}

#[test]
fn strange_names_are_harmless() {
    let [(_, header), (_, samples)] = record("r", 1);
    let outside = [("/etc/r", 1), ("../../r", 2), ("C:\\x\\r", 3)];
    let files = outside.into_iter().flat_map(|(folder, seed)| {
        let [(_, header), (_, samples)] = record("r", seed);
        [(format!("{folder}.hea"), header), (format!("{folder}.dat"), samples)]
    });
    let collection = Collection::from_bytes("a.zip", zipped(files)).unwrap();
    assert_eq!(names(&collection), ["a.zip/../../r.hea", "a.zip//etc/r.hea", "a.zip/C:/x/r.hea"]);
    assert_eq!([0, 1, 2].map(|index| as_stated(&collection, index).unwrap()), [2, 1, 3].map(expected));

    // A header that names a file outside its folder.
    let header = String::from_utf8(header).unwrap().replace("r.dat", "../r.dat").into_bytes();
    let zip = zipped([named("ward/r.hea", header), named("r.dat", samples)]);
    let collection = Collection::from_bytes("a.zip", zip).unwrap();
    let index = collection.names().position(|name| name.ends_with("r.hea")).unwrap();
    assert_eq!(as_stated(&collection, index).unwrap_err().code(), "damaged");

    // Twice the same name: the directory of the archive is written by hand.
    let mut twice = zipped(record("r", 1).into_iter().chain([named("s.hea", vec![b'x'; 50])]));
    for signature in [&b"PK\x03\x04"[..], b"PK\x01\x02"] {
        let name_at = if signature == b"PK\x03\x04" { 30 } else { 46 };
        let at = (0..twice.len() - 60)
            .find(|&at| twice[at..].starts_with(signature) && twice[at + name_at..].starts_with(b"s.hea"));
        twice[at.unwrap() + name_at] = b'r';
    }
    let collection = Collection::from_bytes("a.zip", twice).unwrap();
    for index in 0..collection.len() {
        let _ = as_stated(&collection, index);
    }
}

#[test]
fn files_chosen_together_are_one_collection() {
    let zip = zipped(record("r", 1).into_iter().chain([named("list.pdf", vec![1])]));
    let files: NamedFiles = record("r", 2)
        .into_iter()
        .chain(record("ward/r", 3))
        .chain([named("a.zip", zip), named("scan.pdf", b"%PDF".to_vec()), named("ward/scan.pdf", b"%PDF".to_vec())])
        .chain([named("damaged.zip", b"PK\x03\x04....".to_vec()), named("none.zip", zipped([]))])
        .collect();
    let collection = Collection::from_files(&files);
    assert_eq!(names(&collection), ["a.zip/r.hea", "damaged.zip", "none.zip", "r.hea", "scan.pdf", "ward/r.hea"]);
    assert_eq!(collection.others(), 2);
    let outcomes: Vec<Result<Ecg, &str>> =
        (0..6).map(|index| as_stated(&collection, index).map_err(|error| error.code())).collect();
    let refused = |code| Err(code);
    assert_eq!(
        outcomes,
        [
            Ok(expected(1)),
            refused("damaged"),
            refused("not-an-ecg"),
            Ok(expected(2)),
            refused("unknown-format"),
            Ok(expected(3))
        ]
    );
    assert!(Collection::from_files(&NamedFiles::new()).is_empty());
}

#[test]
fn a_plain_file_is_a_collection_of_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in record("r", 1) {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    for (name, listed) in [("r.hea", "r.hea"), ("r.dat", "r.dat"), ("r", "r")] {
        let collection = Collection::open(&folder.path().join(name)).unwrap();
        assert_eq!(names(&collection), [listed]);
        assert_eq!(as_stated(&collection, 0).unwrap(), expected(1));
    }
    let collection = Collection::open(&folder.path().join("nothing.hea")).unwrap();
    assert_eq!(as_stated(&collection, 0).unwrap_err().code(), "io");
    let damaged = folder.path().join("damaged.zip");
    std::fs::write(&damaged, b"PK\x03\x04 and no more").unwrap();
    let error = Collection::open(&damaged).unwrap_err();
    assert_eq!(error.code(), "damaged");
    assert!(error.to_string().starts_with("damaged.zip (ZIP archive) is damaged at its end"), "{error}");
}

/// A file on the disk may be larger than any that is loaded: of it only one ECG is read.
#[test]
fn of_a_large_array_on_the_disk_one_ecg_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.npy");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&npy("(20000, 12, 1000)", &values(1))).unwrap();
    let header = npy("(20000, 12, 1000)", &[]).len() as u64;
    // What is not written takes no room on the disk.
    file.set_len(header + 20_000 * 12 * 1000 * 4).unwrap();
    let collection = Collection::open(&path).unwrap();
    assert_eq!((collection.len(), collection.name(19_999)), (20_000, Some("large.npy[19999]")));
    assert_eq!(as_stated(&collection, 0).unwrap().lead(Lead::V6).unwrap(), &values(1)[11_000..]);
    assert!(as_stated(&collection, 19_999).unwrap().lead(Lead::I).unwrap().iter().all(|&value| value == 0.0));
}

/// The reference files in one archive are read as they are from the disk.
#[test]
fn reference_files_are_the_same_in_an_archive() {
    let Some(folder) = shared("fixtures/wfdb") else { return };
    let records = ["00001_lr.hea", "00002_hr.hea", "A0001.hea", "E00001.hea"];
    let listed = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = listed.map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        named(&format!("wfdb/{name}"), std::fs::read(path).unwrap())
    });
    let files = files.chain(shared("data/sph/A00001.h5").map(|path| named("A00001.h5", std::fs::read(path).unwrap())));
    let zip = zipped(files);
    let collection = Collection::from_bytes("all.zip", &zip).unwrap();
    for record in records {
        let index = collection.names().position(|name| name == format!("all.zip/wfdb/{record}")).unwrap();
        assert_eq!(
            as_stated(&collection, index).unwrap(),
            open(&folder.join(record), &ReadOptions::default()).unwrap()
        );
    }
    if let Some(path) = shared("data/sph/A00001.h5") {
        assert_eq!(as_stated(&collection, 0).unwrap(), open(&path, &ReadOptions::default()).unwrap());
    }
}

/// Lists and reads everything; whatever comes out, it comes without a panic.
fn read_all(name: &str, bytes: &[u8]) {
    let Ok(collection) = Collection::from_bytes(name, bytes) else { return };
    for index in 0..collection.len().min(20) {
        if let Err(error) = as_stated(&collection, index) {
            assert!(!error.to_string().is_empty());
        }
    }
}

fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = file.len();
    // The directory is at the end, the first header at the beginning.
    let position = prop_oneof![2 => length.saturating_sub(700)..length, 1 => 0..length.min(200), 1 => 0..length];
    let changes = proptest::collection::vec((position, any::<u8>()), 0..6);
    (changes, prop_oneof![4 => Just(length), 1 => 0..length]).prop_map(move |(changes, length)| {
        let mut file = file.clone();
        changes.into_iter().for_each(|(position, byte)| file[position] = byte);
        file.truncate(length);
        file
    })
}

fn archive() -> Vec<u8> {
    let array = npy("(2, 12, 50)", &[0.25; 1200]);
    let inner = zipped([named("x.npy", array.clone())]);
    let files = record("r", 1).into_iter().chain([named("a.npy.gz", gzipped(&array)), named("b.zip", inner)]);
    zipped(files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_archives_never_panic(bytes in damaged(archive())) {
        read_all("a.zip", &bytes);
    }

    #[test]
    fn damaged_compressed_files_never_panic(bytes in damaged(gzipped(&archive()))) {
        read_all("a.zip.gz", &bytes);
    }

    #[test]
    fn any_bytes_after_a_signature_never_panic(
        start in prop_oneof![Just(&b"PK\x03\x04"[..]), Just(&b"PK\x05\x06"[..]), Just(&b"\x1f\x8b\x08"[..])],
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        read_all("a", &[start, &rest].concat());
    }
}
