//! Options of TCP sockets (tcp(7), socket(7)).
use super::{Inner, Role, TcpSocket};
use crate::errno::Errno;
use crate::net::address;
use crate::net::connection::Connection;
use crate::net::options::{IP, IPV6, TCP};
use crate::net::stack::Stack;
use alloc::vec::Vec;
use linux_raw_sys::net as linux;
use smoltcp::socket::tcp::State;

/// The longest name of a congestion control, its end included (TCP_CA_NAME_MAX).
const NAME: usize = 16;
/// The bytes of `struct tcp_info` before what Linux 3.15 added to it.
const INFO: usize = 104;
/// Where some of its fields are.
const INFO_RTO: usize = 8;
const INFO_SEND_MSS: usize = 16;
const INFO_RECEIVE_MSS: usize = 20;
const INFO_UNACKNOWLEDGED: usize = 24;
const INFO_PATH_MTU: usize = 60;
const INFO_WINDOW: usize = 80;
const INFO_ADVERTISED_MSS: usize = 84;
/// The largest segment over Ethernet, and what holds it.
const MSS: u32 = 1460;
const MTU: u32 = 1500;

impl TcpSocket {
    pub(super) fn change_option(
        &self,
        inner: &mut Inner,
        stack: &mut Stack,
        (level, name): (u32, u32),
        value: i32,
    ) -> Result<(), Errno> {
        let within =
            |most: u32| u32::try_from(value).ok().filter(|value| (1..=most).contains(value)).ok_or(Errno::EINVAL);
        let options = &mut inner.options;
        match (level, name) {
            (linux::SOL_SOCKET, linux::SO_KEEPALIVE) => options.keep_alive = value != 0,
            (TCP, linux::TCP_NODELAY) => options.no_delay = value != 0,
            (TCP, linux::TCP_CORK) => options.cork = value != 0,
            (TCP, linux::TCP_KEEPIDLE) => options.idle = within(32767)?,
            (TCP, linux::TCP_KEEPINTVL) => options.interval = within(32767)?,
            (TCP, linux::TCP_KEEPCNT) => options.probes = within(127)?,
            (TCP, linux::TCP_USER_TIMEOUT) => options.patience = u32::try_from(value).map_err(|_| Errno::EINVAL)?,
            (TCP, linux::TCP_QUICKACK | linux::TCP_DEFER_ACCEPT | linux::TCP_FASTOPEN | linux::TCP_SYNCNT) => {}
            (TCP, linux::TCP_LINGER2 | linux::TCP_WINDOW_CLAMP | linux::TCP_NOTSENT_LOWAT | linux::TCP_MAXSEG) => {}
            (TCP, linux::TCP_FASTOPEN_CONNECT) => {}
            (IP, linux::IP_PKTINFO) | (IPV6, linux::IPV6_RECVPKTINFO) => {}
            _ => return inner.generic.set(level, name, value),
        }
        self.apply_options(inner, stack);
        Ok(())
    }

    pub(super) fn get_option(
        &self,
        inner: &mut Inner,
        stack: &mut Stack,
        (level, name): (u32, u32),
    ) -> Result<i32, Errno> {
        let options = &inner.options;
        Ok(match (level, name) {
            (linux::SOL_SOCKET, linux::SO_TYPE) => linux::SOCK_STREAM as i32,
            (linux::SOL_SOCKET, linux::SO_PROTOCOL) => TCP as i32,
            (linux::SOL_SOCKET, linux::SO_DOMAIN) => address::family(self.version),
            (linux::SOL_SOCKET, linux::SO_ACCEPTCONN) => matches!(inner.role, Role::Listening(_)).into(),
            (linux::SOL_SOCKET, linux::SO_KEEPALIVE) => options.keep_alive.into(),
            (linux::SOL_SOCKET, linux::SO_ERROR) => {
                let fault = match &inner.role {
                    Role::Connected { id, .. } => stack.connections.get_mut(id).and_then(Connection::take_fault),
                    Role::Local { end, .. } => end.take_fault(),
                    Role::Fresh(_) | Role::Listening(_) => None,
                };
                fault.map_or(0, |fault| fault.0)
            }
            (TCP, linux::TCP_NODELAY) => options.no_delay.into(),
            (TCP, linux::TCP_CORK) => options.cork.into(),
            (TCP, linux::TCP_KEEPIDLE) => options.idle as i32,
            (TCP, linux::TCP_KEEPINTVL) => options.interval as i32,
            (TCP, linux::TCP_KEEPCNT) => options.probes as i32,
            (TCP, linux::TCP_USER_TIMEOUT) => options.patience as i32,
            (TCP, linux::TCP_MAXSEG) => MSS as i32,
            (TCP, linux::TCP_QUICKACK) => 1,
            (TCP, linux::TCP_DEFER_ACCEPT | linux::TCP_FASTOPEN) => 0,
            _ => return inner.generic.get(level, name),
        })
    }

    pub(super) fn get_option_bytes(
        &self,
        inner: &mut Inner,
        stack: &mut Stack,
        (level, name): (u32, u32),
    ) -> Result<Vec<u8>, Errno> {
        Ok(match (level, name) {
            // There is no other: smoltcp sends what the window takes.
            (TCP, linux::TCP_CONGESTION) => {
                let mut name = b"reno".to_vec();
                name.resize(NAME, 0);
                name
            }
            (TCP, linux::TCP_INFO) => info(inner, stack),
            (linux::SOL_SOCKET, linux::SO_LINGER) => inner.generic.linger_bytes(),
            _ => self.get_option(inner, stack, (level, name))?.to_ne_bytes().to_vec(),
        })
    }
}

/// `struct tcp_info`: the state, and what is known of the rest.
fn info(inner: &Inner, stack: &Stack) -> Vec<u8> {
    let mut info = alloc::vec![0; INFO];
    let (state, unacknowledged) = match &inner.role {
        Role::Fresh(_) => (7, 0),
        Role::Listening(_) => (10, 0),
        Role::Connected { id, .. } => stack.connections.get(id).map_or((7, 0), |connection| {
            (number(connection.state()), u32::try_from(connection.unsent()).unwrap_or(u32::MAX).div_ceil(MSS))
        }),
        Role::Local { end, .. } => (if end.is_over() { 7 } else { 1 }, 0),
    };
    let fields = [
        (INFO_RTO, 200_000),
        (INFO_SEND_MSS, MSS),
        (INFO_RECEIVE_MSS, MSS),
        (INFO_UNACKNOWLEDGED, unacknowledged),
        (INFO_PATH_MTU, MTU),
        (INFO_WINDOW, 10),
        (INFO_ADVERTISED_MSS, MSS),
    ];
    for (at, value) in fields {
        if let Some(field) = info.get_mut(at..at + 4) {
            field.copy_from_slice(&u32::to_ne_bytes(value));
        }
    }
    if let Some(field) = info.first_mut() {
        *field = state;
    }
    info
}

/// A state's number on Linux (`include/net/tcp_states.h`).
fn number(state: State) -> u8 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait => 6,
        State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Listen => 10,
        State::Closing => 11,
    }
}
