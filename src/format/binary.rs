//! Fields of binary headers, least significant byte first, their texts, and the checksum that two of the formats share.

use std::borrow::Cow;

/// The rest of a header that is read field by field; `None` where it ends before a field does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
}

/// A text whose encoding nothing says: UTF-8 or, where it is not that, Windows-1252.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// The text before the first zero byte, where there is any.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let text = decoded(bytes.split(|&byte| byte == 0).next().unwrap_or_default());
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The cyclic redundancy check CRC-CCITT: polynomial x¹⁶ + x¹² + x⁵ + 1, all ones at the start.
pub(super) fn crc_ccitt(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, &byte| {
        let mut bits = (crc >> 8) ^ u16::from(byte);
        bits ^= bits >> 4;
        (crc << 8) ^ (bits << 12) ^ (bits << 5) ^ bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_where_the_bytes_do() {
        let mut fields = Fields(&[1, 2, 0, 0xff, 0xff, 4, 0, 0, 1, 9]);
        assert_eq!((fields.u8(), fields.u16(), fields.i16()), (Some(1), Some(2), Some(-1)));
        assert_eq!((fields.u32(), fields.u16(), fields.take(1)), (Some(0x0100_0004), None, Some(&[9][..])));
    }

    #[test]
    fn texts_end_at_the_first_zero() {
        assert_eq!(text(b" SBJ-1 \0rest").as_deref(), Some("SBJ-1"));
        assert_eq!(text("Zoë".as_bytes()).as_deref(), Some("Zoë"));
        assert_eq!(text(b"Zo\xeb\0").as_deref(), Some("Zoë"));
        assert_eq!(text(b" \0x"), None);
    }

    #[test]
    fn the_check_value_of_the_catalogue_of_checksums() {
        assert_eq!(crc_ccitt(b"123456789"), 0x29b1);
    }
}
