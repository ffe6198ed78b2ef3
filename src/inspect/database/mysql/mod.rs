//! MySQL's and MariaDB's protocol (<https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>).
//!
//! Takes both byte streams; gives the server's version, whether TLS was offered and taken, the login and its mechanism,
//! the verbs of statements and whether they succeeded. Statements and rows are not looked at.

#[cfg(test)]
mod tests;

use super::super::begins::Begins;
use super::super::calls::{self, CallName};
use super::super::exchange::{Exchange, Frame, Grammar, Login, Message, Notes, Said};
use super::super::reader::Reader;
use super::super::{Class, Context, Head, Inspector, Next, Probe, Protocol, ProtocolId};
use super::sql;
use crate::model::{Direction, Field, Moment, UpgradeState, limits};

/// MySQL, MariaDB, TiDB and their proxies.
pub(in crate::inspect) struct Mysql;

impl Protocol for Mysql {
    fn name(&self) -> ProtocolId {
        "mysql"
    }

    fn class(&self) -> Class {
        Class::Datastore
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        let (client, server) = (login(head.bytes), greeting(head.bytes));
        match head.from_start {
            true => head.of_sides(client, server.or(turned_away(head.bytes))),
            false => head.of_sides(client.or(statement(head.bytes)), server),
        }
    }

    fn inspector(&self, context: &Context) -> Box<dyn Inspector> {
        Box::new(Exchange::<Conversation>::new(context))
    }

    fn fields(&self) -> &'static [Field] {
        calls::FIELDS
    }
}

/// Whether the server's greeting begins here: a packet numbered 0 with the protocol's number and a version in text.
fn greeting(bytes: &[u8]) -> Probe {
    const LONGEST_VERSION: usize = 64;
    let fits = |(place, byte): (usize, &u8)| match place {
        1..=3 => *byte == 0,
        4 => *byte == 10,
        5 => byte.is_ascii_digit(),
        _ => true,
    };
    if !bytes.iter().take(6).enumerate().all(fits) {
        return Probe::No;
    }
    let text = bytes.get(5..).unwrap_or_default();
    match memchr::memchr(0, text) {
        Some(end) if end > LONGEST_VERSION => Probe::No,
        Some(end) if !text.iter().take(end).all(u8::is_ascii_graphic) => Probe::No,
        // Behind the version: a number, eight bytes of salt, a zero.
        Some(end) => match text.get(end.saturating_add(13)) {
            Some(0) => Probe::Yes,
            Some(_) => Probe::No,
            None => Probe::Unsure,
        },
        None if text.len() > LONGEST_VERSION => Probe::No,
        None if text.iter().all(u8::is_ascii_graphic) => Probe::Unsure,
        None => Probe::No,
    }
}

/// Whether a client's login begins here: a packet numbered 1 with 23 zeros behind its capabilities.
fn login(bytes: &[u8]) -> Probe {
    let begins = Begins::judge(bytes, 36, |place, byte| match place {
        0 => byte >= 32,
        2 => byte == 0,
        3 => byte == 1,
        4 => byte & 0x80 == 0x80,
        5 => byte & 0x02 == 0x02,
        13..=31 => byte == 0,
        _ => true,
    });
    begins.into()
}

/// Whether the server turns the client away where it should greet it: an error in a packet numbered 0.
fn turned_away(bytes: &[u8]) -> Probe {
    const HEADER: usize = 4;
    // Shorter ones say nothing that could be told from other bytes.
    const SHORTEST: u8 = 16;
    let length = bytes.first().map_or(usize::MAX, |length| usize::from(*length) + HEADER);
    let begins = Begins::judge(bytes, length, |place, byte| match place {
        0 => byte >= SHORTEST,
        1..=3 => byte == 0,
        4 => byte == 0xff,
        5 => true,
        // Codes of servers begin with 1000.
        6 => matches!(byte, 3..=15),
        _ => byte.is_ascii_graphic() || byte == b' ',
    });
    begins.into()
}

/// Whether a statement begins here, to be executed or prepared: a packet numbered 0 with a verb of SQL.
fn statement(bytes: &[u8]) -> Probe {
    let fits = |(place, byte): (usize, &u8)| match place {
        3 => *byte == 0,
        4 => matches!(*byte, QUERY | PREPARE),
        _ => true,
    };
    match bytes.get(5..) {
        _ if !bytes.iter().take(5).enumerate().all(fits) => Probe::No,
        Some(text) if bytes.get(..3) != Some(&[0; 3]) => sql::begins(text),
        Some(_) => Probe::No,
        None => Probe::Unsure,
    }
}

const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;

const CONNECT_WITH_DB: u32 = 0x8;
const COMPRESS: u32 = 0x20;
const SSL: u32 = 0x800;
const SECURE_CONNECTION: u32 = 0x8000;
const PLUGIN_AUTH: u32 = 0x8_0000;
const CONNECT_ATTRIBUTES: u32 = 0x10_0000;
const LENGTH_ENCODED_RESPONSE: u32 = 0x20_0000;
const COMPRESS_ZSTD: u32 = 0x400_0000;

