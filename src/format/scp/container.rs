//! The sections of an SCP-ECG record, and where they are.

use super::super::FormatError;
use super::super::binary::{Fields, crc_ccitt};
use super::super::error::Place;
use crate::ecg::Notice;

/// Checksum and length of the record come before the first section.
const RECORD_HEADER: usize = 6;

/// Every section begins with its checksum, number, length, two versions and six reserved bytes.
pub const SECTION_HEADER: usize = 16;

/// Sections with a number from here on are measurements and diagnoses.
const SECTIONS: usize = 7;

/// The checksum of a larger record is not calculated: no ECG of less than an hour is as large.
const MAXIMUM_CHECKED: usize = 32 << 20;

/// What the six reserved bytes of section 0 are from version 2 of the standard on.
const SIGNATURE: &[u8] = b"SCPECG";

/// Sections of this version and later are laid out differently (EN 1064:2020).
const NEXT_VERSION: u8 = 30;

/// Whether the bytes begin with a record header and section 0. Version 1 of the standard has no signature; there the
/// first pointer must be that of section 0 to itself.
pub fn recognises(bytes: &[u8]) -> bool {
    let pointer = |mut fields: Fields<'_>| {
        let (number, length) = (fields.take(2)? == [0, 0], fields.u32()?);
        let pointer = Pointer::read(&mut Fields(fields.0.get(8..)?))?;
        let itself = number && length >= 26 && pointer == (0, Pointer { length, index: pointer.1.index });
        Some(itself && (6..=7).contains(&pointer.1.index))
    };
    bytes.get(16..22) == Some(SIGNATURE) || bytes.get(8..).is_some_and(|rest| pointer(Fields(rest)) == Some(true))
}

/// Where a section is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pointer {
    length: u32,
    /// The number of the section's first byte; the first byte of the record has the number 1.
    index: u32,
}

impl Pointer {
    fn read(fields: &mut Fields<'_>) -> Option<(u16, Pointer)> {
        Some((fields.u16()?, Pointer { length: fields.u32()?, index: fields.u32()? }))
    }
}

/// A record: its sections 1 to 6 without their headers.
pub struct Container<'a> {
    sections: [Option<&'a [u8]>; SECTIONS],
    pub notices: Vec<Notice>,
}

impl<'a> Container<'a> {
    pub fn read(bytes: &'a [u8], place: Place<'_>) -> Result<Container<'a>, FormatError> {
        let mut damage = Damage::default();
        damage.check_record(bytes);
        let from_section = bytes.get(RECORD_HEADER..).unwrap_or_default();
        let length = Fields(from_section.get(4..).unwrap_or_default()).u32().unwrap_or(0) as usize;
        let Some(section) = from_section.get(..length).filter(|section| section.len() >= SECTION_HEADER) else {
            let needed = RECORD_HEADER as u64 + length as u64;
            return Err(match length {
                ..SECTION_HEADER => place.damaged("byte 11", format!("section 0 cannot have {length} bytes")),
                _ => place.truncated("the pointers to its sections", needed, bytes.len() as u64),
            });
        };
        damage.check_section(0, section);
        let mut pointers = [None; SECTIONS];
        let mut fields = Fields(section.get(SECTION_HEADER..).unwrap_or_default());
        while let Some((number, pointer)) = Pointer::read(&mut fields) {
            if let Some(known) = pointers.get_mut(usize::from(number)).filter(|known| known.is_none())
                && pointer.length > 0
            {
                *known = Some(pointer);
            }
        }
        let mut sections = [None; SECTIONS];
        for (number, pointer) in pointers.into_iter().enumerate().skip(1) {
            let Some(pointer) = pointer else { continue };
            let section = locate(bytes, number, pointer, place)?;
            damage.check_section(number, section);
            // That of the section and that of the whole protocol.
            let version = section.get(8..10).and_then(|versions| versions.iter().min().copied()).unwrap_or_default();
            if version >= NEXT_VERSION {
                return Err(place.unsupported(
                    format!("section {number}"),
                    format!("version {}.{} of SCP-ECG (EN 1064:2020)", version / 10, version % 10),
                    "export it as version 2",
                ));
            }
            if let Some(known) = sections.get_mut(number) {
                *known = section.get(SECTION_HEADER..);
            }
        }
        Ok(Container { sections, notices: damage.notices() })
    }

    /// The content of a section, where the record has it.
    pub fn section(&self, number: usize) -> Option<&'a [u8]> {
        self.sections.get(number).copied().flatten().filter(|section| !section.is_empty())
    }
}

/// The bytes of a section with its header. Some devices let the pointers count from 0, against the standard.
fn locate<'a>(bytes: &'a [u8], number: usize, pointer: Pointer, place: Place<'_>) -> Result<&'a [u8], FormatError> {
    let index = pointer.index as usize;
    for start in [index.checked_sub(1), Some(index)] {
        let Some(rest) = start.and_then(|start| bytes.get(start..)) else { continue };
        let mut fields = Fields(rest);
        let header = (fields.take(2), fields.u16(), fields.u32());
        let (Some(_), Some(stated), Some(length)) = header else { continue };
        if usize::from(stated) != number {
            continue;
        }
        let lengths = [length, pointer.length].map(|length| length as usize);
        if let Some(length) = lengths.into_iter().find(|length| (SECTION_HEADER..=rest.len()).contains(length)) {
            return Ok(&rest[..length]);
        }
    }
    let (needed, available) = (u64::from(pointer.index) + u64::from(pointer.length), bytes.len() as u64);
    Err(if needed > available + 1 {
        place.truncated(format!("section {number}"), needed - 1, available)
    } else {
        place.damaged(format!("byte {index}"), format!("section {number} does not begin here, as section 0 says"))
    })
}

/// What is wrong with a record and does not hinder reading it.
#[derive(Default)]
struct Damage {
    wrong_checksums: Vec<String>,
    stated_length: Option<(u32, usize)>,
}

impl Damage {
    fn check_record(&mut self, bytes: &[u8]) {
        let mut fields = Fields(bytes);
        let (Some(checksum), Some(length)) = (fields.u16(), fields.u32()) else { return };
        match bytes.get(2..length as usize) {
            Some(checked) if checked.len() <= MAXIMUM_CHECKED => {
                if crc_ccitt(checked) != checksum {
                    self.wrong_checksums.push("the record".to_owned());
                }
            }
            Some(_) => {}
            None => self.stated_length = Some((length, bytes.len())),
        }
    }

    fn check_section(&mut self, number: usize, section: &[u8]) {
        if section.len() <= MAXIMUM_CHECKED
            && let (Some(checksum), Some(checked)) = (Fields(section).u16(), section.get(2..))
            && crc_ccitt(checked) != checksum
        {
            self.wrong_checksums.push(format!("section {number}"));
        }
    }

    fn notices(self) -> Vec<Notice> {
        let mut notices = Vec::new();
        if !self.wrong_checksums.is_empty() {
            let places = self.wrong_checksums.join(", ");
            notices.push(format!("the checksum of {places} is wrong: the file was damaged or altered"));
        }
        if let Some((stated, available)) = self.stated_length {
            notices.push(format!("the file says that it has {stated} bytes, but it has {available}"));
        }
        notices.into_iter().map(Notice::File).collect()
    }
}
