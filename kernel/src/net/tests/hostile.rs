//! Frames that nobody should send: whatever they are, the network goes on.
use super::packets::{ACK, RST, SYN, Segment, arp_reply, arp_request, fragments, neighbour_solicitation};
use super::packets::{ping, ping_v6, syn, udp};
use super::world::{OURS, PEER, World, of};
use core::time::Duration;
use proptest::prelude::*;
use smoltcp::wire::{EthernetFrame, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};

fn samples() -> Vec<Vec<u8>> {
    let datagram = udp((PEER.into(), 4000), (OURS.into(), 53), b"datagram");
    let dhcp = udp((PEER.into(), 67), (OURS.into(), 68), &[1; 300]);
    let mut samples = vec![arp_request(OURS), arp_reply(), neighbour_solicitation(), ping(PEER, b"ping"), ping_v6()];
    samples.extend([datagram.clone(), dhcp, syn(5000, 80).frame()]);
    samples.extend(fragments(&ping(PEER, &[1; 100]), 48));
    samples.extend(fragments(&udp((PEER.into(), 4000), (OURS.into(), 53), &[1; 100]), 48));
    samples
}

/// Makes checksums right again, so that a change gets further than to them.
fn repair(frame: &mut [u8]) {
    let Ok(mut ethernet) = EthernetFrame::new_checked(frame) else { return };
    let Ok(mut packet) = Ipv4Packet::new_checked(ethernet.payload_mut()) else { return };
    packet.fill_checksum();
    let (source, destination) = (packet.src_addr().into(), packet.dst_addr().into());
    match packet.next_header() {
        IpProtocol::Tcp => {
            if let Ok(mut segment) = TcpPacket::new_checked(packet.payload_mut()) {
                segment.fill_checksum(&source, &destination);
            }
        }
        IpProtocol::Udp => {
            if let Ok(mut datagram) = UdpPacket::new_checked(packet.payload_mut()) {
                datagram.fill_checksum(&source, &destination);
            }
        }
        _ => {}
    }
}

fn alive(world: &mut World) {
    let port = 1 + (world.now.as_micros() % 60_000) as u16;
    world.exchange(&arp_reply());
    let sent = world.exchange(&Segment { from: (PEER.into(), port), ..syn(port, 9999) }.frame());
    assert!(!sent.is_empty(), "it still answers");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_bytes_are_survived(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8)) {
        let mut world = World::open();
        for frame in frames {
            world.exchange(&frame);
        }
        alive(&mut world);
    }

    #[test]
    fn changed_frames_are_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..24),
    ) {
        let mut world = World::open();
        let _listener = world.listener(80, 8);
        let samples = samples();
        for (which, place, value, right) in changes {
            let mut frame = samples[which.index(samples.len())].clone();
            // Not the destination's hardware address: most would end there.
            let place = 6 + place.index(frame.len() - 6);
            frame[place] = value;
            if right {
                repair(&mut frame);
            }
            world.exchange(&frame);
            world.now += Duration::from_millis(u64::from(value) * 10);
        }
        alive(&mut world);
    }

    #[test]
    fn any_segments_of_a_connection_are_survived(
        segments in prop::collection::vec((any::<u8>(), -20_000..20_000_i32, -3..3_i32, 0..1460_usize, 0..4_u8), 1..40),
    ) {
        let mut world = World::open();
        let listener = world.listener(80, 8);
        world.exchange(&arp_reply());
        let answer = Segment::parse(&world.exchange(&syn(5000, 80).frame())[0]).unwrap();
        let mut acknowledged = answer.seq.wrapping_add(1);
        let ack = Segment { flags: ACK, seq: 1001, ack: acknowledged, ..syn(5000, 80) };
        world.exchange(&ack.frame());
        let mut socket = of(&listener).accept().ok().map(|(socket, _)| socket);
        for (flags, seq, ahead, length, act) in segments {
            let segment = Segment {
                flags: flags & (SYN | RST | ACK),
                seq: 1001_u32.wrapping_add_signed(seq),
                ack: acknowledged.wrapping_add_signed(ahead),
                bytes: vec![1; length],
                ..syn(5000, 80)
            };
            let mut frame = segment.frame();
            frame[47] = flags;
            repair(&mut frame);
            let sent = world.exchange(&frame);
            if let Some(last) = sent.iter().rev().find_map(|frame| Segment::parse(frame)) {
                acknowledged = last.seq.wrapping_add(last.bytes.len() as u32);
            }
            if let Some(open) = &socket {
                match act {
                    0 => drop(open.write(&[2; 3000], 0)),
                    1 => drop(open.read(&mut [0; 9000], 0)),
                    2 => drop(of(open).shutdown(false, true)),
                    _ => socket = None,
                }
            }
            world.now += Duration::from_millis(u64::from(flags) * 20);
        }
        alive(&mut world);
    }
}