#[derive(Clone, Default)]
struct Conversation {
    greeted: bool,
    offered: bool,
    /// What client and server agreed on.
    server: u32,
    compressed: bool,
    user: Vec<u8>,
    database: Vec<u8>,
    plugin: Vec<u8>,
    logged_in: bool,
    /// The server let the client in, or is past that.
    ready: bool,
    nameless: bool,
    awaited: bool,
    deaf: bool,
    /// Something that the client said is missing, which may have chosen another database.
    adrift: bool,
}

impl Grammar for Conversation {
    fn frame(&mut self, direction: Direction, bytes: &[u8]) -> Frame {
        // The greeting was captured after what answers it.
        if direction == Direction::ToServer && !self.greeted && !self.deaf {
            return Frame::Need;
        }
        let header = if self.compressed { 7 } else { 4 };
        match bytes.first_chunk::<3>() {
            _ if bytes.len() < header => Frame::Need,
            Some([a, b, c]) => {
                let length = u64::from(u32::from_le_bytes([*a, *b, *c, 0]));
                Frame::Message(length + header as u64)
            }
            None => Frame::Need,
        }
    }

    fn message(&mut self, message: &Message<'_>, notes: &mut Notes) -> Next {
        let bytes = match self.compressed {
            false => message.bytes,
            true if message.bytes.get(4..7) == Some(&[0, 0, 0]) => {
                message.bytes.get(7..).unwrap_or_default()
            }
            true => {
                if message.direction == Direction::ToServer {
                    notes.request(CallName::Unknown, message.at);
                }
                return Next::More;
            }
        };
        let Some((&[_, _, _, sequence], packet)) = bytes.split_first_chunk() else {
            return Next::More;
        };
        match message.direction {
            Direction::ToServer => return self.client(sequence, packet, notes, message.at),
            Direction::ToClient => self.server(sequence, packet, notes, message.at),
        }
        Next::More
    }

    fn resumes(&self, direction: Direction, bytes: &[u8]) -> bool {
        direction == Direction::ToServer && !self.compressed && statement(bytes) == Probe::Yes
    }

    fn lost(&mut self, direction: Direction) {
        self.awaited = false;
        self.deaf = true;
        match direction {
            Direction::ToServer => {
                self.logged_in = true;
                self.adrift = true;
            }
            Direction::ToClient => self.plugin.clear(),
        }
    }
}

impl Conversation {
    fn client(&mut self, sequence: u8, packet: &[u8], notes: &mut Notes, at: Moment) -> Next {
        match sequence {
            1 if !self.logged_in => return self.login(packet, notes, at),
            0 if self.logged_in => self.command(packet, notes, at),
            // An answer to the server's request for another mechanism, or for more.
            3 | 5 if !self.ready => self.response(packet, notes, at),
            _ => {}
        }
        Next::More
    }

    fn login(&mut self, packet: &[u8], notes: &mut Notes, at: Moment) -> Next {
        let mut rest = Reader(packet);
        let Some(capabilities) = rest.u32_le() else { return Next::More };
        if packet.len() == 32 && capabilities & SSL != 0 {
            notes.upgrade(UpgradeState::Asked, at);
            notes.upgrade_answered(true, at);
            notes.negotiation();
            return Next::Switch("tls");
        }
        self.logged_in = true;
        if self.offered {
            notes.went_on_in_clear(at);
        }
        let _told = self.handshake_response(capabilities, rest, notes, at);
        self.compressed = false;
        let both = capabilities & self.server;
        self.server = both & (COMPRESS | COMPRESS_ZSTD);
        Next::More
    }

    fn handshake_response(
        &mut self,
        capabilities: u32,
        mut rest: Reader<'_>,
        notes: &mut Notes,
        at: Moment,
    ) -> Option<()> {
        rest.skip(28)?;
        self.user = bounded(rest.until(0)?);
        let response = if capabilities & LENGTH_ENCODED_RESPONSE != 0 {
            let length = length_encoded(&mut rest)?;
            rest.take(length)?
        } else if capabilities & SECURE_CONNECTION != 0 {
            rest.vec8()?
        } else {
            rest.until(0)?
        };
        self.nameless = response.is_empty();
        if capabilities & CONNECT_WITH_DB != 0 {
            self.database = bounded(rest.until(0).unwrap_or_default());
        }
        if capabilities & PLUGIN_AUTH != 0
            && let Some(plugin) = rest.until(0)
        {
            self.plugin = bounded(plugin);
        }
        self.response(response, notes, at);
        if capabilities & CONNECT_ATTRIBUTES != 0 {
            let length = length_encoded(&mut rest)?;
            attributes(Reader(rest.take(length.min(rest.0.len()))?), notes, at);
        }
        Some(())
    }

