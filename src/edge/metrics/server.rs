//! The socket of the endpoint, and the thread behind it. Few connections at once, few bytes of each, for a short time.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use super::families::{Reading, page};
use super::http::{Answer, Asked, asked};
use crate::model::limits;

/// How long one request with its answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait when the system has no connection to give: no descriptor is left.
const PAUSE: Duration = Duration::from_millis(200);

/// Gives what there is to tell now.
pub type Source = Arc<dyn Fn() -> Reading + Send + Sync>;

/// A socket that listens, and that nobody answers yet.
#[derive(Debug)]
pub struct MetricsServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl MetricsServer {
    /// Listens. To be done while the process still may.
    ///
    /// # Errors
    /// What the system says: the port is taken, or needs a privilege.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens: the port that was given for 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from here on, for as long as the process lives, in a thread of its own.
    ///
    /// # Errors
    /// The system grants no thread.
    pub fn start(self, source: Source) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(self.listener)?
        };
        let named = thread::Builder::new().name("metrics".to_owned());
        named.spawn(move || runtime.block_on(serve(listener, source)))?;
        Ok(())
    }
}

async fn serve(listener: tokio::net::TcpListener, source: Source) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        if open.load(Ordering::Relaxed) >= limits::METRIC_CONNECTIONS {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (open, source) = (Arc::clone(&open), Arc::clone(&source));
        tokio::spawn(async move {
            let _too_slow_or_gone = timeout(PATIENCE, converse(stream, &source)).await;
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn converse(mut stream: TcpStream, source: &Source) -> io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    let answer = loop {
        if head.len() >= limits::METRIC_REQUEST_BYTES {
            break Answer::too_large();
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
        match asked(&head) {
            Asked::More => {}
            Asked::Refused(answer) => break answer,
            Asked::Path(path, true) => break answer(&path, source),
            Asked::Path(path, false) => break answer(&path, source).without_body(),
        }
    };
    stream.write_all(&answer.bytes()).await?;
    stream.shutdown().await?;
    // Closed with bytes unread, the connection would be reset, and the answer might be lost with it.
    let mut rest = [0; 1024];
    for _ in 0..limits::METRIC_REQUEST_BYTES / rest.len() {
        if stream.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}

fn well_unless(why: Option<String>) -> Answer {
    why.map_or_else(Answer::well, |why| Answer::unwell(&why))
}

fn answer(path: &str, source: &Source) -> Answer {
    match path {
        "/metrics" => Answer::numbers(page(&source())),
        "/healthz" => well_unless(source().stuck),
        "/ready" => well_unless(source().unready),
        _ => Answer::unknown(),
    }
}
