//! Addresses, messages and options of sockets.
use super::known;
use super::names::Names;
use super::printer::Printer;
use super::text::{quote, quote_start};
use super::values::{bytes, pointer};
use core::net::{Ipv4Addr, Ipv6Addr};
use linux_raw_sys::net::{AF_INET, AF_INET6, AF_UNIX};

/// An address whose length is the next argument.
pub fn address(p: &mut Printer<'_>, index: usize) {
    put_address(p, p.arg(index), p.arg(index + 1));
}

/// An address that the kernel fills in; the next argument points at its length.
pub fn address_out(p: &mut Printer<'_>, index: usize) {
    let length: Option<u32> = p.value(p.arg(index + 1));
    match length.filter(|_| p.succeeded()) {
        Some(length) => put_address(p, p.arg(index), u64::from(length.min(p.before))),
        None => pointer(p, index),
    }
}

/// The length of it.
pub fn length_out(p: &mut Printer<'_>, index: usize) {
    let before = p.before;
    p.pointed(p.arg(index), |p, length: u32| match length == before {
        true => p.put(format_args!("[{length}]")),
        false => p.put(format_args!("[{before} => {length}]")),
    });
}

fn put_address(p: &mut Printer<'_>, at: u64, length: u64) {
    let Some(bytes) = p.bytes(at, length.min(128)) else { return p.pointer(at) };
    let [family, port] = [bytes.get(..2), bytes.get(2..4)].map(|part| part.and_then(|part| part.try_into().ok()));
    let family = u32::from(family.map_or(0, u16::from_le_bytes));
    let port = port.map_or(0, u16::from_be_bytes);
    let (v4, v6): (Option<&[u8; 4]>, Option<&[u8; 16]>) =
        (bytes.get(4..).and_then(<[u8]>::first_chunk), bytes.get(8..).and_then(<[u8]>::first_chunk));
    p.push("{sa_family=");
    p.one(&known::FAMILY, u64::from(family));
    match (family, v4, v6) {
        (AF_INET, Some(v4), _) => {
            let v4 = Ipv4Addr::from(*v4);
            p.put(format_args!(", sin_port=htons({port}), sin_addr=inet_addr(\"{v4}\")"));
        }
        (AF_INET6, Some(flow), Some(v6)) => {
            let scope = bytes.get(24..28).and_then(|part| part.try_into().ok()).map_or(0, u32::from_le_bytes);
            let (flow, v6) = (u32::from_be_bytes(*flow), Ipv6Addr::from(*v6));
            p.put(format_args!(
                ", sin6_port=htons({port}), sin6_flowinfo=htonl({flow}), inet_pton(AF_INET6, \"{v6}\", &sin6_addr), \
                 sin6_scope_id={scope}"
            ));
        }
        (AF_UNIX, ..) => match bytes.get(2..).unwrap_or_default() {
            [] => {}
            [0, name @ ..] => p.put(format_args!(", sun_path=@{}", quote(name))),
            path => {
                let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
                p.put(format_args!(", sun_path={}", quote(path)));
            }
        },
        _ => p.put(format_args!(", sa_data={}", quote_start(bytes.get(2..).unwrap_or_default()))),
    }
    p.push("}");
}

/// An array of `struct iovec` that is passed; its length is the next argument.
pub fn vector(p: &mut Printer<'_>, index: usize) {
    put_vector(p, p.arg(index), p.arg(index + 1), u64::MAX);
}

/// The same, filled by the call: what it gives is the length of all together.
pub fn vector_out(p: &mut Printer<'_>, index: usize) {
    if p.succeeded() {
        put_vector(p, p.arg(index), p.arg(index + 1), p.length() as u64);
    } else {
        pointer(p, index);
    }
}

fn put_vector(p: &mut Printer<'_>, at: u64, count: u64, mut left: u64) {
    if p.value::<[u64; 2]>(at).is_none() {
        return if count == 0 && at != 0 { p.push("[]") } else { p.pointer(at) };
    }
    p.array(count, |p, index| {
        let Some([start, length]) = p.value::<[u64; 2]>(at.wrapping_add(index * 16)) else { return false };
        p.push("{iov_base=");
        bytes(p, start, length.min(left));
        p.put(format_args!(", iov_len={length}}}"));
        left = left.saturating_sub(length);
        true
    });
}

/// `struct msghdr` that is sent.
pub fn message(p: &mut Printer<'_>, index: usize) {
    put_message(p, p.arg(index), u64::MAX);
}

/// `struct msghdr` that the call fills.
pub fn message_out(p: &mut Printer<'_>, index: usize) {
    if p.succeeded() { put_message(p, p.arg(index), p.length() as u64) } else { pointer(p, index) }
}

fn put_message(p: &mut Printer<'_>, at: u64, left: u64) {
    p.pointed(at, |p, [name, name_length, vector, count, control, control_length, flags]: [u64; 7]| {
        let name_length = name_length & 0xffff_ffff;
        p.push("{msg_name=");
        put_address(p, name, name_length);
        p.put(format_args!(", msg_namelen={name_length}, msg_iov="));
        put_vector(p, vector, count, left);
        p.put(format_args!(", msg_iovlen={count}"));
        if control != 0 && control_length > 0 {
            p.put(format_args!(", msg_control={control:#x}"));
        }
        p.put(format_args!(", msg_controllen={control_length}, msg_flags="));
        p.flags(&known::MESSAGE, flags);
        p.push("}");
    });
}

fn options(level: u64) -> &'static Names {
    match level {
        0 => &known::IP_OPTION,
        1 => &known::SOCKET_OPTION,
        41 => &known::IPV6_OPTION,
        _ => &known::TCP_OPTION,
    }
}

/// The level, the option, its value and length: setsockopt(2).
pub fn set_option(p: &mut Printer<'_>, index: usize) {
    option(p, index);
    let (value, length) = (p.arg(3), p.arg(4));
    match length as u32 {
        4 => p.pointed(value, |p, value: i32| p.put(format_args!("[{value}]"))),
        8 if p.arg(2) == 13 => p.pointed(value, |p, [on, time]: [i32; 2]| {
            p.put(format_args!("{{l_onoff={on}, l_linger={time}}}"));
        }),
        length => bytes(p, value, u64::from(length)),
    }
    p.put(format_args!(", {}", length as i32));
}

/// The level and the option: getsockopt(2).
pub fn option(p: &mut Printer<'_>, index: usize) {
    p.one(&known::SOCKET_LEVEL, p.arg(index));
    p.push(", ");
    p.one(options(p.arg(index)), p.arg(index + 1));
    p.push(", ");
}

/// What getsockopt(2) fills in.
pub fn option_out(p: &mut Printer<'_>, _index: usize) {
    let (value, length) = (p.arg(3), p.value::<u32>(p.arg(4)));
    match length.filter(|_| p.succeeded()) {
        Some(4) => p.pointed(value, |p, value: i32| p.put(format_args!("[{value}]"))),
        Some(length) => bytes(p, value, u64::from(length)),
        None => p.pointer(value),
    }
    p.push(", ");
    length_out(p, 4);
}

/// The third argument of socket(2), by the first.
pub fn protocol(p: &mut Printer<'_>, index: usize) {
    match p.arg(0) as u32 {
        AF_INET | AF_INET6 => p.one(&known::PROTOCOL, p.arg(index)),
        _ => super::values::int(p, index),
    }
}
