//! The elements of a DICOM data set (PS3.5, chapter 7), found where they lie and never copied.
//!
//! Every length is compared with the bytes at hand, sequences without a length are searched for their end without
//! recursion, and what follows a damaged place is not read: the elements before it still are.

use std::borrow::Cow;

use dicom_core::{Tag, VR};

use crate::format::FormatError;
use crate::format::error::Place;

/// How elements are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// Whether each element says of which type (value representation) it is.
    pub explicit: bool,
    pub big_endian: bool,
}

impl Syntax {
    pub const IMPLICIT: Syntax = Syntax { explicit: false, big_endian: false };
    pub const EXPLICIT: Syntax = Syntax { explicit: true, big_endian: false };
    pub const BIG_ENDIAN: Syntax = Syntax { explicit: true, big_endian: true };

    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

const ITEM: Tag = Tag(0xfffe, 0xe000);
const END_OF_ITEM: Tag = Tag(0xfffe, 0xe00d);
const END_OF_SEQUENCE: Tag = Tag(0xfffe, 0xe0dd);
const DELIMITERS: u16 = 0xfffe;
const UNDEFINED: u32 = u32::MAX;

/// So deep may sequences of undefined length lie in each other; in a waveform object they lie six deep.
const MAXIMUM_DEPTH: usize = 64;

/// Where the reading of a data set ended too early.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    CutOff { tag: Option<Tag>, needed: u64, available: u64 },
    Damaged { at: usize, reason: &'static str },
}

impl Fault {
    pub fn error(&self, place: Place<'_>) -> FormatError {
        match self {
            Fault::CutOff { tag, needed, available } => {
                let what = tag.map_or("an element".to_owned(), |tag| format!("element {tag}"));
                place.truncated(what, *needed, *available)
            }
            Fault::Damaged { at, reason } => place.damaged(format!("byte {at} of the data set"), *reason),
        }
    }
}

/// The beginning of an element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub tag: Tag,
    pub vr: Option<VR>,
    /// `None` where a delimiter ends it.
    length: Option<usize>,
    /// Where its value begins.
    value: usize,
}

impl Header {
    pub fn read(bytes: &[u8], at: usize, syntax: Syntax) -> Result<Header, Fault> {
        let available = bytes.len().saturating_sub(at) as u64;
        let cut_off = |needed| Fault::CutOff { tag: None, needed, available };
        let rest = bytes.get(at..).unwrap_or_default();
        let tag = tag_at(bytes, at, syntax).ok_or(cut_off(8))?;
        let &[e, f, g, h] = rest.get(4..).and_then(<[u8]>::first_chunk::<4>).ok_or(cut_off(8))?;
        let length = |length: u32| (length != UNDEFINED).then_some(length as usize);
        if !syntax.explicit || tag.0 == DELIMITERS {
            return Ok(Header { tag, vr: None, length: length(syntax.u32([e, f, g, h])), value: at + 8 });
        }
        let vr = VR::from_binary([e, f]).ok_or(Fault::Damaged { at, reason: "no element begins here" })?;
        if !has_long_header(vr) {
            return Ok(Header { tag, vr: Some(vr), length: Some(usize::from(syntax.u16([g, h]))), value: at + 8 });
        }
        let &long = rest.get(8..).and_then(<[u8]>::first_chunk::<4>).ok_or(cut_off(12))?;
        Ok(Header { tag, vr: Some(vr), length: length(syntax.u32(long)), value: at + 12 })
    }

    /// The encoding of what lies in it. What has lost its type on the way through other software is implicit.
    fn inner(self, syntax: Syntax) -> Syntax {
        if self.vr == Some(VR::UN) { Syntax::IMPLICIT } else { syntax }
    }

