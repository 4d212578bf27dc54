//! Hardware addresses: `52:54:00:12:34:56`.
use std::fmt;
use std::str::FromStr;

/// The hardware address of a network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// QEMU's own default.
    pub const DEFAULT: Mac = Mac([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut mac = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut mac {
            let part = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()));
            let part = part.ok_or("six bytes in hexadecimal are expected, as in 52:54:00:12:34:56")?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| "no hexadecimal byte")?;
        }
        match mac {
            _ if parts.next().is_some() => Err("six bytes are expected, no more"),
            [0, 0, 0, 0, 0, 0] => Err("a network card cannot have the address of all zeroes"),
            [first, ..] if first & 1 == 1 => {
                Err("a network card cannot have the address of a group (its first byte is odd)")
            }
            _ => Ok(Mac(mac)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        assert_eq!("52:54:00:12:34:56".parse(), Ok(Mac::DEFAULT));
        assert_eq!("0A:bc:00:00:00:ff".parse::<Mac>().unwrap().to_string(), "0a:bc:00:00:00:ff");
    }

    #[test]
    fn what_no_card_can_have_is_refused() {
        for text in
            ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "52-54-00-12-34-56", "5254:00:12:34:56", "+2:54:00:12:34:56"]
        {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
        assert!("00:00:00:00:00:00".parse::<Mac>().is_err());
        assert!("ff:ff:ff:ff:ff:ff".parse::<Mac>().is_err());
    }
}
