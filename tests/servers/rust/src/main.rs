//! A server as people write it with tokio and hyper: it knows nothing of where it runs. `PORT` names its port, 8080
//! unless set.
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    Runtime::new()?.block_on(serve())
}

async fn serve() -> Result<()> {
    let port: u16 = std::env::var("PORT").as_deref().unwrap_or("8080").parse()?;
    let large = Bytes::from("0123456789abcdef".repeat(64 << 10));
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let large = large.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, large.clone()));
            // A client that goes away is no failure of the server.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, large: Bytes) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(match request.uri().path() {
        "/" => Bytes::from_static(b"hello from Rust\n"),
        "/large" => large,
        _ => Bytes::new(),
    }));
    if !matches!(request.uri().path(), "/" | "/large") {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}
