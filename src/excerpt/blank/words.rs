//! Protocols without a reader here: what is no text stays, and of text only words that a protocol consists of.

use super::Keep;

/// Runs of fewer bytes are structure: separators, lengths, types.
const SHORTEST: usize = 3;

/// Blanks every run of text and of bytes that could be anything, except words of protocols and what punctuates them.
pub(super) fn words(bytes: &mut [u8], keep: &Keep<'_>) {
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get_mut(at..).unwrap_or_default();
        let run = rest.iter().take_while(|byte| is_content(**byte)).count();
        if let Some(run) = rest.get_mut(..run).filter(|run| run.len() >= SHORTEST) {
            run.split_mut(|byte| PUNCTUATION.contains(byte)).for_each(|word| {
                if !known(word, keep) {
                    word.fill(b'x');
                }
            });
        }
        at = at.saturating_add(run.max(1));
    }
}

/// Bytes that text and digests are made of.
fn is_content(byte: u8) -> bool {
    !matches!(byte, 0..=0x20 | 0x7f)
}

const PUNCTUATION: &[u8] = b"\":,{}[]()$*;=";

fn known(word: &[u8], keep: &Keep<'_>) -> bool {
    let is = |known: &&str| known.as_bytes().eq_ignore_ascii_case(word);
    let digits = word.len() <= 4 && word.iter().all(u8::is_ascii_digit);
    (digits || WORDS.iter().any(is)) && !(keep.is_secret)(word)
}

/// Words that tell a protocol or what is asked in it, and that nobody keeps a secret in.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    // RESP, memcached, STOMP, NATS, mail
    "AUTH", "HELLO", "PING", "PONG", "+PONG", "+OK", "-ERR", "-NOAUTH", "-WRONGPASS", "INFO", "SELECT", "GET", "SET", "MGET",
    "DEL", "CLIENT", "COMMAND", "SETINFO", "SETNAME", "SUBSCRIBE", "PUBLISH", "EXPIRE", "HGET", "HSET", "CONFIG", "stats",
    "version", "VERSION", "STORED", "VALUE", "END", "ERROR", "CONNECT", "CONNECTED", "SEND", "PUB", "SUB", "UNSUB", "MSG",
    "HPUB", "HMSG", "EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "QUIT", "LOGIN", "PLAIN", "CAPABILITY", "USER", "PASS",
    "tls_required", "tls_available", "auth_required", "server_id", "server_name", "verbose", "pedantic", "lang", "protocol",
    "headers", "max_payload", "proto", "port", "host", "true", "false", "null", "mode", "standalone", "redis", "id", "modules",
    // PostgreSQL, MySQL, MongoDB, Cassandra
    "user", "database", "application_name", "client_encoding", "server_version", "mysql_native_password",
    "caching_sha2_password", "mysql_clear_password", "sha256_password", "SCRAM-SHA-256", "SCRAM-SHA-1", "SCRAM-SHA-512",
    "SCRAM-SHA-256-PLUS", "isMaster", "ismaster", "hello", "helloOk", "saslStart", "saslContinue", "payload", "mechanism",
    "conversationId", "admin.", "cmd", "db", "ok", "done", "maxWireVersion", "minWireVersion", "CQL_VERSION", "COMPRESSION",
    "PasswordAuthenticator", "SELECT", "INSERT", "UPDATE", "FROM", "WHERE", "BEGIN", "COMMIT", "SHOW",
    // AMQP, MQTT, Kafka, Pulsar, ZooKeeper
    "AMQP", "MQTT", "MQIsdp", "EXTERNAL", "AMQPLAIN", "OAUTHBEARER", "GSSAPI", "product", "platform", "capabilities",
    "SASL_SSL", "SASL_PLAINTEXT", "ruok", "imok", "srvr", "mntr",
    // RPC
    "jsonrpc", "method", "params", "result", "error", "Service", "Method", "ServiceMethod", "Seq", "TRPC", "PRPC", "HULU", "SOFA",
    "dubbo", "hessian2", "thrift", "SSH-2.0", "PROXY", "TCP4", "TCP6",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn blanked(bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        words(&mut bytes, &Keep { is_secret: &|text| text == b"user" });
        bytes
    }

    #[test]
    fn commands_stay_and_arguments_do_not() {
        let redis = b"*2\r\n$4\r\nAUTH\r\n$7\r\nhu$ter2\r\n";
        assert_eq!(blanked(redis), b"*2\r\n$4\r\nAUTH\r\n$7\r\nxx$xxxx\r\n");
    }

    #[test]
    fn a_word_that_is_a_secret_does_not_stay() {
        assert_eq!(blanked(b"USER user\r\ndatabase"), b"USER xxxx\r\ndatabase");
    }

    #[test]
    fn random_bytes_do_not_stay() {
        assert_eq!(
            blanked(&[0, 0xde, 0xad, 0xbe, 0xef, 0, 1, 2]),
            [0, b'x', b'x', b'x', b'x', 0, 1, 2]
        );
    }
}
