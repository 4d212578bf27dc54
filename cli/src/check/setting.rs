//! Where an instance runs, as its configuration and the command line say.
use crate::args::Check;
use crate::failure::Failure;
use crate::ports::{self, Protocol};
use crate::qemu::neighbours;
use policy::config::RunConfig;
use policy::diagnostic::Span;
use policy::lint::{Forward, Setting, UserNetwork};

/// Of the object `RunConfig`, and of options that replace its ports.
pub fn of(run: &RunConfig, arguments: &Check) -> Result<Setting, Failure> {
    let tcp = forwards(Protocol::Tcp, &run.ports, &run.port_spans, &arguments.port)?;
    let udp = forwards(Protocol::Udp, &run.udp_ports, &run.udp_port_spans, &arguments.udp)?;
    Ok(Setting {
        user_network: run.tap_name.is_none().then(|| user_network(run)),
        has_static_address: run.ip_address.is_some(),
        forwards: [tcp, udp].concat(),
    })
}

fn forwards(
    protocol: Protocol,
    written: &[String],
    spans: &[Span],
    options: &[String],
) -> Result<Vec<Forward>, Failure> {
    let (written, spans) = if options.is_empty() { (written, spans) } else { (options, &[][..]) };
    let forward = |(at, text): (usize, &String)| {
        let parsed = ports::parse(protocol, text).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(Forward {
            written: text.clone(),
            span: spans.get(at).cloned(),
            is_udp: protocol == Protocol::Udp,
            ports: parsed.iter().map(|forward| forward.guest).collect(),
        })
    };
    written.iter().enumerate().map(forward).collect()
}

fn user_network(run: &RunConfig) -> UserNetwork {
    let Some(instance) = run.ip_address else { return UserNetwork::default() };
    let prefix = run.netmask.map_or(24, |mask| mask.to_bits().leading_ones() as u8);
    let (host, names) = neighbours(instance, prefix, run.gateway);
    UserNetwork { instance, host, names }
}