    /// Where its value ends, and where the next element begins.
    fn end(self, bytes: &[u8], syntax: Syntax) -> Result<(usize, usize), Fault> {
        match self.length {
            Some(length) => match self.value.checked_add(length) {
                Some(end) if end <= bytes.len() => Ok((end, end)),
                _ => Err(Fault::CutOff {
                    tag: Some(self.tag),
                    needed: length as u64,
                    available: bytes.len().saturating_sub(self.value) as u64,
                }),
            },
            None => end_of_undefined(bytes, self.value, self.inner(syntax)),
        }
    }
}

fn tag_at(bytes: &[u8], at: usize, syntax: Syntax) -> Option<Tag> {
    let &[a, b, c, d] = bytes.get(at..)?.first_chunk::<4>()?;
    Some(Tag(syntax.u16([a, b]), syntax.u16([c, d])))
}

/// The encoding of a data set that begins here, where the first two elements are such as files begin with.
pub(super) fn recognised(bytes: &[u8]) -> Option<Syntax> {
    [Syntax::EXPLICIT, Syntax::BIG_ENDIAN, Syntax::IMPLICIT].into_iter().find(|&syntax| {
        let Ok(first @ Header { length: Some(..=1024), .. }) = Header::read(bytes, 0, syntax) else { return false };
        let second = first.end(bytes, syntax).and_then(|(_, next)| Header::read(bytes, next, syntax));
        matches!(first.tag.0, 0x0002 | 0x0008)
            && second.is_ok_and(|second| first.tag < second.tag && second.tag.0 <= 0x0010)
    })
}

/// Whether two unused bytes and a length of 32 bits follow the type (PS3.5, table 7.1-1).
fn has_long_header(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

/// Where a sequence or item that is ended by a delimiter ends, and where what follows it begins.
fn end_of_undefined(bytes: &[u8], start: usize, syntax: Syntax) -> Result<(usize, usize), Fault> {
    let mut open = vec![syntax];
    let mut at = start;
    while let Some(&syntax) = open.last() {
        let header = Header::read(bytes, at, syntax)?;
        if matches!(header.tag, END_OF_ITEM | END_OF_SEQUENCE) {
            open.pop();
            if open.is_empty() {
                return Ok((at, header.value));
            }
            at = header.value;
        } else if header.length.is_some() {
            (_, at) = header.end(bytes, syntax)?;
        } else if open.len() < MAXIMUM_DEPTH {
            open.push(header.inner(syntax));
            at = header.value;
        } else {
            return Err(Fault::Damaged { at, reason: "sequences lie too deep in each other" });
        }
    }
    Ok((at, at))
}

/// More waveforms or channels than any ECG has are not listed.
const MAXIMUM_ITEMS: usize = 1000;

/// One element with its value as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    tag: Tag,
    pub vr: Option<VR>,
    pub value: &'a [u8],
    pub syntax: Syntax,
}

impl<'a> Element<'a> {
    /// The text, without the spaces or zero bytes that make its length even.
    pub fn text(&self) -> Cow<'a, str> {
        let padding = |byte: &u8| matches!(byte, 0 | b' ');
        let start = self.value.iter().position(|byte| !padding(byte)).unwrap_or(self.value.len());
        let end = self.value.iter().rposition(|byte| !padding(byte)).map_or(start, |last| last + 1);
        let text = self.value.get(start..end).unwrap_or_default();
        // Of the other character sets Latin-1 is the usual one; what is read here is ASCII anyway, save the identifier.
        std::str::from_utf8(text).map_or_else(|_| text.iter().map(|&byte| char::from(byte)).collect(), Cow::Borrowed)
    }

    pub fn number(&self) -> Option<f64> {
        self.text().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A whole number of two or four bytes.
    pub fn unsigned(&self) -> Option<u32> {
        match *self.value {
            [a, b] => Some(self.syntax.u16([a, b]).into()),
            [a, b, c, d] => Some(self.syntax.u32([a, b, c, d])),
            _ => None,
        }
    }

    /// The data sets in a sequence, and what is wrong with the one after the last.
    pub fn items(&self) -> (Vec<DataSet<'a>>, Option<Fault>) {
        let mut items = Vec::new();
        let mut at = 0;
        loop {
            match self.item(at) {
                Ok(Some(_)) if items.len() >= MAXIMUM_ITEMS => {
                    return (items, Some(Fault::Damaged { at, reason: "a sequence has too many items" }));
                }
                Ok(Some((item, next))) => {
                    items.push(item);
                    at = next;
                }
                Ok(None) => return (items, None),
                Err(fault) => return (items, Some(fault)),
            }
        }
    }

    /// The data set of a sequence that begins here, and where the next one does; `None` at the end.
    fn item(&self, at: usize) -> Result<Option<(DataSet<'a>, usize)>, Fault> {
        if at >= self.value.len() {
            return Ok(None);
        }
        let header = Header::read(self.value, at, self.syntax)?;
        match header.tag {
            END_OF_SEQUENCE => return Ok(None),
            ITEM => {}
            _ => return Err(Fault::Damaged { at, reason: "an item of a sequence is expected" }),
        }
        let (end, next) = header.end(self.value, self.syntax)?;
        Ok(Some((DataSet::read(self.value.get(header.value..end).unwrap_or_default(), self.syntax), next)))
    }
}

