//! A gRPC peer on tonic. Arguments: `serve` or `call`, address:port, then key=value: ca, cert, key, name, auth.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

type Words = HashMap<String, String>;
type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (what, address) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let words: Words = arguments.filter_map(|word| Some(word.split_once('=')?).map(|(k, v)| (k.into(), v.into()))).collect();
    match what.as_str() {
        "serve" => serve(&address, &words).await,
        _ => call(&address, &words).await,
    }
}

fn identity(words: &Words) -> Result<Option<Identity>, Failure> {
    let (Some(cert), Some(key)) = (words.get("cert"), words.get("key")) else { return Ok(None) };
    Ok(Some(Identity::from_pem(std::fs::read(cert)?, std::fs::read(key)?)))
}

fn authority(words: &Words) -> Result<Option<Certificate>, Failure> {
    let Some(path) = words.get("ca") else { return Ok(None) };
    Ok(Some(Certificate::from_pem(std::fs::read(path)?)))
}

async fn call(address: &str, words: &Words) -> Result<(), Failure> {
    let ca = authority(words)?;
    let scheme = if ca.is_some() { "https" } else { "http" };
    let mut endpoint = Channel::from_shared(format!("{scheme}://{address}"))?;
    if let Some(ca) = ca {
        let mut tls = ClientTlsConfig::new().ca_certificate(ca).domain_name(&words["name"]);
        if let Some(own) = identity(words)? {
            tls = tls.identity(own);
        }
        endpoint = endpoint.tls_config(tls)?;
    }
    let mut client = tonic::client::Grpc::new(endpoint.connect().await?);
    let calls = std::env::var("LAB_CALLS").ok().and_then(|asked| asked.parse().ok()).unwrap_or(2);
    for (path, item) in [("/shop.v1.Inventory/Reserve", "lamp"), ("/shop.v1.Payments/Charge", "order-1")].into_iter().take(calls) {
        client.ready().await?;
        let codec: ProstCodec<String, String> = ProstCodec::default();
        client.unary(Request::new(item.to_owned()), PathAndQuery::from_static(path), codec).await?;
    }
    Ok(())
}

async fn serve(address: &str, words: &Words) -> Result<(), Failure> {
    let mut server = Server::builder();
    if let Some(own) = identity(words)? {
        let mut tls = ServerTlsConfig::new().identity(own);
        let auth = words.get("auth").map_or("require", String::as_str);
        if let Some(ca) = authority(words)?.filter(|_| auth != "none") {
            tls = tls.client_ca_root(ca).client_auth_optional(auth == "optional");
        }
        server = server.tls_config(tls)?;
    }
    server.add_service(Inventory).add_service(Payments).serve(address.parse()?).await?;
    Ok(())
}

#[derive(Clone)]
struct Inventory;
#[derive(Clone)]
struct Payments;

impl NamedService for Inventory {
    const NAME: &'static str = "shop.v1.Inventory";
}

impl NamedService for Payments {
    const NAME: &'static str = "shop.v1.Payments";
}

struct Answer;

impl UnaryService<String> for Answer {
    type Response = String;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Status>> + Send>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(format!("done: {}", request.into_inner()))) })
    }
}

macro_rules! answers {
    ($service:ty) => {
        impl tower_service::Service<http::Request<Body>> for $service {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                Box::pin(async move {
                    let codec: ProstCodec<String, String> = ProstCodec::default();
                    Ok(tonic::server::Grpc::new(codec).unary(Answer, request).await)
                })
            }
        }
    };
}

answers!(Inventory);
answers!(Payments);
