//! Who else is to have the events of a watch, and how they are carried there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Refusal;
use super::args::{WatchArgs, duration, size};
use super::clerk::Carrier;
use crate::cli::terminal::Terminal;
use crate::cli::{STORAGE, USAGE};
use crate::edge::deliver::{
    Delivery, Headers, Origin, Receiver, Scheme, SyslogAddress, SyslogDatagrams, SyslogStream,
    TlsClient, TlsError, TlsFiles, Transport, Webhook, WebhookAddress,
};
use crate::edge::host_name;
use crate::model::{Diagnostic, escape_text};
use crate::store::Spool;

/// The variable that holds what `Authorization` is to be.
const AUTHORIZATION: &str = "WIRELINT_WEBHOOK_AUTHORIZATION";

/// The port of name servers, which a receiver with a name may have to be asked of.
const NAME_SERVER: u16 = 53;

/// Options of `wirelint watch` about receivers elsewhere.
#[derive(Debug, Args)]
pub(crate) struct DeliveryArgs {
    /// Send events to this syslog receiver: udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub(crate) syslog: Option<String>,
    /// Authorities that its certificate must come from, in PEM; without this, those of the system
    #[arg(long, value_name = "PEM")]
    pub(crate) syslog_ca: Option<PathBuf>,
    /// Send events to this webhook, in batches of JSON: https://HOST/PATH
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// Authorities that its certificate must come from, in PEM; without this, those of the system
    #[arg(long, value_name = "PEM")]
    pub(crate) webhook_ca: Option<PathBuf>,
    /// Headers to send with it, a line each, as Authorization: Bearer TOKEN; read again before each delivery
    #[arg(long, value_name = "FILE")]
    pub(crate) webhook_header_file: Option<PathBuf>,
    /// The certificate to show to receivers, in PEM
    #[arg(long, value_name = "PEM")]
    pub(crate) client_cert: Option<PathBuf>,
    /// Its key, in PEM
    #[arg(long, value_name = "PEM")]
    pub(crate) client_key: Option<PathBuf>,
    /// Which events receivers get: findings, or all
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Delivered::Findings)]
    pub(crate) deliver: Delivered,
    /// How long a receiver may take for one batch
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) deliver_timeout: Duration,
    /// Where events wait for receivers; without this, beside the database, as NAME.spool
    #[arg(long, value_name = "FILE")]
    pub(crate) spool: Option<PathBuf>,
    /// How much may wait; then the oldest goes, and is counted
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    pub(crate) spool_size: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Delivered {
    /// Findings, when they are new or worse than they were
    Findings,
    /// Everything that --events writes
    All,
}

impl DeliveryArgs {
    /// Whether there is anybody to deliver to.
    pub(crate) fn is_wanted(&self) -> bool {
        self.syslog.is_some() || self.webhook.is_some()
    }

    /// The file in which events wait, if they wait in one.
    pub(crate) fn spool_path(&self, database: Option<&PathBuf>) -> Option<PathBuf> {
        let beside = |path: &PathBuf| {
            let mut name = path.clone().into_os_string();
            name.push(".spool");
            PathBuf::from(name)
        };
        let path = self.spool.clone().or_else(|| database.map(beside));
        path.filter(|_| self.is_wanted())
    }
}

/// Everything that delivery needs, read and opened.
pub(super) struct Planned {
    spool: Spool,
    receivers: Vec<Receiver>,
    all: bool,
}

impl Planned {
    /// Reads and opens it, while the process may; nothing when there is nobody to deliver to.
    pub(super) fn open(args: &WatchArgs, terminal: &Terminal) -> Result<Option<Self>, Refusal> {
        let wanted = &args.delivery;
        if !wanted.is_wanted() {
            return Ok(None);
        }
        let usage = |said: Box<Diagnostic>| (vec![*said], USAGE);
        if wanted.client_cert.is_some() != wanted.client_key.is_some() {
            let said = Diagnostic::error(
                "client-certificate",
                "a certificate needs its key, and a key its certificate",
            )
            .help("give both: --client-cert PEM --client-key PEM");
            return Err(usage(Box::new(said)));
        }
        let host = &host_name();
        let syslog = syslog(wanted, host, terminal).map_err(usage)?;
        let webhook = webhook(wanted, terminal).map_err(usage)?;
        let names: Vec<&'static str> =
            [syslog.as_ref().map(|_| "syslog"), webhook.as_ref().map(|_| "webhook")]
                .into_iter()
                .flatten()
                .collect();
        let spool = match wanted.spool_path(args.db.as_ref()) {
            Some(path) => Spool::open(&path, &names, wanted.spool_size),
            None => {
                terminal.say(
                    &Diagnostic::warning(
                        "spool-memory",
                        "events wait for receivers in memory only",
                    )
                    .note("what is not delivered when the watch ends is lost")
                    .help("let them wait in a file: --spool FILE, or --db FILE"),
                );
                Spool::in_memory(&names, wanted.spool_size)
            }
        };
        let spool = spool.map_err(|error| (vec![error.diagnostic()], STORAGE))?;
        let webhook = webhook.map(|webhook| -> Box<dyn Transport> {
            Box::new(webhook.of(spool.name(), &escape_text(host)))
        });
        let both = [("syslog", syslog), ("webhook", webhook)];
        let receivers = both
            .into_iter()
            .filter_map(|(name, transport)| Some(Receiver { name, transport: transport? }))
            .collect();
        Ok(Some(Self { spool, receivers, all: wanted.deliver == Delivered::All }))
    }

