//! Capture files for tests, made byte by byte.
use policy::packet;

/// A file that is made, in either byte order.
pub struct Made {
    pub bytes: Vec<u8>,
    is_big: bool,
}

/// A packet in words as the frame that carries it.
pub fn frame(words: &str) -> Vec<u8> {
    packet::frame(&packet::parse(words).unwrap_or_else(|error| panic!("{words}: {error}")))
}

impl Made {
    /// Begins pcap with microseconds.
    pub fn pcap(link: u32, is_big: bool) -> Self {
        Self::pcap_as(0xa1b2_c3d4, link, is_big)
    }

    /// Begins pcap with this magic number.
    pub fn pcap_as(magic: u32, link: u32, is_big: bool) -> Self {
        let mut made = Self { bytes: vec![], is_big };
        made.word(magic).half(2).half(4).word(0).word(0).word(262_144).word(link);
        made
    }

    /// Begins pcapng with a section that says its length.
    pub fn pcapng(is_big: bool) -> Self {
        let mut made = Self { bytes: vec![], is_big };
        made.section();
        made
    }

    /// Adds a section.
    pub fn section(&mut self) -> &mut Self {
        self.word(0x0a0d_0d0a).word(28).word(0x1a2b_3c4d).half(1).half(0).word(0).word(1 << 20).word(28)
    }

    /// Adds an interface with nanoseconds.
    pub fn interface(&mut self, link: u16) -> &mut Self {
        self.word(1).word(32).half(link).half(0).word(0);
        // The option if_tsresol, and the end of options.
        self.half(9).half(1);
        self.bytes.extend([9, 0, 0, 0]);
        self.half(0).half(0).word(32)
    }

    /// Adds a packet to pcap: so many microseconds or nanoseconds after the second, `length` long before it was cut.
    pub fn record(&mut self, second: u32, part: u32, data: &[u8], length: usize) -> &mut Self {
        self.word(second).word(part).word(data.len() as u32).word(length as u32);
        self.bytes.extend(data);
        self
    }

    /// Adds a packet of an interface to pcapng.
    pub fn enhanced(&mut self, interface: u32, nanoseconds: u64, data: &[u8], length: usize) -> &mut Self {
        let size = 32 + data.len().next_multiple_of(4) as u32;
        self.word(6).word(size).word(interface).word((nanoseconds >> 32) as u32).word(nanoseconds as u32);
        self.word(data.len() as u32).word(length as u32).padded(data).word(size)
    }

    /// Adds a packet without time to pcapng.
    pub fn simple(&mut self, data: &[u8]) -> &mut Self {
        let size = 16 + data.len().next_multiple_of(4) as u32;
        self.word(3).word(size).word(data.len() as u32).padded(data).word(size)
    }

    fn padded(&mut self, data: &[u8]) -> &mut Self {
        self.bytes.extend(data);
        self.bytes.resize(self.bytes.len() + data.len().next_multiple_of(4) - data.len(), 0);
        self
    }

    fn word(&mut self, word: u32) -> &mut Self {
        self.bytes.extend(if self.is_big { word.to_be_bytes() } else { word.to_le_bytes() });
        self
    }

    fn half(&mut self, half: u16) -> &mut Self {
        self.bytes.extend(if self.is_big { half.to_be_bytes() } else { half.to_le_bytes() });
        self
    }
}
