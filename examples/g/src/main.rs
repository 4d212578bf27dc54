//! A small HTTP server, the example program: one thread a connection, keep-alive.
//!
//! It is an ordinary program for Linux that knows nothing of where it runs. `PORT` names its port, 8080 unless set.
mod request;
mod server;

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::ExitCode;

fn main() -> ExitCode {
    let port = match std::env::var("PORT").as_deref().unwrap_or("8080").parse::<u16>() {
        Ok(port) => port,
        Err(error) => return fail(&format!("PORT is no port: {error}")),
    };
    // `::` takes IPv4 too; where there is no IPv6, IPv4 alone does.
    let listener =
        TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)));
    match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
        Ok((address, listener)) => {
            println!("listening on {address}");
            server::serve(&listener)
        }
        Err(error) => fail(&format!("port {port}: {error}")),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("g: {message}");
    ExitCode::FAILURE
}
