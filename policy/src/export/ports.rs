//! The policy of ports alone.
use crate::policy::{Action, Addresses, Network, Policy, Ports, Rule, Transport, Values};
use core::ops::RangeInclusive;

/// What `ops instance create -p` opens: these ports of TCP and of UDP for any IPv4 address (0.0.0.0/0), and nothing else.
pub fn opened(tcp: &[RangeInclusive<u16>], udp: &[RangeInclusive<u16>]) -> Policy {
    let rule = |ranges: &[RangeInclusive<u16>], transport: fn(Ports) -> Transport| {
        let destination = Some(Values { negated: false, members: ranges.to_vec() });
        let anywhere = Addresses { source: None, destination: None, fragment: None, protocol: None };
        (!ranges.is_empty()).then(|| Rule {
            network: Some(Network::Ipv4(anywhere)),
            transport: Some(transport(Ports { source: None, destination })),
            action: Action::Accept,
            span: 0..0,
        })
    };
    let rules = rule(tcp, Transport::Tcp).into_iter().chain(rule(udp, Transport::Udp)).collect();
    Policy { rules, default: Action::Drop, lists: Vec::new() }
}