/// The elements of a file or of an item in a sequence.
#[derive(Debug, Default)]
pub(super) struct DataSet<'a> {
    elements: Vec<Element<'a>>,
    /// Why elements after these may be missing.
    pub fault: Option<Fault>,
}

impl<'a> DataSet<'a> {
    pub fn read(bytes: &'a [u8], syntax: Syntax) -> DataSet<'a> {
        DataSet::read_while(bytes, syntax, |_| true).0
    }

    /// Reads elements as long as their tags are wanted; also says where the first other one begins.
    pub fn read_while(bytes: &'a [u8], syntax: Syntax, wanted: fn(Tag) -> bool) -> (DataSet<'a>, usize) {
        let mut data_set = DataSet::default();
        let mut at = 0;
        while at < bytes.len() {
            if tag_at(bytes, at, syntax).is_some_and(|tag| !wanted(tag)) {
                break;
            }
            let header = match Header::read(bytes, at, syntax) {
                Ok(header) => header,
                Err(fault) => {
                    data_set.fault = Some(fault);
                    break;
                }
            };
            match header.end(bytes, syntax) {
                Ok((end, next)) => {
                    let value = bytes.get(header.value..end).unwrap_or_default();
                    let syntax = header.inner(syntax);
                    data_set.elements.push(Element { tag: header.tag, vr: header.vr, value, syntax });
                    at = next;
                }
                Err(fault) => {
                    data_set.fault = Some(fault);
                    break;
                }
            }
        }
        (data_set, at)
    }

    pub fn get(&self, tag: Tag) -> Option<&Element<'a>> {
        self.elements.iter().find(|element| element.tag == tag)
    }

    /// The text of an element that is there and not empty.
    pub fn text(&self, tag: Tag) -> Option<Cow<'a, str>> {
        self.get(tag).map(Element::text).filter(|text| !text.is_empty())
    }

    pub fn number(&self, tag: Tag) -> Option<f64> {
        self.get(tag)?.number()
    }

    /// The first data set of a sequence, such as the one code that most sequences hold.
    pub fn first_item(&self, tag: Tag) -> Option<DataSet<'a>> {
        self.get(tag)?.item(0).ok()?.map(|(item, _)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sequences_are_not_listed() {
        let empty_item = [0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0];
        for (count, listed) in [(1000, 1000), (1001, 1000), (100_000, 1000)] {
            let value = empty_item.repeat(count);
            let element = Element { tag: ITEM, vr: None, value: &value, syntax: Syntax::IMPLICIT };
            let (items, fault) = element.items();
            assert_eq!((items.len(), fault.is_some()), (listed, count > listed));
            let data_set = DataSet { elements: vec![element], fault: None };
            assert!(data_set.first_item(ITEM).is_some());
        }
    }
}
