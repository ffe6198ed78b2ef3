//! How old programs are that say their version.

/// The oldest release of each program without a publicly known hole that a peer on the network can use to stop it, read
/// it or get into it. Products that keep several releases alive have one line for each: a version is judged by the line
/// with its own beginning, else by the one with none.
const FLOORS: &[(&str, &str, &str)] = &[
    // CVE-2023-44487 (HTTP/2 rapid reset).
    ("grpc-go", "1.56.", "1.56.3"),
    ("grpc-go", "1.57.", "1.57.1"),
    ("grpc-go", "", "1.58.3"),
    // CVE-2024-8376.
    ("mosquitto", "", "2.0.19"),
    // CVE-2025-30215.
    ("nats-server", "2.10.", "2.10.27"),
    ("nats-server", "", "2.11.1"),
    // CVE-2024-31449, CVE-2024-46981.
    ("redis", "6.2.", "6.2.17"),
    ("redis", "7.2.", "7.2.7"),
    ("redis", "7.4.", "7.4.2"),
    ("redis", "", "7.2.7"),
    // CVE-2024-7347; 1.26.2 for the stable line.
    ("nginx", "1.26.", "1.26.2"),
    ("nginx", "", "1.27.1"),
    // CVE-2023-46118.
    ("rabbitmq", "3.11.", "3.11.24"),
    ("rabbitmq", "", "3.12.7"),
    // CVE-2023-44981.
    ("zookeeper", "3.7.", "3.7.2"),
    ("zookeeper", "3.8.", "3.8.3"),
    ("zookeeper", "", "3.9.1"),
];

/// Whether a program of this name is older than it may be. What has no line, or no version, is not.
pub(super) fn is_outdated(name: &str, version: &str) -> bool {
    let version = version.trim_start_matches('v');
    let lines = || FLOORS.iter().filter(|(known, _, _)| known.eq_ignore_ascii_case(name));
    let own = lines().find(|(_, line, _)| !line.is_empty() && version.starts_with(line));
    let floor = own.or_else(|| lines().find(|(_, line, _)| line.is_empty()));
    floor.is_some_and(|(_, _, floor)| older(version, floor).unwrap_or(false))
}

/// Whether one version is older than another, by its numbers; nothing where it does not begin with one.
fn older(version: &str, floor: &str) -> Option<bool> {
    let version = numbers(version);
    (!version.is_empty()).then(|| version < numbers(floor))
}

fn numbers(version: &str) -> Vec<u32> {
    let numeric =
        version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
    numeric.split('.').map_while(|part| part.parse().ok()).take(4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_judged_by_the_line_it_belongs_to() {
        for (name, version) in [
            ("grpc-go", "1.50.1"),
            ("GRPC-Go", "1.56.2"),
            ("redis", "6.2.16"),
            ("redis", "v7.0.15"),
            ("nginx", "1.18.0"),
        ] {
            assert!(is_outdated(name, version), "{name} {version}");
        }
        for (name, version) in [
            ("grpc-go", "1.56.3"),
            ("grpc-go", "1.70.0-dev"),
            ("redis", "6.2.17"),
            ("redis", ""),
            ("redis", "unstable"),
            ("nobody", "0.1"),
            ("nginx", "1.26.2"),
        ] {
            assert!(!is_outdated(name, version), "{name} {version}");
        }
    }
}
