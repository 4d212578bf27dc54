//! What frames are and why they get their verdict, in words.
use firewall::{Action, Cause, Verdict};
use policy::packet;

/// The verdict in a word.
pub fn verdict(action: Action) -> &'static str {
    match action {
        Action::Accept => "accept",
        Action::Drop => "drop",
    }
}

/// The cause in a word or two.
pub fn cause(cause: Cause) -> String {
    match cause {
        Cause::Rule(number) => format!("rule {}", u64::from(number) + 1),
        Cause::Default => "default".into(),
        Cause::Malformed(_) => "malformed".into(),
        Cause::NotIp => "not IP".into(),
        Cause::Arp => "ARP".into(),
    }
}

/// The name of the kind of cause, for scripts.
pub fn kind(cause: Cause) -> &'static str {
    match cause {
        Cause::Rule(_) => "rule",
        Cause::Default => "default",
        Cause::Malformed(_) => "malformed",
        Cause::NotIp => "not-ip",
        Cause::Arp => "arp",
    }
}

/// What is in a frame.
pub fn frame(frame: &[u8], verdict: &Verdict) -> String {
    match (&verdict.packet, verdict.cause) {
        (Some(packet), _) => packet::describe(packet),
        (None, Cause::Malformed(reason)) => format!("malformed: {reason}"),
        (None, Cause::Arp) => "ARP".into(),
        (None, _) => ethertype(frame),
    }
}

/// What is neither IP nor ARP, by its ethertype (IEEE, "EtherType").
fn ethertype(frame: &[u8]) -> String {
    let number = match (frame.get(12), frame.get(13)) {
        (Some(high), Some(low)) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    };
    let name = match number {
        0 => return "neither IP nor ARP".into(),
        1..0x600 => return "an IEEE 802.3 frame, with a length for an ethertype".into(),
        0x8100 => "a frame with an 802.1Q tag (VLAN)",
        0x88a8 => "a frame with an 802.1ad tag (VLAN)",
        0x8847 | 0x8848 => "MPLS",
        0x8863 | 0x8864 => "PPPoE",
        0x888e => "802.1X",
        0x88cc => "LLDP",
        _ => return format!("ethertype 0x{number:04x}"),
    };
    format!("{name}, ethertype 0x{number:04x}")
}