    /// The ports that are connected to.
    pub(super) fn ports(&self) -> Vec<u16> {
        let ports = self.receivers.iter().map(|receiver| receiver.transport.port());
        ports.chain([NAME_SERVER]).collect()
    }

    /// Begins to deliver. At most so many events wait to be put into words.
    pub(super) fn start(self, most: usize) -> std::io::Result<(Arc<Delivery>, Carrier)> {
        let (delivery, courier) = Delivery::start(self.spool, self.receivers)?;
        let delivery = Arc::new(delivery);
        let carrier = Carrier::begin(Arc::clone(&delivery), courier, (self.all, most))?;
        Ok((delivery, carrier))
    }
}

fn syslog(
    args: &DeliveryArgs,
    host: &str,
    terminal: &Terminal,
) -> Result<Option<Box<dyn Transport>>, Box<Diagnostic>> {
    let Some(text) = &args.syslog else { return Ok(None) };
    let SyslogAddress { scheme, authority } = SyslogAddress::parse(text).map_err(|error| {
        Diagnostic::error("syslog", format!("--syslog is no receiver: {error}"))
            .help("as in --syslog tls://logs.example:6514")
    })?;
    let origin = Origin::new(host);
    let failed = |error: std::io::Error| {
        Diagnostic::error("syslog", format!("--syslog cannot be spoken to: {error}"))
            .help("name it by the name that is in its certificate")
    };
    if scheme == Scheme::Udp {
        let transport = SyslogDatagrams::new(authority, origin).map_err(failed)?;
        terminal.say(
            &Diagnostic::warning(
                "syslog-udp",
                "what is sent in datagrams may be lost, and nobody is told",
            )
            .help("nothing is lost over TCP or TLS: --syslog tls://HOST:6514"),
        );
        return Ok(Some(Box::new(transport)));
    }
    let tls = match scheme {
        Scheme::Tls => Some(client(args, args.syslog_ca.as_deref(), "--syslog-ca")?),
        _ => None,
    };
    let transport = SyslogStream::new(authority, tls, origin, args.deliver_timeout);
    Ok(Some(Box::new(transport.map_err(failed)?)))
}

fn webhook(args: &DeliveryArgs, terminal: &Terminal) -> Result<Option<Webhook>, Box<Diagnostic>> {
    let Some(text) = &args.webhook else { return Ok(None) };
    // The address may hold a secret: it is not shown.
    let address = WebhookAddress::parse(text).map_err(|error| {
        Diagnostic::error("webhook", format!("--webhook is no address: {error}"))
            .help("as in --webhook https://hooks.example/wirelint")
    })?;
    let headers = headers(args)?;
    let here = ["localhost", "127.0.0.1", "::1"].contains(&address.authority.host.as_str());
    let tls = match address.scheme {
        Scheme::Tls => Some(client(args, args.webhook_ca.as_deref(), "--webhook-ca")?),
        _ if !headers.is_empty() && !here => {
            terminal.say(
                &Diagnostic::warning("webhook-plaintext", "its headers cross the network readable")
                    .help("use https://"),
            );
            None
        }
        _ => None,
    };
    let webhook = Webhook::new(address, tls, headers, args.deliver_timeout).map_err(|error| {
        Diagnostic::error("webhook", format!("--webhook cannot be spoken to: {error}"))
            .help("name it by the name that is in its certificate")
    });
    Ok(Some(webhook?))
}

fn headers(args: &DeliveryArgs) -> Result<Headers, Box<Diagnostic>> {
    let refusal = |message: String| Diagnostic::error("webhook-header", message);
    if let Some(path) = &args.webhook_header_file {
        let headers = Headers::read(path).map_err(|error| {
            let path = escape_text(&path.to_string_lossy());
            refusal(format!("the headers in {path} cannot be used"))
                .note(escape_text(&error.to_string()))
                .help("one header in a line, as Authorization: Bearer TOKEN")
        });
        return Ok(headers?);
    }
    let headers = match std::env::var(AUTHORIZATION) {
        Ok(value) if !value.is_empty() => Headers::authorization(&value).ok(),
        Err(std::env::VarError::NotUnicode(_)) => None,
        _ => Some(Headers::default()),
    };
    let wrong = || {
        refusal(format!("{AUTHORIZATION} is no header"))
            .help("printable ASCII in one line, as Bearer TOKEN")
    };
    Ok(headers.ok_or_else(wrong)?)
}

fn client(
    args: &DeliveryArgs,
    authorities: Option<&std::path::Path>,
    option: &str,
) -> Result<TlsClient, Box<Diagnostic>> {
    let files = TlsFiles {
        authorities,
        certificate: args.client_cert.as_deref(),
        key: args.client_key.as_deref(),
    };
    let client = files.client().map_err(|error| {
        let said = Diagnostic::error("delivery-tls", escape_text(&error.to_string()));
        match error {
            TlsError::NoAuthorities => said.help(format!("name the authorities: {option} PEM")),
            _ => said.help("certificates and keys in PEM, readable by who starts the watch"),
        }
    });
    Ok(client?)
}