    /// Takes what the client answers for the mechanism that was chosen last.
    fn response(&mut self, response: &[u8], notes: &mut Notes, at: Moment) {
        let password = response.strip_suffix(&[0]).unwrap_or(response);
        let login = |mechanism, secret| {
            let login = Login::password(mechanism, "login", &self.user, secret);
            login.shipped_as(b"root", b"root")
        };
        let login = match (&*self.plugin, response.len()) {
            (b"mysql_clear_password", _) => login("mysql_clear_password", password),
            (b"dialog", _) => login("dialog", password),
            (b"mysql_native_password" | b"", 20) => {
                login("mysql_native_password", response).crackable()
            }
            (b"caching_sha2_password", 32) => login("caching_sha2_password", response).crackable(),
            (b"mysql_old_password", 8 | 9) => login("mysql_old_password", response).crackable(),
            (b"client_ed25519", 64) => login("client_ed25519", response).crackable(),
            _ => return,
        };
        self.nameless = false;
        notes.login(login, at);
    }

    fn command(&mut self, packet: &[u8], notes: &mut Notes, at: Moment) {
        let Some((code, rest)) = packet.split_first() else { return };
        let method: &[u8] = match *code {
            0x01 => return,
            0x02 => {
                self.database = bounded(rest);
                self.adrift = false;
                b"USE"
            }
            QUERY => sql::verb(rest),
            0x04 => b"FIELD LIST",
            0x09 => b"STATISTICS",
            0x0a => b"PROCESS INFO",
            0x0c => b"KILL",
            0x0e => b"PING",
            0x11 => b"CHANGE USER",
            0x12 => b"BINLOG DUMP",
            PREPARE => b"PREPARE",
            0x17 => b"EXECUTE",
            0x1a => b"RESET STATEMENT",
            0x1b => b"SET OPTION",
            0x1c => b"FETCH",
            0x1e => b"BINLOG DUMP GTID",
            0x1f => b"RESET CONNECTION",
            // Parts of long values, and the end of a statement: nobody answers them.
            _ => return,
        };
        self.awaited = !self.deaf;
        let name = match self.adrift {
            true => CallName::Unknown,
            false => CallName::Rpc { service: &self.database, method },
        };
        notes.asked(0, name, at);
    }

    fn server(&mut self, sequence: u8, packet: &[u8], notes: &mut Notes, at: Moment) {
        self.greeted = true;
        match (packet.first(), sequence) {
            (Some(10), 0) if !self.logged_in => {
                let _told = self.greeting(packet, notes, at);
                notes.negotiation();
            }
            (Some(0xff), 0) if !self.logged_in => notes.negotiation(),
            (Some(0xfe), _) if !self.ready && packet.len() > 1 => {
                let mut rest = Reader(packet);
                let plugin = rest.skip(1).and_then(|()| rest.until(0));
                self.plugin = bounded(plugin.unwrap_or_default());
            }
            (Some(0xfe), _) if !self.ready => self.plugin = b"mysql_old_password".to_vec(),
            (Some(0), 2..) if !self.ready => {
                self.ready = true;
                self.compressed = self.server != 0;
                if self.nameless && !self.deaf {
                    notes.unauthenticated(at);
                }
                notes.credential_judged(true);
            }
            (Some(0xff), 2..) if !self.ready => notes.credential_judged(false),
            (Some(kind), 1) if std::mem::take(&mut self.awaited) => {
                let said = if *kind == 0xff { Said::Failure } else { Said::Success };
                notes.answered(0, said, at);
            }
            _ => {}
        }
    }

    fn greeting(&mut self, packet: &[u8], notes: &mut Notes, at: Moment) -> Option<()> {
        let mut rest = Reader(packet);
        rest.skip(1)?;
        let version = rest.until(0)?;
        let maria = memchr::memmem::find(version, b"MariaDB").is_some();
        let name: &[u8] = if maria { b"mariadb" } else { b"mysql" };
        notes.program(name, version, Direction::ToClient);
        rest.skip(13)?;
        let low = rest.u16_le()?;
        rest.skip(3)?;
        let high = rest.u16_le()?;
        self.server = u32::from(high) << 16 | u32::from(low);
        self.offered = self.server & SSL != 0;
        if self.offered {
            notes.upgrade(UpgradeState::Offered, at);
        }
        let salt = usize::from(rest.u8()?).saturating_sub(8).max(13);
        rest.skip(10)?;
        rest.skip(salt)?;
        self.plugin = bounded(rest.until(0)?);
        Some(())
    }
}

fn attributes(mut rest: Reader<'_>, notes: &mut Notes, at: Moment) {
    let (mut name, mut version) = (Vec::new(), Vec::new());
    let mut text = || {
        let length = length_encoded(&mut rest)?;
        rest.take(length)
    };
    while let (Some(key), Some(value)) = (text(), text()) {
        match key {
            b"_client_name" => name = bounded(value),
            b"_client_version" => version = bounded(value),
            b"program_name" => notes.caller(value, "mysql program_name", at),
            _ => {}
        }
    }
    notes.program(&name, &version, Direction::ToServer);
}

fn length_encoded(rest: &mut Reader<'_>) -> Option<usize> {
    match rest.u8()? {
        short @ 0..=250 => Some(usize::from(short)),
        0xfc => rest.u16_le().map(usize::from),
        _ => None,
    }
}

fn bounded(text: &[u8]) -> Vec<u8> {
    text.get(..limits::TEXT_BYTES).unwrap_or(text).to_vec()
}
