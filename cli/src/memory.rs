//! Sizes of memory: `64M`, `1G`; a bare number is MiB, as with QEMU.

/// What a machine gets unless told otherwise, in bytes.
pub const DEFAULT: u64 = 128 << 20;

const LEAST: u64 = 16 << 20;

/// Reads a size, to bytes.
pub fn parse(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let shift = match unit.to_ascii_lowercase().as_str() {
        "k" | "kb" | "kib" => 10,
        "" | "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(format!("`{unit}` is no unit of memory: M or G is expected, as in 64M")),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("a number and M or G is expected, as in 64M".into());
    }
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    let bytes = bytes.filter(|bytes| *bytes <= 1 << 40).ok_or("more than 1024G cannot be had")?;
    if bytes < LEAST {
        return Err(format!("at least {}M is needed", LEAST >> 20));
    }
    Ok(bytes)
}

/// Writes a size for people: `1.5 MiB`.
pub fn show(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} bytes"),
        1024..0x10_0000 => (1 << 10, "KiB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MiB"),
        _ => (1_u64 << 30, "GiB"),
    };
    let tenths = bytes * 10 / unit;
    if tenths.is_multiple_of(10) {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_unit() {
        assert_eq!(parse("64"), Ok(64 << 20));
        assert_eq!(parse("64M"), Ok(64 << 20));
        assert_eq!(parse("65536k"), Ok(64 << 20));
        assert_eq!(parse("2g"), Ok(2 << 30));
        assert_eq!(parse("1GiB"), Ok(1 << 30));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "M", "-1M", "1.5G", "64 M", "64X", "1M", "99999999999999999999", "2000G"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_in_their_unit() {
        assert_eq!(show(12), "12 bytes");
        assert_eq!(show(1536), "1.5 KiB");
        assert_eq!(show(64 << 20), "64 MiB");
        assert_eq!(show((1 << 30) + (1 << 29)), "1.5 GiB");
    }
}
